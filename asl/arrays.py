"""Pictures as one array file: decoded and resized once, in parallel, then mapped.

A data set of pictures does not fit the memory, and decoding it anew for every epoch would take
longer than training. So data/cache/<set>/ holds

    images-<id>.u8    the pictures (n, height, width, channels), a byte a value, nothing else
    rows-<id>.bin     a record a picture: done, bad or still to do, and a digest of its file
    index.npz         shape, and names, sizes and times of the files of the build that is whole

A build that was killed goes on with its first two files. A picture that was changed, added or
removed gives another <id>; what did not change is taken over from the build before it.
"""

import contextlib
import hashlib
import json
import math
import mmap
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from asl import paths
from asl.errors import AslError
from asl.images import decode, fit

TO_DO, DONE, BAD = 0, 1, 2
ROW = np.dtype([("state", np.uint8), ("digest", np.uint64)])
BLOCK = 64  # pictures that a thread reads at a time
IN_MEMORY = 512 << 20  # bytes: a smaller array is read whole
RESIDENT = 32 << 20  # bytes used of a mapped array before its memory is handed back


class Pictures(NamedTuple):
    """What became of a list of picture files; row i of each is file i."""

    images: "np.ndarray | Rows"  # uint8 (n, height, width, channels); zeros where unreadable
    digests: np.ndarray  # uint64 (n,), equal for files of equal bytes
    bad: dict[int, str]  # row → why it could not be read


class Rows:
    """Some rows of an array that stays on the disk: what is asked for is read, the rest is not.

    Indexed like an array, it gives an array: rows[5], rows[mask], rows[10:20, ::2]. `take` gives
    fewer rows without reading them.
    """

    def __init__(self, array: np.memmap, rows: np.ndarray | None = None) -> None:
        self.array = array
        self.rows = np.arange(len(array)) if rows is None else np.asarray(rows)
        self.shape = (len(self.rows), *array.shape[1:])
        self.dtype, self.ndim = array.dtype, array.ndim
        self.touched = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key) -> np.ndarray:
        first, *others = key if isinstance(key, tuple) else (key,)
        found = np.array(self.array[self.rows[first]])
        self.touched += found.nbytes
        if self.touched > RESIDENT and hasattr(mmap, "MADV_DONTNEED"):
            # What was read of a mapped file counts as this process's memory until it is handed back
            self.array._mmap.madvise(mmap.MADV_DONTNEED)
            self.touched = 0
        if not others:
            return found
        return found[(slice(None), *others) if found.ndim == self.ndim else tuple(others)]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def take(self, rows: np.ndarray) -> "Rows":
        """These rows alone, an index array or a mask of (n,); nothing is read."""
        return Rows(self.array, self.rows[rows])


def take(images: "np.ndarray | Rows", rows: np.ndarray) -> "np.ndarray | Rows":
    """Some rows of images, in memory if they are, on the disk if they are."""
    return images.take(rows) if isinstance(images, Rows) else images[rows]


def read(
    folder: Path, names: list[str], stamps: np.ndarray, shape: tuple[int, int, int], cache: Path
) -> Pictures:
    """The pictures `folder/name` at `shape`, from the array file in `cache`, which is made first
    where it is not there or not of these files.

    stamps int64 (n, 2) are the files' sizes and times. Pictures that cannot be read are told in
    `bad`. Several processes may ask at the same time: one builds, the others wait.
    """
    build = _id(names, stamps, shape)
    found = _open(cache, build)
    if found:
        return found
    with FileLock(paths.locked(cache / "index.npz")):
        found = _open(cache, build)  # whoever held the lock may have made it
        if not found:
            _build(folder, names, stamps, shape, cache, build)
            found = _open(cache, build)
    return found


def stored(cache: Path) -> tuple[list[str], Pictures] | None:
    """Names and pictures of an array file whose picture files are gone; None without one."""
    index = _read_index(cache)
    found = _open(cache, str(index["build"])) if index else None
    return (index["names"].tolist(), found) if found else None


