"""A Keras network as a file of LiteRT or ONNX.

Keras writes a network as it would go on training; here it is put behind inputs of its own that say
it is not, so that dropout and batch normalisation are as they are in prediction.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from asl import files
from asl.errors import AslError
from asl.keras_setup import BACKEND, keras
from asl.landmarks import interpreter
from asl.landmarks.joints import POINTS
from asl.models.layers import all_layers

if TYPE_CHECKING:
    import tensorflow  # imported where it is used: with another backend it need not be there

SAME = 1e-4  # how far probabilities may differ
LATER = "Install a later one (pip install --upgrade keras), or try the other format."
ROOT_OF_HALF = 0.5**0.5


def convert(
    model: keras.Model, file: Path, format: str, examples: np.ndarray | None = None
) -> None:
    """Write a network as "litert" or "onnx": images or joints by name, any number of them, in;
    probabilities out. With `examples`, values as they go in (n, …), LiteRT's weights and
    activations become whole numbers of eight bits whose range the examples show.

    AslError for a network that cannot be written so, and where Keras does not compute with
    TensorFlow, which alone writes these.
    """
    if BACKEND != "tensorflow":
        raise AslError(
            f"TensorFlow alone writes {format}, and here Keras computes with {BACKEND}. Give "
            "the same command with KERAS_BACKEND=tensorflow, where TensorFlow is installed "
            "(python -m pip install tensorflow). Checkpoints are the same for both."
        )
    try:
        with _changed(model), _silence():
            if format == "onnx":
                network = prediction_model(model)
                network(_one_or_all(random_inputs(model, 1)))  # Keras exports what was called
                network.export(str(file), format="onnx", verbose=False)
            else:
                file.write_bytes(_litert(prediction_model(model), examples))
    except Exception as error:  # each library raises children of Exception of its own
        if isinstance(error, OSError) and error.errno in files.CANNOT_WRITE:
            raise
        kind = " as int8" if examples is not None else ""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = (lines or [type(error).__name__])[0][:160]
        raise AslError(
            f"Keras {keras.__version__} cannot write {model.name} for {format}{kind} ({reason}). "
            + ("Leave out --quantize." if kind else LATER)
        ) from error


def prediction_model(model: keras.Model) -> keras.Model:
    """The same network with inputs called "images", or "joints" and "pixels", and in prediction:
    nothing is dropped, and batch normalisation uses what it learned.
    """
    names = input_names(model)
    inputs = [
        keras.Input(each.shape[1:], name=name)
        for name, each in zip(names, model.inputs, strict=True)
    ]
    taken = _one_or_all(inputs)
    inside = keras.Model(
        model.inputs, model.outputs[0], name="network"
    )  # its name may be an input's
    found = inside(taken, training=False)
    return keras.Model(taken, {"probabilities": found}, name=model.name)


def input_names(model: keras.Model) -> list[str]:
    """What the inputs of a network are called in its file."""
    if len(model.inputs) > 1:
        return [each.name for each in model.inputs]
    return ["joints" if model.input_shape[1:] == (POINTS, 3) else "images"]


def random_inputs(model: keras.Model, count: int = 3) -> list[np.ndarray]:
    """Values as they could go in, float32."""
    random = np.random.default_rng(0)
    shapes = [(count, *each.shape[1:]) for each in model.inputs]
    return [random.uniform(0, 255, shape).astype(np.float32) for shape in shapes]


def largest_difference(model: keras.Model, file: Path, format: str) -> float:
    """How far the probabilities of a file lie from those of its network, for random inputs; not a
    number where either is none.
    """
    values = random_inputs(model)
    known = model.predict_on_batch(_one_or_all(values))
    named = dict(zip(input_names(model), values, strict=True))
    if format == "onnx":
        import onnxruntime

        told = onnxruntime.InferenceSession(str(file)).run(None, named)[0]
    else:
        told = interpreter.run(file, **named)[0]
    return float(np.abs(told - known).max())


def check_same(model: keras.Model, file: Path, format: str, target: Path) -> float:
    """How far a file is from its network; AslError, about `target`, where it is more than SAME."""
    apart = largest_difference(model, file, format)
    if not apart <= SAME:  # nor where it is no number
        raise AslError(f"{target.name} differs from the network by {apart:.2g}: it is not kept.")
    return apart


def write_litert(model: keras.Model, name: str) -> Path:
    """Write a network as model/<name>.tflite, and see that both say the same; give the file.

    AslError where they differ, and for a network that cannot be written so.
    """
    target = files.MODEL / f"{name}.tflite"
    with files.write_beside(target) as temporary:
        convert(model, temporary, "litert")
        check_same(model, temporary, "litert", target)
    return target


def _litert(model: keras.Model, examples: np.ndarray | None) -> bytes:
    import tensorflow

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, format="tf_saved_model", verbose=False)
        converter = tensorflow.lite.TFLiteConverter.from_saved_model(folder)
        if examples is not None:
            operations = tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8
            converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: _one_by_one(examples)
            converter.target_spec.supported_ops = [operations]
        return converter.convert()


def _one_or_all(values: list) -> Any:
    return values if len(values) > 1 else values[0]


def _one_by_one(examples: np.ndarray) -> Iterator[Sequence[np.ndarray]]:
    for row in range(len(examples)):
        yield [examples[row : row + 1].astype(np.float32)]


@contextmanager
def _changed(model: keras.Model) -> Iterator[None]:
    """Let layers meanwhile compute the same in ways that the formats know: a recurrent layer step
    after step in place of a loop over lists, and GELU by erf, which ONNX has, not by erfc.
    """
    before = []
    for layer in all_layers(model):
        for name, value in (("unroll", True), ("activation", _gelu)):
            is_one = name == "unroll" or getattr(layer, name, None) is keras.activations.gelu
            if is_one and hasattr(layer, name):
                before.append((layer, name, getattr(layer, name)))
                setattr(layer, name, value)
    try:
        yield
    finally:
        for layer, name, value in before:
            setattr(layer, name, value)


def _gelu(x: tensorflow.Tensor) -> tensorflow.Tensor:
    return 0.5 * x * (1 + keras.ops.erf(ROOT_OF_HALF * x))


@contextmanager
def _silence() -> Iterator[None]:
    """Converters remark on what they do, and warn of their own insides."""
    with interpreter.quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
