"""The reader's network: MobileNetV2 under a head of its own, and its mean over several views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asl.models.backbones import Preprocessing
from asl.models.layers import SMALLEST

if TYPE_CHECKING:
    import keras

MOMENTUM = 0.99  # of batch normalisation: as published, it forgets too slowly for a short training
ZOOM = 5 / 6  # side of the middle of the picture, which is enlarged


def reader_network(
    backbone: keras.Model, preprocessing: Preprocessing, class_count: int
) -> keras.Model:
    """The network that learns: images (n, h, w, 3), 0–255, of the backbone's size in,
    probabilities (n, class_count) out. What is frozen in the backbone stays frozen.
    """
    from asl.keras_setup import keras

    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    inputs = keras.Input(backbone.input_shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(backbone(preprocessing(inputs)))
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Dense(class_count, activation="softmax")(x)
    return keras.Model(inputs, x, name="reader")


def with_test_time_augmentation(model: keras.Model, temperature: float = 1.0) -> keras.Model:
    """The network with test-time augmentation: its mean over the picture, the middle of it
    enlarged, and the mirror image of both, at a temperature (`confidence.calibrate`).
    """
    from asl.keras_setup import keras

    # The same layers without what training adds, which is as large
    network = keras.Model(model.inputs[0], model.outputs[0])
    size = model.input_shape[1]
    zoom = round(ZOOM * size)
    inputs = keras.Input(model.input_shape[1:])
    middle = keras.layers.CenterCrop(zoom, zoom)(inputs)
    middle = keras.layers.Resizing(size, size)(middle)
    views = [inputs, middle, *(keras.ops.flip(view, axis=2) for view in (inputs, middle))]
    mean = keras.layers.Average()([network(view, training=False) for view in views])
    scores = keras.ops.log(mean + SMALLEST)
    scores = keras.layers.Rescaling(1 / temperature)(scores)
    return keras.Model(inputs, keras.layers.Softmax()(scores), name="reader")
