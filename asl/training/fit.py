"""Training: the best weights kept by validation loss, calibrated, and saved as a checkpoint.

A training is a recipe (options.py), one or two phases of fitting that survive a kill (resume.py),
calibration on the validation images, and a checkpoint in model/.
"""

import hashlib
import json
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from asl import checkpoints, files
from asl.data.encoding import encode
from asl.data.mapped_images import Images
from asl.data.samples import Split
from asl.errors import AslError
from asl.evaluation import confidence
from asl.keras_setup import keras
from asl.models import registry, transfer
from asl.models.build import build
from asl.models.inputs import training_input
from asl.models.metadata import Metadata, Threshold
from asl.training.batches import Batches
from asl.training.known_signs import begin_with_known, keep_known
from asl.training.options import Options, Recipe, settle
from asl.training.resume import epoch_file, fit_phase

VALIDATION_BATCH = 512
DIGEST_IMAGES = 30_000  # of larger sets, as many tell whether an interrupted run had the same


def train(
    model: keras.Model,
    parts: Split,
    *,
    name: str | None = None,
    seed: int = 0,
    weights: str | Path | None = None,
    **options: Unpack[Options],
) -> pd.DataFrame:
    """Train a network from `build` on a split; keep its best weights as model/<name>.keras with
    metadata beside them, <data set>-<architecture> unless a name is given.

    Options are epochs, batch_size, augmented and fine_tune; the rest is as the architecture's entry
    says. `weights` is what the network was initialised with; of `joints`, what its head knew.

    The epoch of the lowest validation loss is kept; the run stops where that has not fallen for
    the entry's `patience` epochs. `model` ends with the best weights, calibrated: its last layer is
    divided by the temperature that fits the validation images. A run that was killed goes on
    after its last whole epoch when the same call is made again. Gives a row an epoch, counted from
    1: loss, accuracy, val_loss, val_accuracy, seconds.

    `joints` learns from images with a hand; those without one count as wrong in the metadata's
    validation accuracy and coverage. Of a network with a frozen backbone only the head is trained,
    on features that are computed once (models/transfer.py). `fine_tune` lets the last so many
    blocks of the backbone be trained too, in a second phase of as many epochs at a rate of its own.
    AslError for blocks that are not there, a name that is being trained, a class without any hand.
    """
    architecture = registry.find(model.name)
    given, (parts, seconds) = parts, training_input(model, parts)
    recipe = settle(model, architecture, parts, seed, options)
    head = begin_with_known(model, architecture, parts.train.class_names, weights)
    metadata = _metadata(parts, recipe, weights, given.train.images.shape[1:])
    name = name or checkpoints.checkpoint_name(metadata.dataset, metadata.model)
    folder = files.MODEL / f"{name}.training"
    busy = (
        f"{name} is being trained by another process ({{process}}): its work and this one's would "
        "mix. Wait until it has ended, or give this training another name."
    )
    with files.lock(folder, busy):
        fitted = _fit(model, parts, recipe, folder, _key(model, parts, metadata))
        fitted = fitted.with_hands(seconds, len(parts.validation) / len(given.validation))
        fitted = fitted._replace(kept=keep_known(model, head, fitted.validation))
        temperature, threshold = _calibrate(model, fitted, parts.validation.labels)
        saved = model if recipe.frozen else _without_optimizer(model, folder, fitted)
        known: dict[str, Any] = {"temperature": round(temperature, 4), "threshold": threshold}
        metadata = replace(metadata, **known, **fitted.figures())
        file = checkpoints.save_model(saved, name, metadata)
        shutil.rmtree(folder)
    print(f"kept epoch {fitted.best_epoch} in {files.shown(file)}")
    return fitted.history


def train_split(
    parts: Split,
    model: str,
    *,
    name: str | None = None,
    seed: int = 0,
    weights: str | Path | None = "imagenet",
    **options: Unpack[Options],
) -> pd.DataFrame:
    """Build a network by its name and train it on a split; `weights` is for `build`, the rest and
    what is given back for `train`.
    """
    shape, class_count = parts.train.images.shape[1:], len(parts.train.class_names)
    network = build(model, shape, class_count, seed, weights)
    return train(network, parts, name=name, seed=seed, weights=weights, **options)


def find_or_train(
    parts: Split,
    model: str,
    *,
    seed: int = 0,
    weights: str | Path | None = "imagenet",
    **options: Unpack[Options],
) -> str:
    """The name of a checkpoint trained on just this split with this seed and these weights: one
    that model/ holds, else trained now. What was trained otherwise under the usual name stays; a
    checkpoint <name>-seed<seed> of another split or other weights is replaced.
    """
    usual = checkpoints.checkpoint_name(parts.train.dataset, model)
    pretrained = registry.find(model).pretrained
    if not (pretrained and weights):
        options["fine_tune"] = 0
    elif options.get("fine_tune") is None:
        options["fine_tune"] = pretrained.fine_tune
    asked = {
        "dataset": parts.train.dataset,
        "model": model,
        "class_names": parts.train.class_names,
        "seed": seed,
        "split": parts.recipe,
        "weights": _source(model, weights),
        "fine_tune": options["fine_tune"],
    }
    for name in (usual, f"{usual}-seed{seed}"):
        try:
            found = checkpoints.read_metadata(checkpoints.find(name))
        except AslError:
            continue  # not there, or damaged
        if all(getattr(found, key) == value for key, value in asked.items()):
            print(f"{model}: as it was trained, {files.shown(checkpoints.find(name))}")
            return name
    there = (files.MODEL / f"{usual}.keras").exists()
    name = f"{usual}-seed{seed}" if there else usual
    train_split(parts, model, name=name, seed=seed, weights=weights, **options)
    return name


