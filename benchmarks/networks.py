"""The other networks: what they reach, and what ImageNet's weights bring."""

import dataclasses
import statistics
import time

from common import SEEDS, figure, over_seeds, predict_test, text, train_once

from asl import files
from asl.data.encoding import encode
from asl.data.load import load
from asl.data.samples import Split
from asl.data.split import split
from asl.keras_setup import keras
from asl.models import registry
from asl.models.build import build
from asl.training.fit import train_split
from asl.training.options import compile_model

SETS = ("student_digits", "abc", "alphabet")
TRANSFER = "mobilenetv2"
SCRATCH_RATE = 1e-3  # the usual one of Adam
LEFT_OUT = (1, 5)  # the first signer and the last
LSTM_SEEDS = {"conv1d_lstm": range(5), "conv1d_lstm_tuned": range(3)}
LSTM_IMAGES = 6400
TURNS = 3


def lstm() -> dict:
    """conv1d_lstm, as published and tuned, and what its recurrent dropout costs."""
    rows = {}
    for name, seeds in LSTM_SEEDS.items():
        target = "about 87.7 %" if name == "conv1d_lstm" else ""
        told = over_seeds("letters", seeds, name)
        rows[f"letters, {name}, seeds 0–{seeds[-1]}"] = text(told, target)
    cost = recurrent_dropout()
    rows["conv1d_lstm, an epoch over one without recurrent dropout"] = figure(cost)
    return rows


def recurrent_dropout() -> float:
    """Seconds of an epoch of conv1d_lstm over those without its recurrent dropout, in turns."""
    train = split(load("letters")).train.take(slice(0, LSTM_IMAGES))
    targets = encode(train.labels, len(train.class_names))
    seconds: dict[int, list[float]] = {}
    fitted = {}
    for share in (1, 0):
        model = build("conv1d_lstm", train.images.shape[1:], len(train.class_names))
        settings = model.get_config()
        for layer in settings["layers"]:
            if "recurrent_dropout" in layer["config"]:
                layer["config"]["recurrent_dropout"] *= share
        model = keras.Sequential.from_config(settings)
        compile_model(model, registry.find("conv1d_lstm"), 1000)
        fitted[share], seconds[share] = model, []
    for _ in range(TURNS + 1):
        for share, model in fitted.items():
            began = time.perf_counter()
            model.fit(train.images, targets, batch_size=32, verbose=0)
            seconds[share].append(time.perf_counter() - began)
    turns = zip(*(each[1:] for each in seconds.values()), strict=True)  # the first one compiles
    return statistics.median(with_it / without for with_it, without in turns)


def mobilenet() -> dict:
    """mobilenetv2 initialised from ImageNet on the sets of pictures."""
    return {
        f"{name}, {TRANSFER}, seeds 0–4": text(over_seeds(name, SEEDS, TRANSFER)) for name in SETS
    }


def imagenet() -> dict:
    """The same network initialised from ImageNet and at random, as many epochs for both."""
    size = registry.input_size(TRANSFER)
    samples = load("signers", size)
    cases = {f"signers without {signer}": split(samples, test_group=signer) for signer in LEFT_OUT}
    cases["alphabet"] = split(load("alphabet", size))
    rows = {}
    for case, parts in cases.items():
        name = f"{case.replace(' ', '-')}-{TRANSFER}"
        starts = {
            "from ImageNet": train_once(parts, f"{name}-imagenet", TRANSFER),
            "at random": train_from_scratch(parts, f"{name}-random"),
        }
        for start, checkpoint in starts.items():
            told = str(predict_test(checkpoint))
            rows[f"{case}, {TRANSFER} initialised {start}"] = text(told)
            print(f"{case}, {start}: {told}", flush=True)
    return rows


def train_from_scratch(parts: Split, name: str) -> str:
    """The epochs of both phases from random weights at one rate, unless the checkpoint is there."""
    if (files.MODEL / f"{name}.keras").exists():
        return name
    entry = registry.MODELS[TRANSFER]
    registry.MODELS[TRANSFER] = dataclasses.replace(entry, learning_rate=SCRATCH_RATE)
    try:
        train_split(parts, TRANSFER, name=name, weights=None, epochs=2 * entry.epochs)
    finally:
        registry.MODELS[TRANSFER] = entry
    return name
