"""Figures that explain: what a convolution does, what a network looks like, how it learns."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import MaxNLocator

from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, show_image
from asl.rounding import percent

LAYERS = {  # how the picture of a network calls them
    "Conv2D": "convolution",
    "AveragePooling2D": "pooling",
    "GlobalAveragePooling2D": "global\npooling",
    "Dense": "dense",
}


def convolution(
    image: np.ndarray, kernel: np.ndarray, feature_map: np.ndarray, place: tuple[int, int]
) -> Figure:
    """An image (h, w), a filter (3, 3), the feature map (h, w) that it gives, and what ReLU leaves
    of it; `place` (row, column), where the filter was computed by hand, is framed.
    """
    figure, panels = plt.subplots(1, 4, figsize=(WIDTH, 2.5), width_ratios=(1, 0.62, 1, 1))
    top = np.abs(feature_map).max() or 1
    show_image(panels[0], image)
    panels[1].imshow(kernel, cmap="PuOr", vmin=-2 * np.abs(kernel).max(), vmax=2 * kernel.max())
    for (row, column), weight in np.ndenumerate(kernel):
        panels[1].text(column, row, f"{weight:g}", ha="center", va="center")
    panels[2].imshow(feature_map, cmap="PuOr", vmin=-top, vmax=top, interpolation="nearest")
    panels[3].imshow(np.maximum(feature_map, 0), cmap="gray", vmin=0, vmax=top)
    titles = ("The image", "The filter", "Its feature map", "After ReLU")
    for axes, title in zip(panels, titles, strict=True):
        axes.set(title=title, xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    row, column = place
    panels[0].add_patch(Rectangle((column - 1.5, row - 1.5), 3, 3, fill=False, ec=VERMILION, lw=2))
    if len(image) > 80:  # a frame so small is easily missed
        _point_at(panels[0], place, len(image))
    for axes in panels[2:]:
        square = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=VERMILION, lw=2)
        axes.add_patch(square)
    panels[2].set_xlabel("purple: above 0, orange: below")
    panels[3].set_xlabel("black: 0, white: most")
    return figure


def _point_at(axes: plt.Axes, place: tuple[int, int], side: int) -> None:
    """An arrow to a place (row, column), from the side of the image on which there is room."""
    (row, column), reach = place, 0.2 * side
    start = (
        column + (reach if column < side / 2 else -reach),
        row + (reach if row < side / 2 else -reach),
    )
    arrow = {"arrowstyle": "->", "color": VERMILION, "lw": 2, "shrinkB": 5}
    axes.annotate("", (column, row), start, arrowprops=arrow)


def network(stages: Sequence[tuple[str, Sequence[int]]]) -> Figure:
    """A network as a row of boxes: the kind of each layer and the shape of what it gives, (height,
    width, maps) or (numbers,). A box is as high as the maps and as thick as there are many.
    """
    shapes = [shape if len(shape) == 3 else (1, 1, shape[-1]) for _, shape in stages]
    largest, most = max(shape[0] for shape in shapes), max(shape[2] for shape in shapes)
    told = ["×".join(map(str, given)) for _, given in stages]
    if max(map(len, told)) > 9:  # they would run into each other: the maps get a line of their own
        told = ["\n×".join(each.rsplit("×", 1)) for each in told]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.7))
    for place, ((kind, _), shape) in enumerate(zip(stages, shapes, strict=True)):
        high = max(1.3 * (shape[0] / largest) ** 0.7, 0.12)  # a line would hide its colour
        thick, skew = 0.04 + 0.4 * (shape[2] / most) ** 0.6, 0.28 * high
        left, low = place - (thick + skew) / 2, -(high + skew) / 2
        right, up = left + thick, low + high
        slant = np.array([skew, skew])
        a, b, c, d = (
            np.array(each) for each in ((left, low), (right, low), (right, up), (left, up))
        )
        faces = ([a, b, c, d], [b, b + slant, c + slant, c], [d, c, c + slant, d + slant])
        colour = ORANGE if kind == "Dense" else GREY if place == 0 else BLUE
        colour = GREEN if "Pooling" in kind else colour
        for face, strength in zip(faces, (0.75, 0.5, 0.3), strict=True):
            axes.add_patch(Polygon(face, fc=colour, alpha=strength, ec="white", lw=0.5))
        axes.text(place, 1.0, LAYERS.get(kind, kind), ha="center", va="bottom", fontsize=9)
        axes.text(place, -1.0, told[place], ha="center", va="top", fontsize=9)
    axes.set(
        xlim=(-0.6, len(stages) - 0.4), ylim=(-1.3, 1.5), title="The network, from left to right"
    )
    axes.set_axis_off()
    return figure


def receptive_fields(image: np.ndarray, fields: Mapping[str, int]) -> Figure:
    """What one place in the middle of a feature map sees of the image (h, w, c): the side of its
    square in pixels, by the name of the layer. What it does not see is shaded.
    """
    figure, panels = plt.subplots(1, len(fields), figsize=(WIDTH, WIDTH / len(fields) + 0.5))
    height, width = image.shape[:2]
    for axes, (name, side) in zip(panels, fields.items(), strict=True):
        rows, columns = np.mgrid[:height, :width]
        top, left = height // 2 - side // 2, width // 2 - side // 2
        is_row = (rows >= top) & (rows < top + side)
        seen = is_row & (columns >= left) & (columns < left + side)
        veil = np.where(seen[..., None], (0, 0, 0, 0), (1, 1, 1, 0.72))
        show_image(axes, image)
        axes.imshow(veil, interpolation="nearest")
        corner = (left - 0.5, top - 0.5)
        axes.add_patch(Rectangle(corner, side, side, fill=False, ec=VERMILION, lw=2))
        axes.set(title=f"{name}\n{side} × {side} pixels")
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    figure.suptitle("What one place of a feature map sees")
    return figure


def gradient_descent(
    weights: np.ndarray, losses: np.ndarray, steps: pd.DataFrame, slope: float
) -> Figure:
    """The loss by the value of a single weight, and the steps of a descent: `steps` has columns
    weight and loss, a row a step; `slope` is that of the loss at the first, drawn as a tangent.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.2))
    axes.plot(weights, losses, color=GREY, lw=1.5, label="the loss")
    axes.plot(steps["weight"], steps["loss"], "o", color=BLUE, label="after each step")
    for start, end in zip(steps.to_numpy()[:-1], steps.to_numpy()[1:], strict=True):
        arrow = {"arrowstyle": "->", "color": BLUE, "connectionstyle": "arc3,rad=-0.3"}
        axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
    first, span = steps.iloc[0], 0.14 * np.ptp(weights)
    reach = np.array([first["weight"], first["weight"] + span])
    tangent = first["loss"] + slope * (reach - first["weight"])
    axes.plot(reach, tangent, color=VERMILION, lw=2, ls="--", label="the gradient: its slope here")
    low, high = losses.min(), losses.max()
    axes.set_ylim(low - 0.12 * (high - low), high + 0.08 * (high - low))
    axes.set(title="Gradient descent with one weight", xlabel="the weight", ylabel="loss")
    axes.legend()
    return figure


