"""Space and delete by gesture: an open hand with spread fingers, which no letter is.

Held still it makes a space; wiped to a side it deletes the last letter. It is told by the joints
and by the reader alike: of 120 photographs of open hands (`signers`, `student_digits`) 115 count as
open, and of 372 of letters and other digits one, a 4. A wipe begins and ends with the hand slow
and in the picture, so that a hand that comes, goes or opens between two letters does nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asl.app.fingers import bends, spreads, thumb_place
from asl.reader.signs import OTHER, SHAPES
from asl.spelling.follow import Seen
from asl.spelling.motion import palm_size
from asl.spelling.steady import LATELY, STILL

BENT = 45.0  # degrees: a finger that is bent further is not open
APART = 18.0  # degrees from the index to the little finger, at least
THUMB_BENT, THUMB_OUT = 75.0, 1.15  # degrees; widths of the palm, where the thumb's tip is
READ = 0.5  # probability of an open hand, or of no sign
HOLD = 0.6  # seconds that it is held, more than a letter is, until there is a space
CLOSED = 0.2  # seconds without an open hand after which it is another one
FAR = 1.5  # palms that a wipe goes to a side
WIPE = 0.9  # seconds that it takes at most
FLAT = 0.6  # of its way, how far it may go up or down
SEEN_OPEN = 0.6  # share of its images in which the hand is open
PALM = [0, 5, 9, 13, 17]  # points that stay where they are when fingers bend
_OPEN = [SHAPES.index(each) for each in ("5", OTHER)]


class Step(NamedTuple):
    """What one image says of the hand."""

    time: float
    x: float  # pixels: middle of the palm
    y: float
    palm: float
    is_open: bool


class Gesture(NamedTuple):
    """What is known after an image."""

    trail: tuple[Step, ...] = ()
    opened: float | None = None  # when the hand was last seen open; None: it is closed
    since: float = 0.0  # when it began to be held still
    is_used: bool = False  # this hand made its space, or deleted
    wiped: float = -np.inf  # when it deleted last


def is_open(points: np.ndarray, shapes: np.ndarray) -> bool:
    """Whether points (21, 3), and the reader's probabilities (shapes,), are of an open hand."""
    bent = bends(points)
    return bool(
        (bent[1:] < BENT).all()
        and bent[0] < THUMB_BENT
        and spreads(points).sum() > APART
        and thumb_place(points) > THUMB_OUT
        and shapes[_OPEN].sum() > READ
    )


def advance(state: Gesture, time: float, seen: Seen, dwell: float) -> tuple[Gesture, str]:
    """The state after the next image, and what its hand asks for: "space", "delete" or ""."""
    if seen.hand is None:
        gone = state.opened is None or time - state.opened > CLOSED
        return (Gesture() if gone else state._replace(trail=())), ""
    points = seen.hand.points
    x, y = points[PALM, :2].mean(axis=0).tolist()
    step = Step(time, x, y, palm_size(points[None]), is_open(points, seen.shapes))
    trail = (*(each for each in state.trail if each.time > time - WIPE), step)
    state = state._replace(trail=trail)
    if not step.is_open:
        if state.opened is not None and time - state.opened > CLOSED:
            state = Gesture(trail=trail)
        return state, ""
    if state.opened is None:
        state = state._replace(since=time)
    state = state._replace(opened=time)
    if is_wiped(trail, state.wiped):
        return state._replace(is_used=True, wiped=time, trail=(step,)), "delete"
    if speed(trail) > STILL / 2:
        return state._replace(since=time), ""
    if state.is_used or time - state.since < HOLD + dwell:
        return state, ""
    return state._replace(is_used=True), "space"


def progress(state: Gesture, time: float, dwell: float) -> float | None:
    """How much of its time an open hand was held, 0–1; None where there is no open hand."""
    if state.opened is None:
        return None
    return 1.0 if state.is_used else min(1.0, (time - state.since) / (HOLD + dwell))


def is_wiped(trail: tuple[Step, ...], after: float = -np.inf) -> bool:
    """Whether the hand has just been wiped to a side, and has come to rest there, since `after`."""
    now = trail[-1]
    if speed(trail) > STILL:
        return False
    for k, begin in enumerate(trail[:-2]):
        way = trail[k:]
        aside, down = now.x - begin.x, now.y - begin.y
        if not begin.is_open or begin.time <= after or abs(aside) < FAR * begin.palm:
            continue
        is_slow = k > 0 and speed(trail[: k + 1]) <= STILL
        share = float(np.mean([each.is_open for each in way]))
        if is_slow and abs(down) <= FLAT * abs(aside) and share >= SEEN_OPEN:
            return True
    return False


def speed(trail: tuple[Step, ...]) -> float:
    """Of the palm lately, in palms a second; infinite for a hand that has just come."""
    now = trail[-1]
    before = [each for each in trail[:-1] if now.time - each.time >= LATELY - 1e-6] or trail[:-1]
    if not before:
        return np.inf
    last = before[-1]
    return float(np.hypot(now.x - last.x, now.y - last.y) / now.palm / (now.time - last.time))
