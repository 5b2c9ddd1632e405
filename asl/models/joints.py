"""`joints`: a small dense network on the 21 points of a hand.

All but its head learned from landmark rows, other people's hands without pictures, and is frozen.

It takes no pixels: `landmarks.joints` finds the hand in a picture and gives its points. What it
learns from, it makes of them itself, so that training and prediction cannot disagree: the points
about the middle of the palm at one size, the direction of each bone, and all distances.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asl import files
from asl.errors import AslError
from asl.models.registry import register

if TYPE_CHECKING:
    import keras

POINTS = 21
PALM = (0, 5, 9, 13, 17)  # wrist and knuckles
BEFORE = (0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19)  # 1–20's way in
UNITS, DROPOUT = 384, 0.3


def joint_features(points: keras.KerasTensor) -> keras.KerasTensor:
    """What the network learns from: (n, 292) of points (n, 21, 3), of which depth is not used.

    The same for a hand near or far and anywhere in the picture, but not for one that is turned:
    where it points tells G from Q.
    """
    from asl.keras_setup import keras

    ops = keras.ops
    flat = points[:, :, :2]
    flat = flat - ops.mean(ops.take(flat, PALM, axis=1), axis=1, keepdims=True)
    size = ops.sqrt(ops.mean(ops.sum(flat * flat, axis=2), axis=1)) + 1e-6
    flat = flat / ops.reshape(size, (-1, 1, 1))
    bones = flat[:, 1:] - ops.take(flat, BEFORE, axis=1)
    length = ops.sqrt(ops.sum(bones * bones, axis=2, keepdims=True) + 1e-9)
    first, second = (each.tolist() for each in np.triu_indices(POINTS, 1))
    apart = ops.take(flat, first, axis=1) - ops.take(flat, second, axis=1)
    distances = ops.sqrt(ops.sum(apart * apart, axis=2) + 1e-9)
    parts = (ops.reshape(flat, (-1, 42)), ops.reshape(bones / (length + 1e-3), (-1, 40)), distances)
    return ops.concatenate(parts, axis=1)


def dense_network(class_count: int, seed: int = 0) -> keras.Model:
    """Points (n, 21, 3) in any unit in, probabilities (n, class_count) out."""
    from asl.keras_setup import keras

    keras.utils.set_random_seed(seed)
    return joints((0, 0, 0), class_count)


@register(
    title="dense, on the 21 joints of the hand, 270 thousand parameters; trains in seconds",
    reference="this project; joints: Zhang et al.: MediaPipe Hands. arXiv:2006.10214, 2020",
    batch_size=64,
    learning_rate=2e-3,
    epochs=12,
    cosine_schedule=True,
    label_smoothing=0.1,
    augmented=True,
    adapts_to_small_sets=True,
    steps=300,  # more of them read strangers no better
    patience=20,
    input_size=256,
    takes_joints=True,
    hidden="joints-landmarks.npz",
)
def joints(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """Two dense layers on the features of the joints; the size of the images changes nothing."""
    from asl.keras_setup import keras

    layers = keras.layers
    inputs = keras.Input((POINTS, 3), name="joints")
    x = layers.BatchNormalization()(joint_features(inputs))
    for _ in range(2):
        x = layers.Dense(UNITS, activation="gelu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Dropout(DROPOUT)(x)
    return keras.Model(inputs, layers.Dense(class_count, activation="softmax")(x), name="joints")


def load_hidden(model: keras.Model, file: Path) -> None:
    """Give all layers but the head the weights of a file, and freeze them. The file holds them in
    their order, as arrays "0", "1" and so on; AslError where it is damaged or does not fit.
    """
    from asl.keras_setup import keras

    hidden = keras.Model(model.inputs[0], model.layers[-1].input)
    try:
        with np.load(file) as stored:
            hidden.set_weights([stored[str(number)] for number in range(len(stored.files))])
    except Exception as error:  # numpy and Keras raise whatever does not fit first
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        raise AslError(
            f"{files.shown(file)} cannot be read ({reason}). It is damaged, or no file of the "
            "hidden layers of joints: put back the one that came with the project, or train from "
            "random weights (weights=None, in the shell --weights none)."
        ) from error
    for layer in hidden.layers:
        layer.trainable = False  # batch normalisation then goes on with what it knows