def _id(names: list[str], stamps: np.ndarray, shape: tuple[int, int, int]) -> str:
    text = json.dumps([list(names), np.asarray(stamps).tolist(), list(shape)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read_index(cache: Path) -> dict[str, np.ndarray] | None:
    try:
        with np.load(cache / "index.npz") as stored:
            return {key: stored[key] for key in stored.files}
    except Exception:  # none, or damaged: whatever the damage meets first
        return None


def _open(cache: Path, build: str) -> Pictures | None:
    """The whole array file of a build, or None."""
    index = _read_index(cache)
    if index is None or str(index["build"]) != build:
        return None
    images = _map(cache / f"images-{build}.u8", tuple(index["shape"]))
    if images is None:
        return None
    small = images.nbytes <= IN_MEMORY
    return Pictures(
        np.array(images) if small else Rows(images),
        index["digests"],
        {int(row): str(reason) for row, reason in zip(index["bad"], index["reasons"], strict=True)},
    )


def _build(
    folder: Path,
    names: list[str],
    stamps: np.ndarray,
    shape: tuple[int, int, int],
    cache: Path,
    build: str,
) -> None:
    images_file, rows_file = cache / f"images-{build}.u8", cache / f"rows-{build}.bin"
    old = _whole(cache)
    if old == images_file.name:  # it was damaged, or it would not be made again
        (cache / "index.npz").unlink()
    for file in (*cache.glob("images-*.u8"), *cache.glob("rows-*.bin")):
        if build not in file.name and file.name != old:  # of a build that was never finished
            file.unlink()
    sizes = (math.prod((len(names), *shape)), len(names) * ROW.itemsize)
    files = (images_file, rows_file)
    if not all(f.is_file() and f.stat().st_size == n for f, n in zip(files, sizes, strict=True)):
        for file, size in zip(files, sizes, strict=True):
            _create(file, size)
    records = np.fromfile(rows_file, ROW)
    reasons: dict[int, str] = {}

    def work(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[int, str]]:
        return rows, *_decode_block(folder, [names[row] for row in rows], shape)

    with (
        paths.explained(images_file),
        images_file.open("r+b") as images_out,
        rows_file.open("r+b") as rows_out,
        ThreadPoolExecutor() as pool,
    ):
        _take_over(cache, names, stamps, shape, images_out, rows_out, records)
        todo = np.flatnonzero(records["state"] != DONE)  # bad ones again, for their reasons
        blocks = [todo[start : start + BLOCK] for start in range(0, len(todo), BLOCK)]
        bar = {"desc": "decoding pictures", "unit": "picture", "delay": 1, "leave": False}
        with tqdm(total=len(todo), **bar) as progress:
            for rows, images, block, bad in _ahead(pool, work, blocks):
                records[rows] = block
                reasons |= {int(rows[i]): reason for i, reason in bad.items()}
                _write_rows(images_out, images, rows)
                _write_rows(rows_out, block, rows)  # after the images: what it calls done is done
                progress.update(len(rows))
    with paths.write_beside(cache / "index.npz") as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            build=build,
            shape=(len(names), *shape),
            names=np.array(names),
            stamps=stamps,
            digests=records["digest"],
            bad=np.array(sorted(reasons), np.int64),
            reasons=np.array([reasons[row] for row in sorted(reasons)], str),
        )
    rows_file.unlink()
    if old and old != images_file.name:
        with contextlib.suppress(OSError):  # Windows keeps what another notebook has open
            (cache / old).unlink()


def _ahead(pool: ThreadPoolExecutor, work, blocks: Iterable[np.ndarray]) -> Iterator:
    """Like pool.map, but only a few blocks ahead, so that results do not pile up in memory."""
    blocks = iter(blocks)
    waiting = [pool.submit(work, block) for block in islice(blocks, 4 * (os.cpu_count() or 1))]
    while waiting:
        yield waiting.pop(0).result()
        waiting += [pool.submit(work, block) for block in islice(blocks, 1)]


def _decode_block(
    folder: Path, names: list[str], shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    images = np.zeros((len(names), *shape), np.uint8)
    records = np.zeros(len(names), ROW)
    bad = {}
    for i, name in enumerate(names):
        try:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                data = file.read()
            images[i] = fit(decode(data, name), shape)
            digest = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
            records[i] = (DONE, digest)
        except OSError as error:
            bad[i] = f"{name}: {error.strerror}"
        except AslError as error:
            bad[i] = str(error)
        if i in bad:
            records[i] = (BAD, 0)
    return images, records, bad


def _create(file: Path, size: int) -> None:
    """A file of zeros. AslError before anything is written where the disk is too small."""
    paths.check_space(file.parent, size)
    with file.open("wb") as out:
        out.truncate(size)


def _map(file: Path, shape: tuple[int, ...]) -> np.memmap | None:
    """The images of a file that is there and of the right size, or None."""
    if not file.is_file() or file.stat().st_size != math.prod(shape):
        return None
    return np.memmap(file, np.uint8, "r", shape=shape)


def _write_rows(out: BinaryIO, values: np.ndarray, rows: np.ndarray) -> None:
    """Write values to these rows of an open file: written, not mapped, so that a full disk is an
    error with a name instead of the end of the process.
    """
    size = values[:1].nbytes
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for run, part in zip(np.split(rows, breaks), np.split(values, breaks), strict=True):
        out.seek(int(run[0]) * size)
        out.write(part.tobytes())
    out.flush()


def _whole(cache: Path) -> str:
    """The name of the image file that the index speaks of, or an empty text."""
    index = _read_index(cache)
    return "" if index is None else f"images-{index['build']}.u8"


def _take_over(
    cache: Path,
    names: list[str],
    stamps: np.ndarray,
    shape: tuple[int, int, int],
    images_out: BinaryIO,
    rows_out: BinaryIO,
    records: np.ndarray,
) -> None:
    """Copy what did not change since the build before this one."""
    index = _read_index(cache)
    if index is None or tuple(index["shape"][1:]) != shape:
        return
    images = _map(cache / _whole(cache), tuple(index["shape"]))
    if images is None:
        return
    before = dict(zip(_keys(index["names"], index["stamps"]), range(len(images)), strict=True))
    bad = set(index["bad"].tolist())
    pairs = [
        (row, before[key])
        for row, key in enumerate(_keys(names, stamps))
        if before.get(key, -1) not in bad | {-1} and records["state"][row] == TO_DO
    ]
    for start in range(0, len(pairs), 1024):
        rows, old = np.array(pairs[start : start + 1024]).T
        records["state"][rows], records["digest"][rows] = DONE, index["digests"][old]
        _write_rows(images_out, images[old], rows)
        _write_rows(rows_out, records[rows], rows)


def _keys(names: Iterable[str], stamps: np.ndarray) -> list[tuple]:
    return [
        (str(name), *stamp) for name, stamp in zip(names, np.asarray(stamps).tolist(), strict=True)
    ]
