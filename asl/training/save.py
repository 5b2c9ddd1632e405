"""What is kept of a training: the weights of its best epoch, calibrated, with their metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asl import checkpoints, files
from asl.data.encoding import encode
from asl.data.mapped_images import Images
from asl.data.samples import Split
from asl.errors import AslError
from asl.evaluation import confidence
from asl.keras_setup import BACKEND, keras
from asl.models import devices, registry
from asl.models.inputs import takes_joints
from asl.models.metadata import Metadata, Threshold
from asl.models.pretrained import weights_file
from asl.training.batches import Batches
from asl.training.options import Recipe

FIGURES = ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]


class Fitted(NamedTuple):
    """What the phases of a training gave."""

    history: pd.DataFrame  # a row an epoch, counted from 1
    trainable: keras.Model  # the part that was trained last, with the best weights
    validation: Batches  # as that part takes them
    feature_seconds: float = 0.0
    seen: float = 1.0  # share of the validation images in which there was anything to look at
    kept: dict[str, float] | None = None  # figures of the head, where it keeps some of what it knew

    def with_hands(self, seconds: float, seen: float) -> "Fitted":
        """The same, with the seconds that finding hands took, and where they were found."""
        return self._replace(feature_seconds=self.feature_seconds + seconds, seen=seen)

    @property
    def best_epoch(self) -> int:
        return int(self.history["val_loss"].idxmin())

    def figures(self) -> dict[str, Any]:
        """What the metadata tells of it."""
        history = self.history.assign(val_accuracy=self.history["val_accuracy"] * self.seen)
        validation = self.history.loc[self.best_epoch].to_dict() | (self.kept or {})
        validation["val_accuracy"] *= self.seen
        return {
            "best_epoch": self.best_epoch,
            "epochs": len(history),
            "validation": {key: round(value, 6) for key, value in validation.items()},
            "training_seconds": round(self.feature_seconds + float(history["seconds"].sum()), 1),
            "features_seconds": round(self.feature_seconds, 1),
            "history": history[["val_accuracy", "seconds"]].round(4).to_dict("list"),
        }


def save_trained(
    model: keras.Model,
    parts: Split,
    recipe: Recipe,
    history: pd.DataFrame | Mapping[str, Sequence[float]],
    *,
    name: str | None = None,
    weights: str | Path | None = None,
) -> Path:
    """Save a network that you trained yourself as `train` saves one: calibrated on the validation
    images, as model/<name>.keras with its metadata beside it. Gives the file.

    `model` has the weights of its best epoch, the one of the lowest validation loss, and ends
    calibrated; `recipe` is as `training_recipe` gives it, `history` as `fit` does, with the
    `seconds` of `EpochLog`. The checkpoint is called <data set>-<architecture> unless a name is
    given. What was there before stays until the new one is whole. AslError for weights of another
    epoch, a history that lacks a figure, and a network that `train` alone can train.
    """
    if recipe.frozen or takes_joints(model):
        raise AslError(
            f"{recipe.architecture.name} is trained in parts of its own, which asl.train saves."
        )
    table = pd.DataFrame(history)
    if missing := [figure for figure in FIGURES if figure not in table]:
        raise AslError(
            f"the history lacks {', '.join(missing)}. Give `fit` validation_data and, among its "
            "callbacks, asl.EpochLog(SEED); compile with metrics=['accuracy']."
        )
    table.index = pd.RangeIndex(1, len(table) + 1, name="epoch")
    fitted = Fitted(table[FIGURES], model, validation_batches(parts, recipe))
    _check_best(model, fitted, recipe)
    metadata = describe(parts, recipe, weights, parts.train.images.shape[1:])
    name = name or checkpoints.checkpoint_name(metadata.dataset, metadata.model)
    file = keep(model, name, fitted, metadata)
    print(f"kept epoch {fitted.best_epoch} in {files.shown(file)}")
    return file


def keep(model: keras.Model, name: str, fitted: Fitted, metadata: Metadata) -> Path:
    """Calibrate a network and write it as model/<name>.keras with its metadata, which learns how
    the training went. Of several processes the first one alone writes.
    """
    temperature, threshold = _calibrate(model, fitted)
    saved = model
    if model.compiled:  # written without the optimizer's state, which only training needs
        saved = type(model).from_config(model.get_config())
        saved.set_weights(model.get_weights())
    known: dict[str, Any] = {"temperature": round(temperature, 4), "threshold": threshold}
    if not devices.is_first():
        return files.MODEL / f"{name}.keras"
    return checkpoints.save_model(saved, name, replace(metadata, **known, **fitted.figures()))


def validation_batches(parts: Split, recipe: Recipe, images: Images | None = None) -> Batches:
    """The validation images, or what a network takes in their place, as they are."""
    part, size = parts.validation, recipe.validation_batch_size
    if BACKEND == "jax":  # where each batch is filled
        size = devices.multiple(min(size, len(part)))
    return Batches(
        part.images if images is None else images,
        encode(part.labels, len(part.class_names)),
        size,
        augmented=False,
        shuffled=False,
    )


def describe(
    parts: Split, recipe: Recipe, weights: str | Path | None, input_shape: tuple[int, ...]
) -> Metadata:
    """What is known of a checkpoint before its training."""
    return Metadata(
        dataset=parts.train.dataset,
        model=recipe.architecture.name,
        class_names=parts.train.class_names,
        seed=recipe.seed,
        split=parts.recipe,
        weights=source(recipe.architecture.name, weights),
        initial_sha256=source_sha256(recipe.architecture.name, weights),
        batch_size=recipe.batch_size,
        augmented=recipe.augmented,
        fine_tune=recipe.fine_tune,
        epochs=recipe.epochs,
        input_shape=tuple(map(int, input_shape)),
    )


def source(model: str, weights: str | Path | None) -> str | None:
    """The name of the file of weights that a network was initialised with, or None."""
    architecture = registry.find(model)
    if architecture.hidden and weights == "imagenet":
        return architecture.hidden
    if weights and (architecture.brings_weights or str(weights).endswith(".keras")):
        return Path(weights).name
    return None


def source_sha256(model: str, weights: str | Path | None) -> str:
    """A hash of the file of weights that a network is initialised with, which may change under its
    name; empty for published weights, whose hashes are known, and where there is none.
    """
    architecture = registry.find(model)
    if source(model, weights) is None or (weights == "imagenet" and not architecture.hidden):
        return ""
    file = weights_file(model, weights) or Path(str(weights)).expanduser()
    return files.sha256(file) if file.is_file() else ""


def _calibrate(model: keras.Model, fitted: Fitted) -> tuple[float, Threshold]:
    """Temperature and confidence threshold from the validation images; the model is calibrated."""
    labels = fitted.validation.targets.argmax(axis=1)
    probabilities = fitted.trainable.predict(fitted.validation, verbose=0)[: len(labels)]
    temperature = confidence.fit_temperature(probabilities, labels)
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    calibrated = confidence.calibrate(probabilities, temperature)
    threshold = confidence.confidence_threshold(calibrated, labels)
    return temperature, replace(threshold, coverage=threshold.coverage * fitted.seen)


def _check_best(model: keras.Model, fitted: Fitted, recipe: Recipe) -> None:
    """AslError unless these are the weights of the epoch that had the lowest validation loss."""
    targets = fitted.validation.targets
    probabilities = model.predict(fitted.validation, verbose=0)[: len(targets)]
    smoothing = recipe.architecture.label_smoothing
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    found = float(loss(targets, probabilities))
    lowest = fitted.history["val_loss"].min()
    if not np.isclose(found, lowest, rtol=0.01, atol=0.001):
        raise AslError(
            f"this network's validation loss is {found:.4f}, but that of the best epoch, "
            f"{fitted.best_epoch}, was {lowest:.4f}: load the file that ModelCheckpoint wrote in "
            "this training, and save that."
        )
