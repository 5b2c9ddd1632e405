"""What the page keeps of one learner before the camera, and what it shows over the camera's image.

Nothing here needs Gradio. Frames come and go: what is kept is the hand's points of the last second
and a half, in memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from asl.landmarks.hand_landmarks import FINGERS, Landmarks
from asl.reader.drawings import COLOURS
from asl.reader.read import Network
from asl.reader.signs import SHAPES, read_as
from asl.spelling.follow import NOTHING, good_size, look
from asl.spelling.steady import CONFIDENT, DWELL, LETTERS, State, advance

# An interpreter of the networks serves one thread: few threads, and each has loaded them once
_lookers = ThreadPoolExecutor(2, "looking")


class Session:
    """One learner in one tab: what was seen and written so far."""

    def __init__(self) -> None:
        self.lock = Lock()  # the camera and the buttons come in threads of their own
        self.state, self.last = State(), NOTHING
        self.dwell = DWELL  # seconds

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return type(self)()  # Gradio copies the first one for each tab that is opened


class Read(NamedTuple):
    """What the hand is taken for now."""

    letter: str = ""  # the most likely one; "" where there is no hand
    confidence: float = 0.0
    runner_up: str = ""
    runner_up_confidence: float = 0.0
    is_sure: bool = False
    held: float = 0.0  # how much of the dwell the letter was held still, 0–1


def see(session: Session, network: Network, image: np.ndarray, now: float) -> np.ndarray:
    """Take the camera's next image, uint8 (h, w, 3) RGB, which came at `now` (seconds, from any
    moment on). Gives the image at the size that was looked at.
    """
    image = good_size(image)
    last = _lookers.submit(look, network, image, session.last).result()
    with session.lock:
        session.last = last
        session.state = advance(session.state, now, last, session.dwell)
    return image


def reading(session: Session, now: float) -> Read:
    """What the hand is taken for, as the last image left it."""
    state = session.state
    if session.last.hand is None or state.smooth is None:
        return Read()
    shares = read_as(state.smooth[None], SHAPES, "letters")[0][0]
    first, second = np.argsort(-shares)[:2]
    held = min((now - state.since) / session.dwell, 1) if state.candidate else 0.0
    held = 1.0 if state.candidate and state.candidate == state.written else held
    is_sure = bool(state.candidate) or (shares[first] >= CONFIDENT and state.confidence > 0)
    letters = (LETTERS[first], float(shares[first]), LETTERS[second], float(shares[second]))
    return Read(*letters, is_sure, max(held, 0.0))


def skeleton(hand: Landmarks | None, image: np.ndarray) -> str:
    """The joints of a hand as lines of SVG, to be laid over the camera's picture."""
    height, width = image.shape[:2]
    lines = []
    if hand is not None:
        points = hand.points[:, :2]
        thick = max(2.0, float(np.ptp(points, axis=0).max()) / 60)
        for joints, colour in zip(FINGERS.values(), COLOURS, strict=True):
            way = " ".join(f"{x:.0f},{y:.0f}" for x, y in points[[0, *joints]])
            for stroke, wide in (("white", 2.4 * thick), (f"rgb{colour}", thick)):
                lines.append(
                    f'<polyline points="{way}" stroke="{stroke}" stroke-width="{wide:.1f}"/>'
                )
    return (
        f'<svg viewBox="0 0 {width} {height}" class="skeleton" aria-hidden="true" fill="none" '
        f'stroke-linecap="round" stroke-linejoin="round">{"".join(lines)}</svg>'
    )
