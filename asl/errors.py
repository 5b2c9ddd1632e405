"""The one kind of error that is meant for the reader: what is wrong, with what, what to do next."""


class AslError(Exception):
    """A foreseeable mistake, told in a sentence; the shell and the notebooks show no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this instead of a traceback
        return [f"asl: {self}"]
