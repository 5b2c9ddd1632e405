"""Pictures as one array file: decoded and resized once, in parallel, then mapped.

A data set of pictures does not fit the memory, and decoding it anew for every epoch would take
longer than training. So data/cache/<set>/ holds

    images-<id>.u8    the pictures (n, height, width, channels), a byte a value, nothing else
    index.npz         shape, names, digests and checksums of what is in it

<id> stands for the names, sizes and times of the picture files. It is whole or not there. A picture
that was changed, added or removed gives another <id>, and an array that is not what its checksums
say is damaged: either way the file is made again.
"""

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from asl import files
from asl.data.images import decode
from asl.data.mapped_images import Images, MappedImages
from asl.errors import AslError

BLOCK = 64  # pictures that a thread reads at a time
IN_MEMORY = 512 << 20  # bytes: a smaller array is read whole


class Pictures(NamedTuple):
    """What became of a list of picture files; row i of each is file i."""

    images: Images  # uint8 (n, height, width, channels); zeros where unreadable
    digests: np.ndarray  # uint64 (n,), equal for files of equal bytes
    bad: dict[int, str]  # row → why it could not be read, sorted


def read(
    folder: Path, names: list[str], stamps: np.ndarray, shape: tuple[int, int, int], cache: Path
) -> Pictures:
    """The pictures `folder/name` at `shape`, from the array file in `cache`, which is made first
    where it is not there or not of these files.

    stamps int64 (n, 3) are the files' sizes and times. Pictures that cannot be read are told in
    `bad`. Several processes may ask at the same time: one builds, the others wait.
    """
    text = json.dumps([names, stamps.tolist(), shape])
    build = hashlib.sha256(text.encode()).hexdigest()[:12]
    found = stored(cache, build)
    if found is None:
        with files.lock(cache / "index.npz"):
            found = stored(cache, build)  # whoever held the lock may have made it
            if found is None:
                _build(folder, names, shape, cache, build)
                found = stored(cache, build)
    assert found is not None
    return found[1]


def stored(cache: Path, build: str | None = None) -> tuple[list[str], Pictures] | None:
    """Names and pictures of the array file in `cache`, of this build or, without one, of whichever
    there is; None where that is not whole. The picture files need not be there any more.
    """
    if not (cache / "index.npz").is_file():
        return None
    try:
        with np.load(cache / "index.npz") as archive:
            index = dict(archive)
        if build not in (None, str(index["build"])):
            return None
        file, shape = cache / f"images-{index['build']}.u8", tuple(index["shape"])
        whole = file.stat().st_size == math.prod(shape) and len(index["names"]) == shape[0]
        if not whole or files.checksums(file) != index["checksums"].tolist():
            raise ValueError
        images = np.memmap(file, np.uint8, "r", shape=shape)
        return index["names"].tolist(), Pictures(
            np.array(images) if images.nbytes <= IN_MEMORY else MappedImages(images),
            index["digests"],
            dict(zip(index["bad"].tolist(), index["reasons"].tolist(), strict=True)),
        )
    except Exception:  # whatever the damage meets first
        print(f"{files.shown(cache)} is damaged and is made again")
        return None


def _build(
    folder: Path, names: list[str], shape: tuple[int, int, int], cache: Path, build: str
) -> None:
    images_file = cache / f"images-{build}.u8"
    files.check_space(cache, math.prod((len(names), *shape)))
    digests: list[int] = []
    bad: dict[int, str] = {}
    blocks = [names[start : start + BLOCK] for start in range(0, len(names), BLOCK)]

    def work(block: list[str]) -> list[tuple[np.ndarray, int, str]]:
        return [_read_one(folder, shape, name) for name in block]

    with (
        files.write_beside(images_file) as temporary,
        temporary.open("wb") as out,
        ThreadPoolExecutor() as pool,
        tqdm(total=len(names), desc="decoding pictures", unit="picture", delay=1, leave=False)
        as progress,
    ):  # fmt: skip
        for block in _ahead(pool, work, blocks):
            for image, digest, reason in block:
                if reason:
                    bad[len(digests)] = reason
                digests.append(digest)
                out.write(image.tobytes())
            progress.update(len(block))
    with files.write_beside(cache / "index.npz") as temporary:
        np.savez(
            temporary,
            build=build,
            shape=(len(names), *shape),
            names=np.array(names),
            digests=np.array(digests, np.uint64),
            checksums=files.checksums(images_file),
            bad=np.array(list(bad), np.int64),
            reasons=np.array(list(bad.values()), str),
        )
    for other in cache.glob("images-*.u8"):
        if other != images_file:
            with contextlib.suppress(OSError):  # Windows keeps what another notebook has open
                other.unlink()


def _read_one(folder: Path, shape: tuple[int, int, int], name: str) -> tuple[np.ndarray, int, str]:
    """A picture, the digest of its file, and why it could not be read."""
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            data = file.read()
        digest = hashlib.blake2b(data, digest_size=8).digest()
        return decode(data, name, shape), int.from_bytes(digest, "little"), ""
    except OSError as error:
        reason = f"{name}: {error.strerror}"
    except AslError as error:
        reason = str(error)
    return np.zeros(shape, np.uint8), 0, reason


def _ahead(pool: ThreadPoolExecutor, work: Callable, items: Iterable) -> Iterator:
    """Like pool.map, but only a few items ahead, so that results do not pile up in memory."""
    waiting: list[Future] = []
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > 4 * (os.cpu_count() or 1):
            yield waiting.pop(0).result()
    for each in waiting:
        yield each.result()
