"""The one kind of error that is meant for the reader: what is wrong, with what, what to do next."""

import os
from collections.abc import Iterable
from contextlib import suppress

LIMITS = {  # of what a person sets: the lowest and the highest
    "seed": (0, 2**32 - 1),  # that numpy, Keras and scikit-learn all take
    "epochs": (1, 10_000),
    "batch_size": (1, 65_536),
    "fine_tune": (0, 1_000),
    "steps": (1, 10_000_000),
    "size": (1, 4096),
    "image_shape": (1, 4096),
    "port": (1024, 65_535),
    "workers": (1, 100_000),
    "process": (0, 65_535),
    "processes": (1, 65_536),
}


class AslError(Exception):
    """A foreseeable mistake, told in a sentence; the shell and the notebooks show no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this instead of a traceback
        return [f"asl: {self}"]


def whole(name: str, value: object) -> int:
    """`value` as a whole number within its LIMITS; 3.0 and "3" are 3. The name is that of an
    argument or, in the shell, of an option. AslError for anything else says what is allowed.
    """
    low, high = LIMITS[name.strip("-").replace("-", "_")]
    with suppress(TypeError, ValueError, OverflowError):
        number = int(value)  # type: ignore[call-overload]
        is_same = isinstance(value, str) or number == value
        if is_same and not isinstance(value, bool) and low <= number <= high:
            return number
    raise AslError(f"{name} is {value!r}; it must be a whole number from {low:,} to {high:,}.")


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
    shown = [each if each.isprintable() or each in joiners else escaped(each) for each in text]
    return "".join(shown)


def escaped(character: str) -> str:
    """One character as a backslash and letters."""
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte that it cannot decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
