"""results.csv: a row an image, with its two most likely classes."""

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from asl import files
from asl.errors import AslError
from asl.rounding import round_share

COLUMNS = ["image", "actual", "predicted", "confidence", "second", "second_confidence"]
TEXTS = ["image", "actual", "predicted", "second"]
SHARES = ["confidence", "second_confidence"]
QUOTED = re.compile('[",\r\n]')
NO_HAND = "no hand was found"  # why nothing is predicted
FORMULA = re.compile("'*[=+@\t\r-]")  # how a cell begins that a spreadsheet would run
# A name may hold bytes that are no UTF-8, which Python keeps as surrogates; backslashes before
# what looks like our escape are doubled, so that each text has one name
NOT_UTF8 = re.compile(r"(\\*)(?:([\ud800-\udfff])|(?=x[89a-f][0-9a-f]|ud[89a-f][0-9a-f]{2}))")
ESCAPED = re.compile(r"(\\+)(x[89a-f][0-9a-f]|ud[89a-f][0-9a-f]{2})")


def results_table(
    names: Sequence[str],
    probabilities: np.ndarray,
    class_names: Sequence[str],
    actual: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The two most likely classes of each image with their probabilities, as in results.csv.

    names (n,), probabilities (n, classes), actual class names (n,) where they are known. Where a
    row of probabilities is all zeros, nothing is predicted: both classes are empty.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    first, second = np.array([*class_names])[order].T
    is_predicted = probabilities.any(axis=1)
    first, second = (np.where(is_predicted, each, "") for each in (first, second))
    confidence, second_confidence = np.take_along_axis(probabilities, order, axis=1).T
    actual = [""] * len(order) if actual is None else actual
    columns = (names, actual, first, confidence, second, second_confidence)
    table = dict(zip(COLUMNS, columns, strict=True))
    return pd.DataFrame({**table, **{name: _texts(table[name]) for name in TEXTS}})


def write_results(
    table: pd.DataFrame, path: str | Path | None = None, numbers: Sequence[str] = ()
) -> Path:
    """Write the table as results.csv, or to `path`: UTF-8, no index, four decimals, never
    rounded up to 1; whole or not at all. `numbers` names further columns to be written, of whole
    numbers. Gives the path.

    Whatever a name holds, it makes one row that pandas, a strict CSV reader and a spreadsheet read
    alike: line breaks are quoted, bytes that are no UTF-8 become \\xff, and a text that a
    spreadsheet would run as a formula begins with an apostrophe. `read_results` undoes the latter
    two.
    """
    path = Path(path or files.RESULTS)
    with files.write_beside(path) as temporary:
        temporary.write_text(results_text(table, numbers), encoding="utf-8", newline="")
    return path


def results_text(table: pd.DataFrame, numbers: Sequence[str] = ()) -> str:
    """What `write_results` writes, as text."""
    cell = functools.lru_cache(_cell)  # the same few classes come again and again
    columns: dict[str, Iterable[str]] = {name: map(cell, table[name]) for name in TEXTS}
    for name in SHARES:
        columns[name] = [f"{share:.4f}" for share in round_share(table[name])]
    for name in numbers:
        columns[name] = map(str, table[name])
    header = [*COLUMNS, *numbers]
    rows = zip(*(columns[name] for name in header), strict=True)
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def read_results(path: str | Path | None = None) -> pd.DataFrame:
    """The table that `write_results` wrote; unknown `actual` is the empty string.

    AslError for a file that is not there, or is no such table.
    """
    path = Path(path or files.RESULTS)
    if not path.is_file():
        raise AslError(f"{files.shown(path)} is not there: notebook 08_predict writes it.")
    types = {**dict.fromkeys(TEXTS, str), **dict.fromkeys(SHARES, float)}
    try:
        table = pd.read_csv(path, dtype=types, keep_default_na=False)
        missing = [name for name in COLUMNS if name not in table]
    except (ValueError, OSError) as error:  # pandas raises children of ValueError
        raise AslError(
            f"{files.shown(path)} is no table of predictions, or is damaged "
            f"({str(error).splitlines()[0]}): let notebook 08_predict write it again."
        ) from error
    if missing:
        raise AslError(
            f"{files.shown(path)} is no table of predictions: it lacks {', '.join(missing)}. "
            "Let notebook 08_predict write it again."
        )
    return restore_texts(table)


def restore_texts(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose texts are cells as `results_text` writes them, with the texts that they were
    made of.
    """
    return table.assign(**{name: _texts([_text(each) for each in table[name]]) for name in TEXTS})


def _texts(texts: Sequence[str]) -> Sequence[str] | pd.Series:
    """A column of texts; as objects where one is no UTF-8, which pandas may not take as text."""
    if any(not text.isascii() and re.search("[\ud800-\udfff]", text) for text in map(str, texts)):
        return pd.Series([*texts], dtype=object)
    return texts


def _cell(text: str) -> str:
    """A text as a cell of a CSV file."""
    text = "" if pd.isna(text) else NOT_UTF8.sub(_escape, str(text))
    if FORMULA.match(text):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def _text(cell: str) -> str:
    """The text that `_cell` made this cell of, after a reader of CSV took the quotes off."""
    if cell[:1] == "'" and FORMULA.match(cell):
        cell = cell[1:]
    return ESCAPED.sub(_unescape, cell)


def _escape(found: re.Match) -> str:
    backslashes, surrogate = found.groups()
    if not surrogate:
        return backslashes * 2
    code = ord(surrogate)
    byte = 0xDC80 <= code <= 0xDCFF
    return backslashes * 2 + (f"\\x{code - 0xDC00:02x}" if byte else f"\\u{code:04x}")


def _unescape(found: re.Match) -> str:
    backslashes, escaped = found.groups()
    kept = backslashes[: len(backslashes) // 2]
    if len(backslashes) % 2 == 0:
        return kept + escaped
    return kept + chr(int(escaped[1:], 16) + (0xDC00 if escaped[0] == "x" else 0))
