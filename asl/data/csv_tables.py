"""Reader of Sign Language MNIST: two CSVs, a row an image, `label,pixel1,…,pixel784`.

Labels are places in the alphabet, 0–24; 9 does not occur, since J is a movement (so is Z, 25).
Here they become 0–23, an index into the 24 letters that do occur.
"""

import hashlib
import io
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from asl import files
from asl.data import archives
from asl.data.dataset import Dataset
from asl.errors import AslError

SIDE = 28
LABEL_OF_J = 9
PLACES = set(range(26))  # what labels stand for: places in the alphabet
COLUMNS = ["label", *(f"pixel{i}" for i in range(1, SIDE * SIDE + 1))]


def read(dataset: Dataset, source: Path) -> dict[str, np.ndarray]:
    """Both CSVs as columns: images uint8 (n, 28, 28, 1), labels int64 (n,), names, is_test.

    Files with the known hashes are read the quick way. Others are read with every check, so that
    a message can name the row; AslError says what is wrong and where to get the data.
    """
    contents = archives.read_files(dataset, source)
    known, again = _known_labels(dataset), f"Get it again from {dataset.source}."
    tables = _parse_known(dataset, contents) or [
        _parse_checked(text, f"{name} in {files.shown(source)}", known, again)
        for name, text in zip(dataset.files, contents, strict=True)
    ]
    return _columns(dict(zip(("train", "test"), tables, strict=True)), known)


def tables(path: Path) -> list[Path]:
    """The CSVs that `path` is or, without a sub-folder beside them, holds; none for other paths."""
    if path.is_file():
        return [path]
    if any(each.is_dir() and each.name[0] != "." for each in path.iterdir()):
        return []
    return sorted(path.glob("*.csv"))


def letters_in(found_tables: list[Path]) -> tuple[str, ...]:
    """The letters that CSVs of one's own have labels for, in the order of the alphabet."""
    found: set[int] = set()
    for file in found_tables:
        try:
            found |= set(pd.read_csv(file, usecols=["label"])["label"])
        except (ValueError, OSError) as error:
            raise AslError(f"{files.shown(file)} is no table with labels: {error}.") from error
    if len(found & PLACES) < 2:
        raise AslError(
            f"{', '.join(map(files.shown, found_tables))}: labels {sorted(found)[:5]}, but a "
            "network needs at least two classes, as places in the alphabet: 0 is A, 25 is Z."
        )
    return tuple(string.ascii_uppercase[label] for label in sorted(found & PLACES))


def read_own(dataset: Dataset, path: Path) -> dict[str, np.ndarray]:
    """CSVs of one's own as columns, as `read` gives them. One whose name holds "test" is the test
    part; without such a one, the split makes it.
    """
    known, again = _known_labels(dataset), "Mend the file."
    found = {
        file.stem: _parse_checked(file.read_bytes(), files.shown(file), known, again)
        for file in tables(path)
    }
    columns = _columns(found, known)
    if columns["is_test"].all() or not columns["is_test"].any():
        del columns["is_test"]
    return columns


def _known_labels(dataset: Dataset) -> np.ndarray:
    return np.array([string.ascii_uppercase.index(letter) for letter in dataset.class_names])


def _columns(tables: dict[str, np.ndarray], known: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of tables uint8 (rows, 785), by the name of their part; labels index `known`."""
    rows = np.concatenate([*tables.values()])
    parts = [(part, row) for part, table in tables.items() for row in range(len(table))]
    return {
        "images": np.ascontiguousarray(rows[:, 1:]).reshape(-1, SIDE, SIDE, 1),
        "labels": np.searchsorted(known, rows[:, 0]).astype(np.int64),
        "names": np.array([f"{part}/{row:05d}" for part, row in parts]),
        "is_test": np.array(["test" in part.lower() for part, _ in parts]),
    }


def _parse_known(dataset: Dataset, contents: list[bytes]) -> list[np.ndarray] | None:
    """The tables of files whose bytes are the publisher's, or None if they are not."""
    with ThreadPoolExecutor() as pool:  # hashlib and numpy let go of the interpreter's lock
        hashes = pool.map(hashlib.sha256, contents)
        if tuple(each.hexdigest() for each in hashes) != dataset.sha256:
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
    """Numbers of one to three digits between separators, as uint8 (rows, 785): five times as fast
    as a general reader, and correct only for files known to be well formed.
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
    names the first line that is wrong and ends with `again`, which says what to do.
    """
    try:
        table = pd.read_csv(io.BytesIO(text), skipinitialspace=True)
    except ValueError as error:  # pandas' parser errors are ValueErrors
        raise AslError(f"{where} is not a table that can be read ({error}). {again}") from error
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        few = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        raise AslError(
            f"{where} lacks {len(missing)} of its {len(COLUMNS)} columns ({few}): expected label "
            f"and pixel1 to pixel{SIDE * SIDE}. {again}"
        )
    values = table[COLUMNS].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    wrong = ~((values >= 0) & (values <= 255))  # what is not a number is neither
    wrong[:, 0] = ~np.isin(values[:, 0], known)
    if not wrong.any():
        return values.astype(np.uint8)
    row, column = np.argwhere(wrong)[0]
    value, name = values[row, column], COLUMNS[column]
    if np.isnan(value):
        cut = row == len(values) - 1 and np.isnan(values[row, -1])
        reason = "the last row is cut short" if cut else f"{name} is not a number"
    elif column:
        reason = f"{name} is {value:g}, outside 0–255"
    else:
        reason = f"label {value:g} is none of {_ranges(known)}"
    raise AslError(f"{where}, line {row + 2}: {reason}. {again}")


def _ranges(labels: np.ndarray) -> str:
    """Sorted labels in words: 0–8, 10–24 (J and Z are movements)."""
    runs = np.split(labels, np.flatnonzero(np.diff(labels) > 1) + 1)
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return text + (" (J and Z are movements)" if LABEL_OF_J not in labels else "")
