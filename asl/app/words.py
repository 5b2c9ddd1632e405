"""Suggestions of words while somebody spells, from a list of frequent words in this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LIST = Path(__file__).with_name("words.txt")  # it says where its words come from, and its licence
COUNT = 3  # suggestions
SHORTEST = 2  # letters that are spelled before anything is suggested


@cache
def words() -> tuple[str, ...]:
    """About 11,000 English words in capitals, the most frequent first."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return tuple(" ".join(line for line in lines if not line.startswith("#")).upper().split())


def suggest(text: str, count: int = COUNT) -> list[str]:
    """Words that the last word of a text may become, at most `count`: those that begin with it,
    then those that begin with something one letter away from it, since letters are misread; [] for
    what is hardly begun, or done.
    """
    begun = last_word(text)
    if len(begun) < SHORTEST:
        return []
    found = [word for word in words() if word.startswith(begun) and word != begun]
    if len(found) < count and len(begun) > SHORTEST:
        known = {*found, begun}
        found += [word for word in words() if word not in known and _is_near(word, begun)]
    return found[:count]


def last_word(text: str) -> str:
    """The letters after the last space."""
    return text.rpartition(" ")[2]


def complete(text: str, word: str) -> str:
    """The text with its last word replaced by this one, and a space."""
    return text[: len(text) - len(last_word(text))] + word + " "


def _is_near(word: str, begun: str) -> bool:
    """Whether a word begins with these letters when one of them is changed, left out or added."""
    same = next((k for k, (a, b) in enumerate(zip(word, begun, strict=False)) if a != b), None)
    if same is None:
        return len(begun) == len(word) + 1  # one too many at the end
    rest = begun[same + 1 :]
    return (
        word.startswith(rest, same + 1)  # another letter
        or word.startswith(rest, same)  # one too many
        or word.startswith(begun[same:], same + 1)  # one missing
    )
