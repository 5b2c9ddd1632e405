"""Reader of Sign Language MNIST: two CSVs, a row an image, `label,pixel1,…,pixel784`.

Labels are places in the alphabet, 0–24; 9 does not occur, since J is a movement (so is Z, 25).
Here they become 0–23, an index into the 24 letters that do occur.
"""

from __future__ import annotations

import hashlib
import io
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asl import download, paths
from asl.errors import AslError

if TYPE_CHECKING:
    from asl.datasets import Dataset

SIDE = 28
LABEL_OF_J = 9
PLACES = set(range(26))  # what labels stand for: places in the alphabet
COLUMNS = ["label", *(f"pixel{i}" for i in range(1, SIDE * SIDE + 1))]


def read(dataset: Dataset, source: Path) -> dict[str, np.ndarray]:
    """Both CSVs as columns: images uint8 (n, 28, 28, 1), labels int64 (n,), names, is_test.

    Files with the known hashes are read the quick way. Others are read with every check, so that
    a message can name the row; AslError says what is wrong and where to get the data.
    """
    contents = download.read_files(dataset, source)
    tables = _parse_known(dataset, contents)
    if tables is None:
        tables = [
            _parse_checked(
                text,
                f"{name} in {paths.shown(source)}",
                np.delete(np.arange(len(dataset.class_names) + 1), LABEL_OF_J),
                f"Get it again from {dataset.source}.",
            )
            for name, text in zip(dataset.files, contents, strict=True)
        ]
    table = np.concatenate(tables)
    labels = table[:, 0].astype(np.int64)
    train_count, test_count = map(len, tables)
    return {
        "images": np.ascontiguousarray(table[:, 1:]).reshape(-1, SIDE, SIDE, 1),
        "labels": labels - (labels > LABEL_OF_J),
        "names": np.array(
            [f"train/{row:05d}" for row in range(train_count)]
            + [f"test/{row:05d}" for row in range(test_count)]
        ),
        "is_test": np.arange(len(labels)) >= train_count,
    }


def tables(path: Path) -> list[Path]:
    """The CSVs that `path` is or, without a sub-folder beside them, holds; none for other paths."""
    if path.is_file():
        return [path]
    if any(each.is_dir() and each.name[0] != "." for each in path.iterdir()):
        return []
    return sorted(path.glob("*.csv"))


def letters_in(files: list[Path]) -> tuple[str, ...]:
    """The letters that CSVs of one's own have labels for, in the order of the alphabet."""
    found: set[int] = set()
    for file in files:
        try:
            found |= set(pd.read_csv(file, usecols=["label"])["label"])
        except (ValueError, OSError) as error:
            raise AslError(
                f"{paths.shown(file)} is no table with a column label: {error}."
            ) from error
    if len(found & PLACES) < 2:
        raise AslError(
            f"{', '.join(map(paths.shown, files))}: labels {sorted(found)[:5]}, but a network "
            "needs at least two classes, as places in the alphabet: 0 is A, 25 is Z."
        )
    return tuple(string.ascii_uppercase[label] for label in sorted(found & PLACES))


def read_own(dataset: Dataset, path: Path) -> dict[str, np.ndarray]:
    """CSVs of one's own as columns, as `read` gives them. One whose name holds "test" is the test
    part; without such a one, the split cuts it.
    """
    files = tables(path)
    known = np.array([string.ascii_uppercase.index(letter) for letter in dataset.class_names])
    table = [
        _parse_checked(file.read_bytes(), paths.shown(file), known, "Mend the file.")
        for file in files
    ]
    sizes = [len(each) for each in table]
    rows = np.concatenate(table)
    is_test = np.repeat(["test" in file.stem.lower() for file in files], sizes)
    columns = {
        "images": np.ascontiguousarray(rows[:, 1:]).reshape(-1, SIDE, SIDE, 1),
        "labels": np.searchsorted(known, rows[:, 0]).astype(np.int64),
        "names": np.concatenate(
            [
                [f"{file.stem}/{i:05d}" for i in range(n)]
                for file, n in zip(files, sizes, strict=True)
            ]
        ),
    }
    return columns | ({"is_test": is_test} if 0 < is_test.sum() < len(is_test) else {})


