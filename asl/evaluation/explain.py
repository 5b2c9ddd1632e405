"""What went wrong, and why: worst images first, what they resemble, where the network looked."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from asl.data.dataset import DUPLICATE_GROUP
from asl.data.encoding import most_likely
from asl.data.samples import Samples
from asl.errors import AslError
from asl.keras_setup import BACKEND, keras
from asl.landmarks.augmentation import normalize_points
from asl.models.inputs import NetworkInput, network_input, takes_joints
from asl.prediction import run

ALIKE = 0.95  # correlation of the pixels of two images of which one is enough to look at
FRAMES = 0.8  # the same of two frames of one film, between which hand and room stay in place
# How far joints are moved, in sizes of the hand: about the length of a finger's bone
STEPS = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)], np.float32)


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The images predicted wrongly, the worst first: those whose true class seemed least likely.

    labels int (n,), probabilities (n, classes). A row a mistake: row (index of the image), actual,
    predicted (indices of classes, -1 where nothing is predicted), confidence (probability of the
    predicted), loss (minus the logarithm of the true class's probability; where nothing is
    predicted, that of guessing), taken_for (the class that the actual one is most easily taken for:
    the predicted one or, where that is correct, the second most likely).
    """
    wrong = _predictions(labels, probabilities).query("actual != predicted")
    return wrong.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def least_confident(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The images predicted correctly, the least confident first; columns as in `mistakes`."""
    correct = _predictions(labels, probabilities).query("actual == predicted")
    return correct.sort_values("confidence", kind="stable", ignore_index=True)


def worst_first(samples: Samples, probabilities: np.ndarray, most: int = 300) -> pd.DataFrame:
    """What there is to look at, at most so many images: the mistakes, the worst first, then the
    correct predictions, the least confident first; columns as in `mistakes`.

    probabilities (n, classes). Left out are images for which nothing is predicted, and those much
    like one before them (`distinct_images`, and the near-duplicates that the split knows); of
    films, whose frames differ little, also those that are fairly like one.
    """
    answers = samples.labels, probabilities
    cases = pd.concat([mistakes(*answers), least_confident(*answers)])
    cases = cases.query("predicted >= 0").head(most)
    rows, labels = cases["row"].to_numpy(), cases["actual"].to_numpy()
    groups = samples.groups if samples.group_unit == DUPLICATE_GROUP else None
    groups = None if groups is None else groups[rows]
    similarity = FRAMES if samples.group_unit.endswith("segment") else ALIKE
    kept = distinct_images(samples.images[rows], labels, groups, similarity)
    return cases[kept].reset_index(drop=True)


def _predictions(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    rows = np.arange(len(labels))
    true = np.maximum(probabilities[rows, labels], np.finfo(np.float32).tiny)
    predicted = most_likely(probabilities)
    true = np.where(predicted < 0, 1 / probabilities.shape[1], true)
    others = probabilities.copy()
    others[rows, labels] = -1
    return pd.DataFrame(
        {
            "row": rows,
            "actual": labels,
            "predicted": predicted,
            "confidence": probabilities.max(axis=1),
            "loss": -np.log(true),
            "taken_for": np.where(predicted < 0, -1, others.argmax(axis=1)),
        }
    )


def distinct_images(
    images: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    similarity: float = ALIKE,
) -> np.ndarray:
    """Which images to show, so that none is much like an earlier one of its class: bool (n,).

    images uint8 (n, h, w, c), labels int (n,). Alike are two whose pixels correlate by more than
    `similarity`, and those of one group, int (n,), if groups are given. Unlike in
    `duplicate_groups`, what is like a left-out image alone is kept: a film is not one image.
    """
    flat = images.reshape(len(images), np.prod(images.shape[1:], dtype=int)).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    kept = np.zeros(len(images), bool)
    for row in range(len(images)):
        others = np.flatnonzero(kept & (labels == labels[row]))
        alike = flat[others] @ flat[row] > similarity
        if groups is not None:
            alike |= groups[others] == groups[row]
        kept[row] = not alike.any()
    return kept


def features(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the network makes of each image just before it decides, float32 (n, features); of no
    use where a network of joints finds no hand.
    """
    return _features(model, network_input(model, images))


def _features(model: keras.Model, seen: NetworkInput) -> np.ndarray:
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    return run(before_last, seen.values).reshape(len(seen.found), -1)


def nearest(
    model: keras.Model, images: np.ndarray, train_images: np.ndarray, count: int = 4
) -> np.ndarray:
    """Rows of the training images most alike to each image, nearest first, int (n, count).

    Alike to the network: by the angle between the features, not by pixels. Training images without
    a hand are like none to a network of joints.
    """
    if not len(images):
        return np.zeros((0, min(count, len(train_images))), np.int64)
    seen = network_input(model, train_images)
    rows = np.flatnonzero(seen.found)
    search = NearestNeighbors(n_neighbors=min(count, len(rows)), metric="cosine")
    search.fit(_features(model, seen)[rows])
    return rows[search.kneighbors(features(model, images), return_distance=False)]


def grad_cam(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Where the network looked for a class in each image, float32 (n, h, w), 0 to 1; of a network
    that takes joints, how much each of them mattered (`joint_weights`), float32 (n, 21).

    Grad-CAM (Selvaraju et al., ICCV 2017): the maps of the last layer that still has a height and
    a width, weighted by how much each raises the class's score, what lowers it cut off, enlarged
    to the images' size. A network that keeps no maps (conv1d_lstm, alexnet) has its `saliency`
    shown. images (n, height, width, channels), classes int (n,). With classes (n, k) there are k
    maps of each image, (n, k, h, w) or (n, k, 21), on one scale: 1 is the highest of the k.
    """
    if takes_joints(model):
        return joint_weights(model, network_input(model, images), classes)
    if not len(images):
        return np.zeros((*classes.shape, *images.shape[1:3]), np.float32)
    learned = [i for i, layer in enumerate(model.layers) if layer.weights]
    with_maps = [i for i, layer in enumerate(model.layers) if len(layer.output.shape) == 4]
    if not with_maps or with_maps[-1] < learned[0]:
        return saliency(model, images, classes)
    to_maps = keras.Model(model.inputs[0], model.layers[with_maps[-1]].output)
    maps = to_maps(images.astype(np.float32), training=False)
    *after_maps, last = model.layers[with_maps[-1] + 1 :]
    size = images.shape[2:0:-1]  # width, height

    def raw(classes: np.ndarray) -> np.ndarray:
        slopes = _slopes(maps, after_maps, last, classes)
        weights = slopes.mean(axis=(1, 2), keepdims=True)
        heat = np.maximum((weights * np.asarray(maps)).sum(axis=3), 0)
        return np.stack([cv2.resize(each, size) for each in heat])

    return _of_one(raw, classes, images.shape[1:3])


def joint_weights(model: keras.Model, seen: NetworkInput, classes: np.ndarray) -> np.ndarray:
    """How much each joint speaks for a class, float32 (n, 21), 0 to 1; zeros without a hand.

    Each joint in turn is moved, a step to either side and up and down, and the class's score is
    taken each time: the mean of what it loses says how much depends on where that joint is. This is
    occlusion (Zeiler and Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014)
    for points, which cannot be covered. It tells the truth better than the gradient: where the four
    joints that it names are taken from another hand, the class loses 0.64 of its probability in the
    mean, and 0.22 with the four that it holds for least; by the gradient 0.54 and 0.42. `seen` as
    `network_input` gives it, classes int (n,) or (n, k), see `grad_cam`.
    """
    points = normalize_points(seen.values[:])
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    kernel = model.layers[-1].get_weights()[0]

    def raw(classes: np.ndarray) -> np.ndarray:
        def score(moved: np.ndarray) -> np.ndarray:
            return (run(before_last, moved) * kernel.T[classes]).sum(axis=1)

        plain, weights = score(points), np.zeros(points.shape[:2], np.float32)
        for joint in range(points.shape[1]):
            for step in STEPS:
                moved = points.copy()
                moved[:, joint, :2] += step
                weights[:, joint] += np.maximum(plain - score(moved), 0)
        return weights * seen.found[:, None]

    return _of_one(raw, classes, points.shape[1:2])


def saliency(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each pixel changes the score of a class, float32 (n, h, w), 0 to 1.

    The size of the gradient (Simonyan et al.: Deep Inside Convolutional Networks,
    arXiv:1312.6034, 2013), blurred a little, since single pixels say nothing. images (n, height,
    width, channels), classes int (n,) or (n, k), see `grad_cam`. AslError for a network that takes
    no images.
    """
    if len(model.input_shape) != 4:
        raise AslError(f"{model.name} takes {model.input_shape[1:]}, which is no image.")
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    pixels = keras.ops.convert_to_tensor(images.astype(np.float32))
    blur = images.shape[1] / 28

    def raw(classes: np.ndarray) -> np.ndarray:
        slopes = np.abs(_slopes(pixels, [before_last], model.layers[-1], classes)).max(axis=3)
        return np.stack([cv2.GaussianBlur(each, (0, 0), blur) for each in slopes])

    return _of_one(raw, classes, images.shape[1:3])


def _slopes(values, layers: list[keras.Layer], last: keras.Layer, classes: np.ndarray):
    """The gradient of each image's score by these values, a tensor, from which `layers` and `last`
    compute it: what speaks for a class before the softmax, which levels off where a network is
    certain.
    """
    if BACKEND == "jax":  # gradients are the backend's own
        import jax

        return np.asarray(jax.grad(lambda moved: _score(moved, layers, last, classes))(values))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(values)
        scores = _score(values, layers, last, classes)
    return tape.gradient(scores, values).numpy()


def _score(values, layers: list[keras.Layer], last: keras.Layer, classes: np.ndarray):
    """The sum of all images' scores, of which each depends on its own values alone."""
    for layer in layers:
        values = layer(values, training=False)
    kernel = keras.ops.transpose(last.kernel)
    return keras.ops.sum(values * keras.ops.take(kernel, classes, axis=0))


def _of_one(
    raw: Callable[[np.ndarray], np.ndarray], classes: np.ndarray, size: tuple[int, ...]
) -> np.ndarray:
    """What `raw` gives for classes (n,), or for each column of (n, k), with 1 as the highest value
    of each image; no images have no maps, of this size each.
    """
    if not len(classes):
        return np.zeros((*classes.shape, *size), np.float32)
    columns = classes.T if classes.ndim == 2 else [classes]
    heat = np.stack([raw(column) for column in columns], axis=1)
    highest = heat.max(axis=tuple(range(1, heat.ndim)), keepdims=True)
    heat = heat / np.maximum(highest, 1e-12)
    return heat if classes.ndim == 2 else heat[:, 0]
