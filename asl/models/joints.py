"""`joints`: a small dense network on the 21 points of a hand.

It begins with weights that learned from landmark rows, other people's hands without pictures; all
but its head is frozen. Where the signs have the names of letters and digits, the head begins with
what it knows of these, and keeps a share of that (training/known_signs.py).

It takes no pixels: `landmarks.joints` finds the hand in a picture and gives its points. What it
learns from, it makes of them itself, so that training and prediction cannot disagree: the points
about the middle of the palm at one size, the direction of each bone, and all distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from asl import files
from asl.data.dataset import normalize
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


class KnownHead(NamedTuple):
    """What the head of a network knows of some classes: row and column i are of class rows[i]."""

    rows: np.ndarray  # int64 (known,), indices of classes
    kernel: np.ndarray  # float32 (units, known)
    bias: np.ndarray  # float32 (known,)


def save_hidden(model: keras.Model, file: Path, signs: dict[str, int]) -> None:
    """Write the weights of a network for `load_hidden` and, of its head, those of `signs` (name →
    index of its class) for `known_head`; the file or what was there before stays whole.
    """
    from asl.keras_setup import keras

    hidden = keras.Model(model.inputs[0], model.layers[-1].input)
    arrays = {str(number): array for number, array in enumerate(hidden.get_weights())}
    kernel, bias = model.layers[-1].get_weights()
    places = [*signs.values()]
    head = {"signs": np.array([*signs]), "kernel": kernel[:, places], "bias": bias[places]}
    with files.write_beside(file) as temporary, temporary.open("wb") as out:
        np.savez(out, **arrays, **head)  # type: ignore[arg-type]


def load_hidden(model: keras.Model, file: Path) -> None:
    """Give all layers but the head the weights of a file, and freeze them. The file holds them in
    their order, as arrays "0", "1" and so on; AslError where it is damaged or does not fit.
    """
    from asl.keras_setup import keras

    hidden = keras.Model(model.inputs[0], model.layers[-1].input)
    stored = _read(file)
    try:
        hidden.set_weights([stored[name] for name in sorted(filter(str.isdigit, stored), key=int)])
    except Exception as error:  # Keras raises whatever does not fit first
        raise _unread(file, error) from error
    for layer in hidden.layers:
        layer.trainable = False  # batch normalisation then goes on with what it knows


def known_head(file: Path, class_names: Sequence[str]) -> KnownHead:
    """What the file of `save_hidden` knows of classes of these names, whatever the case; nothing
    where it holds no head. AslError where it is damaged.
    """
    stored = _read(file)
    if "signs" not in stored:
        return KnownHead(np.zeros(0, np.int64), np.zeros((0, 0)), np.zeros(0))
    try:
        place = {normalize(str(sign)): i for i, sign in enumerate(stored["signs"])}
        rows = [i for i, name in enumerate(class_names) if normalize(name) in place]
        columns = [place[normalize(class_names[i])] for i in rows]
        return KnownHead(
            np.array(rows, np.int64), stored["kernel"][:, columns], stored["bias"][columns]
        )
    except (KeyError, IndexError) as error:
        raise _unread(file, error) from error


def mix_head(model: keras.Model, head: KnownHead, share: float) -> None:
    """Make the head's weights of the known classes a mean: `share` of it is what was known."""
    kernel, bias = (np.array(weights) for weights in model.layers[-1].get_weights())
    kernel[:, head.rows] = share * head.kernel + (1 - share) * kernel[:, head.rows]
    bias[head.rows] = share * head.bias + (1 - share) * bias[head.rows]
    model.layers[-1].set_weights([kernel, bias])


def _read(file: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(file) as stored:
            return dict(stored)
    except Exception as error:  # numpy raises whatever the damage meets first
        raise _unread(file, error) from error


def _unread(file: Path, error: Exception) -> AslError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
    return AslError(
        f"{files.shown(file)} cannot be read ({reason}). It is damaged, or no file of the weights "
        "that joints begins with: put back the one that came with the project, or train from "
        "random weights (weights=None, in the shell --weights none)."
    )
