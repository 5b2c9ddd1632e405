"""Figures that judge a classifier: its confusion matrix, and whether its confidence is right."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from asl.plots.style import BLUE, GREY, VERMILION, WIDTH, percents

COLOURS = "Blues"
FEW_CLASSES = 12  # of so many, a square has room for its number of images
SMALLEST_TYPE = 8  # points


def confusion_matrix(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """A confusion matrix, int (classes, classes), each row as shares of its class's images; of few
    classes, the numbers of images stand in the squares.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    count = len(class_names)
    side = float(np.clip(0.5 * count, 2.4, 5.4))
    figure, axes = plt.subplots(figsize=(side + 1.8, side + 0.9))
    drawn = axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1)
    if count <= FEW_CLASSES:
        _write_counts(axes, confusion, shares > 0.5, side / count)
    _name_classes(axes, class_names, class_names, side / count)
    _separate(axes, confusion.shape)
    axes.set_title("Confusion matrix")
    label = "share of the true class's images"
    figure.colorbar(drawn, label=label, shrink=0.8, format=percents())
    return figure


def confusion_errors(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The errors of a confusion matrix, int (classes, classes), alone, and only the classes that
    have some, as a row, a column or both: rows and columns stay the same classes.

    The number of images stands in each square; its colour is their share of the true class.
    """
    total, errors = int(confusion.sum()), confusion.copy()
    np.fill_diagonal(errors, 0)
    title = f"Errors: {int(errors.sum()):,} of {total:,} images"
    if not errors.any():
        return text_alone(f"{title}. Every prediction lies on the diagonal.")
    shares = errors / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    kept = np.flatnonzero(errors.any(axis=0) | errors.any(axis=1)).tolist()
    errors, shares = errors[np.ix_(kept, kept)], shares[np.ix_(kept, kept)]
    square = min(0.4, 6.0 / len(kept))
    size = (max(square * len(kept), 2.0) + 2.0, max(square * len(kept), 1.2) + 1.1)
    figure, axes = plt.subplots(figsize=size)
    seen, top = np.where(errors, shares, np.nan), shares.max()
    drawn = axes.imshow(seen, cmap=COLOURS, vmin=0, vmax=top)
    _write_counts(axes, errors, shares > top / 2, square)
    names = [class_names[k] for k in kept]
    _name_classes(axes, names, names, square)
    _separate(axes, errors.shape)
    axes.set_title(title)
    label = "share of the true class"
    scale = figure.colorbar(drawn, label=label, shrink=0.8, format=percents())
    scale.locator = MaxNLocator(4)
    scale.update_ticks()
    return figure


def reliability_diagram(tables: dict[str, pd.DataFrame], title: str = "Reliability") -> Figure:
    """Share correct against confidence, with its interval, and below it how many images stand
    behind each point; a line for each of `tables`, two at most, as `reliability` gives them. The
    axes begin a bin below the lowest confidence.
    """
    figure, panels = plt.subplots(2, figsize=(6.4, 5.2), sharex=True, height_ratios=(5, 2))
    bins = pd.concat(list(tables.values()))
    first = max(np.floor(10 * bins["confidence"].min()) / 10 - 0.1, 0) if len(bins) else 0.0
    upper, lower = panels
    upper.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="perfectly calibrated")
    looks = (("s--", VERMILION, -0.018), ("o-", BLUE, 0.018))
    for (name, table), (style, colour, aside) in zip(tables.items(), looks, strict=False):
        confidence, accuracy = table["confidence"], table["accuracy"]
        ends = table[["low", "high"]].sub(accuracy, axis=0).abs().to_numpy().T
        upper.errorbar(
            confidence, accuracy, ends, fmt=style, color=colour, ms=5, elinewidth=1, label=name
        )
        tenths = np.minimum(np.floor(10 * confidence), 9) / 10 + 0.05
        lower.bar(tenths + aside, table["images"], width=0.034, color=colour)
    upper.set(title=title, ylabel="share correct")
    upper.set_ylim(min(first, bins["low"].min()) - 0.02 if len(bins) else -0.02, 1.02)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    lower.set(
        xlabel="confidence", ylabel="images", yscale="log", xlim=(first, 1 + 0.03 * (1 - first))
    )
    lower.set_ylim(bottom=0.5)
    few = len(bins) and bins["images"].max() < 30
    lower.yaxis.set_major_locator(LogLocator(10, (1, 2, 5) if few else (1,), numticks=5))
    lower.yaxis.set_minor_formatter(NullFormatter())
    lower.yaxis.set_major_formatter(
        FuncFormatter(lambda count, _: f"{count:,.0f}" if count >= 1 else "")
    )
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(percents())
    return figure


def text_alone(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure, axes = plt.subplots(figsize=(WIDTH, 0.5))  # without axes, Jupyter would show nothing
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=11, color=GREY)
    return figure


def _separate(axes: plt.Axes, shape: tuple[int, ...]) -> None:
    """Thin lines between the squares of a matrix."""
    axes.set_yticks(np.arange(-0.5, shape[0]), minor=True)
    axes.set_xticks(np.arange(-0.5, shape[1]), minor=True)
    axes.grid(which="minor", color="0.9", lw=0.6)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: plt.Axes, counts: np.ndarray, is_dark: np.ndarray, square: float) -> None:
    """The number of images in each square (a side in inches) that has some, white on dark ones."""
    size = float(np.clip(24 * square, SMALLEST_TYPE, 12))
    for i, j in np.argwhere(counts):
        colour = "white" if is_dark[i, j] else "black"
        told = f"{counts[i, j]:,}"
        axes.text(j, i, told, ha="center", va="center", color=colour, fontsize=size)


def _name_classes(
    axes: plt.Axes, rows: Sequence[str], columns: Sequence[str], square: float
) -> None:
    """The class at each row and column; of squares too small (in inches) for type that can be
    read, every second class is named.
    """
    step = 1 if square * 72 > SMALLEST_TYPE + 1 else 2
    for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
        axis.set_ticks(range(0, len(names), step), names[::step])
    small = square * 72 < 14
    axes.tick_params(labelsize=SMALLEST_TYPE if small else 10)
    if max(map(len, columns)) * 7 > square * 72:
        axes.tick_params(axis="x", rotation=90)
    axes.set(xlabel="predicted class", ylabel="true class")
