"""The reader's network: what the joints say and what the pixels around them say, together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asl.landmarks.crops import CROP as SIZE
from asl.landmarks.looks import LOOKS
from asl.models import backbones, pretrained
from asl.models.joints import POINTS, dense_network
from asl.models.layers import SMALLEST

if TYPE_CHECKING:
    import keras

BACKBONE = "mobilenetv2"
FROZEN_TO = "block_5_add"  # what lies below are edges and textures, the same in all photographs
MOMENTUM = 0.99  # of batch normalisation: as published, it forgets too slowly for a short training
MIRRORED = np.array([-1, 1, 1], np.float32)


def random_reader(class_count: int, share: float, temperature: float) -> keras.Model:
    """The reader's architecture as `both` says, its weights random."""
    joints, pixels = dense_network(class_count), pixel_network(class_count, weights=None)
    return both(joints, pixels, share, temperature)


def pixel_network(
    class_count: int, seed: int = 0, weights: str | Path | None = "imagenet"
) -> keras.Model:
    """Crops (n, SIZE, SIZE, 3), 0–255, in, probabilities (n, class_count) out: MobileNetV2 from
    ImageNet, its lower blocks frozen. `weights` as `build` takes them; AslError without them.
    """
    from asl.keras_setup import keras

    file = pretrained.find_weights(BACKBONE, weights)
    keras.utils.set_random_seed(seed)
    backbone, preprocessing = backbones.mobilenetv2(SIZE)
    if file:
        pretrained.load_weights(backbone, file, BACKBONE)
    learns = False
    for layer in backbone.layers:
        layer.trainable = learns
        learns = learns or layer.name == FROZEN_TO
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = MOMENTUM
    inputs = keras.Input((SIZE, SIZE, 3), name="pixels")
    x = keras.layers.GlobalAveragePooling2D()(backbone(preprocessing(inputs)))
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Dense(class_count, activation="softmax")(x)
    return keras.Model(inputs, x, name="pixels")


def both(joints: keras.Model, pixels: keras.Model, share: float, temperature: float) -> keras.Model:
    """Points (n, LOOKS, 21, 3) and crops (n, SIZE, SIZE, 3) in, probabilities (n, class_count) out.

    The geometric mean of both networks, `share` of it the pixels': the joints' over all looks at
    the hand (`landmarks.looks`), each network over the hand and its mirror image; at a temperature
    (`confidence.calibrate`). Where all points are zero, what the pixels say alone.
    """
    from asl.keras_setup import keras

    ops = keras.ops
    looks = keras.Input((LOOKS, POINTS, 3), name="joints")
    crop = keras.Input((SIZE, SIZE, 3), name="pixels")

    def scores(network: keras.Model, *views: keras.KerasTensor) -> keras.KerasTensor:
        same = keras.Model(network.inputs[0], network.outputs[0])  # without its optimizer
        logs = [ops.log(same(view, training=False) + SMALLEST) for view in views]
        return sum(logs[1:], logs[0]) / len(logs)

    points = [looks[:, k] for k in range(LOOKS)]
    found = ops.cast(ops.max(ops.abs(looks), axis=(1, 2, 3)) > 0, "float32")[:, None]
    of_joints = (1 - share) * found
    told = of_joints * scores(joints, *points, *(each * MIRRORED for each in points))
    told = told + (1 - of_joints) * scores(pixels, crop, ops.flip(crop, axis=2))
    probabilities = keras.layers.Softmax(name="probabilities")(told / temperature)
    return keras.Model([looks, crop], probabilities, name="reader")
