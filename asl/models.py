"""The networks: one entry each in MODELS, and `build`, which sizes one to the data."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from asl.backend import keras
from asl.errors import AslError

layers = keras.layers


@dataclass(frozen=True)
class Network:
    """How a network is built, and how it is trained unless told otherwise."""

    name: str
    title: str
    build: Callable[[tuple[int, int, int], int], keras.Model]  # from input shape, class count
    batch_size: int  # half of it for a small set, see `training.SMALL_SET`
    learning_rate: float  # the highest one, see `optimizer`
    label_smoothing: float  # share of each target spread over all classes, against overconfidence
    epochs: int


def cnn(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """The project's own network, explained layer by layer in notebook 04."""
    model = keras.Sequential(name="cnn")
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    for filters in (16, 48, 64, 96):
        if filters > 16:
            model.add(layers.AveragePooling2D(2, padding="same"))
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(class_count, activation="softmax"))
    return model


MODELS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="cnn",
            title="four convolutions, 93 thousand parameters",
            build=cnn,
            batch_size=64,
            learning_rate=4e-3,
            label_smoothing=0.1,
            epochs=12,
        ),
    )
}


def find(name: str) -> Network:
    """The entry of a network. An unknown name raises AslError with the names there are."""
    if name not in MODELS:
        raise AslError(f"there is no model {name!r}. There are: {', '.join(MODELS)}.")
    return MODELS[name]


def build(name: str, input_shape: tuple[int, int, int], class_count: int, seed: int = 0):
    """A network by name with random weights: uint8 or float images of `input_shape`, 0–255, in;
    probabilities (n, class_count) out. The seed makes the weights the same every time.
    """
    network = find(name)
    keras.utils.set_random_seed(seed)
    return network.build(tuple(input_shape), class_count)


def compile(model: keras.Model, network: Network, steps: int) -> None:
    """Set loss, optimiser and metric for a training of `steps` batches in all.

    AdamW with a learning rate that rises over the first tenth, so that the first, random gradients
    do no harm, and then falls along a cosine, so that the weights settle (Loshchilov and Hutter:
    SGDR, ICLR 2017; Decoupled Weight Decay Regularization, ICLR 2019).
    """
    warmup = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=network.learning_rate / 20,
        warmup_target=network.learning_rate,
        warmup_steps=warmup,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=1e-4),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=network.label_smoothing),
        metrics=["accuracy"],
    )


def layer_table(model: keras.Model) -> pd.DataFrame:
    """A row a layer: kind, shape of its output, parameters, multiply-adds for one image.

    Multiply-adds by definition: a convolution uses each weight once at each place of its output, a
    dense layer once. Biases, batch normalisation, pooling and activations are left out, as usual.
    """
    rows = []
    for layer in model.layers:
        kernel, shape = getattr(layer, "kernel", None), layer.output.shape[1:]
        places = math.prod(shape[:-1])
        rows.append(
            {
                "layer": type(layer).__name__,
                "output": " × ".join(map(str, shape)),
                "parameters": layer.count_params(),
                "multiply-adds": 0 if kernel is None else places * math.prod(kernel.shape),
            }
        )
    return pd.DataFrame(rows)
