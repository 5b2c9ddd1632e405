"""What the layers of a network are, how many parameters each has, and what it computes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import keras

BATCH = 512
FLOAT = 4  # bytes
PREDICTION_MEMORY = 1 << 27  # bytes of maps at a time: more would not fit the cache
SMALLEST = 1e-12  # probability that is told from none


def all_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of a network, those of a backbone inside it among them, from the images up."""
    found = []
    for layer in model.layers:
        found += all_layers(layer) if hasattr(layer, "layers") else [layer]
    return found


def layer_table(model: keras.Model) -> pd.DataFrame:
    """A row a layer: kind, shape of its output, parameters, multiply-adds for one image.

    Multiply-adds by definition: a convolution uses each weight once at each place of its output, a
    dense layer once, a recurrent one at each step. Biases, batch normalisation, pooling and
    activations are left out, as usual.
    """
    rows = []
    for layer in all_layers(model):
        shape = layer.output.shape[1:]
        if hasattr(layer, "cell"):
            uses, kernels = layer.input.shape[1], [layer.cell.kernel, layer.cell.recurrent_kernel]
        else:
            uses, kernels = math.prod(shape[:-1]), [getattr(layer, "kernel", None)]
        used = [math.prod(kernel.shape) for kernel in kernels if kernel is not None]
        rows.append(
            {
                "layer": type(layer).__name__,
                "output": " × ".join(map(str, shape)),
                "parameters": layer.count_params(),
                "multiply-adds": uses * sum(used),
            }
        )
    return pd.DataFrame(rows)


def prediction_batch(model: keras.Model) -> int:
    """How many images a network predicts at a time, 512 at most: fewer, the larger the largest
    output that a layer gives for one image.
    """
    largest = FLOAT * max(math.prod(layer.output.shape[1:]) for layer in all_layers(model))
    return min(BATCH, max(1, PREDICTION_MEMORY // (3 * largest)))
