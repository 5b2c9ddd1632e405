"""Transfer learning: what a frozen base makes of the images is computed once, and kept.

A base that does not learn gives the same features for the same image in every epoch. So one pass
of all images through it is enough, and the epochs train what lies above it. The features stay in
data/cache/features/<key>.f32, float32, rows as the images; the key is made of the images, the
weights they went through and the shapes, so that features of other images are never taken for
these. A pass that was interrupted goes on with the rows that are there.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from filelock import FileLock
from tqdm import tqdm

from asl import arrays, models, networks, paths
from asl.arrays import Rows
from asl.backend import keras
from asl.errors import AslError

if TYPE_CHECKING:
    from asl.models import Network

PASS_BATCH = 32  # images that go through a base at a time: its maps stay in the processor's cache


class Features(NamedTuple):
    """What a trunk made of images, float32 (n, …), and the seconds that it took when it did."""

    values: np.ndarray
    seconds: float


def is_frozen(model: keras.Model, network: Network) -> bool:
    """Whether the network has a base from ImageNet that does not learn."""
    return network.pretrained is not None and not base_of(model).trainable


def base_of(model: keras.Model) -> keras.Model:
    """The network inside a network that `networks.on_base` built."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def check_blocks(network: Network, blocks: int) -> None:
    """AslError unless the base has so many blocks."""
    there = len(network.pretrained.blocks)
    if not 0 <= blocks <= there:
        raise AslError(f"{network.name} has {there} blocks; fine_tune={blocks} is not there.")


def unfreeze(model: keras.Model, network: Network, blocks: int) -> None:
    """Let the last `blocks` blocks of the base learn, and nothing below them.

    Their batch normalisation goes on with what it knows of ImageNet: a few images of hands would
    only spoil it. AslError for more blocks than there are.
    """
    check_blocks(network, blocks)
    base, known = base_of(model), network.pretrained.blocks
    base.trainable = blocks > 0
    if not blocks:
        return
    upper = blocks == len(known)
    for layer in base.layers:
        layer.trainable = upper and not isinstance(layer, keras.layers.BatchNormalization)
        if blocks < len(known) and layer.name == known[-blocks - 1]:
            upper = True


def cut(
    model: keras.Model, network: Network, blocks: int
) -> tuple[keras.Model | None, keras.Model]:
    """The network in two: the trunk, which is frozen, and what learns, the last `blocks` blocks and
    all above them. They share their layers with `model`. There is no trunk where all learns.
    """
    base, known = base_of(model), network.pretrained.blocks
    if blocks == len(known):
        return None, keras.Model(model.inputs[0], model.outputs[0])
    if not blocks:
        middle = model.get_layer(networks.FEATURES).output
        return keras.Model(model.inputs[0], middle), keras.Model(middle, model.outputs[0])
    middle = base.get_layer(known[-blocks - 1]).output
    lower, upper = keras.Model(base.inputs[0], middle), keras.Model(middle, base.outputs[0])
    prepared = model.get_layer(networks.PREPARED).output
    trunk = keras.Model(model.inputs[0], lower(prepared, training=False))
    inputs = keras.Input(middle.shape[1:])
    x = upper(inputs, training=False)
    for layer in model.layers[model.layers.index(base) + 1 :]:
        x = layer(x)
    return trunk, keras.Model(inputs, x)


def digest(images: np.ndarray | Rows) -> str:
    """What tells these images from others: a hash of every byte, and the shape."""
    found = hashlib.blake2b(str(images.shape).encode(), digest_size=16)
    for start in range(0, len(images), 1024):
        found.update(np.ascontiguousarray(images[start : start + 1024]))
    return found.hexdigest()


def features(trunk: keras.Model, images: np.ndarray | Rows, name: str) -> Features:
    """What the trunk makes of images uint8 (n, h, w, c), from the cache where it is there.

    `name` is for progress. What is larger than `arrays.IN_MEMORY` is mapped from the disk. AslError
    for a full disk.
    """
    shape = trunk.output_shape[1:]
    layers = [(type(layer).__name__, layer.output.shape) for layer in models.all_layers(trunk)]
    key = hashlib.sha256(json.dumps([digest(images), layers, keras.__version__]).encode())
    for weights in trunk.get_weights():
        key.update(np.ascontiguousarray(weights))
    file = paths.DATA / "cache/features" / f"{key.hexdigest()[:16]}.f32"
    whole = math.prod((len(images), *shape)) * models.FLOAT
    with FileLock(paths.locked(file)):
        if not file.is_file() or file.stat().st_size != whole:  # damaged from outside
            _compute(trunk, images, file, name)
    found = np.memmap(file, np.float32, "r", shape=(len(images), *shape))
    seconds = json.loads(file.with_suffix(".json").read_text())["seconds"]
    return Features(np.array(found) if whole <= arrays.IN_MEMORY else found, seconds)


def _compute(trunk: keras.Model, images: np.ndarray | Rows, file: Path, name: str) -> None:
    """One pass, written as it goes: as many rows as the unfinished file holds are done."""
    models.check_memory(trunk, PASS_BATCH, training=False)
    row = math.prod(trunk.output_shape[1:]) * models.FLOAT
    paths.check_space(file.parent, row * len(images))
    unfinished, notes = file.with_suffix(".part"), file.with_suffix(".json")
    began = time.perf_counter()
    with paths.explained(file), unfinished.open("ab") as out:
        done = out.tell() // row
        out.truncate(done * row)
        bar = {"desc": f"{name}: features", "unit": "image", "delay": 1, "leave": False}
        with tqdm(total=len(images), initial=done, **bar) as progress:
            for start in range(done, len(images), PASS_BATCH):
                block = images[start : start + PASS_BATCH]
                out.write(trunk.predict_on_batch(block).tobytes())
                progress.update(len(block))
        out.flush()
        os.fsync(out.fileno())
        here = max(len(images) - done, 1)  # the rows that were there already took as long each
        seconds = (time.perf_counter() - began) * len(images) / here
        with paths.write_beside(notes) as temporary:
            temporary.write_text(json.dumps({"seconds": round(seconds, 2)}))
        os.replace(unfinished, file)
