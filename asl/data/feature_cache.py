"""What was computed from images once and is kept: features of a frozen backbone, points of hands.

They stay in data/cache/features/<key>.f32, float32, rows as the images; the key is made of the
images and of what looked at them, so that features of other images are never taken for these. A
pass that was interrupted goes on with the rows that are there.
"""

import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from asl import files
from asl.data.image_cache import IN_MEMORY
from asl.data.mapped_images import Images, update_hash

FLOAT = 4  # bytes


class Features(NamedTuple):
    """What was computed from images, float32 (n, …), and the seconds that it took."""

    values: np.ndarray
    seconds: float


class Pass(NamedTuple):
    """How features are computed: what is said of it, and what comes out."""

    compute: Callable[[np.ndarray], np.ndarray]  # uint8 (b, h, w, c) → float32 (b, *shape)
    shape: tuple[int, ...]
    key: bytes  # of all that looks at the images
    title: str  # for progress
    batch: int = 32  # images at a time


def features(images: Images, way: Pass) -> Features:
    """The features of images uint8 (n, h, w, c), from the cache where they are there.

    What is larger than `image_cache.IN_MEMORY` is mapped from the disk. AslError for a full disk.
    """
    key = hashlib.sha256(_digest(images).encode() + way.key)
    file = files.DATA / "cache/features" / f"{key.hexdigest()[:16]}.f32"
    size = math.prod((len(images), *way.shape)) * FLOAT
    with files.lock(file):
        seconds = _seconds(file, size)
        if seconds is None:
            _compute(images, way, file)
            seconds = _seconds(file, size)
            assert seconds is not None
    shape = (len(images), *way.shape)
    if size > IN_MEMORY:
        return Features(np.memmap(file, np.float32, "r", shape=shape), seconds)
    return Features(np.fromfile(file, np.float32).reshape(shape), seconds)


def _digest(images: Images) -> str:
    found = hashlib.blake2b(str(images.shape).encode(), digest_size=16)
    update_hash(found.update, images)
    return found.hexdigest()


def _seconds(file: Path, size: int) -> float | None:
    """The seconds that features took, or None where the file is not there or not whole."""
    if not file.is_file():
        return None
    try:
        notes = json.loads(file.with_suffix(".json").read_text())
        if file.stat().st_size == size and files.checksums(file) == notes["checksums"]:
            return float(notes["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    print(f"{files.shown(file)} is damaged and is made again")
    return None


def _rows_done(unfinished: Path, row: int) -> int:
    """How many rows of an interrupted pass are there and are what was written."""
    try:
        lines = unfinished.with_suffix(".checks").read_text().split()
        with unfinished.open("rb") as kept:
            done = 0
            for line in lines:
                count, check = map(int, line.split(":"))
                data = kept.read(count * row)
                if len(data) != count * row or zlib.crc32(data) != check:
                    break
                done += count
            return done
    except (OSError, ValueError):
        return 0


def _compute(images: Images, way: Pass, file: Path) -> None:
    """One pass, written as it goes: as many rows as the unfinished file holds are done."""
    row = math.prod(way.shape) * FLOAT
    files.check_space(file.parent, row * len(images))
    unfinished = file.with_suffix(".part")
    checks = unfinished.with_suffix(".checks")  # rows and checksum of each batch written
    began, done = time.perf_counter(), _rows_done(unfinished, row)
    with files.explained(file), unfinished.open("ab") as out, checks.open("a") as notes:
        out.truncate(done * row)
        if not done:
            notes.truncate(0)
        bar = {"desc": way.title, "unit": "image", "delay": 1, "leave": False}
        with tqdm(total=len(images), initial=done, **bar) as progress:
            for start in range(done, len(images), way.batch):
                block = images[start : start + way.batch]
                data = np.asarray(way.compute(block), np.float32).tobytes()
                out.write(data)
                out.flush()
                print(f"{len(block)}:{zlib.crc32(data)}", file=notes, flush=True)
                progress.update(len(block))
        out.flush()
        os.fsync(out.fileno())
        # The rows that were there already took as long each
        seconds = (time.perf_counter() - began) * len(images) / max(len(images) - done, 1)
        found = {"seconds": round(seconds, 2), "checksums": files.checksums(unfinished)}
        with files.write_beside(file.with_suffix(".json")) as beside:
            beside.write_text(json.dumps(found))
        os.replace(unfinished, file)
    checks.unlink()
