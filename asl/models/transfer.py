"""Transfer learning: what a frozen backbone makes of the images is computed once, and kept.

A frozen backbone gives the same features for the same image in every epoch. So one pass of all
images through it is enough, and the epochs train what lies above it. The features are kept by
data/feature_cache.py.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from asl.data.feature_cache import Features, Pass, features
from asl.data.mapped_images import Images
from asl.errors import AslError
from asl.keras_setup import keras
from asl.models import devices, pretrained
from asl.models.backbones import FEATURES, PREPARED
from asl.models.layers import all_layers
from asl.models.registry import Architecture

PASS_BATCH = 32  # images through a backbone at a time: its maps stay in the processor's cache


def is_frozen(model: keras.Model, architecture: Architecture) -> bool:
    """Whether the network has a backbone that is frozen."""
    return architecture.pretrained is not None and not backbone_of(model).trainable


def backbone_of(model: keras.Model) -> keras.Model:
    """The backbone inside a network that `backbones.add_head` built."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def check_blocks(architecture: Architecture, blocks: int) -> None:
    """AslError unless the backbone has so many blocks."""
    there = len(architecture.blocks)
    if not 0 <= blocks <= there:
        raise AslError(f"{architecture.name} has {there} blocks; fine_tune={blocks} is not there.")


def unfreeze(model: keras.Model, architecture: Architecture, blocks: int) -> None:
    """Let the last `blocks` blocks of the backbone be trained, and nothing below them.

    Their batch normalisation goes on with what it knows of ImageNet: a few images of hands would
    only spoil it. AslError for more blocks than there are.
    """
    check_blocks(architecture, blocks)
    backbone, known = backbone_of(model), architecture.blocks
    backbone.trainable = blocks > 0
    edge = known[-blocks - 1] if blocks < len(known) else None
    trained = edge is None
    for layer in backbone.layers:
        layer.trainable = trained and not isinstance(layer, keras.layers.BatchNormalization)
        trained = trained or layer.name == edge


def split_frozen(
    model: keras.Model, architecture: Architecture, blocks: int
) -> tuple[keras.Model | None, keras.Model]:
    """The network in two: the frozen part, and the trainable part, which is the last `blocks`
    blocks and all above them. They share their layers with `model`. The frozen part is None where
    all is trained.
    """
    backbone, known = backbone_of(model), architecture.blocks
    if blocks == len(known):
        return None, keras.Model(model.inputs[0], model.outputs[0])
    if not blocks:
        middle = model.get_layer(FEATURES).output
        return keras.Model(model.inputs[0], middle), keras.Model(middle, model.outputs[0])
    middle = backbone.get_layer(known[-blocks - 1]).output
    lower, upper = keras.Model(backbone.inputs[0], middle), keras.Model(middle, backbone.outputs[0])
    prepared = model.get_layer(PREPARED).output
    frozen = keras.Model(model.inputs[0], lower(prepared, training=False))
    inputs = keras.Input(middle.shape[1:])
    x = upper(inputs, training=False)
    for layer in model.layers[model.layers.index(backbone) + 1 :]:
        x = layer(x)
    return frozen, keras.Model(inputs, x)


def frozen_features(frozen: keras.Model, images: Images, name: str) -> Features:
    """What the frozen part makes of images uint8 (n, h, w, c), from the cache where it is there.

    `name` is for progress. AslError for a full disk.
    """
    shape = frozen.output_shape[1:]
    layers = [(type(layer).__name__, layer.output.shape) for layer in all_layers(frozen)]
    key = hashlib.sha256(json.dumps([layers, keras.__version__]).encode())
    for weights in frozen.get_weights():
        key.update(weights.tobytes())
    title = f"{name}: features"
    compute, batch = devices.forward(frozen, PASS_BATCH)
    return features(images, Pass(compute, shape, key.digest(), title, batch=batch))


def trainable_part(
    model: keras.Model, architecture: Architecture, blocks: int, images: Sequence[Images]
) -> tuple[keras.Model, list[Images]]:
    """The last `blocks` blocks and all above them as a network, and what it takes in place of each
    of these images: the features of what is frozen below, computed once; the images themselves
    where nothing is.
    """
    frozen, trainable = split_frozen(model, architecture, blocks)
    if frozen is None:
        return trainable, [*images]
    return trainable, [frozen_features(frozen, each, architecture.name).values for each in images]


def block_outputs(
    model: keras.Model, images: np.ndarray, blocks: Sequence[str]
) -> dict[str, np.ndarray]:
    """What blocks of the backbone give for images uint8 (n, h, w, c): float32 (n, …) by name."""
    backbone = backbone_of(model)
    prepared = keras.Model(model.inputs[0], model.get_layer(PREPARED).output)
    outputs = {name: backbone.get_layer(name).output for name in blocks}
    given = keras.Model(backbone.inputs[0], outputs)(prepared(images.astype(np.float32)))
    return {name: np.asarray(each) for name, each in given.items()}


def weights_or_random(name: str, weights: str | Path | None = "imagenet") -> str | Path:
    """ImageNet's weights of an architecture, as `build` takes them: what was asked for, or a file
    of random ones where it can be neither found nor fetched. With these nothing is gained, and that
    is said.
    """
    weights = weights or "imagenet"
    try:
        file = pretrained.find_weights(name, weights)
    except AslError as error:
        print(error, "\n\nGoing on with RANDOM weights: the figures from here on mean nothing.")
        return pretrained.random_weights(name)
    print(f"weights: {file.name if file else 'none'}")
    return weights