def gaps(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Training and validation loss by epoch of several trainings, a panel each, with the gap
    between them shaded; histories as `fit` gives them, by title.
    """
    figure, panels = plt.subplots(
        1, len(histories), figsize=(WIDTH, 3.0), sharey=True, squeeze=False
    )
    for axes, (title, history) in zip(panels.flat, histories.items(), strict=True):
        epochs = np.arange(1, len(history) + 1)
        axes.plot(epochs, history["loss"], "o-", ms=3, color=BLUE, label="training")
        axes.plot(epochs, history["val_loss"], "s--", ms=3, color=VERMILION, label="validation")
        axes.fill_between(epochs, history["loss"], history["val_loss"], color=GREY, alpha=0.15)
        share = percent(history["val_accuracy"].iloc[-1], 0)
        axes.set(title=f"{title}\nvalidation: {share} correct", xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    losses = pd.concat(list(histories.values()))
    top = min(losses["val_loss"].max(), 4 * losses["loss"].max())
    panels[0, 0].set(ylabel="loss", ylim=(0, 1.1 * top))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def learning_rates(histories: Mapping[float, pd.DataFrame], guessing: float) -> Figure:
    """The training loss by epoch at several learning rates, and the loss of guessing."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    styles = (("s--", ORANGE), ("o-", BLUE), ("^-.", VERMILION))
    for (rate, history), (style, colour) in zip(histories.items(), styles, strict=False):
        epochs = np.arange(1, len(history) + 1)
        name = f"{rate:.8f}".rstrip("0")
        axes.plot(epochs, history["loss"], style, color=colour, ms=4, label=name)
    axes.axhline(guessing, color=GREY, lw=1, ls=":", label="guessing")
    axes.set(title="The same network at three learning rates", xlabel="epoch")
    axes.set(ylabel="training loss", ylim=(0, None))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(title="learning rate", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def schedule(steps: np.ndarray, phases: Sequence[Sequence[float]]) -> Figure:
    """The learning rate by step, a step being a batch: of one phase of a training, or of several,
    one after the other, each of the same steps.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 2.2))
    for number, rates in enumerate(phases):
        begins = number * steps[-1]
        axes.plot(begins + steps, rates, color=BLUE)
        if number:
            axes.axvline(begins, color=GREY, lw=1, ls=":")
        if len(phases) > 1:
            told = f"phase {number + 1}"
            axes.text(begins + steps[-1] / 2, 0.02 * np.max(phases), told, ha="center", color=GREY)
    axes.set(title="The learning rate in the whole training", xlabel="step (one batch each)")
    axes.set(ylabel="learning rate", ylim=(0, None))
    return figure