class _Fitted(NamedTuple):
    """What the phases of a training gave."""

    history: pd.DataFrame  # a row an epoch, counted from 1
    trainable: keras.Model  # the part that was trained last, with the best weights
    validation: Batches  # as that part takes them
    feature_seconds: float
    seen: float = 1.0  # share of the validation images in which there was anything to look at
    kept: dict[str, float] | None = None  # figures of the head, where it keeps some of what it knew

    def with_hands(self, seconds: float, seen: float) -> "_Fitted":
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


def _without_optimizer(model: keras.Model, folder: Path, fitted: _Fitted) -> keras.Model:
    """The same network without the optimizer's state, which only training needs."""
    saved = keras.saving.load_model(epoch_file(folder, fitted.best_epoch), compile=False)
    saved.set_weights(model.get_weights())
    return saved


def _fit(model: keras.Model, parts: Split, recipe: Recipe, folder: Path, key: str) -> _Fitted:
    """Train all phases of a recipe; the model ends with its best weights."""
    phases: list[pd.DataFrame] = []
    feature_seconds = 0.0
    targets, validation_targets = (
        encode(part.labels, len(part.class_names)) for part in (parts.train, parts.validation)
    )
    size = recipe.batch_size
    validation_size = size if recipe.architecture.pretrained else VALIDATION_BATCH
    first = model.get_weights()
    try:
        for blocks in recipe.phases:
            trainable, images, seconds = _prepare(model, parts, recipe, blocks)
            feature_seconds += seconds
            before = model.get_weights()
            train = Batches(images[0], targets, size, recipe.seed, augmented=recipe.augmented)
            validation = Batches(
                images[1], validation_targets, validation_size, augmented=False, shuffled=False
            )
            phase = fit_phase(trainable, train, validation, recipe, blocks, folder, key)
            if phases and phase["val_loss"].min() >= phases[0]["val_loss"].min():
                model.set_weights(before)  # what was unfrozen learned nothing of use
            phases.append(phase)
    except BaseException:  # interrupted: as it came, so that the same call goes on
        model.set_weights(first)
        raise
    finally:
        if recipe.frozen:  # as it came, for whoever trains it again
            transfer.unfreeze(model, recipe.architecture, 0)
    history = pd.concat(phases, ignore_index=True)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    return _Fitted(history, trainable, validation, feature_seconds)


def _prepare(
    model: keras.Model, parts: Split, recipe: Recipe, blocks: int
) -> tuple[keras.Model, list[Images], float]:
    """The part of the network that a phase trains, what it takes in place of training and
    validation images, and the seconds that computing that took.
    """
    images = [parts.train.images, parts.validation.images]
    if not recipe.frozen:
        return model, images, 0.0
    architecture = recipe.architecture
    transfer.unfreeze(model, architecture, blocks)
    # Augmented, each epoch has other images, so there are no features to be kept
    kept = len(architecture.blocks) if recipe.augmented else blocks
    frozen, trainable = transfer.split_frozen(model, architecture, kept)
    if frozen is None:
        return trainable, images, 0.0
    features = [transfer.frozen_features(frozen, each, architecture.name) for each in images]
    return trainable, [each.values for each in features], sum(each.seconds for each in features)


def _calibrate(model: keras.Model, fitted: _Fitted, labels: np.ndarray) -> tuple[float, Threshold]:
    """Temperature and confidence threshold from the validation images; the model is calibrated."""
    probabilities = fitted.trainable.predict(fitted.validation, verbose=0)
    temperature = confidence.fit_temperature(probabilities, labels)
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])
    calibrated = confidence.calibrate(probabilities, temperature)
    threshold = confidence.confidence_threshold(calibrated, labels)
    return temperature, replace(threshold, coverage=threshold.coverage * fitted.seen)


def _metadata(
    parts: Split, recipe: Recipe, weights: str | Path | None, input_shape: tuple[int, ...]
) -> Metadata:
    return Metadata(
        dataset=parts.train.dataset,
        model=recipe.architecture.name,
        class_names=parts.train.class_names,
        seed=recipe.seed,
        split=parts.recipe,
        weights=_source(recipe.architecture.name, weights),
        batch_size=recipe.batch_size,
        augmented=recipe.augmented,
        fine_tune=recipe.fine_tune,
        epochs=recipe.epochs,
        input_shape=tuple(map(int, input_shape)),
    )


def _source(model: str, weights: str | Path | None) -> str | None:
    """The name of the file of weights that a network was initialised with, or None."""
    architecture = registry.find(model)
    if architecture.hidden and weights == "imagenet":
        return architecture.hidden
    if weights and (architecture.brings_weights or str(weights).endswith(".keras")):
        return Path(weights).name
    return None


def _key(model: keras.Model, parts: Split, metadata: Metadata) -> str:
    """What tells this training from others: recipe, split, images, labels and first weights."""
    key = hashlib.sha256(json.dumps(asdict(metadata), sort_keys=True).encode())
    for part in (parts.train, parts.validation):
        every = math.ceil(len(part) / DIGEST_IMAGES)
        key.update(np.ascontiguousarray(part.images[::every]).tobytes())
        key.update(part.labels.tobytes())
    for array in model.get_weights():
        key.update(array.tobytes())
    return key.hexdigest()
