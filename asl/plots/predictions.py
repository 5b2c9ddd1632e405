"""Figures that show what a network says of an image: its most likely classes, as bars."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from asl.landmarks.hands import Hand
from asl.plots.hands import draw_joints, show_points
from asl.plots.style import BLUE, GREY, ORANGE, VERMILION, WIDTH, show_image
from asl.rounding import percent

MOST_LIKELY = 3  # classes that are shown
LONGEST = 12  # characters of a class's name beside its bar
SHOWN = 0.01  # of a smaller probability it is only told that it is smaller


class Answer(NamedTuple):
    """What a network says of some images: who says it, and probabilities (n, classes)."""

    title: str
    probabilities: np.ndarray
    class_names: Sequence[str]


def likeliest(
    images: np.ndarray,
    actual: Sequence[str],
    probabilities: np.ndarray,
    class_names: Sequence[str],
    joints: np.ndarray | None = None,
    title: str = "",
) -> Figure:
    """Images uint8 (n, h, w, c) with their true classes, each above the three most likely of its
    probabilities (n, classes): blue where the class is the true one. Over the images the joints
    (n, 21, 3), in their pixels, if that is what the network sees.
    """
    columns = max(len(images), 3)
    height = WIDTH / columns + 0.7 + 0.28 * min(MOST_LIKELY, len(class_names))
    figure, grid = plt.subplots(
        2, columns, figsize=(WIDTH, height), squeeze=False, height_ratios=(2.2, 1)
    )
    for axes in grid[:, len(images) :].flat:
        axes.set_axis_off()
    for k, (upper, lower) in enumerate(grid.T[: len(images)]):
        show_image(upper, images[k])
        upper.set_title(f"this is {actual[k]}")
        if joints is not None and joints[k].any():
            upper.autoscale(False)  # what lies beyond the image is not shown
            draw_joints(upper, joints[k] - 0.5, line=1.4)
        _draw_bars(lower, probabilities[k], class_names, actual[k])
        lower.set_xlabel("probability")
    figure.suptitle(title)
    return figure


def two_answers(
    pictures: Sequence[np.ndarray],
    actual: Sequence[str],
    seen: np.ndarray,
    hands: Sequence[Hand | None],
    answers: tuple[Answer, Answer],
) -> Figure:
    """A row a picture: what a network sees of it and says; the hand that a reader finds in it, and
    what that says.

    Pictures are uint8 (h, w, c) of any size; true classes, "" where they are not known; `seen` are
    images (n, h, w, c) or joints (n, 21, 3), zeros where no hand was found.
    """
    rows = len(pictures)
    figure, grid = plt.subplots(
        rows, 4, figsize=(WIDTH, 1.5 * rows + 0.5), squeeze=False, width_ratios=(0.8, 1, 1.25, 1)
    )
    for k, (small, left, large, right) in enumerate(grid):
        show_points(small, seen[k]) if seen.ndim == 3 else show_image(small, seen[k])
        show_image(large, pictures[k])
        hand = hands[k]
        if hand is not None:
            large.autoscale(False)
            draw_joints(large, hand.points - 0.5, line=1.4)
        large.set_title(f"this is {actual[k]}" if actual[k] else "")
        for axes, answer in zip((left, right), answers, strict=True):
            _draw_bars(axes, answer.probabilities[k], answer.class_names, actual[k])
    for axes, answer in zip(grid[0, 1::2], answers, strict=True):
        axes.set_title(f"{answer.title} says")
    grid[0, 0].set_title(f"{answers[0].title} sees")
    for axes in grid[-1, 1::2]:
        axes.set_xlabel("probability")
    figure.suptitle("One picture, two networks")
    return figure


def _draw_bars(
    axes: plt.Axes, probabilities: np.ndarray, class_names: Sequence[str], actual: str
) -> None:
    """The largest of the probabilities (classes,), the largest on top."""
    axes.set(xlim=(0, 1), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    if not probabilities.any():
        axes.spines["left"].set_visible(False)
        axes.text(0.5, 0.5, "nothing", ha="center", va="center", color=GREY)
        return
    order = np.argsort(-probabilities, kind="stable")[:MOST_LIKELY]
    names = [class_names[place] for place in order]
    is_true = [name.upper() == actual.upper() for name in names]
    first = VERMILION if actual else ORANGE
    colours = [BLUE if true else first for true in is_true]
    axes.barh(range(len(order)), probabilities[order], color=colours, height=0.7)
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    axes.set_yticks(range(len(order)), short)
    axes.tick_params(length=0)
    for place, share in enumerate(probabilities[order]):
        inside = share > 0.55
        side, colour = ("right", "white") if inside else ("left", "black")
        told = f" {percent(share, 0)} " if share >= SHOWN else f" < {percent(SHOWN, 0)} "
        axes.text(share, place, told, va="center", ha=side, color=colour, fontsize=9)
    axes.set_ylim(len(order) - 0.4, -0.6)
