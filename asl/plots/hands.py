"""Figures that show hands as their joints: over the picture, or alone."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from asl.landmarks.hand_landmarks import FINGERS, PALM
from asl.landmarks.hands import Hand
from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, show_image

PURPLE = "#CC79A7"
COLOURS = dict(zip(FINGERS, (ORANGE, BLUE, GREEN, VERMILION, PURPLE), strict=True))
SIDE = 4.6  # inches
WEIGHT_COLOURS = "cividis_r"  # of joints, from what mattered little to what mattered most


def hand(image: np.ndarray, hands: Hand | Sequence[Hand], title: str | None = None) -> Figure:
    """An image uint8 (h, w, c) with the joints and the box of its hand, or hands, over it.

    Hands are as `asl.hands` gives them; without any, the image alone is shown, and the title says
    so. Each finger has a colour of its own, told in the legend.
    """
    told = [hands] if isinstance(hands, Hand) else list(hands)
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(width * scale, 2.5) + 1, max(height * scale, 1.8) + 0.4)
    figure, axes = plt.subplots(figsize=size)
    show_image(axes, image)
    for number, each in enumerate(told, 1):
        share = np.ptp(each.points[:, :2], axis=0).max() / max(height, width)
        line = float(np.clip(6 * share, 1, 2.6))  # a small hand is drawn with thin lines
        draw_joints(axes, each.points - 0.5, line)  # a pixel's middle is where imshow counts from
        _draw_box(axes, each, f"{number}: " if len(told) > 1 else "")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    axes.set_title(title if title is not None else "" if told else "no hand found")
    if told:
        lines = [line for line in axes.lines if line.get_label() in COLOURS]
        figure.legend(handles=lines[: len(COLOURS)], loc="outside right upper", frameon=False)
    return figure


def skeletons(
    points: np.ndarray, captions: Sequence[str] = (), title: str = "", columns: int = 8
) -> Figure:
    """Hands drawn from their joints alone, (n, 21, 2 or 3) with y downwards, in rows of `columns`.

    Each is moved and scaled to fill its place, but neither turned nor squeezed; the place of one
    that is all zeros, no hand, stays empty.
    """
    points = np.asarray(points)
    columns = max(1, min(columns, len(points)))
    rows = max(1, -(-len(points) // columns))
    side = WIDTH / max(columns, 4)
    size = (side * columns, rows * (side + 0.2) + 0.4)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axes in grid.flat[len(points) :]:
        axes.axis("off")
    for number, (axes, each) in enumerate(zip(grid.flat, points, strict=False)):
        show_points(axes, each)
        if captions:
            axes.set_title(captions[number], pad=3)
    figure.suptitle(title)
    return figure


def show_points(axes: plt.Axes, points: np.ndarray) -> None:
    """One hand from its joints alone, (21, 2 or 3), in the middle of axes without ticks; nothing of
    one that is all zeros.
    """
    axes.axis("off")
    if points.any():
        draw_joints(axes, points, line=1.6)
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    half = max(0.56 * float((high - low).max()), 1e-6)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y + half, y - half), aspect="equal")


def draw_joints(axes: plt.Axes, points: np.ndarray, line: float = 2) -> None:
    """The skeleton of one hand, points (21, 2 or 3), into axes whose y runs downwards.

    White lies around each line, so that it shows on any background.
    """
    effects = [withStroke(linewidth=line + 2, foreground="white")]
    look: dict[str, Any] = {"lw": line, "path_effects": effects, "solid_capstyle": "round"}
    ring = points[[*PALM, PALM[0]]]
    axes.plot(ring[:, 0], ring[:, 1], color=GREY, label="palm", zorder=3, **look)
    for finger, joints in FINGERS.items():
        x, y = points[joints, 0], points[joints, 1]
        axes.plot(x, y, color=COLOURS[finger], label=finger, zorder=3, **look)
        axes.scatter(x, y, (1.6 * line) ** 2, COLOURS[finger], zorder=4)


def draw_weights(axes: plt.Axes, points: np.ndarray, weights: np.ndarray) -> None:
    """The joints of one hand, points (21, 2 or 3), into axes whose y runs downwards: the more one
    mattered, weights (21,) 0–1, the larger and darker it is.
    """
    effects = [withStroke(linewidth=2.5, foreground="white")]
    for joints in ([*PALM, PALM[0]], *FINGERS.values()):
        axes.plot(points[joints, 0], points[joints, 1], color=GREY, lw=1, path_effects=effects)
    order = np.argsort(weights)  # the heaviest on top
    x, y = points[order, 0], points[order, 1]
    look: dict[str, Any] = {"cmap": WEIGHT_COLOURS, "vmin": 0, "vmax": 1, "edgecolors": "white"}
    axes.scatter(x, y, 6 + 44 * weights[order], weights[order], zorder=4, lw=0.8, **look)


def _draw_box(axes: plt.Axes, found: Hand, number: str) -> None:
    left, top, right, bottom = found.box - 0.5
    effects = [withStroke(linewidth=3, foreground="white")]
    look: dict[str, Any] = {"fill": False, "edgecolor": "black", "lw": 1, "path_effects": effects}
    axes.add_patch(plt.Rectangle((left, top), right - left, bottom - top, **look))
    side = "right" if found.right >= 0.5 else "left"
    caption = f"{number}{side} hand"
    under = {"color": "white", "alpha": 0.8, "pad": 1.5, "lw": 0}
    axes.text(left, top, caption, fontsize=8, va="bottom", bbox=under, clip_on=True, zorder=4)
