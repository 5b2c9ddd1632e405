"""The tab Spell: letters that are held become text, which gestures and buttons edit; and what the
page says of the hand.
"""

from __future__ import annotations

import html

import numpy as np

from asl.app import gestures, words
from asl.app.camera import Session, reading, see
from asl.app.gestures import PALM, Gesture
from asl.reader.read import Network
from asl.rounding import percent

SHOWN = 1.0  # seconds that a deletion is told


class Speller(Session):
    """One learner who spells in one tab."""

    def __init__(self) -> None:
        super().__init__()
        self.gesture = Gesture()
        self.suggests = False  # whether words are suggested


def see_letters(session: Speller, network: Network, image: np.ndarray, now: float) -> np.ndarray:
    """Take the camera's next image, as camera.see does, with the gestures in it."""
    image = see(session, network, image, now)
    session.gesture, asked = gestures.advance(session.gesture, now, session.last, session.dwell)
    if asked == "delete" or (asked == "space" and session.state.text[-1:].strip()):
        edit(session, asked, now)
    return image


def edit(session: Speller, how: str, now: float) -> str:
    """Change what is written: "write" the letter that is seen now without waiting, "repeat" the
    last letter, "space", "delete" (the last letter) or "clear". Gives the text.
    """
    with session.lock:
        state = session.state
        text = state.text
        if how == "write":
            letter = reading(session, now).letter
            session.state = state._replace(text=text + letter)
            if letter:  # it is not written again when it was held long enough
                place = float(state.trail[-1].points[PALM, 0].mean())
                session.state = session.state._replace(
                    written=letter, left=now, place=place, has_moved=False
                )
        else:
            changed = {"repeat": text + text[-1:].strip(), "space": text + " "}
            changed |= {"delete": text[:-1], "clear": ""}
            session.state = state._replace(text=changed[how])
        return session.state.text


def complete(session: Speller, word: str) -> str:
    """Put a word that was suggested in place of the last one. Gives the text."""
    with session.lock:
        text = words.complete(session.state.text, word)
        session.state = session.state._replace(text=text)
    return text


def suggestions(session: Speller) -> list[str]:
    """Words that the last one may become; [] where none were asked for."""
    return words.suggest(session.state.text) if session.suggests else []


def card(session: Speller, now: float) -> str:
    """The letter, how sure it is, the runner-up and how long it was held, or what the gesture
    does: HTML.
    """
    read, opened = reading(session, now), gestures.progress(session.gesture, now, session.dwell)
    if not read.letter:
        return _card("–", "No hand is to be seen. Hold one up, palm to the camera.", 0)
    if opened is not None:
        if now - session.gesture.wiped < SHOWN:
            return _card("⌫", "Deleted.", 1)
        told = "Close your hand to go on." if opened == 1 else "Hold it for a space."
        return _card("␣", f"Open hand. {told} Wipe it to a side to delete.", opened)
    also = f"{read.runner_up} {percent(read.runner_up_confidence, 0)}"
    share = percent(read.confidence, 0)
    if not read.is_sure:
        return _card("?", f"Unsure: perhaps {read.letter} ({share}), else {also}.", 0, "unsure")
    return _card(read.letter, f"{read.letter} {share}, else {also}", read.held)


def _card(letter: str, told: str, held: float, kind: str = "") -> str:
    share = f"{100 * held:.0f}"
    bar = (
        f'<div class="bar" role="progressbar" aria-valuenow="{share}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-label="how long it was held">'
        f'<div style="width:{share}%"></div></div>'
    )
    return (
        f'<div class="reading {kind}"><div class="letter">{letter}</div>'
        f"<div><div>{told}</div>{bar}</div></div>"
    )


def status(text: str) -> str:
    """What a screen reader says when something was written: HTML."""
    told = html.escape(text) or "nothing"
    return f'<p class="unseen" role="status" aria-live="polite">Written: {told}</p>'
