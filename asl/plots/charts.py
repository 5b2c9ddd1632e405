"""Figures that show numbers: learning curves, accuracies, what they cost, corruptions."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asl.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    percents,
    turn_long_names,
)
from asl.rounding import percent


def class_balance(counts: pd.DataFrame) -> Figure:
    """Bars of images a class; a column of `counts` for each part (train, validation, test)."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    bottom = np.zeros(len(counts))
    for part, colour in zip(counts.columns, (BLUE, ORANGE, GREEN), strict=False):
        axes.bar(counts.index, counts[part], bottom=bottom, color=colour, label=part)
        bottom += counts[part].to_numpy()
    axes.set(title="Images of each class", xlabel="class", ylabel="images")
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    turn_long_names(axes, counts.index)
    figure.legend(ncols=len(counts.columns), loc="outside lower center")
    return figure


def brightness(parts: dict[str, np.ndarray]) -> Figure:
    """How light is spread over the pixels of each part; names and images uint8 (n, h, w, c).

    Each step is four values wide. What stands out at the ends, 0 and 255, goes over the top and
    its height is written there, so that the rest can be seen.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 2.9))
    styles = {"-": BLUE, "--": VERMILION, ":": GREEN}
    shares = {
        name: np.bincount(images.ravel() // 4, minlength=64) / images.size
        for name, images in parts.items()
    }
    top = 1.25 * max(each[1:-1].max() for each in shares.values()) or 1
    for (name, share), (style, colour) in zip(shares.items(), styles.items(), strict=False):
        axes.stairs(share, np.arange(0, 257, 4), color=colour, ls=style, lw=1.4, label=name)
    for end, x, side in ((0, 11, "left"), (-1, 245, "right")):
        tall = [f"{percent(share[end], 1)} {name}" for name, share in shares.items()]
        if max(share[end] for share in shares.values()) > top:
            told = "\n".join([f"↑ {'black' if end == 0 else 'white'}", *tall])
            under = {"color": "white", "alpha": 0.8, "pad": 1, "lw": 0}
            axes.text(x, 0.97 * top, told, ha=side, va="top", color=GREY, bbox=under)
    axes.set(title="Brightness", xlabel="value of a pixel, 0 black to 255 white", ylim=(0, top))
    axes.set(ylabel="share of the pixels", xlim=(-2, 258))
    axes.yaxis.set_major_formatter(percents())
    figure.legend(loc="outside lower center", ncols=len(parts))
    return figure


def learning_curves(history: pd.DataFrame) -> Figure:
    """Loss and error (1 - accuracy) by epoch, the best epoch marked; `history` from `train`."""
    best = history["val_loss"].idxmin()
    size = 3 if len(history) < 60 else 0  # of the points; so many would hide the lines
    curves = history.assign(error=1 - history["accuracy"], val_error=1 - history["val_accuracy"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    for axes, column in ((left, "loss"), (right, "error")):
        axes.plot(curves[column], "o-", ms=size, color=BLUE, label="training")
        axes.plot(curves[f"val_{column}"], "s--", ms=size, color=VERMILION, label="validation")
        axes.axvline(best, color=GREY, lw=1, ls=":", label=f"best: epoch {best}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
    left.set(title="Loss", xlabel="epoch", ylabel="cross-entropy")
    right.set(title="Error", xlabel="epoch", ylabel="share predicted wrongly")
    right.yaxis.set_major_formatter(percents())
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
