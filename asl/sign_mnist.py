"""Reader of Sign Language MNIST: two CSVs, a row an image, `label,pixel1,…,pixel784`.

Labels are places in the alphabet, 0–24; 9 does not occur, since J is a movement (so is Z, 25).
Here they become 0–23, an index into the 24 letters that do occur.
"""

from __future__ import annotations

import hashlib
import io
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
            _parse_checked(text, f"{name} in {paths.shown(source)}", dataset)
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


def _parse_checked(text: bytes, where: str, dataset: Dataset) -> np.ndarray:
    """A CSV of this shape from anywhere, as uint8 (rows, 785); AslError names what is wrong."""
    again = f"Get it again from {dataset.source}."
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
    known = np.delete(np.arange(len(dataset.class_names) + 1), LABEL_OF_J)
    foreign = np.flatnonzero(~np.isin(values[:, 0], known))
    if len(foreign):
        raise AslError(
            f"{where}, line {foreign[0] + 2}: label {values[foreign[0], 0]:g} is none of 0–24 "
            f"without 9 (J and Z are movements). {again}"
        )
    return values.astype(np.uint8)
