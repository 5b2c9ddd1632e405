"""An exported network in place of its checkpoint: run by LiteRT, no TensorFlow is imported."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from asl import files
from asl.data.processors import threads
from asl.export import metadata as exported
from asl.landmarks import interpreter
from asl.models.joints import POINTS
from asl.models.metadata import Metadata

MEMORY = 1 << 22  # bytes of the largest map of a batch: more would not fit the cache
BATCH = 512


class ExportedNetwork:
    """A .tflite file that is used as a Keras model is: its shapes, and `predict_on_batch`."""

    def __init__(self, content: bytes) -> None:
        """ValueError for what is no such file, or has more than one input."""
        from ai_edge_litert.interpreter import Interpreter

        with interpreter.quiet():
            self._interpreter = Interpreter(model_content=content, num_threads=threads())
            self._interpreter.allocate_tensors()
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self.input_shape = (None, *self._input["shape"][1:].tolist())
        self.output_shape = (None, *self._output["shape"][1:].tolist())
        if {self._input["dtype"], self._output["dtype"]} != {np.float32}:
            raise ValueError("it takes or gives other numbers than float32")
        details = self._interpreter.get_tensor_details()
        maps = [each["shape"].prod() for each in details if -1 in each["shape_signature"][:1]]
        self.batch = int(np.clip(MEMORY // (4 * max(maps, default=1)), 1, BATCH))

    def predict_on_batch(self, values: np.ndarray) -> np.ndarray:
        """Probabilities float32 (n, classes) of images or joints (n, …), however many."""
        values = np.asarray(values, np.float32)
        if values.shape != tuple(self._interpreter.get_input_details()[0]["shape"]):
            self._interpreter.resize_tensor_input(self._input["index"], values.shape)
            self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(self._input["index"], values)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output["index"])


def find_exported(checkpoint: Path, metadata: Metadata) -> ExportedNetwork | None:
    """The .tflite file beside a checkpoint, of which `metadata` is known, as a network. None where
    there is none; one that is damaged, or of other weights, is passed over with one line.
    """
    if metadata.litert_sha256:  # the reader, which has ways of its own
        return None
    for file in places(checkpoint, "litert"):
        if file.is_file():
            try:
                return _read(file, metadata)
            except (ValueError, RuntimeError, OSError) as error:
                reason = str(error).splitlines()[0][:160] if str(error) else "it is damaged"
                print(
                    f"{files.shown(file)} is passed over ({reason}): Keras reads the checkpoint "
                    f"itself. Write it anew: python -m asl export {checkpoint.stem}"
                )
    return None


def places(checkpoint: Path, format: str) -> list[Path]:
    """Where the exported file of a checkpoint may lie: beside it or, where the checkpoint came with
    the project and what is written goes elsewhere, there.
    """
    name = checkpoint.stem + exported.SUFFIXES[format]
    came_along = checkpoint.parent == files.REPOSITORY / "model"
    own = [files.MODEL / name] if came_along and checkpoint.parent != files.MODEL else []
    return [*own, checkpoint.with_name(name)]


def _read(file: Path, metadata: Metadata) -> ExportedNetwork:
    """ValueError where it is damaged or not of these weights."""
    known = exported.read(file)
    if known.weights_sha256 != metadata.weights_sha256:
        raise ValueError("it is of other weights")
    if known.format != "litert" or known.quantized:
        raise ValueError("it is of another format, or quantized")
    content = file.read_bytes()
    if known.file_sha256 != hashlib.sha256(content).hexdigest():
        raise ValueError("it is damaged")
    network = ExportedNetwork(content)
    fits = network.input_shape[1:] in (tuple(metadata.input_shape), (POINTS, 3))
    if not fits or network.output_shape[1:] != (len(metadata.class_names),):
        raise ValueError("it takes or gives something else than the checkpoint")
    return network
