"""The tab Practise: which letter comes next, whether it is right, and the score."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

import numpy as np

from asl.app.camera import Session, reading
from asl.app.fingers import advice, turn_advice
from asl.spelling.steady import LETTERS, State

ALL = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DRAWN = {  # what the finger does, in words
    "J": "draw it with your little finger: down, then a hook to your thumb's side",
    "Z": "draw it in the air with your index finger",
}
WORDS = ("HELLO", "NAME", "LOVE", "BOOK", "QUIZ", "JAZZ", "WATER", "SIGN", "FRIEND", "HAPPY")
LONGEST = 40  # letters of a word that is typed
PRAISED = 1.2  # seconds until the next letter
HELD = 0.4  # seconds that a letter is held until it counts
CALM, SETTLED = 0.6, 0.5  # palms a second, and seconds below that, until a hand is corrected
FEW = 4  # tries that a letter's share of right ones is weighed against


class Score(NamedTuple):
    """How often a letter was asked, and shown right at the first go."""

    asked: int = 0
    right: int = 0


class Practice(Session):
    """One learner who practises in one tab."""

    def __init__(self) -> None:
        super().__init__()
        self.dwell = HELD
        self.scores: dict[str, Score] = {}
        self.word, self.place = "", 0  # the word that is spelled, if any, and how far it is
        self.target = "A"
        self.view: tuple = ()  # how the hand is shown, see shown_hands.hand_picture
        self.is_missed = False  # another letter was held first, or help was taken
        self.right_since: float | None = None  # when the target was shown
        self.said = ""  # what the page says now
        self.moved = 0.0  # when the hand moved last


def to_word(text: str) -> str:
    """The letters A–Z of what was typed, as capitals."""
    return re.sub("[^A-Z]", "", (text or "").upper())[:LONGEST]


def weight(score: Score) -> float:
    """How often a letter is asked: the more it was missed, the more often, and new ones too."""
    return 1.0 + FEW * (score.asked - score.right + 1) / (score.asked + 1)


def next_letter(scores: dict[str, Score], last: str, generator: random.Random) -> str:
    """A letter to practise, never the same twice; weak ones come more often."""
    others = [letter for letter in ALL if letter != last]
    weights = [weight(scores.get(letter, Score())) for letter in others]
    return generator.choices(others, weights)[0]


def start(practice: Practice, text: str) -> None:
    """Begin with a word's first letter, or without a word with any letter."""
    with practice.lock:
        practice.word, practice.place = to_word(text), 0
        _ask(practice)


def go_on(practice: Practice, generator: random.Random | None = None) -> None:
    """Ask the next letter: of the word or, after its last one, any."""
    with practice.lock:
        practice.place += 1
        if practice.place >= len(practice.word):
            practice.word, practice.place = "", 0
        _ask(practice, generator)


def skip(practice: Practice) -> None:
    """Leave the letter; it counts as missed."""
    with practice.lock:
        if practice.right_since is None:
            _count(practice, is_right=False)
    go_on(practice)


def _ask(practice: Practice, generator: random.Random | None = None) -> None:
    if practice.word:
        practice.target = practice.word[practice.place]
    else:
        generator = generator or random.Random()
        practice.target = next_letter(practice.scores, practice.target, generator)
    practice.state = State()
    practice.is_missed, practice.right_since = False, None


def _count(practice: Practice, is_right: bool) -> None:
    score = practice.scores.get(practice.target, Score())
    added = Score(score.asked + 1, score.right + is_right)
    practice.scores = practice.scores | {practice.target: added}


def judge(practice: Practice, now: float) -> bool:
    """After an image of the camera: count what was written. Gives whether to go on to the next."""
    with practice.lock:
        if practice.last.hand is None or practice.state.motion >= CALM:
            practice.moved = now
        if practice.right_since is not None:
            return now - practice.right_since >= PRAISED
        written = [each.letter for each in practice.state.letters]
        if not written:
            return False
        if practice.target in written:
            _count(practice, not practice.is_missed)
            practice.right_since = now
        elif not _draws(practice.target, written[-1]):
            practice.is_missed = True
        return False


def _draws(target: str, letter: str) -> bool:
    """Whether this is the hand that is about to draw J or Z."""
    return target in DRAWN and letter in {"J": "I", "Z": "D"}[target]


def answer(practice: Practice, now: float) -> str:
    """What to say to the learner now."""
    target, hand = practice.target, practice.last.hand
    if practice.right_since is not None:
        return f"Right: {target}!"
    if hand is None:
        return f"Show {target} to the camera."
    read, is_settled = reading(practice, now), now - practice.moved >= SETTLED
    if target in DRAWN:
        wrong = advice(hand.points, target) if is_settled else []
        return " ".join(wrong[:2]) or f"{target} is a movement: {DRAWN[target]}."
    if read.is_sure and read.letter == target:
        return "Good. Hold it still."
    if not is_settled:
        return f"Show {target}, and hold it still."
    return help_with(hand.points, target, read.letter if read.is_sure else "")


def help_with(points: np.ndarray, target: str, seen: str = "") -> str:
    """What is wrong with a hand that should show a letter, and was taken for another one."""
    wrong = advice(points, target)[:2] or [turn_advice(points, target)]
    return " ".join(([f"This looks like {seen}."] if seen else []) + wrong)


def judge_photo(practice: Practice, points: np.ndarray, probabilities: np.ndarray) -> str:
    """Count and answer a photograph with a hand; where it is right, the next letter is asked."""
    target = practice.target
    if target in DRAWN:
        return f"{target} is a movement, which only the camera can see."
    letter = LETTERS[int(probabilities.argmax())] if probabilities.any() else ""
    if letter != target:
        practice.is_missed = True
        return help_with(points, target, letter)
    with practice.lock:
        _count(practice, not practice.is_missed)
    go_on(practice)
    return f"Right, that was {target}! Now show {practice.target}."


def target_html(practice: Practice) -> str:
    """The letter that is asked, in its word."""
    if not practice.word:
        return f'<p class="target">{practice.target}</p>'
    done, rest = practice.word[: practice.place], practice.word[practice.place + 1 :]
    return (
        f'<p class="target" aria-label="{practice.target}, of the word {practice.word}">'
        f'<span class="rest">{done}</span>{practice.target}<span class="rest">{rest}</span></p>'
    )


def answer_html(practice: Practice, now: float, said: str = "") -> str:
    """What is said to the learner, for eyes and for screen readers."""
    kind = "answer right" if practice.right_since is not None else "answer"
    return f'<p class="{kind}" role="status">{said or answer(practice, now)}</p>'


def score_html(scores: dict[str, Score]) -> str:
    """How often each letter was right, the weakest first: HTML."""
    if not scores:
        return "<p>No letters yet.</p>"
    order = sorted(scores, key=lambda each: (scores[each].right / scores[each].asked, each))
    rows = [
        f"<tr><th scope='row'>{letter}</th><td>{scores[letter].right}</td>"
        f"<td>{scores[letter].asked}</td></tr>"
        for letter in order
    ]
    right, asked = (sum(each[k] for each in scores.values()) for k in (1, 0))
    return (
        f"<p>{right} of {asked} right at the first go. Weak letters come more often.</p>"
        "<table class='score'><tr><th scope='col'>Letter</th><th scope='col'>Right</th>"
        f"<th scope='col'>Asked</th></tr>{''.join(rows)}</table>"
    )
