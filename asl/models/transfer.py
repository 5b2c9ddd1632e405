"""Transfer learning: what a frozen backbone makes of the images is computed once, and kept.

A frozen backbone gives the same features for the same image in every epoch. So one pass of all
images through it is enough, and the epochs train what lies above it. The features stay in
data/cache/features/<key>.f32, float32, rows as the images; the key is made of the images, the
weights they went through and the shapes, so that features of other images are never taken for
these. A pass that was interrupted goes on with the rows that are there.
"""

import hashlib
import json
import math
import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from asl import files
from asl.data.image_cache import IN_MEMORY
from asl.data.mapped_images import Images
from asl.errors import AslError
from asl.keras_setup import keras
from asl.models.backbones import FEATURES, PREPARED
from asl.models.layers import FLOAT, all_layers
from asl.models.registry import Architecture

PASS_BATCH = 32  # images through a backbone at a time: its maps stay in the processor's cache


class Features(NamedTuple):
    """What the frozen part made of images, float32 (n, …), and the seconds that it took."""

    values: np.ndarray
    seconds: float


def is_frozen(model: keras.Model, architecture: Architecture) -> bool:
    """Whether the network has a backbone that is frozen."""
    return architecture.pretrained is not None and not backbone_of(model).trainable


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone inside a network that `backbones.add_head` built."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def check_blocks(architecture: Architecture, blocks: int) -> None:
    """AslError unless the backbone has so many blocks."""
    there = len(architecture.blocks)
    if not 0 <= blocks <= there:
        raise AslError(f"{architecture.name} has {there} blocks; fine_tune={blocks} is not there.")


def unfreeze(model: keras.Model, architecture: Architecture, blocks: int) -> None:
    """Let the last `blocks` blocks of the backbone be trained, and nothing below them.

    Their batch normalisation goes on with what it knows of ImageNet: a few images of hands would
    only spoil it. AslError for more blocks than there are.
    """
    check_blocks(architecture, blocks)
    backbone, known = backbone_of(model), architecture.blocks
    backbone.trainable = blocks > 0
    edge = known[-blocks - 1] if blocks < len(known) else None
    trained = edge is None
    for layer in backbone.layers:
        layer.trainable = trained and not isinstance(layer, keras.layers.BatchNormalization)
        trained = trained or layer.name == edge


def split_frozen(
    model: keras.Model, architecture: Architecture, blocks: int
) -> tuple[keras.Model | None, keras.Model]:
    """The network in two: the frozen part, and the trainable part, which is the last `blocks`
    blocks and all above them. They share their layers with `model`. The frozen part is None where
    all is trained.
    """
    backbone, known = backbone_of(model), architecture.blocks
    if blocks == len(known):
        return None, keras.Model(model.inputs[0], model.outputs[0])
    if not blocks:
        middle = model.get_layer(FEATURES).output
        return keras.Model(model.inputs[0], middle), keras.Model(middle, model.outputs[0])
    middle = backbone.get_layer(known[-blocks - 1]).output
    lower, upper = keras.Model(backbone.inputs[0], middle), keras.Model(middle, backbone.outputs[0])
    prepared = model.get_layer(PREPARED).output
    frozen = keras.Model(model.inputs[0], lower(prepared, training=False))
    inputs = keras.Input(middle.shape[1:])
    x = upper(inputs, training=False)
    for layer in model.layers[model.layers.index(backbone) + 1 :]:
        x = layer(x)
    return frozen, keras.Model(inputs, x)


def _digest(images: Images) -> str:
    found = hashlib.blake2b(str(images.shape).encode(), digest_size=16)
    for start in range(0, len(images), 1024):
        found.update(np.ascontiguousarray(images[start : start + 1024]).tobytes())
    return found.hexdigest()


def frozen_features(frozen: keras.Model, images: Images, name: str) -> Features:
    """What the frozen part makes of images uint8 (n, h, w, c), from the cache where it is there.

    `name` is for progress. What is larger than `image_cache.IN_MEMORY` is mapped from the disk.
    AslError for a full disk.
    """
    shape = frozen.output_shape[1:]
    layers = [(type(layer).__name__, layer.output.shape) for layer in all_layers(frozen)]
    key = hashlib.sha256(json.dumps([_digest(images), layers, keras.__version__]).encode())
    for weights in frozen.get_weights():
        key.update(weights.tobytes())
    file = files.DATA / "cache/features" / f"{key.hexdigest()[:16]}.f32"
    size = math.prod((len(images), *shape)) * FLOAT
    with files.lock(file):
        seconds = _seconds(file, size)
        if seconds is None:
            _compute(frozen, images, file, name)
            seconds = _seconds(file, size)
            assert seconds is not None
    found = np.memmap(file, np.float32, "r", shape=(len(images), *shape))
    return Features(np.array(found) if size <= IN_MEMORY else found, seconds)


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


def _compute(frozen: keras.Model, images: Images, file: Path, name: str) -> None:
    """One pass, written as it goes: as many rows as the unfinished file holds are done."""
    row = math.prod(frozen.output_shape[1:]) * FLOAT
    files.check_space(file.parent, row * len(images))
    unfinished = file.with_suffix(".part")
    checks = unfinished.with_suffix(".checks")  # rows and checksum of each batch written
    began, done = time.perf_counter(), _rows_done(unfinished, row)
    with files.explained(file), unfinished.open("ab") as out, checks.open("a") as notes:
        out.truncate(done * row)
        if not done:
            notes.truncate(0)
        bar = {"desc": f"{name}: features", "unit": "image", "delay": 1, "leave": False}
        with tqdm(total=len(images), initial=done, **bar) as progress:
            for start in range(done, len(images), PASS_BATCH):
                block = images[start : start + PASS_BATCH]
                data = frozen.predict_on_batch(block).tobytes()
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
