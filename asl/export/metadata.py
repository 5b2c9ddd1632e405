"""What lies beside an exported network, as JSON: whose it is, what goes in, what comes out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from asl import files
from asl.models.metadata import Threshold

SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}  # of the formats
INT8 = "int8"


class Input(NamedTuple):
    """An input of a network."""

    name: str
    shape: tuple[int, ...]  # of one row
    dtype: str
    about: str  # what the values are, and their range


@dataclass(frozen=True)
class ExportMetadata:
    """What is known of an exported file."""

    checkpoint: str  # its name
    weights_sha256: str  # of the checkpoint's .keras file
    file_sha256: str
    format: str
    quantized: str  # "" or "int8"
    class_names: tuple[str, ...]  # in the order of the probabilities
    inputs: tuple[Input, ...]
    preprocessing: str
    output: str
    threshold: Threshold | None
    versions: dict[str, str]


def file_of(exported: Path) -> Path:
    """Where the metadata of an exported file lies."""
    return exported.with_name(f"{exported.name}.json")


def to_json(metadata: ExportMetadata) -> str:
    """The text of the metadata's file."""
    values = asdict(metadata) | {"inputs": [each._asdict() for each in metadata.inputs]}
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read(exported: Path) -> ExportMetadata:
    """What lies beside an exported file. ValueError says what is wrong with it."""
    beside = file_of(exported)
    try:
        stored = json.loads(beside.read_text(encoding="utf-8"))
        stored["inputs"] = tuple(
            Input(**{**each, "shape": tuple(each["shape"])}) for each in stored["inputs"]
        )
        stored["class_names"] = tuple(stored["class_names"])
        stored["threshold"] = Threshold(**stored["threshold"]) if stored["threshold"] else None
        found = ExportMetadata(**stored)
    except FileNotFoundError as error:
        raise ValueError(f"{files.shown(beside)} is missing") from error
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"{files.shown(beside)} is damaged") from error
    digests = (found.checkpoint, found.weights_sha256, found.file_sha256)
    if not all(isinstance(each, str) and each for each in digests):
        raise ValueError(f"{files.shown(beside)} is damaged")
    return found
