"""Reader of Sign Language MNIST: two CSVs, a row an image, `label,pixel1,…,pixel784`.

Labels are places in the alphabet, 0–24; 9 does not occur, since J is a movement (so is Z, 25).
Here they become 0–23, an index into the 24 letters that do occur.
"""

import hashlib
import os
import re
import stat
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from asl import files
from asl.data import archives, csv_parser
from asl.data.dataset import Dataset
from asl.errors import AslError, few

SIDE = 28
LABEL_OF_J = 9
PLACES = set(range(26))  # what labels stand for: places in the alphabet
COLUMNS = ["label", *(f"pixel{i}" for i in range(1, SIDE * SIDE + 1))]
MEND = "Mend the file."
IS_TEST = re.compile("(?<!la)(?<!con)test", re.IGNORECASE)  # in names of files; latest is no test
# What file managers and spreadsheets leave beside files
SYSTEM_FILES = (".", "~$", "__MACOSX")


def read(dataset: Dataset, source: Path) -> dict[str, np.ndarray]:
    """Both CSVs as columns: images uint8 (n, 28, 28, 1), labels int64 (n,), names, is_test.

    Files with the known hashes are read the quick way. Others are read with every check, so that
    a message can name the row; AslError says what is wrong and where to get the data.
    """
    contents = archives.read_files(dataset, source)
    known = _known_labels(dataset)
    again = f"Delete it and get it again from {dataset.source}."
    tables = _parse_known(dataset, contents)
    if tables is None:
        tables = []
        for name, text in zip(dataset.files, contents, strict=True):
            where = f"{name} in {files.shown(source)}"
            tables.append(_parse_checked(text, where, known, again))
            if not text.endswith((b"\n", b"\r")):
                raise AslError(
                    f"{where} has no line end after its last row: it is cut short. {again}"
                )
    return _columns(dict(zip(("train", "test"), tables, strict=True)), known)


def tables(path: Path) -> list[Path]:
    """The CSVs that `path` is or, without a sub-folder beside them, holds; none for other paths."""
    if path.is_dir():
        with _readable(path):
            there = [each for each in path.iterdir() if not each.name.startswith(SYSTEM_FILES)]
        if any(each.is_dir() for each in there):
            return []
        return sorted(each for each in there if each.suffix.lower() == ".csv")
    if path.name.lower().endswith(archives.SUFFIXES):
        raise AslError(
            f"{path} is an archive: extract it first, then name the folder that comes out of it."
        )
    return [path]


def letters_in(found_tables: list[Path]) -> tuple[str, ...]:
    """The letters that CSVs of one's own have labels for, in the order of the alphabet."""
    found: set[int] = set()
    for file in found_tables:
        found |= _labels_in(file, files.stamp(_stat(file)))
    if len(found & PLACES) < 2:
        raise AslError(
            f"{few(map(files.shown, found_tables))}: labels {few(sorted(found), 5)}, but a "
            "network needs at least two classes, as places in the alphabet: 0 is A, 25 is Z."
        )
    return tuple(string.ascii_uppercase[label] for label in sorted(found & PLACES))


def read_own(dataset: Dataset, path: Path) -> dict[str, np.ndarray]:
    """CSVs of one's own as columns, as `read` gives them. One whose name holds "test" is the test
    part; without such a one, the split makes it.
    """
    known, found = _known_labels(dataset), {}
    own = tables(path)
    for file in own:
        is_alone = [each.stem for each in own].count(file.stem) == 1
        text = _read_file(file)
        found[file.stem if is_alone else file.name] = _parse_checked(
            text, files.shown(file), known, MEND
        )
        if not text.endswith((b"\n", b"\r")):
            print(
                f"CAUTION: {files.shown(file)} has no line end after its last row: if the file "
                "was cut short there, the last pixel is wrong."
            )
    columns = _columns(found, known)
    if columns["is_test"].all() or not columns["is_test"].any():
        del columns["is_test"]
    return columns


def check_test_part(dataset: Dataset, columns: dict[str, np.ndarray]) -> None:
    """AslError for classes in the test part that training lacks; a line for rows it repeats."""
    if "is_test" not in columns:
        return
    is_test, labels = columns["is_test"], columns["labels"]
    new = set(labels[is_test].tolist()) - set(labels[~is_test].tolist())
    if new:
        raise AslError(
            f"{dataset.source}: the test part has {len(new)} classes that no training row has "
            f"({few([dataset.class_names[label] for label in sorted(new)])}): a network cannot "
            "learn them. Add training rows of them, or take them out of the test part."
        )
    trained = {image.tobytes() for image in columns["images"][~is_test]}
    repeated = sum(image.tobytes() in trained for image in columns["images"][is_test])
    count = int(is_test.sum())
    if repeated:
        print(
            f"CAUTION: {'all ' * (repeated == count)}{repeated:,} of {count:,} test rows in "
            f"{dataset.source} repeat training rows (equal pixels): what is known by heart is no "
            "test, and its figures promise too much. Take these rows out of one of the two tables."
        )


@lru_cache(maxsize=64)
def _labels_in(file: Path, _stamp: tuple[int, ...]) -> frozenset[int]:
    """The labels in a table, which is read once as long as its stamp stays."""
    table = _parse_checked(_read_file(file), files.shown(file), np.arange(256), MEND)
    return frozenset(table[:, 0].tolist())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AslError(f"{files.shown(path)} cannot be read: {error.strerror}.") from error


def _stat(file: Path) -> os.stat_result:
    with _readable(file):
        found = file.stat()
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
        raise AslError(f"{files.shown(file)} is no file: expected a CSV, or a folder of pictures.")
    return found


def _read_file(file: Path) -> bytes:
    _stat(file)
    with _readable(file):
        return file.read_bytes()


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
        "is_test": np.array([IS_TEST.search(part) is not None for part, _ in parts]),
    }


def _parse_known(dataset: Dataset, contents: list[bytes]) -> list[np.ndarray] | None:
    """The tables of files whose bytes are the publisher's, or None if they are not."""
    with ThreadPoolExecutor() as pool:  # hashlib and numpy let go of the interpreter's lock
        hashes = pool.map(hashlib.sha256, contents)
        if tuple(each.hexdigest() for each in hashes) != dataset.sha256:
            return None
        tables = [
            pool.map(
                partial(_parse_digits, text), csv_parser.whole_lines(text, text.index(b"\n") + 1)
            )
            for text in contents
        ]
        return [np.concatenate(list(chunks)) for chunks in tables]


def _parse_digits(text: bytes, place: tuple[int, int]) -> np.ndarray:
    """Numbers of one to three digits between separators, as uint8 (rows, 785): correct only for
    files known to be well formed.
    """
    characters = np.frombuffer(text, np.uint8, place[1] - place[0], place[0])
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
        return csv_parser.parse(text, COLUMNS, known, _ranges(known[known <= max(PLACES)]))
    except csv_parser.TableError as error:
        raise AslError(f"{where}{error}. {again}") from error


def _ranges(labels: np.ndarray) -> str:
    """Sorted labels in words: 0–8, 10–24 (J and Z are movements)."""
    runs = np.split(labels, np.flatnonzero(np.diff(labels) > 1) + 1)
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return text + (" (J and Z are movements)" if LABEL_OF_J not in labels else "")
