"""Figures about films of a hand that spells: joints as features, letters over time, J and Z."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from asl.landmarks.hand_landmarks import FINGERS
from asl.plots.evaluation import text_alone
from asl.plots.hands import COLOURS, PURPLE, draw_joints
from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, show_image
from asl.rounding import percent

HUES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, "black", "#56B4E9")
STYLES = ("-", "--", "-.", ":")  # with the hues, no two letters look alike
OWN, LIKE = "the film", "the letter's form"
OF_HAND = "sizes of the hand"


def joints_in_pictures(
    pictures: Sequence[np.ndarray],
    points: Sequence[np.ndarray | None],
    captions: Sequence[str],
    title: str = "",
) -> Figure:
    """Up to four pictures (h, w, c) beside each other, each with the joints (21, 2 or 3) of its
    hand, in its pixels, or None, and a caption below it.
    """
    shown = list(zip(pictures, points, captions, strict=True))[:4]
    width = WIDTH / max(len(shown), 2)
    high = max((width * picture.shape[0] / picture.shape[1] for picture, *_ in shown), default=1.0)
    size = (width * max(len(shown), 1), min(high, 1.4 * width) + 0.6)
    figure, grid = plt.subplots(1, max(len(shown), 1), figsize=size, squeeze=False)
    for axes, (picture, joints, caption) in zip(grid.flat, shown, strict=False):
        show_image(axes, picture)
        axes.autoscale(False)
        if joints is not None:
            share = np.ptp(joints[:, :2], axis=0).max() / max(picture.shape[:2])
            draw_joints(axes, joints - 0.5, float(np.clip(3 * share, 0.8, 2)))
        axes.set_xlabel(caption)
    if not shown:
        grid[0, 0].set_axis_off()
    figure.suptitle(title)
    return figure


def joint_features(
    pixels: Sequence[np.ndarray],
    moved: Sequence[np.ndarray],
    directions: np.ndarray,
    distances: np.ndarray,
    names: Sequence[str] = ("first", "second"),
) -> Figure:
    """What a network learns from in place of pixels. `pixels` and `moved` are the joints (21, 2) of
    two hands, as they were found and at one place and size; of the first, `directions` (20, 2) of
    the bones to joints 1–20, each of length 1, and `distances` (21, 21) of its joints.
    """
    figure, panels = plt.subplots(2, 2, figsize=(WIDTH, 6.4))
    found, together, arrows, apart = panels.flat
    for points, name in zip(pixels, names, strict=True):
        draw_joints(found, points, 1.6)
        found.annotate(name, points[0], (0, -4), textcoords="offset points", ha="center", va="top")
    draw_joints(together, moved[0], 2)
    together.plot(*moved[1].T[:2], "x", color="black", ms=5, zorder=5)
    for axes, unit in ((found, "pixels"), (together, OF_HAND)):
        axes.set(aspect="equal", xlabel=unit, ylabel=unit)
        axes.margins(0.18)
        axes.invert_yaxis()
    _draw_directions(arrows, directions)
    image = apart.imshow(distances, cmap="cividis")
    middles = [0.0, *(float(np.mean(joints)) for joints in FINGERS.values())]
    for axis in (apart.xaxis, apart.yaxis):
        axis.set_ticks(middles, ["wrist", *FINGERS])
    apart.tick_params(axis="x", rotation=45)
    figure.colorbar(image, ax=apart, label=OF_HAND, shrink=0.85)
    found.set_title("Joints in the picture")
    together.set_title(f"Moved and scaled (crosses: {names[1]})")
    arrows.set_title("Direction of each bone")
    apart.set_title("Distance of any two joints")
    return figure


def _draw_directions(axes: plt.Axes, directions: np.ndarray) -> None:
    """Bones as arrows from the middle of a circle, in the colours of their fingers."""
    axes.add_patch(plt.Circle((0, 0), 1, fill=False, color=GREY, lw=0.8))
    for finger, joints in FINGERS.items():
        x, y = directions[np.array(joints) - 1].T
        look: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.009}
        axes.quiver(0 * x, 0 * y, x, y, color=COLOURS[finger], label=finger, **look)
    axes.set(xlim=(-1.1, 1.1), ylim=(1.1, -1.1), aspect="equal")
    axes.set_axis_off()
    axes.legend(loc="center left", bbox_to_anchor=(0.95, 0.5), frameon=False, fontsize=9)


def letters_over_time(
    times: np.ndarray,
    shares: tuple[np.ndarray, np.ndarray],
    names: Sequence[str],
    limits: tuple[float, float],
    written: Sequence[tuple[str, float]],
    signed: Sequence[tuple[str, float, float]],
) -> Figure:
    """How the images of a film become letters: for each of `names` whose average reaches the
    threshold, the probability in each image, points, and its average over time, a line.

    times float (n,), seconds; shares are both (n, names); limits are the threshold of the average
    and the dwell in seconds. `written` are letters and when they were written, each after a dwell,
    shaded; `signed` are letters with the seconds at which the hand began and ended them.
    """
    threshold, dwell = limits
    if not shares[1].size:
        return text_alone("There are no images to show.")
    has_hand = (shares[0] > 0.02).any(axis=1)
    begins = times[has_hand.argmax()] - 0.7  # before, there is nothing to see
    figure, axes = plt.subplots(figsize=(WIDTH, 3.9))
    _draw_shares(axes, times, shares, names, threshold)
    axes.axhline(threshold, color=GREY, lw=1, ls="--")
    axes.annotate("threshold", (begins, threshold), (2, 3), textcoords="offset points")
    for letter, time in written:
        axes.axvspan(time - dwell, time, 0, 1 / 1.3, color=GREY, alpha=0.25, lw=0)
        axes.annotate(letter, (time, 1.03), ha="center", va="bottom", weight="bold", fontsize=11)
    for letter, start, end in signed:
        axes.plot([start, end], [1.16, 1.16], color="black", lw=3, solid_capstyle="butt")
        axes.text((start + end) / 2, 1.18, letter, ha="center", va="bottom")
    ticks = [0, 0.25, 0.5, 0.75, 1, 1.07, 1.2]
    axes.set_yticks(ticks, [*(percent(tick, 0) for tick in ticks[:5]), "written", "signed"])
    axes.set(xlabel="seconds", ylabel="probability", ylim=(0, 1.3), xlim=(begins, times[-1]))
    axes.set_title(
        "Letters over time: points are single images, lines their average, grey the dwell"
    )
    return figure


def _draw_shares(
    axes: plt.Axes,
    times: np.ndarray,
    shares: tuple[np.ndarray, np.ndarray],
    names: Sequence[str],
    threshold: float,
) -> None:
    """Points and lines of the letters whose average reaches the threshold, in the order in which
    they do, and their legend.
    """
    reached = shares[1] >= threshold
    shown = np.flatnonzero(reached.any(axis=0))
    shown = shown[np.argsort(reached[:, shown].argmax(axis=0), kind="stable")]
    for place, column in enumerate(shown.tolist()):
        colour, style = HUES[place % len(HUES)], STYLES[place // len(HUES) % len(STYLES)]
        raw, mean = shares[0][:, column], shares[1][:, column]
        seen, line = raw > 0.02, np.where(mean > 0.005, mean, np.nan)
        axes.plot(times[seen], raw[seen], "o", color=colour, ms=2.5, alpha=0.5)
        axes.plot(times, line, style, color=colour, lw=2, label=names[column])
    many = len(shown) > 10
    axes.legend(
        title="hand",
        loc="center left",
        bbox_to_anchor=(1, 0.4),
        ncols=1 + len(shown) // 10,
        fontsize=8 if many else 10,
        columnspacing=0.8,
        frameon=False,
    )


def fingertip_paths(
    paths: Sequence[np.ndarray], forms: Sequence[np.ndarray], titles: Sequence[str]
) -> Figure:
    """Paths of fingertips (n, 2), y downwards, each over the form of a letter (m, 2) that it is
    compared with; the dot is where a path begins.
    """
    figure, panels = plt.subplots(
        1, len(paths), figsize=(WIDTH, WIDTH / len(paths) + 0.9), squeeze=False
    )
    for axes, path, form, title in zip(panels.flat, paths, forms, titles, strict=True):
        axes.plot(*form.T, color=ORANGE, lw=8, alpha=0.5, solid_capstyle="round", label=LIKE)
        axes.plot(*path.T, "o-", color=BLUE, ms=3, label=OWN)
        axes.plot(*path[0], "o", color=BLUE, ms=10)
        axes.set(title=title, aspect="equal", anchor="N")
        axes.margins(0.15)
        axes.invert_yaxis()
        axes.set_axis_off()
    handles = panels[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return figure
