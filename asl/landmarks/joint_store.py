"""The joints of each image, looked for once and kept image by image: another split, another order
or a part of the same images finds them again.

data/cache/joints/<networks>.rows holds a record an image: what tells the image from others, its
joints, the seconds that they took, and a checksum. Records are added as they are made, so that a
search that was interrupted goes on where it was; damaged ones are dropped, and looked for again.
"""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from asl import files
from asl.data.mapped_images import Images
from asl.landmarks import joints
from asl.landmarks.joints import Joints

RECORD = np.dtype([("image", "V16"), ("values", "<f4", joints.SHAPE), ("check", "<u4")])
CHECKED = RECORD.itemsize - 4  # bytes that the checksum is of


def stored_joints(images: Images, name: str = "hands") -> tuple[Joints, float]:
    """The largest sure hand of each image uint8 (n, h, w, 1 or 3), and the seconds that looking
    for them took, whenever that was.

    `name` is for progress. AslError where the networks' files are neither on this machine nor can
    be fetched, and for a full disk.
    """
    file = files.DATA / "cache/joints" / f"{joints.key().hex()[:16]}.rows"
    digests = [_digest(np.ascontiguousarray(images[row])) for row in range(len(images))]
    with files.lock(file):
        known = _read(file)
        missing = {digest: row for row, digest in enumerate(digests) if digest not in known}
        if missing:
            _look(images, missing, file, f"{name}: finding hands")
            known = _read(file)
    rows = np.zeros((len(images), *joints.SHAPE), np.float32)
    for row, digest in zip(rows, digests, strict=True):
        row[:] = known[digest]
    return joints.of_rows(rows), float(rows[:, joints.POINTS, 2].sum())


def _digest(image: np.ndarray) -> bytes:
    found = hashlib.blake2b(str(image.shape).encode(), digest_size=16)
    found.update(image.tobytes())
    return found.digest()


def _read(file: Path) -> dict[bytes, np.ndarray]:
    """The whole records of the store: what tells an image → its row. Damaged ones are said, and
    taken out of the file.
    """
    if not file.is_file():
        return {}
    data = file.read_bytes()
    records = np.frombuffer(data[: len(data) // RECORD.itemsize * RECORD.itemsize], RECORD)
    starts = range(0, records.nbytes, RECORD.itemsize)
    checks = [zlib.crc32(data[start : start + CHECKED]) for start in starts]
    whole = records[records["check"] == checks]
    if damaged := len(records) - len(whole):
        print(f"{files.shown(file)}: damaged, and looked for again: {damaged:,} of its images")
        with files.write_beside(file) as mended:
            mended.write_bytes(whole.tobytes())
    return {image.tobytes(): values for image, values, _ in whole}


def _look(images: Images, missing: dict[bytes, int], file: Path, title: str) -> None:
    """Add a record for each of these images, a batch at a time."""
    files.check_space(file.parent, RECORD.itemsize * len(missing))
    wanted = [*missing.items()]
    bar = {"desc": title, "unit": "image", "delay": 1, "leave": False}
    with files.explained(file), file.open("ab") as out, tqdm(total=len(wanted), **bar) as progress:
        out.truncate(out.tell() // RECORD.itemsize * RECORD.itemsize)  # after a kill
        for start in range(0, len(wanted), joints.BATCH):
            some = wanted[start : start + joints.BATCH]
            began = time.perf_counter()
            rows = joints.look(np.stack([images[row] for _, row in some]))
            rows[:, joints.POINTS, 2] = (time.perf_counter() - began) / len(some)
            records = np.zeros(len(some), RECORD)
            for record, (digest, _), row in zip(records, some, rows, strict=True):
                record["image"], record["values"] = np.void(digest), row
                record["check"] = zlib.crc32(record.tobytes()[:CHECKED])
            out.write(records.tobytes())
            out.flush()
            progress.update(len(some))
        os.fsync(out.fileno())
