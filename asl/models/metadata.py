"""The metadata of a checkpoint: what its weights cannot say, as a typed record and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from asl.data.samples import PARTS, SplitRecipe

NEEDED = ("dataset", "model", "class_names", "input_shape", "seed", "weights_sha256")


@dataclass(frozen=True)
class Threshold:
    """From which confidence on predictions are as often correct as asked."""

    precision: float  # share that was asked to be correct
    confidence: float  # the threshold
    coverage: float  # share of images at or above it, where it was measured


@dataclass(frozen=True)
class Metadata:
    """What is known of a checkpoint. `model` is the name of its architecture."""

    dataset: str
    model: str
    class_names: tuple[str, ...]
    seed: int
    split: SplitRecipe | None = None  # None: it is not known
    datasets: tuple[str, ...] = ()  # where it was trained on several
    weights: str | None = None  # a file that it was initialised with
    initial_sha256: str = ""  # of that file, unless it is a published one
    batch_size: int = 0
    augmented: bool = False
    fine_tune: int = 0
    steps: int = 0  # batches in all, where they were what was set
    epochs: int = 0
    best_epoch: int = 0
    validation: dict[str, float] = field(default_factory=dict)  # figures of the best epoch
    pixels_share: float | None = None  # of the reader, in the mean of its two networks
    temperature: float = 1.0  # by which the scores were divided
    threshold: Threshold | None = None
    training_seconds: float = 0.0
    features_seconds: float = 0.0  # of these, for frozen features
    history: dict[str, list[float]] = field(default_factory=dict)  # by epoch
    left_out: dict[str, dict[str, float]] = field(default_factory=dict)
    # What `save_model` adds
    saved: str = ""  # the day
    input_shape: tuple[int, ...] = ()
    parameters: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    weights_sha256: str = ""  # of the file, which differs from save to save
    arrays_sha256: str = ""  # of the weights in it, which two equal trainings share
    litert_sha256: str = ""  # of the .tflite file beside it, where there is one

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The data sets that it was trained on."""
        return self.datasets or (self.dataset,)


def to_json(metadata: Metadata) -> str:
    """Metadata as the text that model/<name>.json holds."""
    values = asdict(metadata)
    known = {key: values[key] for key in values if values[key] not in ({}, ())}
    return json.dumps(known, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Metadata:
    """Metadata of this and of earlier versions, which wrote `sure` and split as free text.

    ValueError, TypeError, KeyError or AttributeError for what is no metadata, or disagrees with
    itself.
    """
    stored = json.loads(text)
    missing = [key for key in NEEDED if key not in stored]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    known = {each.name for each in fields(Metadata)}
    values = {key: value for key, value in stored.items() if key in known and value is not None}
    for key in ("class_names", "datasets", "input_shape"):
        if key in values:
            values[key] = tuple(values[key])
    if values.get("threshold"):
        values["threshold"] = Threshold(**values["threshold"])
    elif sure := stored.get("sure"):
        values["threshold"] = Threshold(sure["precision"], sure["confidence"], 1 - sure["unread"])
    if "split" in values:
        values["split"] = _recipe_from_json(stored["split"], stored["seed"])
    metadata = Metadata(**values)
    _check(metadata)
    return metadata


def _check(metadata: Metadata) -> None:
    """ValueError for what disagrees with itself, or no training can have written."""
    names, shape = metadata.class_names, metadata.input_shape
    history = {len(rows) for rows in metadata.history.values()}
    wrong = {
        "dataset or model is no name": not all(
            isinstance(each, str) and each for each in (metadata.dataset, metadata.model)
        ),
        "class_names are not names": not all(isinstance(each, str) and each for each in names),
        "class_names are fewer than two, or repeat": not 2 <= len(set(names)) == len(names),
        "input_shape is no height, width, channels": len(shape) != 3
        or not all(isinstance(side, int) and side > 0 for side in shape),
        "pixels_share is no share": not 0 <= (metadata.pixels_share or 0) <= 1,
        "temperature is no number above 0": not 0 < metadata.temperature < math.inf,
        "best_epoch is beyond epochs": not 0 <= metadata.best_epoch <= metadata.epochs,
        "history and epochs disagree": bool(history) and history != {metadata.epochs},
        "validation is not numbers": not all(map(math.isfinite, metadata.validation.values())),
        "threshold is not shares": metadata.threshold is not None
        and not all(0 <= share <= 1 for share in asdict(metadata.threshold).values()),
        "counts are not numbers of images": metadata.split is not None
        and not all(count >= 0 for count in metadata.split.counts.values()),
    }
    for reason, is_so in wrong.items():
        if is_so:
            raise ValueError(reason)


def _recipe_from_json(stored: dict[str, Any], seed: int) -> SplitRecipe:
    if "names_sha256" in stored:
        by_row = {part: tuple(names) for part, names in stored.get("split_by_row", {}).items()}
        return SplitRecipe(**{**stored, "split_by_row": by_row})
    # Of an earlier version: the training's seed was the split's, the share was always a tenth
    counts = {part: int(stored[part]) for part in PARTS if part in stored}
    random = str(stored.get("by", "")).startswith("random")
    return SplitRecipe("row" if random else "group", seed, counts=counts)
