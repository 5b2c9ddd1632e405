"""Reads the tensors of a PyTorch file, without PyTorch, and without running code that is in it.

Both formats are read: the ZIP archive that `torch.save` writes since version 1.6, and the sequence
of pickles that it wrote before (torch/serialization.py). Only the few names that a dictionary of
tensors needs are looked up; any other one is refused.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C  # how a file of the older format begins
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


def read_tensors(file: Path) -> dict[str, np.ndarray]:
    """The arrays of a state dictionary (.pth, .pt) by their names.

    ValueError or another error of the standard library for a file that is damaged, or that holds
    anything else.
    """
    with file.open("rb") as opened:
        found = _read_zip(opened) if zipfile.is_zipfile(opened) else _read_older(opened)
    if not isinstance(found, dict) or not all(isinstance(v, np.ndarray) for v in found.values()):
        raise ValueError("it is no dictionary of tensors")
    return dict(found)


def _read_zip(opened: IO[bytes]) -> Any:
    with zipfile.ZipFile(opened) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")

        def storage(dtype: np.dtype, key: str, count: int) -> np.ndarray:
            name = f"{folder}data/{key}"
            if archive.getinfo(name).file_size != count * dtype.itemsize:
                raise ValueError(f"{name} has not the size that it says")
            return np.frombuffer(archive.read(name), dtype)

        with archive.open(pickled) as member:
            return _Reader(member, storage).load()


def _read_older(opened: IO[bytes]) -> Any:
    """Magic number, version, machine, the dictionary, the keys of the storages, the storages."""
    size = opened.seek(0, 2)
    opened.seek(0)
    if _Reader(opened).load() != MAGIC:
        raise ValueError("it does not begin as a file of PyTorch does")
    _Reader(opened).load(), _Reader(opened).load()
    storages: dict[str, np.ndarray] = {}

    def storage(dtype: np.dtype, key: str, count: int) -> np.ndarray:
        if not 0 <= count * dtype.itemsize <= size:
            raise ValueError("it is cut short")
        return storages.setdefault(key, np.zeros(count, dtype))  # filled below

    found = _Reader(opened, storage).load()
    for key in _Reader(opened).load():
        array = storages[key]
        data = opened.read(8 + array.nbytes)
        if len(data) != 8 + array.nbytes or int.from_bytes(data[:8], "little") != len(array):
            raise ValueError("it is cut short")
        array[:] = np.frombuffer(data, array.dtype, offset=8)
    return found


def _tensor(storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_: object):
    """A view of a storage; strides in values. It stays within the storage."""
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min((offset, *shape, *strides)) < 0 or (0 not in shape and last >= len(storage)):
        raise ValueError("a tensor is larger than what is stored of it")
    steps = [step * storage.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)


class _Reader(pickle.Unpickler):
    """Unpickles a dictionary of tensors and nothing else."""

    def __init__(self, opened: IO[bytes], storage: Callable | None = None) -> None:
        super().__init__(opened)
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in STORAGES:
            return np.dtype(STORAGES[name])
        raise ValueError(f"it holds {module}.{name}, which is no tensor")

    def persistent_load(self, found: Any) -> np.ndarray:
        kind, dtype, key, _, count = found[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype) or self._storage is None:
            raise ValueError("it is no dictionary of tensors")
        return self._storage(dtype, key, count)
