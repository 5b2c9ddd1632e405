"""The one kind of error that is meant for the reader: what is wrong, with what, what to do next."""

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
