"""Training one network of the reader: in epochs, between which it may be interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asl import files
from asl.keras_setup import BACKEND, keras
from asl.models import devices
from asl.models.keras_files import load_keras_file
from asl.models.layers import all_layers
from asl.reader.sources import Batches

EPOCHS = 5  # between which a training may be interrupted
LABEL_SMOOTHING = 0.1
SECONDS = "seconds.txt"  # of each epoch, a line each


class Settings(NamedTuple):
    """How a network is trained: AdamW, its rate rising, then falling as a cosine."""

    batch: int
    steps: int
    rate: float  # the highest one
    decay: float  # of weights


class Compiled(dict[str, "keras.Model"]):
    """Networks that were compiled, and what they are called: compiling the one of pixels takes a
    quarter of a minute, and each is trained five times or more.
    """

    def begin(self, name: str, model: keras.Model, settings: Settings, steps: int) -> keras.Model:
        """A network compiled for a training of `steps` batches in all, with the weights of `model`
        and an optimizer that knows nothing yet. With JAX each training compiles its own: to
        begin anew with a compiled network failed on several devices.
        """
        if BACKEND != "tensorflow":
            network = devices.laid_out(model)
            _compile(network, settings, steps)
            return network
        if name not in self:
            self[name] = copy = devices.copied(model)
            _compile(copy, settings, steps)
            copy.optimizer.build(copy.trainable_variables)
        network = self[name]
        network.set_weights(model.get_weights())
        for variable in network.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        return network


def fit_network(
    file: Path,
    build: Callable[[], keras.Model],
    batches: Batches,
    settings: Settings,
    told: str,
    compiled: Compiled,
) -> keras.Model:
    """A network that is trained, or was before; an interrupted training goes on with the epochs
    that are there. Networks of the same name in `compiled` have the same layers and settings.
    """
    if file.is_file():
        return load_keras_file(file, rebuild=build)
    model, began = build(), time.perf_counter()

    def report(epoch: int, logs: dict) -> None:
        figures = f"loss {logs['loss']:.3f}  accuracy {logs['accuracy']:.3f}"
        print(f"{told}: epoch {epoch + 1}/{EPOCHS}  {figures}", flush=True)

        with (file.parent / SECONDS).open("a") as kept:
            kept.write(f"{time.perf_counter() - began:.1f}\n")

    def follow(epoch: int, _: dict | None = None) -> None:
        nonlocal began
        batches.epoch, began = epoch, time.perf_counter()
        _set_dropout(network, epoch * len(batches))

    file.parent.mkdir(parents=True, exist_ok=True)
    with devices.spread():
        network = compiled.begin(file.stem, model, settings, len(batches) * EPOCHS)
        network.fit(
            batches,
            epochs=EPOCHS,
            shuffle=False,  # each batch is drawn at random as it is; what goes on keeps their order
            verbose=0,
            callbacks=[
                keras.callbacks.BackupAndRestore(file.with_suffix(".backup")),
                keras.callbacks.LambdaCallback(on_epoch_begin=follow, on_epoch_end=report),
            ],
        )
    if network is not model:
        model.set_weights(network.get_weights())
    with files.write_beside(file) as temporary:
        model.save(temporary)
    return model


def _compile(model: keras.Model, settings: Settings, steps: int) -> None:
    """For a training of `steps` batches in all."""
    warm_up = steps // 15
    rates = keras.optimizers.schedules.CosineDecay(
        settings.rate / 10, steps - warm_up, warmup_target=settings.rate, warmup_steps=warm_up
    )
    model.compile(
        keras.optimizers.AdamW(rates, weight_decay=settings.decay, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
        metrics=["accuracy"],
    )


def _set_dropout(model: keras.Model, step: int) -> None:
    """Let dropout draw what it would have drawn at this step: the backup does not hold that."""
    for layer in all_layers(model):
        if hasattr(layer, "seed_generator"):
            state = layer.seed_generator.state
            state.assign([int(np.asarray(state)[0]), step])
