"""From what each image shows to text: a letter that is held still for a moment is written.

`advance` is a pure function of a state and what the next image shows, so that a page, a film and a
notebook can use it alike. Times are in seconds, lengths in palms: the way from the wrist to the
knuckle of the middle finger.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asl.reader.signs import SHAPES, SIGNS, read_as
from asl.spelling.follow import Seen
from asl.spelling.motion import DRAWN, WINDOW, drawn_letter, palm_size

LETTERS = SIGNS["letters"]
DWELL = 0.2  # seconds that a letter is held until it is written
SMOOTH = 0.1  # seconds over which probabilities are averaged
CONFIDENT = 0.6  # a probability below which nothing is written
STILL = 1.5  # palms a second: a hand that is slower is held still
ENDED = 0.9  # palms a second, at which J and Z are at their end
LATELY = 0.1  # seconds over which that is measured
RELEASE = 0.25  # seconds away from a letter after which it may come again
ASIDE = 1 / 3  # palms: after so much of a move as well
BEGUN, SOON = 0.2, 0.4  # palms within seconds: a hand that was not held, but began to draw
GONE = 0.3  # seconds without a hand after which it is another hand
SPACE = 1.0  # seconds without a hand that make a space
TILTED = np.radians(60)  # a hand that points further from upright
SIGNED_TILTED = tuple("GHPQ")  # signs one of these, or rests
HAND_OF = {letter: drawn.shapes for letter, drawn in DRAWN.items()}


class Letter(NamedTuple):
    """A letter that was written."""

    letter: str
    time: float  # of the image with which it was written
    confidence: float  # probability or, of J and Z, how alike the path is


class Moment(NamedTuple):
    """What is kept of an image with a hand."""

    time: float
    points: np.ndarray  # float32 (21, 3), pixels
    shapes: np.ndarray  # float32 (shapes,)


class State(NamedTuple):
    """What is known after an image; a new film begins with State()."""

    text: str = ""
    letters: tuple[Letter, ...] = ()
    candidate: str = ""  # the letter that is held now, if it is held still
    since: float = 0.0  # when that began
    confidence: float = 0.0  # of the candidate, 0–1
    runner_up: str = ""  # the second most likely letter
    motion: float = 0.0  # palms a second
    trail: tuple[Moment, ...] = ()  # the last WINDOW with a hand
    smooth: np.ndarray | None = None  # float (shapes,), averaged over SMOOTH
    written: str = ""  # what was written of the hand as it is held; not again without a release
    place: float = 0.0  # pixels from the left, where that was held still last
    left: float = 0.0  # seconds: when it was
    has_moved: bool = False  # since then
    last_hand: float | None = None  # time of the last image with one


def advance(state: State, time: float, seen: Seen, dwell: float = DWELL) -> State:
    """The state after the next image, which was taken at `time` and shows `seen`.

    A letter is written when it is held still for `dwell` seconds, surely enough; the same one again
    only after the hand has moved for RELEASE or ASIDE, or was gone; J and Z when their path is
    drawn; a space when there was no hand for SPACE. What is written is at the end of `text` and
    `letters`.
    """
    if seen.hand is None:
        return _without_hand(state, time)
    if state.last_hand is not None and time - state.last_hand > GONE:
        state = State(state.text, state.letters)
    step = time - state.trail[-1].time if state.trail else 0.0
    trail = (*state.trail, Moment(time, seen.hand.points, seen.shapes))
    trail = tuple(each for each in trail if each.time >= time - WINDOW)
    motion, smooth = _motion(trail), seen.shapes
    if state.smooth is not None and state.motion < STILL:
        keep = float(np.exp(-step / SMOOTH))
        smooth = keep * state.smooth + (1 - keep) * seen.shapes
    has_moved = state.has_moved or motion >= STILL / 2
    state = state._replace(
        trail=trail, smooth=smooth, motion=motion, last_hand=time, has_moved=has_moved
    )
    return _drawn(state, time) or _held(state, time, dwell)


def _without_hand(state: State, time: float) -> State:
    last = state.last_hand
    if last is None or time - last <= GONE:
        return state._replace(candidate="", confidence=0.0, runner_up="")
    text = state.text
    if time - last >= SPACE and text and not text.endswith(" "):
        text += " "
    return State(text, state.letters, last_hand=last)


def _motion(trail: tuple[Moment, ...]) -> float:
    """How fast the 21 points move, in palms a second, over LATELY."""
    now = trail[-1]
    before = next((each for each in trail if each.time >= now.time - LATELY - 1e-6), now)
    if before is now:
        before = trail[-2] if len(trail) > 1 else now
    if before is now:
        return np.inf  # it has just come
    # In the median: single points may be uncertain while the hand rests
    apart = np.median(np.linalg.norm((now.points - before.points)[:, :2], axis=1))
    palm = palm_size(np.stack([each.points for each in trail]))
    return float(apart / palm / (now.time - before.time))


def _drawn(state: State, time: float) -> State | None:
    """The state with a J or Z that was just drawn, if one was."""
    if state.motion >= ENDED or len(state.trail) < 5:
        return None
    columns = [np.stack([each[k] for each in state.trail]) for k in range(3)]
    letter, score = drawn_letter(*columns)
    if not letter:
        return None
    while _was_of_it(state, letter):
        state = state._replace(text=state.text[:-1], letters=state.letters[:-1])
    state = state._replace(trail=state.trail[-1:], candidate="", since=time)
    return _write(state, Letter(letter, time, score))


def _was_of_it(state: State, drawn: str) -> bool:
    """Whether the letter that was written last is the hand of one that was drawn so slowly that it
    seemed to be held: the finger moved on at once.
    """
    last = state.letters[-1] if state.letters else None
    if last is None or last.letter not in HAND_OF[drawn] or state.text[-1:] != last.letter:
        return False
    tips = [
        each.points[DRAWN[drawn].tip, :2]
        for each in state.trail
        if last.time <= each.time <= last.time + SOON
    ]
    palm = palm_size(np.stack([each.points for each in state.trail]))
    return bool(tips) and float(np.linalg.norm(tips[-1] - tips[0])) >= BEGUN * palm


def _held(state: State, time: float, dwell: float) -> State:
    """The state with the letter that is held, written if it was held long enough."""
    assert state.smooth is not None
    chosen, is_sign = read_as(state.smooth[None], SHAPES, "letters")
    if _tilt(state.trail[-1].points) > TILTED:
        chosen = chosen * np.isin(LETTERS, SIGNED_TILTED)
    order = np.argsort(-chosen[0])
    letter, confidence = LETTERS[order[0]], float(chosen[0, order[0]])
    known = {"confidence": confidence, "runner_up": LETTERS[order[1]]}
    if state.motion >= STILL or confidence < CONFIDENT or not is_sign[0]:
        return state._replace(candidate="", since=time, **known)
    if letter != state.candidate:
        # It began between this image and the one before it, which may be a tenth of a second away
        before = state.trail[-2].time if len(state.trail) > 1 else time
        return state._replace(candidate=letter, since=(before + time) / 2, **known)
    state = state._replace(**known)
    if letter == state.written or letter in HAND_OF.get(state.written, ()):
        state = _again(state, time)
        return state._replace(since=time) if state.written else state
    if time - state.since < dwell:
        return state
    return _write(state, Letter(letter, time, confidence))


def _tilt(points: np.ndarray) -> float:
    """How far from upright a hand points, in radians, 0 to π."""
    x, y = (points[[5, 9, 13, 17], :2].mean(axis=0) - points[0, :2]).tolist()
    return abs(float(np.arctan2(x, -y)))


def _again(state: State, time: float) -> State:
    """The written letter is held again, or still: it may be written again if the hand was away from
    it for RELEASE, or moved ASIDE.
    """
    place = _place(state)
    aside = abs(place - state.place) / palm_size(np.stack([each.points for each in state.trail]))
    if state.has_moved and (time - state.left >= RELEASE or aside >= ASIDE):
        return state._replace(written="", since=time)
    return state._replace(left=time, place=place, has_moved=False)


def _place(state: State) -> float:
    return float(state.trail[-1].points[[0, 5, 9, 13, 17], 0].mean())


def _write(state: State, letter: Letter) -> State:
    return state._replace(
        text=state.text + letter.letter,
        letters=(*state.letters, letter),
        written=letter.letter,
        place=_place(state),
        left=letter.time,
        has_moved=False,
    )
