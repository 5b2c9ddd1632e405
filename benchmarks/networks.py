"""The other networks: what they reach, what ImageNet's weights bring, how fast they are."""

import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from common import counts, figure, fit_parts, load, mistakes, right_by_seed, text

from asl import datasets, encode, evaluation, models, networks, paths, transfer
from asl.backend import keras

SEEDS = range(5)
SETS = ("student_digits", "abc", "alphabet")
TRANSFER = "mobilenetv2"
SCRATCH_RATE = 1e-3  # the usual one of Adam
SIDE = 2048  # of the matrices whose product measures the machine
LEFT_OUT = (1, 5)  # the first signer and the last
PASS_IMAGES = 64
LSTM_SEEDS = {"conv1d_lstm": range(5), "conv1d_lstm_tuned": range(3)}
LSTM_IMAGES = 6400
TURNS = 3


def lstm() -> dict:
    """conv1d_lstm, as published and tuned, on Sign Language MNIST's official test; what its
    recurrent dropout costs.
    """
    found = {}
    for name, seeds in LSTM_SEEDS.items():
        told = counts(right_by_seed("letters", seeds, name))
        wanted = "about 87.7 %" if name == "conv1d_lstm" else ""
        found[f"letters, {name}, seeds 0–{seeds[-1]}"] = text(told, wanted)
    cost = recurrent_dropout()
    found["conv1d_lstm, an epoch over one without recurrent dropout"] = figure(cost, "", "")
    return found


def recurrent_dropout() -> float:
    """Seconds of an epoch of conv1d_lstm over those without its recurrent dropout, in turns."""
    train = datasets.split(datasets.load("letters")).train.take(slice(0, LSTM_IMAGES))
    targets = encode(train.labels, len(train.class_names))
    seconds: dict[int, list[float]] = {}
    fitted = {}
    for share in (1, 0):
        model = models.build("conv1d_lstm", train.images.shape[1:], len(train.class_names))
        settings = model.get_config()
        for layer in settings["layers"]:
            if "recurrent_dropout" in layer["config"]:
                layer["config"]["recurrent_dropout"] *= share
        model = keras.Sequential.from_config(settings)
        models.compile(model, models.find("conv1d_lstm"), 1000)
        fitted[share], seconds[share] = model, []
    for _ in range(TURNS + 1):
        for share, model in fitted.items():
            began = time.perf_counter()
            model.fit(train.images, targets, batch_size=32, verbose=0)
            seconds[share].append(time.perf_counter() - began)
    turns = zip(*(each[1:] for each in seconds.values()), strict=True)  # the first one compiles
    return statistics.median(with_it / without for with_it, without in turns)


def mobilenet() -> dict:
    """mobilenetv2 with ImageNet's weights on the sets of pictures, seeds 0 to 4."""
    return {
        f"{name}, {TRANSFER}, seeds 0–4": text(counts(right_by_seed(name, SEEDS, TRANSFER)), "")
        for name in SETS
    }


def imagenet() -> dict:
    """What ImageNet's weights bring: the same network from them and from random ones, on `signers`
    with one left out and on `alphabet`, as many epochs for both.
    """
    found = {}
    samples = datasets.load("signers", TRANSFER)
    cases = {
        f"signers without {signer}": datasets.split(samples, test_group=signer)
        for signer in LEFT_OUT
    }
    cases["alphabet"] = datasets.split(datasets.load("alphabet", TRANSFER))
    for case, parts in cases.items():
        for start, weights in (("ImageNet", "imagenet"), ("random", None)):
            kept = f"{case.replace(' ', '-')}-{TRANSFER}-{start}"
            if not (paths.MODEL / f"{kept}.keras").exists():
                train_from(weights, parts, kept)
            right = len(parts.test) - mistakes(load(kept), parts.test)
            told = evaluation.describe_accuracy(right, len(parts.test))
            found[f"{case}, {TRANSFER} from {start} weights"] = text(told, "")
            print(f"{case}, {start}: {told}", flush=True)
    return found


def train_from(weights: str | None, parts: datasets.Split, name: str) -> None:
    """As the entry says from ImageNet; from random weights, both phases' epochs at one rate."""
    entry = models.MODELS[TRANSFER]
    if weights is None:
        models.MODELS[TRANSFER] = dataclasses.replace(entry, learning_rate=SCRATCH_RATE)
    try:
        epochs = None if weights else 2 * entry.epochs
        fit_parts(parts, 0, name, epochs=epochs, model=TRANSFER, weights=weights)
    finally:
        models.MODELS[TRANSFER] = entry


def passes() -> dict:
    """One pass through each base, random weights at its own size: images a second, share of the
    rate of the machine's matrix products, memory. And a whole transfer, from the start.
    """
    found = {}
    for name, entry in models.MODELS.items():
        if entry.pretrained:
            measured = fresh_process(name)
            found[f"{name}, one pass"] = figure(measured["rate"], "images/s", "")
            wanted = "at least 0.6" if name == "vgg16" else ""
            found[f"{name}, share of the matrix products' rate"] = figure(
                measured["share"], "", wanted
            )
            found[f"{name}, memory of a pass in batches of {transfer.PASS_BATCH}"] = figure(
                measured["megabytes"], "MB", ""
            )
    took = [fresh_process("start")["seconds"] for _ in range(3)]
    found[f"{TRANSFER} on alphabet's 2,900, from the start to the best model"] = figure(
        statistics.median(took), "s", "at most 60"
    )
    return found


def fresh_process(what: str) -> dict:
    """What this file prints for `what` in a process of its own; "start" counts its imports, too."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, what],
        env={**os.environ, "ASL_HOME": str(paths.HOME)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {"seconds": time.perf_counter() - began} | json.loads(done.stdout.splitlines()[-1])


def one_pass(name: str) -> dict:
    """Seconds and memory of a pass, in turns with matrix products."""
    import tensorflow as tf

    entry = models.MODELS[name]
    base, preprocessing = getattr(networks, name)(entry.size)
    model = networks.on_base(base, preprocessing, (entry.size, entry.size, 3), 24, frozen=True)
    trunk = keras.Model(model.inputs[0], model.get_layer(networks.FEATURES).output)
    multiply_adds = models.layer_table(trunk)["multiply-adds"].sum()
    shape = (PASS_IMAGES, entry.size, entry.size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    left, right = (tf.random.normal((SIDE, SIDE)) for _ in range(2))
    trunk.predict_on_batch(images[: transfer.PASS_BATCH])
    rates, shares = [], []
    for _ in range(TURNS):
        products = []
        for _ in range(5):
            began = time.perf_counter()
            tf.matmul(left, right).numpy()
            products.append(time.perf_counter() - began)
        began = time.perf_counter()
        for start in range(0, PASS_IMAGES, transfer.PASS_BATCH):
            trunk.predict_on_batch(images[start : start + transfer.PASS_BATCH])
        rates.append(PASS_IMAGES / (time.perf_counter() - began))
        shares.append(rates[-1] * multiply_adds / (SIDE**3 / statistics.median(products)))
    return {
        "rate": statistics.median(rates),
        "share": statistics.median(shares),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def start() -> dict:
    """A whole transfer with an empty cache of features: load, pass, classes, last blocks, saved."""
    for file in (paths.DATA / "cache/features").glob("*"):
        file.unlink()
    parts = datasets.split(datasets.load("alphabet", TRANSFER))
    fit_parts(parts, 0, "alphabet-start", model=TRANSFER)
    return {}


if __name__ == "__main__":  # a process of its own, see fresh_process
    what = sys.argv[1]
    print(json.dumps(start() if what == "start" else one_pass(what)))
