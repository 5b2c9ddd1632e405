"""A CSV whose every cell is checked: one label and many pixels a row, all of them whole numbers.

The quick way looks at whole chunks of characters; what it does not know (quotes, blanks, `1e2`, a
mistake) is read line by line, so that a message can name the line and the column.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from asl.errors import few

CHUNK = 1 << 20  # bytes that fit the processor's cache
SHOWN = 20  # characters of a cell in a message
NUMBERS = re.compile(r"[-+.eE0-9,]+")  # what float() takes for a number and people do too
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class TableError(ValueError):
    """What is wrong with a table, to be put behind its name: ", line 5: pixel2 is 256 …"."""


class _Layout(NamedTuple):
    """The columns of a table as its header has them, and the labels that it may hold."""

    header: list[str]
    columns: Sequence[str]
    order: np.ndarray  # the place in the header of each of the columns
    known: np.ndarray
    labels: str  # the same in words


def parse(text: bytes, columns: Sequence[str], known: np.ndarray, labels: str) -> np.ndarray:
    """The columns of a CSV as uint8 (rows, columns): a label among `known`, then pixels 0–255.

    `labels` are the known labels in words, for messages. The header may have the columns in any
    order and others besides; blank lines are skipped. Raises TableError for anything else, with
    the first line and column that is wrong.
    """
    text = _text(text)
    start = len(text) - len(text.lstrip(b"\n"))
    body = text.find(b"\n", start) + 1 or len(text)
    layout = _layout(text[start:body].decode("utf-8", "replace"), columns, known, labels)
    with ThreadPoolExecutor() as pool:  # numpy lets go of the interpreter's lock
        tables = list(pool.map(partial(_parse_chunk, text, layout), whole_lines(text, body)))
    rows = np.concatenate(tables) if tables else np.empty((0, len(columns)), np.uint8)
    if not len(rows):
        raise TableError(" has a header and no rows: expected a row an image")
    if rows[:, 1:].max() <= 1:
        raise TableError(
            " has no pixel above 1, so that all its pictures would be black: expected whole "
            "numbers 0–255. If they were scaled to 0–1, multiply them by 255"
        )
    return rows


def whole_lines(text: bytes, start: int, size: int = CHUNK) -> Iterator[tuple[int, int]]:
    """Where pieces of about `size` bytes begin and end, each of whole lines, from `start` on."""
    while start < len(text):
        end = text.rfind(b"\n", start, start + size) + 1
        end = end or text.find(b"\n", start) + 1 or len(text)
        yield start, end
        start = end


def _text(text: bytes) -> bytes:
    """The text with \\n alone at line ends and no mark at its begin; TableError for none."""
    if not text.strip():
        raise TableError(" is empty, not a table that can be read: expected a header and rows")
    zero = text.find(b"\0")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or 0 <= zero < 2 <= text[:64].count(b"\0"):
        raise TableError(" is not a table that can be read: it is text in UTF-16. Save it as UTF-8")
    if zero >= 0:
        line = text.count(b"\n", 0, zero) + 1
        raise TableError(f", line {line}: bytes that are no text: the file is damaged, or no CSV")
    text = text.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text


def _layout(line: str, columns: Sequence[str], known: np.ndarray, labels: str) -> _Layout:
    header = _cells(line)
    missing = [column for column in columns if column not in header]
    if missing:
        hint = ""
        separator = next((each for each in SEPARATORS if line.count(each) > line.count(",")), "")
        if separator:
            hint = f". It has {SEPARATORS[separator]} between its columns: save it with commas"
        elif all(NUMBERS.fullmatch(name) for name in header):
            hint = ". Its first line is data already: put the line of column names above it"
        raise TableError(
            f" lacks {len(missing):,} of its {len(columns)} columns ({few(missing)}): expected "
            f"{columns[0]} and {columns[1]} to {columns[-1]} in its first line{hint}"
        )
    counts = Counter(header)
    twice = [column for column in columns if counts[column] > 1]
    if twice:
        raise TableError(f" has columns twice ({few(twice)}): expected each of them once")
    places = {name: place for place, name in enumerate(header)}
    order = np.array([places[column] for column in columns])
    return _Layout(header, columns, order, known, labels)


def _parse_chunk(text: bytes, layout: _Layout, place: tuple[int, int]) -> np.ndarray:
    chunk = text[slice(*place)]
    if not chunk.endswith(b"\n"):
        chunk += b"\n"
    for each in (chunk, chunk.replace(b".0,", b",").replace(b".0\n", b"\n")):
        rows = _parse_digits(each, layout)
        if rows is not None:
            return rows
    return _parse_lines(chunk, layout, text.count(b"\n", 0, place[0]) + 1, place[1] == len(text))


def _parse_digits(chunk: bytes, layout: _Layout) -> np.ndarray | None:
    """Rows of numbers of one to three digits with just a comma or a line end behind each, or None:
    ten times as fast as a general reader.
    """
    width, order = len(layout.header), layout.order
    characters = np.frombuffer(chunk, np.uint8)
    digits = characters - np.uint8(ord("0"))
    ends = np.flatnonzero(digits > 9)
    if len(ends) % width:
        return None
    separators = characters[ends].reshape(-1, width)
    if (separators[:, :-1] != ord(",")).any() or (separators[:, -1] != ord("\n")).any():
        return None
    length = np.diff(ends, prepend=-1) - 1
    values = digits[ends - 1].astype(np.uint16)
    values += np.where(length > 1, digits[ends - 2], np.uint8(0)) * np.uint16(10)
    values += np.where(length > 2, digits[ends - 3], np.uint8(0)) * np.uint16(100)
    if width != len(order) or (np.diff(order) != 1).any():
        length, values = (each.reshape(-1, width)[:, order] for each in (length, values))
    rows = values.reshape(-1, len(order))
    if length.min() < 1 or length.max() > 3 or rows.max() > 255:
        return None
    return rows.astype(np.uint8) if np.isin(rows[:, 0], layout.known).all() else None


def _parse_lines(chunk: bytes, layout: _Layout, first: int, is_last: bool) -> np.ndarray:
    """The rows of a chunk whose first line has the number `first`, read one by one."""
    rows = []
    lines = chunk.decode("utf-8", "replace").rstrip().split("\n")
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        cells = _cells(line)
        is_whole = len(cells) == len(layout.header)
        row = _numbers([cells[place] for place in layout.order]) if is_whole else None
        if row is None or row[0] not in layout.known:
            ends = is_last and number == first + len(lines) - 1
            raise TableError(f", line {number}: {_what_is_wrong(cells, layout, ends)}")
        rows.append(row)
    return np.array(rows, np.uint8).reshape(-1, len(layout.columns))


def _cells(line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    except csv.Error:  # a cell of more than 100,000 characters
        return [line]


def _numbers(cells: list[str]) -> np.ndarray | None:
    """Cells as uint8, or None if one of them is no whole number from 0 to 255."""
    if not NUMBERS.fullmatch(",".join(cells)):
        return None
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    good = (values >= 0) & (values <= 255) & (values == np.floor(values))
    return values.astype(np.uint8) if good.all() else None


def _what_is_wrong(cells: list[str], layout: _Layout, is_last: bool) -> str:
    """The first mistake in a line: its column, what is there and what should be."""
    width, found = len(layout.header), len(cells)
    if cells == layout.header:
        return "the header once more, as if two tables had been joined: delete this line"
    if is_last and (found < width or (found == width and not cells[-1])):
        return f"the last row is cut short: {found:,} of its {width:,} fields"
    if found != width:
        fault = "each number would move to another column" if found > width else "some are missing"
        return f"{found:,} fields, but the header has {width:,}: {fault}"
    for name, cell in zip(layout.header, cells, strict=True):
        if name in layout.columns:
            value, is_label = _numbers([cell]), name == layout.columns[0]
            if value is None or (is_label and value[0] not in layout.known):
                return _wrong_cell(name, cell, layout.labels if is_label else "")
    raise AssertionError("a line without a mistake")


def _wrong_cell(name: str, cell: str, labels: str) -> str:
    """What a cell is and what it should be: one of `labels`, or a pixel."""
    expected = f"expected a whole number, {labels or '0–255'}"
    shown = cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…"
    try:
        value = float(cell if NUMBERS.fullmatch(cell) else "none")
    except ValueError:
        return f"{name} is {f'not a number ({shown!r})' if cell else 'empty'}: {expected}"
    if value % 1:
        scaled = not labels and 0 < value < 1
        hint = " (pixels that were scaled to 0–1 are to be multiplied by 255)" if scaled else ""
        return f"{name} is {shown}: {expected}{hint}"
    return (
        f"{name} {value:g} is none of {labels}" if labels else f"{name} is {value:g}, outside 0–255"
    )
