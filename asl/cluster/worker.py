"""What a worker does: hold one network, and make parts of blocks."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asl.cluster.addresses import file_system
from asl.cluster.parquet import read_rows
from asl.cluster.parts import UNREADABLE, Folder, encode_part, encode_unreadable
from asl.cluster.sources import Block, Picture
from asl.cluster.version import network_version, package_version
from asl.data.image_formats import PictureError, Stored
from asl.data.images import KINDS, LARGEST_FILE, Inputs, LeftOut, read_image
from asl.errors import AslError

AHEAD = 32  # pictures of an address that are asked for at a time, since each takes long to come
Predict = Callable[[Inputs], tuple[pd.DataFrame, LeftOut]]


class Job(NamedTuple):
    """What all workers are told; plain values, which an older package can read as well."""

    output: str
    format: str
    model: str
    package: str  # what the workers must have, see asl.cluster.version
    network: str
    signs: str = "letters"
    every: bool = False
    landmarks: str = "lite"


class Worker:
    """A network, and where its parts go."""

    def __init__(self, job: dict[str, Any]) -> None:
        """AslError where this machine has another package or network than the driver."""
        self.job = Job(**job)
        here = f"the worker on {socket.gethostname()}"
        if package_version() != self.job.package:
            raise AslError(
                f"{here} has another version of asl: {package_version()}, and this program has "
                f"{self.job.package} (a hash of the package's files). Install the same on all "
                "machines, then start again."
            )
        os.environ["TQDM_DISABLE"] = "1"
        if (network := network_version(self.job.model)) != self.job.network:
            raise AslError(
                f"{here} has another network: {network}, and this program has "
                f"{self.job.network}. Copy model/ (and data/weights/) to all machines, then start "
                "again."
            )
        import cv2

        cv2.setNumThreads(1)
        self.folder = Folder(self.job.output, self.job.format)
        self.predict = _reader(self.job) if self.job.model == "reader" else _network(self.job)

    def work(self, block: Block, size: int) -> dict[str, Any]:
        """Predict a block, `size` pictures at a time, and write its part; gives what was done."""
        began = time.monotonic()
        tables, left_out = [], LeftOut()
        for inputs in read_block(block, size):
            table, missed = predict_or_halve(self.predict, inputs)
            if table is not None:
                tables.append(table)
            for reason, names in missed.items():
                left_out.setdefault(reason, []).extend(names)
        if left_out:  # first, since the part says that the block is done
            self.folder.write(f"{UNREADABLE}/{block.name}.csv", encode_unreadable(left_out))
        if tables:
            data = encode_part(pd.concat(tables, ignore_index=True), self.job.format)
            self.folder.write(self.folder.part(block.name), data)
        else:
            empty = encode_part(_nothing(), self.job.format)
            self.folder.write(self.folder.part(block.name), empty)
        return {
            "block": block.name,
            "pictures": block.length,
            "process": os.getpid(),
            "seconds": time.monotonic() - began,
            "left_out": {why: [len(names), names[:3]] for why, names in left_out.items()},
        }


def _nothing() -> pd.DataFrame:
    from asl.results import results_table

    return results_table([], np.zeros((0, 2)), ["", ""])


def predict_or_halve(predict: Predict, inputs: Inputs) -> tuple[pd.DataFrame | None, LeftOut]:
    """The results of pictures; of half as many at a time where the memory does not hold them all,
    and None where none can be read.
    """
    try:
        return predict(inputs)
    except MemoryError:
        if len(inputs.files) == 1:
            return None, {"is too large for the memory that is free": [*inputs.names]}
        return _in_halves(predict, inputs)
    except AslError:
        unreadable = _unreadable(inputs)
        if unreadable is None:  # so it is about something else
            raise
        return None, unreadable


def _in_halves(predict: Predict, inputs: Inputs) -> tuple[pd.DataFrame | None, LeftOut]:
    tables, left_out = [], LeftOut()
    middle = len(inputs.files) // 2
    for part in (slice(None, middle), slice(middle, None)):
        half = Inputs(inputs.names[part], inputs.files[part], inputs.folders[part], {})
        table, missed = predict_or_halve(predict, half)
        if table is not None:
            tables.append(table)
        for reason, names in missed.items():
            left_out.setdefault(reason, []).extend(names)
    return (pd.concat(tables, ignore_index=True) if tables else None), left_out


def _unreadable(inputs: Inputs) -> LeftOut | None:
    """Why each picture cannot be read; None where one can."""
    left_out = LeftOut()
    for file in inputs.files:
        try:
            read_image(file)
        except PictureError as error:
            left_out.setdefault(error.reason, []).append(error.name)
        else:
            return None
    return left_out


def _reader(job: Job) -> Predict:
    from asl.reader import tables
    from asl.reader.read import find_network

    network = find_network()

    def predict(inputs: Inputs) -> tuple[pd.DataFrame, LeftOut]:
        options: Any = {"signs": job.signs, "every": job.every, "landmarks": job.landmarks}
        found = tables.read_inputs(network, inputs, **options)
        return found.table, found.left_out

    return predict


def _network(job: Job) -> Predict:
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, os.environ.get("OMP_NUM_THREADS", "1"))
    from asl import checkpoints
    from asl.export.network import find_exported
    from asl.prediction import predict_inputs

    file = checkpoints.find(job.model)
    metadata = checkpoints.read_metadata(file)
    model: Any = find_exported(file, metadata)
    if model is None:
        model, metadata = checkpoints.load_model(file)
    return lambda inputs: predict_inputs(model, metadata.class_names, inputs)


def read_block(block: Block, size: int) -> Iterator[Inputs]:
    """The pictures of a block as `predict` takes them, `size` at a time; none is read yet."""
    if block.rows:
        yield from read_rows(block.rows, size)
        return
    for start in range(0, len(block.pictures), size):
        pictures = block.pictures[start : start + size]
        with Ahead(pictures) as ahead:
            names, folders = ([each[k] for each in pictures] for k in (0, 2))
            stored: list[Path | Stored] = [
                Stored(each.name, lambda row=row: ahead.read(row))  # type: ignore[misc]
                for row, each in enumerate(pictures)
            ]
            yield Inputs(names, stored, folders, {})


class Ahead:
    """Reads pictures; those of an address some at a time, before they are asked for."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self.pictures = pictures
        self.asked: dict[int, Future[bytes]] = {}
        self.next = 0
        self.pool = ThreadPoolExecutor(AHEAD) if any(each.root for each in pictures) else None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool:
            self.pool.shutdown(cancel_futures=True)

    def read(self, row: int) -> bytes:
        if self.pool is None:
            return read_bytes(self.pictures[row])
        for coming in range(self.next, min(row + AHEAD, len(self.pictures))):
            self.asked[coming] = self.pool.submit(read_bytes, self.pictures[coming])
            self.next = coming + 1
        asked = self.asked.pop(row, None)
        return asked.result() if asked else read_bytes(self.pictures[row])


def read_bytes(picture: Picture) -> bytes:
    """The bytes of a picture. PictureError for what is no file, or larger than any picture."""
    if picture.root:
        with file_system(picture.root)[0].open_input_file(picture.path) as opened:
            _check_size(picture.name, opened.size())
            return opened.read()
    found = os.stat(picture.path)
    if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device may never end
        raise PictureError(picture.name, KINDS.get(stat.S_IFMT(found.st_mode), "is no file"))
    _check_size(picture.name, found.st_size)
    return Path(picture.path).read_bytes()


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_FILE:
        raise PictureError(name, f"is larger than {LARGEST_FILE >> 20:,} MB")
