"""Figures of transfer learning: maps of a backbone, and how the loss goes on after unfreezing."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, MaxNLocator

from asl.plots.style import BLUE, GREY, ORANGE, VERMILION, WIDTH, percents, show_image

MAPS = 8  # of a layer, that are shown
LOOKS = ((ORANGE, "s--"), (BLUE, "o-"), (VERMILION, "^-."))  # of what follows the head


def feature_maps(image: np.ndarray, maps: Mapping[str, np.ndarray]) -> Figure:
    """An image uint8 (h, w, c), and a row for each layer: its name, the shape of its maps
    (h, w, maps), and the MAPS that vary most, black where they are lowest and white where highest.
    """
    rows = len(maps)
    figure = plt.figure(figsize=(WIDTH, 0.95 * rows + 0.3))
    grid = figure.add_gridspec(rows, MAPS + 2)
    axes = figure.add_subplot(grid[:, :2])
    show_image(axes, image)
    axes.set_title("the image")
    for row, (name, layer) in enumerate(maps.items()):
        height, width, many = layer.shape
        strongest = np.argsort(-layer.std(axis=(0, 1)), kind="stable")[:MAPS]
        for column, number in enumerate(strongest, 2):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(layer[..., number], cmap="gray", interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color=GREY, lw=0.5)
            if column == 2:
                # It is wider than its map: the empty title keeps the place, the text takes it
                axes.set_title(" ")
                told = f"{name}: {many:,} maps of {width}×{height}"
                look: dict[str, Any] = {"textcoords": "offset points", "in_layout": False}
                axes.annotate(told, (0, 1), (0, 5), xycoords="axes fraction", **look)
    figure.suptitle("What the layers make of an image")
    return figure


def fine_tuning(head: pd.DataFrame, after: Mapping[str, pd.DataFrame]) -> Figure:
    """Validation loss and error by epoch: of a head alone, and of up to three trainings that go on
    from where it ended, by their names; histories as `fit` gives them.
    """
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.5))
    end = len(head)
    measures = {
        "loss (cross-entropy)": lambda history: history["val_loss"],
        "error": lambda history: 1 - history["val_accuracy"],
    }
    for axes, (measure, of) in zip(panels, measures.items(), strict=True):
        first = of(head).to_numpy()
        axes.plot(np.arange(1, end + 1), first, "D-", ms=3, color=GREY, label="the head alone")
        for (name, history), (colour, style) in zip(after.items(), LOOKS, strict=False):
            line = [first[-1], *of(history)]
            axes.plot(np.arange(end, end + len(line)), line, style, ms=4, color=colour, label=name)
        axes.axvline(end, color=GREY, lw=1, ls=":")
        axes.set(xlabel="epoch", ylabel=f"validation {measure}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    left, right = panels
    left.set(title="Loss, on a logarithmic scale", yscale="log")
    left.yaxis.set_major_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    right.set(title="Share predicted wrongly", ylim=(-0.02, 1))
    right.yaxis.set_major_formatter(percents())
    place = {"ha": "right", "va": "top", "color": GREY, "textcoords": "offset points"}
    for axes in panels:
        at = (end, 0.98)
        axes.annotate("unfrozen", at, (-4, 0), xycoords=("data", "axes fraction"), **place)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
