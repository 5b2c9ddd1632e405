"""Memory in training on 87,000 pictures that stay on the disk, at several sizes and networks.

The pictures are a file of zeros without blocks on the disk, as what they show does not matter for
memory. An epoch has a few steps, on rows from the whole file; a frozen backbone passes a few
images, and the features of the others are such a file, too. What counts is the most resident
memory, mapped pages among it, beyond that after an epoch on 128 images in memory: the libraries',
the network's and a batch's.
"""

import json
import math
import sys
import threading
from dataclasses import replace

import numpy as np
import psutil
from common import figure, fresh_process

from asl import files
from asl.data.feature_cache import Features
from asl.data.image_cache import IN_MEMORY
from asl.data.mapped_images import Images, MappedImages
from asl.data.samples import Samples, Split, SplitRecipe
from asl.data.split import split
from asl.keras_setup import keras
from asl.models import pretrained, registry, transfer
from asl.training.batches import Batches
from asl.training.fit import train_split

PICTURES, CLASSES = 87_000, 29
FEW = 128
STEPS, VALIDATED = 20, 1000
SIZES = (48, 96, 160, 224)


def memory() -> dict:
    """MB beyond the libraries: the cnn at each size, every other network at its own."""
    asked = [("cnn", size) for size in SIZES]
    asked += [
        (name, entry.input_size or 48)
        for name, entry in registry.MODELS.items()
        if name not in ("cnn", "joints")
    ]
    found = {}
    for name, size in asked:
        measured = fresh_process(__file__, f"{name} {size}", files.HOME / "memory")
        row = f"memory in training beyond the libraries', {name} at {size} pixels"
        found[row] = figure(measured["beyond"], "MB", "at most 2,000")
    return found


def training(name: str, size: int) -> dict:
    """MB of resident memory: after few images, at the most, and the difference."""
    process, most, done = psutil.Process(), 0, threading.Event()
    _limit(STEPS)
    # Of a backbone random ones, so that it is frozen
    weights = pretrained.random_weights(name) if registry.find(name).pretrained else None
    few = np.zeros((FEW, size, size, 3), np.uint8)
    part = _samples(few)
    train_split(Split(part, part, part, SplitRecipe()), name, name="few", epochs=1, weights=weights)
    before = process.memory_info().rss

    def watch() -> None:
        nonlocal most
        while not done.wait(0.02):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    images = MappedImages(_mapped((PICTURES, size, size, 3), np.uint8))
    parts = split(_samples(images))
    some = slice(None, None, len(parts.validation) // VALIDATED)
    parts = replace(parts, validation=parts.validation.take(some))
    train_split(parts, name, name="whole", epochs=1, weights=weights)
    done.set()
    watcher.join()
    return {"before": before / 1e6, "most": most / 1e6, "beyond": (most - before) / 1e6}


def _samples(images: Images) -> Samples:
    rows = np.arange(len(images))
    class_names = tuple(f"class {label}" for label in range(CLASSES))
    return Samples("memory", class_names, images, rows % CLASSES, rows.astype(str), rows)


def _mapped(shape: tuple[int, ...], kind: type) -> np.memmap:
    """Zeros that are mapped from a file, which is gone with the process."""
    file = files.DATA / f"zeros-{math.prod(shape)}"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.truncate(math.prod(shape) * np.dtype(kind).itemsize)
    mapped = np.memmap(file, kind, "r", shape=shape)
    file.unlink()
    return mapped


def _limit(steps: int) -> None:
    """Let an epoch have a few steps, and a frozen backbone look at a few images."""
    every, compute = Batches.__len__, transfer.frozen_features

    def frozen_features(frozen: keras.Model, images: Images, name: str) -> Features:
        if len(images) <= FEW:
            return compute(frozen, images, name)
        compute(frozen, images.take(np.arange(3 * transfer.PASS_BATCH)), name)
        values = _mapped((len(images), *frozen.output_shape[1:]), np.float32)
        if values.nbytes <= IN_MEMORY:  # read whole
            return Features(np.full(values.shape, 0.0, np.float32), 1.0)
        return Features(values, 1.0)

    Batches.__len__ = lambda self: min(every(self), steps if self.shuffled else every(self))
    transfer.frozen_features = frozen_features


if __name__ == "__main__":  # a process of its own, see fresh_process
    network, _, pixels = sys.argv[1].rpartition(" ")
    print(json.dumps(training(network, int(pixels))))