def _parse_known(dataset: Dataset, contents: list[bytes]) -> list[np.ndarray] | None:
    """The tables of files whose bytes are the publisher's, or None if they are not."""
    with ThreadPoolExecutor() as pool:  # hashlib and numpy let go of the interpreter's lock
        hashes = [pool.submit(hashlib.sha256, text) for text in contents]
        if tuple(each.result().hexdigest() for each in hashes) != dataset.sha256:
            return None
        tables = [pool.map(_parse_digits, _chunks(text)) for text in contents]
        return [np.concatenate(list(chunks)) for chunks in tables]


def _chunks(text: bytes, size: int = 1 << 20) -> Iterator[np.ndarray]:
    """The bytes after the header, in pieces of whole lines that fit the processor's cache."""
    start = text.index(b"\n") + 1
    while start < len(text):
        end = text.rfind(b"\n", start, start + size) + 1
        yield np.frombuffer(text, np.uint8, end - start, start)
        start = end


def _parse_digits(characters: np.ndarray) -> np.ndarray:
    """Numbers of one to three digits between separators, as uint8 (rows, 785).

    Five times as fast as a general reader, and right only for files known to be well formed.
    """
    digits = characters - ord("0")
    ends = np.flatnonzero(characters < ord("0"))  # commas and line ends
    length = np.diff(ends, prepend=-1) - 1
    values = digits[ends - 1]
    values += 10 * np.where(length > 1, digits[ends - 2], np.uint8(0))
    values += 100 * np.where(length > 2, digits[ends - 3], np.uint8(0))
    return values.reshape(-1, len(COLUMNS))


def _parse_checked(text: bytes, where: str, known: np.ndarray, again: str) -> np.ndarray:
    """A CSV of this shape from anywhere, as uint8 (rows, 785), its labels among `known`. AslError
    names what is wrong and ends with `again`, which says what to do.
    """
    try:
        table = pd.read_csv(io.BytesIO(text), skipinitialspace=True)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' parser errors are ValueErrors
        raise AslError(f"{where} is not a table that can be read ({error}). {again}") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        few = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise AslError(
            f"{where} lacks {len(missing)} of its {len(COLUMNS)} columns ({few}): expected label "
            f"and pixel1 to pixel{SIDE * SIDE}. {again}"
        )
    values = table[COLUMNS].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    unreadable = np.flatnonzero(np.isnan(values).any(axis=1))
    if len(unreadable):
        row = unreadable[0]
        column = COLUMNS[np.flatnonzero(np.isnan(values[row]))[0]]
        cut = row == len(values) - 1 and np.isnan(values[row, -1])
        reason = "the last row is cut short" if cut else f"{column} is not a number"
        raise AslError(f"{where}, line {row + 2}: {reason}. {again}")
    outside = np.argwhere((values[:, 1:] < 0) | (values[:, 1:] > 255))
    if len(outside):
        row, pixel = outside[0]
        raise AslError(
            f"{where}, line {row + 2}: pixel{pixel + 1} is {values[row, pixel + 1]:g}, outside "
            f"0–255. {again}"
        )
    foreign = np.flatnonzero(~np.isin(values[:, 0], known))
    if len(foreign):
        raise AslError(
            f"{where}, line {foreign[0] + 2}: label {values[foreign[0], 0]:g} is none of "
            f"{_ranges(known)}. {again}"
        )
    return values.astype(np.uint8)


def _ranges(labels: np.ndarray) -> str:
    """Sorted labels in words: 0–8, 10–24 (J and Z are movements)."""
    runs = np.split(labels, np.flatnonzero(np.diff(labels) > 1) + 1)
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    movements = LABEL_OF_J not in labels
    return text + (" (J and Z are movements)" if movements else "")
