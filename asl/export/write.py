"""`python -m asl export`: a checkpoint as a file that other programs and devices run."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from asl import checkpoints, files
from asl.errors import AslError
from asl.export import metadata as exported
from asl.export.metadata import INT8, SUFFIXES, ExportMetadata, Input
from asl.export.network import ExportedNetwork, places
from asl.models.inputs import network_input
from asl.models.metadata import Metadata

if TYPE_CHECKING:
    import keras

    from asl.data.samples import Samples

ONNX = ("onnx", "onnxruntime", "tf2onnx")  # the packages of the extra
EXAMPLES = 500  # training images that show int8 its ranges, and validation images that try it
FEW = 16  # images at a time, so that the largest networks fit the memory
PREPROCESSING = "inside the network: scaling, standardization and resizing. Give values as they are"
OUTPUT = "probabilities, float32 (n, classes), in the order of class_names"


class Written(NamedTuple):
    """What was written, and how it compares."""

    file: Path
    metadata: ExportMetadata
    difference: float  # of probabilities, the largest against Keras; of int8, not measured: 0
    same: int  # of int8: validation images that are predicted as by the network itself
    images: int  # of so many


def export(
    name: str | Path, format: str = "litert", quantize: str = "", output: str | Path | None = None
) -> Written:
    """Write a checkpoint as a .tflite or .onnx file, and its metadata beside it: both or neither.

    Formats are those of SUFFIXES; `quantize` may be "int8", for LiteRT. Without `output` it lies
    beside the checkpoint. AslError for a format that is unknown or whose packages are missing, a
    file that is there and is no export of this checkpoint, a folder that cannot be written, and a
    network that the format cannot hold, or that says something else there.
    """
    _check_format(format, quantize)
    checkpoint = checkpoints.find(name)
    known = checkpoints.read_metadata(checkpoint)
    target = Path(output).expanduser() if output else _beside(checkpoint, known, format, quantize)
    if target.suffix != SUFFIXES[format]:
        raise AslError(f"--output is {target.name}; a file of {format} ends in {SUFFIXES[format]}.")
    _check_target(target, checkpoint)
    if quantize and known.datasets:
        raise AslError(
            f"{checkpoint.stem} was trained on several data sets: there is no one set of training "
            "images that would show the ranges of int8. Leave out --quantize."
        )
    model, known = checkpoints.load_model(checkpoint)
    parts = checkpoints.replay_split(known) if quantize else None
    examples = _examples(model, parts.train) if parts else None

    from asl.export import convert  # here, since TensorFlow takes seconds

    with files.write_beside(target) as new:
        convert.convert(model, new, format, examples)
        difference = 0.0 if quantize else convert.check_same(model, new, format, target)
        same, images = _agreement(model, new, parts.validation) if parts else (0, 0)
        told = ExportMetadata(
            checkpoint=checkpoint.stem,
            weights_sha256=known.weights_sha256,
            file_sha256=files.sha256(new),
            format=format,
            quantized=quantize,
            class_names=known.class_names,
            inputs=_inputs(model, convert.input_names(model)),
            preprocessing=PREPROCESSING,
            output=OUTPUT,
            threshold=known.threshold,
            versions=_versions(format),
        )
        with files.write_beside(exported.file_of(target)) as beside:
            beside.write_text(exported.to_json(told), encoding="utf-8")
    return Written(target, told, difference, same, images)


def example(written: Written) -> str:
    """Three lines of Python that use the file."""
    zeros = ", ".join(
        f"{each.name}=np.zeros({(1, *each.shape)}, np.{each.dtype})"
        for each in written.metadata.inputs
    )
    file, about = str(written.file.absolute()), f"  # {written.metadata.inputs[0].about}"
    if written.metadata.format == "onnx":
        return (
            "import numpy as np, onnxruntime\n"
            f"network = onnxruntime.InferenceSession({file!r})\n"
            f"print(network.run(None, dict({zeros}))[0]){about}"
        )
    return (
        "import numpy as np, ai_edge_litert.interpreter as litert\n"
        f"network = litert.Interpreter({file!r}).get_signature_runner()\n"
        f"print(*network({zeros}).values()){about}"
    )


def _check_format(format: str, quantize: str) -> None:
    if format not in SUFFIXES:
        raise AslError(f"there is no format {format!r}. There are: {', '.join(SUFFIXES)}.")
    if quantize not in ("", INT8):
        raise AslError(f"--quantize is {quantize!r}; it may be {INT8}.")
    if quantize and format != "litert":
        raise AslError(f"{INT8} is written for litert alone: leave out --format {format}.")
    missing = [each for each in ONNX if importlib.util.find_spec(each) is None]
    if format == "onnx" and missing:
        raise AslError(
            f"ONNX needs packages that are not installed ({', '.join(missing)}): the extra "
            "`export`, 105 MB. In the project's folder: python -m pip install '.[export]'"
        )


def _beside(checkpoint: Path, known: Metadata, format: str, quantize: str) -> Path:
    """model/<name>.tflite, or .onnx; reader.tflite is there already, made by its training."""
    beside = places(checkpoint, format)[0]
    parts = (beside.stem, "export" if known.litert_sha256 else "", quantize)
    return beside.with_stem("-".join(part for part in parts if part))


def _check_target(target: Path, checkpoint: Path) -> None:
    """AslError where something may not be written there, or something else is there."""
    files.check_output(target, [checkpoint])
    beside = exported.file_of(target)
    files.check_output(beside, [checkpoint])
    there = [each for each in (target, beside) if each.exists()]
    if not there:
        return
    try:
        if exported.read(target).checkpoint == checkpoint.stem:
            return
    except ValueError:
        pass
    raise AslError(
        f"{files.shown(there[0])} is there already and is no export of {checkpoint.stem}: move it "
        "away, or choose another name with --output."
    )


def _examples(model: keras.Model, part: Samples) -> np.ndarray:
    """Up to EXAMPLES images of a part, drawn at random, as they go into the network."""
    rows = np.random.default_rng(0).permutation(len(part))[:EXAMPLES]
    seen = network_input(model, part.images[np.sort(rows)], part.dataset, stored=False)
    if not seen.found.any():
        raise AslError(f"no hand was found in {len(rows)} images of {part.dataset}.")
    return seen.values[seen.found]


def _agreement(model: keras.Model, file: Path, part: Samples) -> tuple[int, int]:
    """How many of how many images are predicted alike by a file and its network."""
    values = _examples(model, part)
    try:
        network = ExportedNetwork(file.read_bytes())
        found = _most_likely(network, values)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0][:160]
        raise AslError(
            f"{model.name} does not work as {INT8} ({reason}). Leave out --quantize."
        ) from error
    alike = found == _most_likely(model, values)
    return int(alike.sum()), len(alike)


def _most_likely(network: keras.Model | ExportedNetwork, values: np.ndarray) -> np.ndarray:
    starts = range(0, len(values), FEW)
    found = [network.predict_on_batch(values[start : start + FEW]) for start in starts]
    return np.concatenate(found).argmax(axis=1)


def _inputs(model: keras.Model, names: list[str]) -> tuple[Input, ...]:
    return tuple(
        Input(name, tuple(each.shape[1:]), "float32", _about(name, tuple(each.shape[1:])))
        for name, each in zip(names, model.inputs, strict=True)
    )


def _about(name: str, shape: tuple[int, ...]) -> str:
    if name == "joints":
        return "x, y and depth of 21 joints, in pixels"
    return f"{'grey' if shape[-1] == 1 else 'red, green, blue'}, 0 to 255"


def _versions(format: str) -> dict[str, str]:
    import keras
    import tensorflow

    found = {each.__name__: each.__version__ for each in (tensorflow, keras)}
    if format == "onnx":
        found |= {each: importlib.import_module(each).__version__ for each in ONNX}
    return found
