"""Images that stay on the disk: an array that reads only the rows that are asked for."""

import math
import mmap
from collections.abc import Callable

import numpy as np

RESIDENT = 32 << 20  # bytes used of a mapped file before its memory is handed back
AROUND = 2 << 20  # bytes that may become resident around a row that is read: a huge page


class MappedImages:
    """Some rows of an array that stays on the disk: what is asked for is read, the rest is not.

    Indexed like an array, it gives an array: images[5], images[mask], images[10:20, ::2]. `take`
    gives fewer rows without reading them.
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
        rows = np.asarray(self.rows[first])
        found = self._read(rows.ravel()).reshape(*rows.shape, *self.shape[1:])
        if not others:
            return found
        return found[(slice(None), *others) if found.ndim == self.ndim else tuple(others)]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """A copy of these rows. What was read of a mapped file counts as this process's memory
        until it is handed back, and with it what the system mapped around each row.
        """
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if not len(rows):
            return found
        row = found.nbytes // len(rows)
        spread = min(len(rows) * (row + AROUND), (1 + int(np.ptp(rows))) * row)
        start = 0
        for some in np.array_split(rows, -(-spread // RESIDENT)):
            found[start : start + len(some)] = self.array[some]
            start += len(some)
            self.touched += min(len(some) * (row + AROUND), RESIDENT)
            if self.touched > RESIDENT and hasattr(mmap, "MADV_DONTNEED"):
                self.array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]
                self.touched = 0
        return found

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def take(self, rows: np.ndarray) -> "MappedImages":
        """These rows alone, an index array or a mask of (n,); nothing is read."""
        return MappedImages(self.array, self.rows[rows])


Images = np.ndarray | MappedImages  # uint8 (n, height, width, channels)


def released(images: Images) -> Images:
    """The same images; where they are mapped from the disk, so that their memory is handed back."""
    if isinstance(images, np.memmap) and getattr(images, "_mmap", None) is not None:
        return MappedImages(images)
    return images


def update_hash(update: Callable[[bytes], object], images: Images, every: int = 1) -> None:
    """Give the bytes of images, or of each `every`th one, to a hash's `update`: a few at a time."""
    some = every * max(1, RESIDENT // max(1, math.prod(images.shape[1:])))
    for start in range(0, len(images), some):
        update(np.ascontiguousarray(images[start : start + some : every]).tobytes())


def take(images: Images, rows: np.ndarray) -> Images:
    """Some rows of images: in memory if they are, on the disk if they are."""
    return images.take(rows) if isinstance(images, MappedImages) else images[rows]
