"""Training: the best weights kept by validation loss, calibrated, and saved as a checkpoint.

A training is a recipe (options.py), one or two phases of fitting that survive a kill (resume.py),
calibration on the validation images, and a checkpoint in model/ (save.py).
"""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

import pandas as pd

from asl import checkpoints, files
from asl.data.encoding import encode
from asl.data.mapped_images import Images, update_hash
from asl.data.samples import Split
from asl.errors import AslError
from asl.keras_setup import keras
from asl.models import devices, registry, transfer
from asl.models.build import build
from asl.models.inputs import training_input
from asl.models.metadata import Metadata
from asl.models.processes import check_same, shared_folder
from asl.training.batches import Batches
from asl.training.epochs import tell_phase
from asl.training.known_signs import begin_with_known, keep_known
from asl.training.options import Options, Recipe, settle
from asl.training.resume import fit_phase
from asl.training.save import Fitted, describe, keep, source, source_sha256, validation_batches

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

    The epoch of the lowest validation loss is kept; the run stops where that has not fallen for the
    recipe's `patience` epochs. `model` ends with the best weights, calibrated: its last layer is
    divided by the temperature that fits the validation images. A run that was killed goes on after
    its last whole epoch when the same call is made again. Gives a row an epoch, counted from 1:
    loss, accuracy, val_loss, val_accuracy, seconds.

    `joints` learns from images with a hand; those without one count as wrong in the metadata's
    validation accuracy and coverage. Of a network with a frozen backbone only the head is trained,
    on features that are computed once (models/transfer.py). `fine_tune` lets the last so many
    blocks of the backbone be trained too, in a second phase of as many epochs at a rate of its own.
    AslError for blocks that are not there, a name that is being trained, a class without any hand.
    """
    architecture = registry.find(model.name)
    given, (parts, seconds) = parts, training_input(model, parts)
    recipe = settle(model, architecture, parts, seed, options)
    devices.check_batch(recipe.batch_size)
    head = begin_with_known(model, architecture, parts.train.class_names, weights)
    metadata = describe(parts, recipe, weights, given.train.images.shape[1:])
    name = name or checkpoints.checkpoint_name(metadata.dataset, metadata.model)
    key = _key(model, parts, metadata)
    check_same(key)
    with _folder(name) as folder:
        fitted = _fit(model, parts, recipe, folder, key)
        fitted = fitted.with_hands(seconds, len(parts.validation) / len(given.validation))
        fitted = fitted._replace(kept=keep_known(model, head, fitted.validation))
        file = keep(model, name, fitted, metadata)
        shutil.rmtree(folder)
    print(f"kept epoch {fitted.best_epoch} in {files.shown(file)}")
    return fitted.history


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """Where the progress of a training is kept, for this one alone."""
    folder = files.MODEL / f"{name}.training"
    busy = (
        f"{name} is being trained by another process ({{process}}): its work and this one's would "
        "mix. Wait until it has ended, or give this training another name."
    )
    guard = files.lock(folder, busy) if devices.is_first() else nullcontext()
    with guard, shared_folder(folder) as own:
        yield own


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
        "weights": source(model, weights),
        "initial_sha256": source_sha256(model, weights),
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


def _fit(model: keras.Model, parts: Split, recipe: Recipe, folder: Path, key: str) -> Fitted:
    """Train all phases of a recipe; the model ends with its best weights."""
    phases: list[pd.DataFrame] = []
    feature_seconds = 0.0
    first = model.get_weights()
    try:
        for blocks in recipe.phases:
            before = model.get_weights()
            if recipe.fine_tune:
                tell_phase(blocks)
            trainable, validation, phase, seconds = _train_phase(
                model, parts, recipe, blocks, folder, key
            )
            feature_seconds += seconds
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
    return Fitted(history, trainable, validation, feature_seconds)


def _train_phase(
    model: keras.Model, parts: Split, recipe: Recipe, blocks: int, folder: Path, key: str
) -> tuple[keras.Model, Batches, pd.DataFrame, float]:
    """Train one phase of a recipe. Gives what was trained, its validation batches, a row an epoch,
    and the seconds that features took. Those of the training images go with it: two phases' would
    fill the memory.
    """
    trainable, images, seconds = _prepare(model, parts, recipe, blocks)
    targets = encode(parts.train.labels, len(parts.train.class_names))
    train = Batches(images[0], targets, recipe.batch_size, recipe.seed, augmented=recipe.augmented)
    validation = validation_batches(parts, recipe, images[1])
    phase = fit_phase(trainable, train, validation, recipe, blocks, folder, key)
    return trainable, validation, phase, seconds


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


def _key(model: keras.Model, parts: Split, metadata: Metadata) -> str:
    """What tells this training from others: recipe, split, images, labels and first weights."""
    key = hashlib.sha256(json.dumps(asdict(metadata), sort_keys=True).encode())
    for part in (parts.train, parts.validation):
        every = math.ceil(len(part) / DIGEST_IMAGES)
        update_hash(key.update, part.images, every)
        key.update(part.labels.tobytes())
    for array in model.get_weights():
        key.update(array.tobytes())
    return key.hexdigest()
