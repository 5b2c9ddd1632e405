"""Figures that show images: grids, classes, an answer, near-duplicates."""

from collections.abc import Collection, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from asl.plots.hands import draw_joints, skeletons
from asl.plots.style import BLUE, VERMILION, WIDTH, show_image, turn_long_names


def image_grid(
    images: Collection[np.ndarray],
    captions: Sequence[str] = (),
    title: str = "",
    columns: int = 8,
    colours: Sequence[str] = (),
    stretch: bool = False,
) -> Figure:
    """Images (n of uint8 (h, w, c)) in rows of `columns`, each with its caption above it.

    `stretch` shows the darkest value of each as black and the brightest as white.
    """
    columns = min(columns, 12, len(images))
    rows = -(-len(images) // columns)
    side = WIDTH / max(columns, 4)
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    high = side * min(max(len(each) / each.shape[1] for each in images), 1)  # of broad ones, less
    size = (side * columns, rows * (high + 0.19 * lines) + 0.4)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axes in grid.flat[len(images) :]:
        axes.axis("off")
    for i, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        if stretch:
            image = (image - image.min()) * (255 / max(np.ptp(image), 1))
        show_image(axes, image)
        if captions:
            axes.set_title(captions[i], color=colours[i] if colours else "black", pad=3)
    figure.suptitle(title)
    return figure


def network_input(
    values: np.ndarray, captions: Sequence[str] = (), title: str = "", columns: int = 8
) -> Figure:
    """What a network sees: images (n, h, w, c), or hands drawn from their joints (n, 21, 3), which
    are zeros where no hand was found.
    """
    draw = image_grid if np.ndim(values) == 4 else skeletons
    return draw(values, captions, title, columns)


def class_rows(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], count: int | None = None
) -> Figure:
    """`count` images of each class, from its first to its last, a row a class; of many classes in
    three columns of three images, of few in one of ten.
    """
    blocks = 1 if len(class_names) <= 6 else 3
    count = count or (3 if blocks > 1 else 10)
    rows = -(-len(class_names) // blocks)
    height, width, channels = images.shape[1:]
    gap = max(1, width // 14)
    longest = max(map(len, class_names))
    side = (WIDTH / blocks - 0.2 - 0.09 * longest) / count  # inches of an image and its gap
    size = (WIDTH, side * rows * (height + gap) / (width + gap) + 0.35)
    figure, columns = plt.subplots(1, blocks, figsize=size, squeeze=False)
    for block, axes in enumerate(columns.flat):
        names = class_names[block * rows : (block + 1) * rows]
        # One picture of all: a hundred axes would take seconds to lay out
        mosaic = np.full((rows, height + gap, count, width + gap, channels), 255, np.uint8)
        for row in range(len(names)):
            rows_of = np.flatnonzero(labels == block * rows + row)
            some = np.linspace(0, len(rows_of) - 1, min(count, len(rows_of))).astype(int)
            chosen = images[rows_of[some]]
            mosaic[row, :height, : len(chosen), :width] = chosen.swapaxes(0, 1)
        show_image(axes, mosaic.reshape(rows * (height + gap), -1, channels))
        axes.set_yticks(np.arange(len(names)) * (height + gap) + height / 2, names)
        axes.tick_params(length=0)
    figure.suptitle(f"{count} images of each class")
    return figure


def answer(
    image: np.ndarray,
    caption: str,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    joints: np.ndarray | None = None,
) -> Figure:
    """An image uint8 (h, w, c) and what the network makes of it, probabilities (classes,); over it
    the joints (21, 3), in its pixels, if that is what the network sees.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.5), width_ratios=(1, 3))
    show_image(left, image)
    if joints is not None and joints.any():
        left.autoscale(False)  # what lies beyond the image is not shown
        draw_joints(left, joints - 0.5, line=1.6)
    left.set_title(caption)
    right.bar([*class_names], probabilities, color=BLUE)
    right.axhline(1 / len(class_names), color=VERMILION, ls="--", label="guessing")
    right.set(title="Probability of each class", xlabel="class", ylabel="probability")
    turn_long_names(right, class_names)
    right.set_ylim(0, min(max(2.5 / len(class_names), 1.05 * probabilities.max()), 1))
    right.legend()
    return figure


def duplicate_groups(
    images: np.ndarray, groups: np.ndarray, rows: int = 6, columns: int = 12
) -> Figure:
    """The largest groups of images, a row each: the first `columns` of its images, and how many
    there are. Groups of one image are left out.
    """
    numbers, sizes = np.unique(groups, return_counts=True)
    order = np.argsort(-sizes, kind="stable")[:rows]
    shown = [numbers[k] for k in order if sizes[k] > 1]
    lines = max(len(shown), 1)
    size = (WIDTH, 0.72 * lines + 0.3)
    figure, grid = plt.subplots(lines, columns, figsize=size, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, number in zip(grid, shown, strict=False):
        members = np.flatnonzero(groups == number)
        for axes, row in zip(line, members[:columns], strict=False):
            axes.set_axis_on()
            show_image(axes, images[row])
        line[0].set_ylabel(f"{len(members):,}", rotation=0, ha="right", va="center")
    figure.suptitle("The largest duplicate groups, and how many images each has")
    return figure
