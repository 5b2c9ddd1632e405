"""The one kind of error that is meant for the reader: what is wrong, with what, what to do next."""

import os
from collections.abc import Iterable


class AslError(Exception):
    """A foreseeable mistake, told in a sentence; the shell and the notebooks show no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this instead of a traceback
        return [f"asl: {self}"]


def few(names: Iterable[object], count: int = 3) -> str:
    """The first names in a list, and how many more there are: "a, b, c and 97 more"."""
    shown = [str(name) for name in names]
    more = len(shown) - count
    return ", ".join(shown[:count]) + (f" and {more:,} more" if more > 0 else "")


def printable(name: object) -> str:
    """A name on one line that any terminal may be given: what is no visible character is escaped,
    and so are bytes that are no UTF-8.
    """
    joiners = "\u200c\u200d"  # of letters, and of emoji
    text = os.fspath(name) if isinstance(name, os.PathLike) else str(name)
    if text.isprintable():
        return text
    shown = [each if each.isprintable() or each in joiners else _escaped(each) for each in text]
    return "".join(shown)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte that it cannot decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
