"""Standard output and standard error as they are found, and errors that nobody foresaw."""

import codecs
import os
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from asl.errors import escaped

PLAIN = {"…": "...", "×": "x", "–": "-", "→": "->", "‘": "'", "’": "'"}  # where there is no UTF-8


def prepare_output() -> None:
    """Let standard output and standard error take any text, whatever the terminal can show, and be
    there also where they were closed.
    """
    codecs.register_error("asl", _replaced)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="asl")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return "".join(PLAIN.get(each) or escaped(each) for each in text), error.end


def give_up_output() -> None:
    """Send what is still to be printed nowhere: whoever reads it is gone, or its disk is full."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unforeseen(error: BaseException, folder: Path, shown: bool) -> str:
    """What is told of an error that nobody foresaw, in a line; its traceback goes to a file in
    `folder` or, where that cannot be written, to the system's folder for temporary files.
    """
    trace = "".join(traceback.format_exception(error))
    reason = next(iter(str(error).strip().splitlines()), "")[:160]
    told = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    if isinstance(error, MemoryError):
        return "the memory is full. Close other programs, or take a smaller --batch-size."
    where = ""
    if shown:
        print(trace, file=sys.stderr)
    else:
        for place in (folder, Path(tempfile.gettempdir())):
            with suppress(OSError):
                place.mkdir(parents=True, exist_ok=True)
                file = place / f"error-{os.getpid()}.txt"
                file.write_text(
                    f"{' '.join(sys.argv)}\n{trace}", encoding="utf-8", errors="replace"
                )
                where = f" The details are in {file}."
                break
    return (
        f"something happened that nobody foresaw ({told}).{where} Please report it with these "
        "details; --traceback shows them at once."
    )
