"""J and Z: letters that a fingertip draws in the air, told by its path.

The path of the last second and a half is compared with paths of both letters, as the $1 recognizer
does it (Wobbrock, Wilson, Li: Gestures without libraries, toolkits or training. UIST 2007): a path
becomes as many points, evenly spaced, about its middle, at one size. It is not turned, since where
a stroke points is what tells these letters from others. There is nothing to train.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from asl.reader.signs import SHAPES

WINDOW = 1.5  # seconds of a path that are looked at
SHORTEST = 0.3  # seconds that J or Z take at least
POINTS = 24  # of a path when it is compared
ALIKE = 0.96  # cosine of two paths: from here on they are one letter
SMALLEST, LARGEST = 0.4, 2.5  # palms: height of what is drawn
EXTENDED = 0.5  # palms from knuckle to tip of the finger that draws
OF_HAND = 0.4  # probability of the hand that draws, in the mean of the path, and at its end
END = 5  # images


class Drawn(NamedTuple):
    """A finger that draws a letter: its knuckle and tip, and the shapes of its hand."""

    knuckle: int
    tip: int
    shapes: tuple[str, ...]
    bend: float  # how far its path leaves the straight way from end to end, of that way, at least


DRAWN = {"J": Drawn(17, 20, ("I",), 0.15), "Z": Drawn(5, 8, ("D", "1"), -np.inf)}


def drawn_letter(times: np.ndarray, points: np.ndarray, shapes: np.ndarray) -> tuple[str, float]:
    """The letter whose drawing ends now, and how alike its path is (a cosine); "" and 0 for none.

    times: float (n,), seconds, of the last WINDOW. points: float (n, 21, 3), in pixels. shapes:
    float (n, shapes), what the reader says of each image.
    """
    best = ("", 0.0)
    for letter, drawn in DRAWN.items():
        share = shapes[:, [SHAPES.index(shape) for shape in drawn.shapes]].sum(axis=1)
        score = _likeness(letter, drawn, times, points, share)
        if score > max(best[1], ALIKE):
            best = (letter, score)
    return best


def _likeness(
    letter: str, drawn: Drawn, times: np.ndarray, points: np.ndarray, share: np.ndarray
) -> float:
    """The greatest cosine of a path that ends now with one of this letter; 0 where none can be."""
    now = times[-1]
    starts = np.flatnonzero(times <= now - SHORTEST)
    mean = np.cumsum(share[::-1])[::-1] / np.arange(len(share), 0, -1)
    starts = starts[mean[starts] >= OF_HAND]
    if not len(starts) or mean[-END:][0] < OF_HAND:
        return 0.0
    palm, tips = palm_size(points), _without_outliers(points[:, drawn.tip, :2])
    finger = np.linalg.norm(points[:, drawn.tip] - points[:, drawn.knuckle], axis=1) / palm
    misfits = np.flatnonzero(~_mostly(finger >= EXTENDED))
    starts = starts[starts > (misfits[-1] if len(misfits) else -1)]
    paths = []
    for start in starts:
        # Where the thumb's side is, whichever hand it is and whether or not the image is mirrored
        side = np.sign((points[start, 5, 0] - points[start, 17, 0]).mean()) or 1.0
        path = tips[start:] / palm * np.array([side, 1.0])
        height, width = np.ptp(path[:, 1]), np.ptp(path[:, 0])
        is_of_size = SMALLEST <= height <= LARGEST and width <= LARGEST
        if is_of_size and _bend(path) >= drawn.bend:
            paths.append(_evenly(path).ravel())
    if not paths:
        return 0.0
    found = np.stack(paths)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    return float((found @ templates(letter).T).max())


def _bend(path: np.ndarray) -> float:
    """How far a path leaves the straight way from its start to its end, as a share of that way's
    length: to the little finger's side where it goes down and is positive.
    """
    x, y = path[-1] - path[0]
    length = max(float(np.hypot(x, y)), 1e-6)
    apart = (path - path[0]) @ np.array([-y, x]) / length**2
    return float(apart[np.abs(apart).argmax()])


def _mostly(fits: np.ndarray) -> np.ndarray:
    """The same, where single images may err: a median of five."""
    padded = np.pad(fits.astype(int), 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 5).sum(axis=1) >= 3


def _without_outliers(path: np.ndarray) -> np.ndarray:
    """A path (n, 2) without what a single image got wrong: medians of three."""
    padded = np.pad(path, ((1, 1), (0, 0)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3, axis=0), axis=-1)


def palm_size(points: np.ndarray) -> float:
    """From the wrist to the knuckle of the middle finger, in the median of points (n, 21, 3)."""
    lengths = np.linalg.norm(points[:, 9] - points[:, 0], axis=1)
    return float(max(np.median(lengths), 1e-6))


def _evenly(path: np.ndarray) -> np.ndarray:
    """A path (n, 2) as POINTS points, evenly spaced along it, about their middle."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], POINTS)
    spaced = np.stack([np.interp(at, along, path[:, k]) for k in range(2)], axis=1)
    return spaced - spaced.mean(axis=0)


@cache
def templates(letter: str) -> np.ndarray:
    """Paths of a letter, of several forms and slants, x to the thumb's side, y down: float
    (m, 2 · POINTS), each of length 1.
    """
    paths = []
    for slant in np.radians([-15, 0, 15]):
        cos, sin = np.cos(slant), np.sin(slant)
        for path in _forms(letter):
            flat = _evenly(path @ np.array([[cos, sin], [-sin, cos]])).ravel()
            paths.append(flat / np.linalg.norm(flat))
    return np.stack(paths)


def _forms(letter: str) -> list[np.ndarray]:
    if letter == "Z":  # to the side of the little finger, slanting down, and there again
        return [
            np.array([[0, 0], [-width, 0], [0, 1], [-width, 1]]) for width in (0.5, 0.75, 1.0, 1.4)
        ]
    turn = np.linspace(0, np.pi, 12)
    return [
        np.vstack([[0, 0], np.stack([wide / 2 * (1 - np.cos(part)), 1 + deep * np.sin(part)], 1)])
        for wide in (0.5, 0.8, 1.1)
        for deep in (0.15, 0.35)
        for part in (turn * 0.8, turn)
    ]
