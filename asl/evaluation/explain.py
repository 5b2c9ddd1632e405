"""What went wrong, and why: worst images first, what they resemble, where the network looked."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from asl.errors import AslError
from asl.keras_setup import keras
from asl.prediction import run


def mistakes(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """The images predicted wrongly, the worst first: those whose true class seemed least likely.

    labels int (n,), probabilities (n, classes). A row a mistake: row (index of the image), actual,
    predicted (indices of classes), confidence (probability of the predicted), loss (minus the
    logarithm of the true class's probability).
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
    return pd.DataFrame(
        {
            "row": rows,
            "actual": labels,
            "predicted": probabilities.argmax(axis=1),
            "confidence": probabilities.max(axis=1),
            "loss": -np.log(true),
        }
    )


def features(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the network makes of each image just before it decides, float32 (n, features)."""
    before_last = keras.Model(model.inputs[0], model.layers[-1].input)
    return run(before_last, images).reshape(len(images), -1)


def nearest(
    model: keras.Model, images: np.ndarray, train_images: np.ndarray, count: int = 4
) -> np.ndarray:
    """Rows of the training images most alike to each image, nearest first, int (n, count).

    Alike to the network: by the angle between the features, not by pixels.
    """
    search = NearestNeighbors(n_neighbors=min(count, len(train_images)), metric="cosine")
    search.fit(features(model, train_images))
    return search.kneighbors(features(model, images), return_distance=False)


def grad_cam(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Where the network looked for a class in each image, float32 (n, h, w), 0 to 1.

    Grad-CAM (Selvaraju et al., ICCV 2017): the maps of the last layer that still has a height and
    a width, weighted by how much each raises the class's score, what lowers it cut off, enlarged
    to the images' size. A network that keeps no maps (conv1d_lstm, alexnet) has its `saliency`
    shown. images (n, height, width, channels), classes int (n,).
    """
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
