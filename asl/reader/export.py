"""The reader as LiteRT's file, which needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from asl import files
from asl.errors import AslError
from asl.keras_setup import keras
from asl.landmarks import interpreter
from asl.models.keras_files import load_keras_file

SAME = 1e-4  # how far probabilities may differ


def write_litert(file: Path) -> Path:
    """Write a .keras file once more as .tflite beside it, and see that both say the same; give it.

    AslError where they differ, and for a Keras that cannot write it.
    """
    model, target = load_keras_file(file), file.with_suffix(".tflite")
    with files.write_beside(target) as temporary:
        try:
            model.export(temporary, format="litert", verbose=False)
        except (ValueError, ImportError) as error:
            raise AslError(
                f"Keras {keras.__version__} cannot write {target.name} ({error}). Install a later "
                "one: pip install --upgrade keras"
            ) from error
        random = np.random.default_rng(0)
        inputs = [random.uniform(0, 255, (3, *each.shape[1:])) for each in model.inputs]
        values = [each.astype(np.float32) for each in inputs]
        apart = np.abs(interpreter.run(temporary, *values)[0] - model.predict_on_batch(values))
        if apart.max() > SAME:
            raise AslError(f"{target.name} differs from {file.name} by {apart.max():.2g}.")
    return target
