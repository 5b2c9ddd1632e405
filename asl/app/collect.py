"""The tab Collect: pictures of the learner's own hand, a folder a class, for `folder:PATH`.

A picture is saved only when somebody asks for it; of all other frames nothing is kept. It shows the
square around the hand, as others see it: the camera's picture comes mirrored, and is turned back.
"""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import cv2
import numpy as np

from asl import files
from asl.app.camera import Session, see
from asl.data.hand_poses import DIGITS, LETTERS
from asl.errors import AslError
from asl.landmarks.crops import AROUND, crop_of
from asl.reader.read import Network

NAMES = (*LETTERS, *DIGITS)  # that are offered; others can be typed
NAME = re.compile(r"[\w][\w -]{0,39}")  # safe as a folder's name anywhere
RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d")  # by Windows
LARGEST, SMALLEST = 400, 64  # pixels of a side
APART = 0.5  # seconds from one picture to the next, where several are asked for
QUALITY = 95  # of JPEG


class Collector(Session):
    """One learner who collects in one tab."""

    def __init__(self) -> None:
        super().__init__()
        self.name, self.wanted = "A", 0  # what the next pictures show, and how many are asked for
        self.due = 0.0  # when the next one is taken
        self.saved: list[Path] = []
        self.said = ""  # what became of what was asked for


def folder() -> Path:
    """Where the pictures lie, a folder a class."""
    return files.DATA / "my_hands"


def see_hand(session: Collector, network: Network, image: np.ndarray, now: float) -> np.ndarray:
    """Take the camera's next image, as camera.see does; save it if that was asked for, and a whole
    hand is in it.
    """
    seen = see(session, network, image, now)
    with session.lock:
        if not session.wanted or now < session.due:
            return seen
        if session.last.hand is None:
            session.said = "No hand is to be seen: hold it up. Nothing is saved until then."
            return seen
        try:
            _save(session, image, session.last.hand.points * (image.shape[1] / seen.shape[1]))
            session.wanted, session.due = session.wanted - 1, now + APART
        except AslError as error:
            session.wanted, session.said = 0, str(error)
    return seen


def _save(session: Collector, image: np.ndarray, points: np.ndarray) -> None:
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = AROUND * float((high - low).max())
    size = round(min(LARGEST, max(side, SMALLEST)))
    crop = crop_of(image, points, size, AROUND)[:, ::-1]
    # By the time they sort as they were taken: pictures of one sitting stay side by side
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() // 1_000_000 % 1000:03d}"
    path = folder() / session.name / f"{stamp}.jpg"
    with files.explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with files.write_beside(path) as temporary:
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
        temporary.write_bytes(cv2.imencode(".jpg", crop[..., ::-1], quality)[1].tobytes())
    session.saved.append(path)
    session.said = f"Saved {files.shown(path)} ({size} × {size} pixels)."


def ask(session: Collector, name: str, count: int) -> str:
    """Ask for the next `count` pictures of a class. Gives what to say."""
    name = (name or "").strip()
    with session.lock:
        if not NAME.fullmatch(name) or RESERVED.fullmatch(name):
            session.said = "Name what the hand shows first: letters, digits, - and _, at most 40."
            return session.said
        session.name, session.wanted, session.due = _as_there(name), count, 0.0
        session.said = f"The next picture of {session.name} is taken as soon as a hand is seen."
        return session.said


def _as_there(name: str) -> str:
    """The name as a folder has it already: `a` and `A` are one class."""
    there = [each.name for each in _folders() if each.name.casefold() == name.casefold()]
    return there[0] if there else (name.upper() if len(name) == 1 else name)


def stop(session: Collector) -> str:
    """Take no more pictures."""
    with session.lock:
        session.wanted = 0
        session.said = "Stopped."
    return session.said


def take_back(session: Collector) -> str:
    """Delete the last picture that was saved in this tab."""
    with session.lock:
        session.wanted = 0
        if not session.saved:
            session.said = "There is no picture of this visit to take back."
            return session.said
        path = session.saved.pop()
        path.unlink(missing_ok=True)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
        session.said = f"Deleted {files.shown(path)}."
        return session.said


def _folders() -> list[Path]:
    where = folder()
    if not where.is_dir():
        return []
    return [each for each in where.iterdir() if each.is_dir() and each.name[0] != "."]


def counts() -> dict[str, int]:
    """How many pictures there are of each class, in the order of their names."""
    found = {each.name: len([*each.glob("*.jpg")]) for each in _folders()}
    return dict(sorted((name, count) for name, count in found.items() if count))


def counts_html() -> str:
    """The same as a table, where they lie, and how to train on them: HTML."""
    found, where = counts(), html.escape(str(folder()))
    told = f"<p>Pictures lie in <code>{where}</code>, a folder a class.</p>"
    if not found:
        return told + "<p>There are none yet.</p>"
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(name)}</th><td>{count}</td></tr>"
        for name, count in found.items()
    )
    command = f"make run DATASET=folder:{html.escape(files.shown(folder()))}"
    use = "Take them in at least five sittings, in other rooms and light, by several people. "
    use += (
        f"<code>{command}</code> trains on them."
        if len(found) > 1
        else ("A network needs two classes at least.")
    )
    return (
        f"{told}<div class='counts'><table class='score'><tr><th scope='col'>Class</th>"
        f"<th scope='col'>Pictures</th></tr>{rows}</table></div><p>{use}</p>"
    )


def said_html(said: str) -> str:
    """What became of what was asked for, for eyes and for screen readers."""
    return f'<p role="status">{html.escape(said) or "Nothing is saved until you ask for it."}</p>'
