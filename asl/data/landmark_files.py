"""How nine teams wrote down the 21 points of hands: from the content of their files to rows."""

from __future__ import annotations

import csv
import io
import json
import string
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

POINTS = 21  # wrist, then four of the thumb and of each finger, from its base to its tip
FLAT, DEEP = 2 * POINTS, 3 * POINTS  # numbers a row: x and y, or depth as well
LARGEST = 64 << 20  # bytes of a file, and of all that is read of one archive
UNREADABLE = (
    *(ValueError, TypeError, AttributeError, LookupError, RuntimeError, EOFError, MemoryError),
    *(csv.Error, zipfile.BadZipFile, zlib.error),
)  # what something else than such rows raises here, in json, numpy and zipfile
Rows = tuple[Sequence[Any], list[str]]  # a row of numbers for each hand, and its letter


def points(rows: Sequence[Any], columns: int) -> np.ndarray:
    """Rows of numbers as points, float32 (n, 21, 3); ValueError for rows that are none."""
    for place, row in enumerate(rows, 1):
        if len(row) != columns:
            raise ValueError(f"row {place:,} has {len(row):,} numbers instead of {columns}")
    with np.errstate(over="ignore"):
        numbers = np.array(rows, np.float64).astype(np.float32).reshape(-1, columns)
    finite = np.isfinite(numbers).all(axis=1)
    if len(numbers) != len(rows) or not finite.all():
        raise ValueError(f"row {finite.argmin() + 1:,} holds what is not a number")
    hands = np.zeros((len(numbers), POINTS, 3), np.float32)
    hands[:, :, : columns // POINTS] = numbers.reshape(-1, POINTS, columns // POINTS)
    return hands


def _members(content: bytes, folder: str, suffix: str) -> dict[PurePosixPath, bytes]:
    """The files of a zip archive that lie below a folder and end so, by path. ValueError where they
    would grow too large, or there are none. Nothing is extracted.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = [
            each
            for each in archive.infolist()
            if each.filename.startswith(f"{folder}/") and each.filename.endswith(suffix)
        ]
        size = sum(each.file_size for each in found)
        if size > LARGEST or not found:
            raise ValueError(f"{len(found):,} files of {size / 1e6:,.0f} MB in {folder}/")
        return {PurePosixPath(each.filename): archive.read(each) for each in found}


def _array(content: bytes) -> np.ndarray:
    """An array in NumPy's format; ValueError for pickled objects, which could run any code."""
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _cells(content: bytes) -> list[list[str]]:
    """The cells of each line of a CSV, but for empty lines."""
    return [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]


def signn(content: bytes) -> Rows:
    """{letter: rows}. More than half of the rows are one and the same hand under every letter, put
    where none was found: what stands under several letters is left out.
    """
    known = [(tuple(row), key) for key, rows in json.loads(content).items() for row in rows]
    under: dict[tuple[float, ...], set[str]] = {}
    for row, letter in known:
        under.setdefault(row, set()).add(letter)
    told = [(row, letter) for row, letter in known if len(under[row]) == 1]
    return [row for row, _ in told], [letter for _, letter in told]


def asl_ai(content: bytes) -> Rows:
    """A file a frame, in a folder a letter."""
    frames = _members(content, "asl-ai-fa1dcdb446182c17afd1bd915a70754a99fd02b3", ".npy")
    return [_array(frame) for frame in frames.values()], [path.parent.name for path in frames]


def m_alateegi(content: bytes) -> Rows:
    """A CSV with a header; the label is the last column."""
    lines = _cells(content)[1:]
    return [cells[:-1] for cells in lines], [cells[-1] for cells in lines]


def hands_on_fluency(content: bytes, labels: bytes) -> Rows:
    """A CSV whose first column says which line of a second file is the label."""
    names = [cells[0] for cells in _cells(labels)]
    lines = _cells(content)
    return [cells[1:] for cells in lines], [names[int(cells[0])] for cells in lines]


def kelhuynh(content: bytes) -> Rows:
    """A CSV in an archive; the first column is the number of the letter, from A = 0."""
    found = _members(content, "kelhuynh__CapstoneProject/src", "/keypoint.csv")
    lines = [cells for table in found.values() for cells in _cells(table)]
    letters = [string.ascii_uppercase[int(cells[0])] for cells in lines]
    return [cells[1:] for cells in lines], letters


def file_per_letter(folder: str, skipped: Mapping[str, int] | None = None) -> Callable[..., Rows]:
    """How an array a letter is read from a folder of an archive: the first 63 columns, without the
    first rows of letters where they are to be skipped.
    """

    def read(content: bytes) -> Rows:
        rows: list[np.ndarray] = []
        letters: list[str] = []
        for path, packed in _members(content, folder, ".npy").items():
            found = _array(packed)[(skipped or {}).get(path.stem, 0) :, :DEEP]
            rows += [*found]
            letters += [path.stem] * len(found)
        return rows, letters

    return read


def siruyy(content: bytes) -> Rows:
    """Arrays that were standardized: each column minus its mean, by its standard deviation."""
    found = _members(content, "Siruyy__realtime-asl-recognizer/data", ".npy")
    array = {path.stem: _array(packed) for path, packed in found.items()}
    standard = np.concatenate([array["X_train"], array["X_test"]])
    labels = np.concatenate([array["y_train"], array["y_test"]])
    rows = (standard * array["std"] + array["mean"])[:, :DEEP]
    return rows, [string.ascii_uppercase[label] for label in labels]
