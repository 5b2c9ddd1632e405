"""Training: the best weights kept by validation loss, and an interrupted run taken up again.

While a training runs, model/<name>.training/ holds the network after its last and after its best
epoch, and progress.json, which says which they are. A file is complete before progress.json names
it, so that the process may be killed at any moment. At the end the best network becomes
model/<name>.keras with model/<name>.json beside it, and the folder goes.
"""

import hashlib
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd

from asl import models, paths
from asl import trained as trained_files
from asl.arrays import Rows
from asl.backend import keras
from asl.datasets import find_dataset
from asl.images import augment

PATIENCE = 8  # epochs without a lower validation loss before training stops
SMALL_SET = 10_000  # images; below, batches are half as large: more steps from as many images
VALIDATION_BATCH = 512
DIGEST_IMAGES = 30_000  # of larger sets, as many tell whether an interrupted run had the same


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; with `changed=False`, the images as they are, in their order.

    Each batch depends on (seed, epoch, its number) and nothing else, so that a run repeats, and
    goes on after an interruption as if there had been none. Images may lie on the disk.
    """

    def __init__(
        self,
        images: np.ndarray | Rows,
        targets: np.ndarray,
        batch_size: int,
        seed: int = 0,
        epoch: int = 0,
        changed: bool = True,
    ) -> None:
        super().__init__()
        self.images, self.targets, self.changed = images, targets, changed
        self.batch_size, self.seed, self.epoch = batch_size, seed, epoch
        self.on_epoch_begin()

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def on_epoch_begin(self) -> None:
        count = len(self.images)
        random = np.random.default_rng([self.seed, self.epoch])
        self.order = random.permutation(count) if self.changed else np.arange(count)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.on_epoch_begin()

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.images[rows]
        if self.changed:
            images = augment(images, [self.seed, self.epoch, number])
        return images, self.targets[rows]


class KeepProgress(keras.callbacks.Callback):
    """After each epoch: keep the network if it is the last or the best, and say how it went."""

    def __init__(self, folder: Path, progress: dict, seed: int) -> None:
        super().__init__()
        self.folder, self.progress, self.seed = folder, progress, seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()
        for layer in self.model.layers:  # dropout's dice are not saved with the network
            if hasattr(layer, "seed_generator"):
                layer.seed_generator.state.assign([self.seed, epoch])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        figures = {key: float(value) for key, value in logs.items()}
        figures["seconds"] = time.perf_counter() - self.began
        history = self.progress["history"]
        history.append(figures)
        best = int(np.argmin([row["val_loss"] for row in history]))
        self.progress["best_epoch"] = best + 1
        with paths.write_beside(_epoch_file(self.folder, epoch + 1)) as file:
            self.model.save(file)
        _write_progress(self.folder, self.progress)
        for file in self.folder.glob("epoch-*.keras"):
            if file not in (_epoch_file(self.folder, e + 1) for e in (epoch, best)):
                file.unlink()
        print(
            f"epoch {epoch + 1:3d}/{self.params['epochs']}  "
            f"loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.4f}  "
            f"val_loss {figures['val_loss']:.4f}  val_accuracy {figures['val_accuracy']:.4f}  "
            f"{figures['seconds']:.1f} s{'  best so far' if best == epoch else ''}",
            flush=True,
        )
        if epoch - best >= PATIENCE:
            print(f"no better for {PATIENCE} epochs: stopped early")
            self.model.stop_training = True
            self.progress["stopped_early"] = True
            _write_progress(self.folder, self.progress)


def train(
    model: keras.Model,
    train_images: np.ndarray | Rows,
    train_targets: np.ndarray,
    validation_images: np.ndarray | Rows,
    validation_targets: np.ndarray,
    *,
    name: str,
    about: dict,
    epochs: int | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Train the network and keep its best weights as model/<name>.keras with a sidecar.

    Images are uint8 (n, height, width, channels), targets one-hot float32 (n, classes). `about`
    goes into the sidecar and names the data set, the model and the class names; the recipe (batch,
    learning rate, epochs unless given) is the model's entry in MODELS, and small sets get more
    epochs (`steps` of their entry in DATASETS).

    The epoch of the lowest validation loss is kept; the run stops where that has not fallen for
    `PATIENCE` epochs. `model` ends with the best weights. A run that was killed goes on after its
    last whole epoch when the same call is made again. Gives a row an epoch, counted from 1: loss,
    accuracy, val_loss, val_accuracy, seconds.
    """
    network = models.find(about["model"])
    batch_size = network.batch_size // (2 if len(train_images) < SMALL_SET else 1)
    steps_per_epoch = math.ceil(len(train_images) / batch_size)
    steps = find_dataset(about["dataset"]).steps
    epochs = epochs or max(network.epochs, math.ceil(steps / steps_per_epoch))
    folder = paths.MODEL / f"{name}.training"
    digest = hashlib.sha256(json.dumps([about, epochs, seed]).encode())
    for images in (train_images, validation_images):
        every = math.ceil(len(images) / DIGEST_IMAGES)
        digest.update(np.ascontiguousarray(images[::every]))
    for array in (train_targets, validation_targets, *model.get_weights()):
        digest.update(np.ascontiguousarray(array))
    progress = _read_progress(folder, digest.hexdigest())

    if progress["history"]:
        done = len(progress["history"])
        print(f"going on after epoch {done} of {epochs}, from {paths.shown(folder)}")
        trained = keras.saving.load_model(_epoch_file(folder, done))
    else:
        done, trained = 0, model
        models.compile(trained, network, steps_per_epoch * epochs)
    if not progress.get("stopped_early"):
        keras.utils.set_random_seed(seed)
        try:
            trained.fit(
                Batches(train_images, train_targets, batch_size, seed, epoch=done),
                validation_data=Batches(
                    validation_images, validation_targets, VALIDATION_BATCH, changed=False
                ),
                initial_epoch=done,
                epochs=epochs,
                shuffle=False,  # Batches does
                verbose=0,
                callbacks=[KeepProgress(folder, progress, seed)],
            )
        except KeyboardInterrupt:
            print(f"interrupted: run it again to go on from {paths.shown(folder)}")
            raise

    history = pd.DataFrame(progress["history"], index=range(1, len(progress["history"]) + 1))
    history.index.name = "epoch"
    best_epoch = progress["best_epoch"]
    best = keras.saving.load_model(_epoch_file(folder, best_epoch), compile=False)
    model.set_weights(best.get_weights())
    file = trained_files.save_model(
        best,  # without the optimizer's state, which only training needs
        name,
        {
            **about,
            "seed": seed,
            "best_epoch": best_epoch,
            "epochs": len(history),
            "validation": history.loc[best_epoch].round(6).to_dict(),
            "training_seconds": round(float(history["seconds"].sum()), 1),
        },
    )
    shutil.rmtree(folder)
    print(f"kept epoch {best_epoch} in {paths.shown(file)}")
    return history


def _epoch_file(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:03d}.keras"


def _write_progress(folder: Path, progress: dict) -> None:
    with paths.write_beside(folder / "progress.json") as file:
        file.write_text(json.dumps(progress), encoding="utf-8")


def _read_progress(folder: Path, key: str) -> dict:
    """What an interrupted run of the same training left, or a fresh start."""
    try:
        progress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
        needed = {
            _epoch_file(folder, e) for e in (len(progress["history"]), progress["best_epoch"])
        }
        missing = sorted(file.name for file in needed if not file.is_file())
        if progress["key"] == key and not missing:
            return progress
        reason = f"lacks {missing[0]}" if progress["key"] == key else "is of another training"
    except FileNotFoundError:
        return {"key": key, "history": []}
    except (ValueError, KeyError, TypeError):
        reason = "is damaged"
    print(f"{paths.shown(folder)} {reason}; training starts anew")
    shutil.rmtree(folder)
    return {"key": key, "history": []}
