"""Train on several devices, as test_devices_run.py asks: a process of its own each time.

    devices_child.py OUT WHAT EPOCHS [DEVICES [COORDINATOR PROCESS PROCESSES]]

WHAT is cnn, mobilenetv2 or reader; the losses of each epoch go to the file OUT, as JSON; all else
below the folder that ASL_HOME names. In double precision: in single precision the order of sums
makes a difference of 0.0000002 in the first epoch, which grows to 0.0001 in the third.
"""

import json
import sys
from pathlib import Path

import numpy as np

import asl
from asl.data import rendered_hands
from asl.data.hand_poses import LETTERS
from asl.data.samples import Samples
from asl.keras_setup import keras
from asl.landmarks.crops import CROP
from asl.models.devices import is_first, using
from asl.models.joints import dense_network
from asl.models.processes import shared_folder
from asl.reader import fit
from asl.reader.domain_randomization import KEPT
from asl.reader.signs import SHAPES
from asl.reader.sources import Batches, Hands

BATCH = 32  # the usual one of a small set


def split() -> asl.Split:
    """Rendered hands, eight of each letter. Batches do not divide those for training, nor for
    validation.
    """
    images, labels, signers = rendered_hands.draw_sample(images_per_letter=8, signer_count=4)
    names = np.array([f"tiny/{row:05d}" for row in range(len(labels))])
    is_test = signers == signers.max()
    parts = asl.split(Samples("tiny", LETTERS, images, labels, names, signers, is_test, "signer"))
    train, validation = (
        each.take(np.arange(len(each) - 3)) for each in (parts.train, parts.validation)
    )
    assert len(train) % BATCH and len(validation) % 4
    return asl.Split(train, validation, parts.test, parts.recipe)


def train_cnn(epochs: int) -> dict[str, list[float]]:
    parts = split()
    model = asl.build("cnn", parts.train.images.shape[1:], 24)
    return dict(asl.train(model, parts, epochs=epochs, batch_size=BATCH).to_dict("list"))


def train_mobilenetv2(epochs: int) -> dict[str, list[float]]:
    """Features of the frozen backbone, then its last two blocks; random weights in place of
    ImageNet's.
    """
    parts, weights = split(), asl.random_weights("mobilenetv2")
    model = asl.build("mobilenetv2", parts.train.images.shape[1:], 24, weights=weights, size=32)
    history = asl.train(model, parts, epochs=epochs, batch_size=BATCH, fine_tune=2, weights=weights)
    return dict(history.to_dict("list"))


def train_reader(epochs: int) -> dict[str, list[float]]:
    """Both networks of the reader on made-up hands, a network of one layer in place of the
    backbone.
    """
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (60, KEPT, KEPT, 3), np.uint8)
    points = random.standard_normal((60, 21, 3)).astype(np.float32)
    sources = {"made up": Hands(points, np.arange(60) % 4, 1.0, crops)}
    losses: dict[str, list[float]] = {}
    fit.EPOCHS = epochs
    real = keras.callbacks.LambdaCallback

    def kept(on_epoch_begin, on_epoch_end):  # what the reader prints, whole
        def keep(epoch, logs):
            losses.setdefault("loss", []).append(float(logs["loss"]))
            on_epoch_end(epoch, logs)

        return real(on_epoch_begin=on_epoch_begin, on_epoch_end=keep)

    keras.callbacks.LambdaCallback = kept
    with shared_folder(asl.files.RUNS / "reader") as folder:
        for name, build in (("joints", lambda: dense_network(len(SHAPES))), ("pixels", pixels)):
            batches = Batches(sources, 8, 3, pixels=name == "pixels")
            settings = fit.Settings(8, 3 * epochs, 1e-3, 1e-2)
            file = folder / f"{name}.keras"
            fit.fit_network(file, build, batches, settings, name, fit.Compiled())
    return losses


def pixels() -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((CROP, CROP, 3), name="pixels")
    x = keras.layers.AveragePooling2D(28)(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dropout(0.2)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(len(SHAPES), "softmax")(x), name="pixels")


def main(out: str, what: str, epochs: str, *where: str) -> None:
    devices, coordinator, process, processes = (*where, None, None, None, None)[:4]
    keras.config.set_floatx("float64")
    numbers = [None if each is None else int(each) for each in (process, processes)]
    with using(devices, coordinator, *numbers):
        history = globals()[f"train_{what}"](int(epochs))
        if is_first():
            Path(out).write_text(json.dumps(history))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except asl.AslError as error:
        sys.exit(f"asl: {error}")
