"""Training time against the best-known public recipe."""

import dataclasses
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from common import figure, product_rate

from asl import files
from asl.data.encoding import encode
from asl.data.load import load
from asl.data.samples import Split
from asl.data.split import split
from asl.keras_setup import keras
from asl.models import registry
from asl.models.build import build
from asl.models.layers import layer_table
from asl.training.batches import Batches
from asl.training.fit import train_split

PUBLIC_EPOCHS = 20
IMAGES = 10_240  # no small set, see training/options.py
TURNS = 3
PASSES = 3  # over a network in a step: forward, and back to the weights and to the layers before


def speed() -> dict:
    """Training time of the cnn and of the public recipe, in turns.

    A turn is an epoch of each on the same 10,240 images. The medians of three turns are scaled to
    all images and epochs; what happens once in our trainings (compiling, saving) is added once.
    """
    parts = split(load("letters"))
    scale = len(parts.train) / IMAGES
    few = dataclasses.replace(parts, train=parts.train.take(slice(0, IMAGES)))
    epochs = registry.find("cnn").epochs
    public = public_recipe(few)
    public()  # compiling does not count for it
    multiply_adds = layer_table(build("cnn", (28, 28, 1), 24))["multiply-adds"].sum()
    public_epochs, our_epochs, once, shares = [], [], [], []
    for _ in range(TURNS):
        public_epochs.append(public())
        (files.MODEL / "letters-speed.keras").unlink(missing_ok=True)
        began = time.perf_counter()
        history = train_split(few, "cnn", name="letters-speed", epochs=2)
        took = time.perf_counter() - began
        our_epochs.append(history["seconds"].iloc[-1])
        once.append(took - 2 * our_epochs[-1])
        rate = PASSES * multiply_adds * len(few.train) / our_epochs[-1]
        shares.append(rate / product_rate())
    public_total = PUBLIC_EPOCHS * scale * statistics.median(public_epochs)
    our_total = epochs * scale * statistics.median(our_epochs) + statistics.median(once)
    return {
        f"training to the saved best model, {epochs} epochs": figure(our_total, "s"),
        f"best-known public recipe, {PUBLIC_EPOCHS} epochs": figure(public_total, "s"),
        "training to the saved best model, as a share of the best-known public recipe": figure(
            our_total / public_total, "", "at most 0.25, aim 0.1"
        ),
        "an epoch's multiply-adds, as a share of the matrix products' rate": figure(
            statistics.median(shares)
        ),
    }


def public_recipe(parts: Split) -> Callable[[], float]:
    """The recipe that most public notebooks on Sign Language MNIST share, as a function that trains
    an epoch and gives its seconds.

    Three 3×3 convolutions of 75, 50 and 25 filters with batch normalisation, dense 512, dropout;
    shift, zoom and rotation of 10 %; Adam, batch 128, 20 epochs.
    """
    layers = keras.layers
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for filters, dropout in ((75, 0), (50, 0.2), (25, 0)):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        if dropout:
            model.add(layers.Dropout(dropout))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPool2D(2, 2, padding="same"))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(24, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    batches = PublicBatches(
        parts.train.images / np.float32(255), encode(parts.train.labels, 24), 128, seed=0
    )
    validation = (parts.validation.images / 255, encode(parts.validation.labels, 24))

    def train() -> float:
        began = time.perf_counter()
        model.fit(batches, validation_data=validation, verbose=0)
        return time.perf_counter() - began

    return train


class PublicBatches(Batches):
    """Shift, zoom and rotation of 10 %, as the public recipe has them, but as quick as ours."""

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        random = np.random.default_rng([self.seed, self.epoch, number])
        moved = np.empty((len(rows), 28, 28, 1), np.float32)
        for place, image in zip(moved, self.images[rows], strict=True):
            move = cv2.getRotationMatrix2D((13.5, 13.5), *random.uniform((-10, 0.9), (10, 1.1)))
            move[:, 2] += random.uniform(-2.8, 2.8, 2)
            place[..., 0] = cv2.warpAffine(image, move, (28, 28), borderMode=cv2.BORDER_REPLICATE)
        return moved, self.targets[rows]
