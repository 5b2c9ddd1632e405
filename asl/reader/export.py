"""The reader as LiteRT's file, which needs no TensorFlow."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from asl import files
from asl.errors import AslError
from asl.keras_setup import keras
from asl.landmarks import interpreter

SAME = 1e-4  # how far probabilities may differ


def write_litert(model: keras.Model, name: str) -> Path:
    """Write a network as model/<name>.tflite, and see that both say the same; give the file.

    AslError where they differ, and for a Keras that cannot write it.
    """
    target = files.MODEL / f"{name}.tflite"
    with files.write_beside(target) as temporary:
        try:
            _convert(model, temporary)
        except (ValueError, ImportError) as error:
            raise AslError(
                f"Keras {keras.__version__} cannot write {target.name} ({error}). Install a later "
                "one: pip install --upgrade keras"
            ) from error
        random = np.random.default_rng(0)
        values = {
            each.name: random.uniform(0, 255, (3, *each.shape[1:])).astype(np.float32)
            for each in model.inputs
        }
        told = interpreter.run(temporary, **values)[0]
        apart = np.abs(told - model.predict_on_batch([*values.values()]))
        if not apart.max() <= SAME:  # nor where it is no number
            raise AslError(f"{target.name} differs from the network by {apart.max():.2g}.")
    return target


def _convert(model: keras.Model, file: Path) -> None:
    """By Keras or, where it is older than this format, by TensorFlow."""
    try:
        model.export(str(file), format="litert", verbose=False)
    except (ValueError, ImportError):
        import tensorflow

        with tempfile.TemporaryDirectory() as folder, interpreter.quiet():
            model.export(folder, format="tf_saved_model", verbose=False)
            converter = tensorflow.lite.TFLiteConverter.from_saved_model(folder)
            file.write_bytes(converter.convert())
