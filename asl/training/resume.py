"""A training under way: what is kept after each epoch, and how it goes on after a kill.

While a training runs, model/<name>.training/ holds the networks after its last two epochs and after
the best one, each with its progress: epoch-003.keras and epoch-003.json. The network is complete
before its progress is there, which knows its hash; so the process may be killed at any moment, and
where the last epoch's files are damaged, the one before is gone on from.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from asl import files
from asl.keras_setup import BACKEND, keras
from asl.models import devices
from asl.training.batches import Batches
from asl.training.epochs import EpochLog
from asl.training.options import Recipe, compile_model


class KeepProgress(EpochLog):
    """After each epoch: keep the network if it is the last or the best, and say how it went."""

    def __init__(self, folder: Path, progress: dict, recipe: Recipe) -> None:
        super().__init__(recipe.seed)
        self.folder, self.progress, self.recipe = folder, progress, recipe

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        figures = {key: float(value) for key, value in (logs or {}).items()}
        figures["seconds"] = self.seconds()
        history, patience = self.progress["history"], self.recipe.patience
        history.append(figures)
        best = int(np.argmin([row["val_loss"] for row in history]))
        self.progress["best_epoch"] = best + 1
        self.progress["stopped_early"] = epoch - best >= patience
        saved = epoch_file(self.folder, epoch + 1)
        with files.write_beside(saved) as file:
            self.model.save(file)
        self.progress["sha256"][str(epoch + 1)] = files.sha256(saved)
        with files.write_beside(saved.with_suffix(".json")) as file:
            file.write_text(json.dumps(self.progress), encoding="utf-8")
        losses = [row["val_loss"] for row in history]
        best_before = int(np.argmin(losses[:-1] or losses))
        kept = {f"epoch-{e + 1:03d}" for e in (epoch, epoch - 1, best, best_before)}
        for file in self.folder.glob("epoch-*"):
            if file.stem not in kept:
                file.unlink()
        self.tell(epoch, figures, best == epoch)
        if self.progress["stopped_early"]:
            print(f"no better for {patience} epochs: stopped early")
            self.model.stop_training = True


def fit_phase(
    model: keras.Model,
    batches: Batches,
    validation: Batches,
    recipe: Recipe,
    blocks: int,
    folder: Path,
    key: str,
) -> pd.DataFrame:
    """Train, go on, or take what is done already; the model ends compiled, with its best weights.

    `blocks` of the backbone are trained in this phase. `key` tells this training from others.
    Gives a row an epoch: loss, accuracy, val_loss, val_accuracy, seconds.
    """
    folder = folder / "fine_tune" if blocks else folder
    progress = _read_progress(folder, f"{key}-{blocks}")
    done = len(progress["history"])
    how = (recipe.architecture, len(batches) * recipe.epochs, recipe.learning_rate(blocks))
    compile_model(model, *how)
    if done:
        print(f"going on after epoch {done} of {recipe.epochs}, from {files.shown(folder)}")
    current = None
    if not progress.get("stopped_early"):
        batches.start_with(done)
        with devices.spread():
            current = model if not done else keras.saving.load_model(epoch_file(folder, done))
            if not done and (current := devices.laid_out(model)) is not model:
                compile_model(current, *how)
            _make_variables(current, validation)
            keras.utils.set_random_seed(batches.seed)
            try:
                current.fit(
                    batches,
                    validation_data=validation,
                    initial_epoch=done,
                    epochs=recipe.epochs,
                    shuffle=False,  # Batches does
                    verbose=0,
                    callbacks=[KeepProgress(folder, progress, recipe)],
                )
            except KeyboardInterrupt:
                print(f"interrupted: run it again to go on from {files.shown(folder)}")
                raise
    best, last = progress["best_epoch"], len(progress["history"])
    if current is not model or best < last:  # else it has them already
        model.set_weights(epoch_network(folder, best).get_weights())
    return pd.DataFrame(progress["history"])


def _make_variables(model: keras.Model, validation: Batches) -> None:
    """Make the variables of optimizer and metrics before `fit` does: where the first step makes
    them, TensorFlow compiles that step twice, which takes longer than a short training.
    """
    if BACKEND == "tensorflow":
        model.optimizer.build(model.trainable_variables)
        model.evaluate(validation, steps=1, verbose=0)


def epoch_file(folder: Path, epoch: int) -> Path:
    """The network after an epoch, counted from 1."""
    return folder / f"epoch-{epoch:03d}.keras"


def epoch_network(folder: Path, epoch: int) -> keras.Model:
    """The network after an epoch, without the optimizer's state, which only training needs."""
    return keras.saving.load_model(epoch_file(folder, epoch), compile=False)


def _read_progress(folder: Path, key: str) -> dict:
    """What an interrupted run of the same training left, after its last whole epoch, or a fresh
    start.
    """
    reason = ""
    there = folder.glob("epoch-*.json")
    for file in sorted(there, key=lambda file: int(file.stem.rpartition("-")[2]), reverse=True):
        try:
            progress = json.loads(file.read_text(encoding="utf-8"))
            if progress["key"] != key:
                reason = reason or "is of another training"
                continue
            for epoch in {len(progress["history"]), progress["best_epoch"]}:
                known = progress["sha256"][str(epoch)]
                if files.sha256(epoch_file(folder, epoch)) != known:
                    raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            reason = "is damaged"
            print(f"{files.shown(file.with_suffix('.keras'))} is damaged or lacks a part")
            continue
        return progress
    if folder.exists():
        print(f"{files.shown(folder)} {reason or 'holds no whole epoch'}; training starts anew")
        shutil.rmtree(folder)
    return {"key": key, "history": [], "sha256": {}}
