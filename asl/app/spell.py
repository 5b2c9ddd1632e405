"""The tab Spell: what it says of the letter that is held now."""

from __future__ import annotations

from asl.app.camera import Read
from asl.rounding import percent


def card(read: Read) -> str:
    """The letter, how sure it is, the runner-up and how long it was held: HTML."""
    if not read.letter:
        return _card("–", "No hand is to be seen. Hold one up, palm to the camera.", 0)
    also = f"{read.runner_up} {percent(read.runner_up_confidence, 0)}"
    share = percent(read.confidence, 0)
    if not read.is_sure:
        return _card("?", f"Unsure: perhaps {read.letter} ({share}), else {also}.", 0, "unsure")
    return _card(read.letter, f"{read.letter} {share}, else {also}", read.held)


def _card(letter: str, told: str, held: float, kind: str = "") -> str:
    share = f"{100 * held:.0f}"
    bar = (
        f'<div class="bar" role="progressbar" aria-valuenow="{share}" '
        f'aria-label="how long it was held"><div style="width:{share}%"></div></div>'
    )
    return (
        f'<div class="reading {kind}"><div class="letter">{letter}</div>'
        f"<div><div>{told}</div>{bar}</div></div>"
    )


def status(text: str) -> str:
    """What a screen reader says when something was written: HTML."""
    return f'<p class="unseen" role="status" aria-live="polite">Written: {text or "nothing"}</p>'
