"""What went wrong, and why: worst images first, what they resemble, where the network looked."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from asl.data.encoding import most_likely
from asl.errors import AslError
from asl.keras_setup import keras
from asl.landmarks.augmentation import normalize_points
from asl.models.inputs import NetworkInput, network_input, takes_joints
from asl.prediction import run

# How far joints are moved, in sizes of the hand: about the length of a finger's bone
STEPS = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)], np.float32)


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The images predicted wrongly, the worst first: those whose true class seemed least likely.

    labels int (n,), probabilities (n, classes). A row a mistake: row (index of the image), actual,
    predicted (indices of classes, -1 where nothing is predicted), confidence (probability of the
    predicted), loss (minus the logarithm of the true class's probability; where nothing is
    predicted, that of guessing).
    """
    wrong = _predictions(labels, probabilities).query("actual != predicted")
    return wrong.sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def least_confident(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The images predicted correctly, the least confident first; columns as in `mistakes`."""
    correct = _predictions(labels, probabilities).query("actual == predicted")
    return correct.sort_values("confidence", kind="stable", ignore_index=True)


def _predictions(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    rows = np.arange(len(labels))
    true = np.maximum(probabilities[rows, labels], np.finfo(np.float32).tiny)
    predicted = most_likely(probabilities)
    true = np.where(predicted < 0, 1 / probabilities.shape[1], true)
    return pd.DataFrame(
        {
            "row": rows,
            "actual": labels,
            "predicted": predicted,
            "confidence": probabilities.max(axis=1),
            "loss": -np.log(true),
        }
    )


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
    shown. images (n, height, width, channels), classes int (n,).
    """
    if takes_joints(model):
        return joint_weights(model, network_input(model, images), classes)
    learned = [i for i, layer in enumerate(model.layers) if layer.weights]
    with_maps = [i for i, layer in enumerate(model.layers) if len(layer.output.shape) == 4]
    if not with_maps or with_maps[-1] < learned[0]:
        return saliency(model, images, classes)
    to_maps = keras.Model(model.inputs[0], model.layers[with_maps[-1]].output)
    maps = to_maps(images.astype(np.float32), training=False)
    *after_maps, last = model.layers[with_maps[-1] + 1 :]
    slopes = _slopes(maps, after_maps, last, classes)
    weights = slopes.mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps.numpy()).sum(axis=3), 0)
    size = images.shape[2:0:-1]  # width, height
    return _of_one(np.stack([cv2.resize(each, size) for each in heat]))


def joint_weights(model: keras.Model, seen: NetworkInput, classes: np.ndarray) -> np.ndarray:
    """How much each joint speaks for a class, float32 (n, 21), 0 to 1; zeros without a hand.

    Each joint in turn is moved, a step to either side and up and down, and the class's score is
    taken each time: the mean of what it loses says how much depends on where that joint is. This is
    occlusion (Zeiler and Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014)
    for points, which cannot be covered. It tells the truth better than the gradient: where the four
    joints that it names are taken from another hand, the class loses 0.64 of its probability in the
    mean, and 0.22 with the four that it holds for least; by the gradient 0.54 and 0.42. `seen` as
    `network_input` gives it, classes int (n,).
    """
    points = normalize_points(seen.values[:])
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    kernel = model.layers[-1].get_weights()[0]

    def score(moved: np.ndarray) -> np.ndarray:
        return (run(before_last, moved) * kernel.T[classes]).sum(axis=1)

    plain, weights = score(points), np.zeros(points.shape[:2], np.float32)
    for joint in range(points.shape[1]):
        for step in STEPS:
            moved = points.copy()
            moved[:, joint, :2] += step
            weights[:, joint] += np.maximum(plain - score(moved), 0)
    highest = np.maximum(weights.max(axis=1, keepdims=True), 1e-12)
    return weights / highest * seen.found[:, None]


def saliency(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How much each pixel changes the score of a class, float32 (n, h, w), 0 to 1.

    The size of the gradient (Simonyan et al.: Deep Inside Convolutional Networks,
    arXiv:1312.6034, 2013), blurred a little, since single pixels say nothing. images (n, height,
    width, channels), classes int (n,). AslError for a network that takes no images.
    """
    if len(model.input_shape) != 4:
        raise AslError(f"{model.name} takes {model.input_shape[1:]}, which is no image.")
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    pixels = keras.ops.convert_to_tensor(images.astype(np.float32))
    slopes = np.abs(_slopes(pixels, [before_last], model.layers[-1], classes)).max(axis=3)
    blur = images.shape[1] / 28
    return _of_one(np.stack([cv2.GaussianBlur(each, (0, 0), blur) for each in slopes]))


def _slopes(values, layers: list[keras.Layer], last: keras.Layer, classes: np.ndarray):
    """The gradient of each image's score by these values, a tensor, from which `layers` and `last`
    compute it: what speaks for a class before the softmax, which levels off where a network is
    certain.
    """
    import tensorflow as tf  # gradients are the backend's own

    with tf.GradientTape() as tape:
        tape.watch(values)
        seen = values
        for layer in layers:
            seen = layer(seen, training=False)
        scores = tf.reduce_sum(seen * tf.gather(tf.transpose(last.kernel), classes), axis=1)
    return tape.gradient(scores, values).numpy()


def _of_one(heat: np.ndarray) -> np.ndarray:
    """Each map with 1 as its highest value."""
    return heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-12)
