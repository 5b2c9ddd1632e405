"""How fast the backbones are, what memory they take, and a whole training from the start."""

import json
import resource
import statistics
import sys
import time

import numpy as np
from common import figure, fresh_process, product_rate

from asl import files
from asl.data.load import load
from asl.data.split import split
from asl.keras_setup import keras
from asl.models import backbones, registry
from asl.models.layers import layer_table
from asl.models.transfer import PASS_BATCH
from asl.training.fit import train_split

TRANSFER = "mobilenetv2"
IMAGES = 64
TURNS = 3


def passes() -> dict:
    """One pass through each backbone; and a whole training with frozen features, from the start."""
    rows = {}
    for name, entry in registry.MODELS.items():
        if entry.pretrained:
            measured = fresh_process(__file__, name)
            target = "at least 0.6" if name == "vgg16" else ""
            share, memory = measured["share"], measured["megabytes"]
            rows[f"{name}, one pass"] = figure(measured["rate"], "images/s")
            rows[f"{name}, share of the matrix products' rate"] = figure(share, "", target)
            rows[f"{name}, memory of a pass in batches of {PASS_BATCH}"] = figure(memory, "MB")
    took = [fresh_process(__file__, "start")["seconds"] for _ in range(TURNS)]
    rows[f"{TRANSFER} on alphabet's 2,900, from the start to the best model"] = figure(
        statistics.median(took), "s", "at most 60"
    )
    return rows


def one_pass(name: str) -> dict:
    """Rate and memory of a pass, in turns with matrix products."""
    size = registry.input_size(name)
    backbone, preprocessing = registry.find(name).function(size)
    model = backbones.add_head(backbone, preprocessing, (size, size, 3), 24, frozen=True, name=name)
    frozen = keras.Model(model.inputs[0], model.get_layer(backbones.FEATURES).output)
    multiply_adds = layer_table(frozen)["multiply-adds"].sum()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, size, size, 3), dtype=np.uint8)
    frozen.predict_on_batch(images[:PASS_BATCH])
    rates, shares = [], []
    for _ in range(TURNS):
        products = product_rate()
        began = time.perf_counter()
        for first in range(0, IMAGES, PASS_BATCH):
            frozen.predict_on_batch(images[first : first + PASS_BATCH])
        rates.append(IMAGES / (time.perf_counter() - began))
        shares.append(rates[-1] * multiply_adds / products)
    return {
        "rate": statistics.median(rates),
        "share": statistics.median(shares),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def start() -> dict:
    """A whole training with an empty cache of features: load, pass, head, last blocks, saved."""
    for file in (files.DATA / "cache/features").glob("*"):
        file.unlink()
    parts = split(load("alphabet", registry.input_size(TRANSFER)))
    train_split(parts, TRANSFER, name="alphabet-start")
    return {}


if __name__ == "__main__":  # a process of its own, see fresh_process
    what = sys.argv[1]
    print(json.dumps(start() if what == "start" else one_pass(what)))
