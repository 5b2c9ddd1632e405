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

from asl import datasets, evaluation, models, paths, transfer
from asl import trained as trained_files
from asl.arrays import Rows
from asl.backend import keras
from asl.encoding import encode
from asl.errors import AslError
from asl.images import augment

SMALL_SET = 10_000  # images; below, batches may be half as large: more steps from as many images
VALIDATION_BATCH = 512
SURE = 0.99  # share that is right among the readings that the sidecar calls sure
DIGEST_IMAGES = 30_000  # of larger sets, as many tell whether an interrupted run had the same


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; with `augmented=False`, the images as they are, and with
    `shuffled=False` in their order.

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
        augmented: bool = True,
        shuffled: bool = True,
    ) -> None:
        super().__init__()
        self.images, self.targets = images, targets
        self.augmented, self.shuffled = augmented, shuffled
        self.batch_size, self.seed = batch_size, seed
        self.start_with(epoch)

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def start_with(self, epoch: int) -> None:
        """Make the batches those of this epoch."""
        self.epoch, count = epoch, len(self.images)
        random = np.random.default_rng([self.seed, self.epoch])
        self.order = random.permutation(count) if self.shuffled else np.arange(count)

    def on_epoch_end(self) -> None:
        self.start_with(self.epoch + 1)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.images[rows]
        if self.augmented:
            images = augment(images, [self.seed, self.epoch, number])
        return images, self.targets[rows]


class KeepProgress(keras.callbacks.Callback):
    """After each epoch: keep the network if it is the last or the best, and say how it went."""

    def __init__(self, folder: Path, progress: dict, seed: int, patience: int) -> None:
        super().__init__()
        self.folder, self.progress = folder, progress
        self.seed, self.patience = seed, patience

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()
        for layer in models.all_layers(self.model):  # dropout's dice are not saved with it
            dice = getattr(getattr(layer, "cell", layer), "seed_generator", None)
            if dice is not None:
                dice.state.assign([self.seed, epoch])

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
            f"loss {figures['loss']:.4f}  accuracy {_cut(figures['accuracy'])}  "
            f"val_loss {figures['val_loss']:.4f}  val_accuracy {_cut(figures['val_accuracy'])}  "
            f"{figures['seconds']:.1f} s{'  best so far' if best == epoch else ''}",
            flush=True,
        )
        if epoch - best >= self.patience:
            print(f"no better for {self.patience} epochs: stopped early")
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
    batch_size: int | None = None,
    augmented: bool | None = None,
    fine_tune: int | None = None,
) -> pd.DataFrame:
    """Train the network and keep its best weights as model/<name>.keras with a sidecar.

    Images are uint8 (n, height, width, channels), targets one-hot float32 (n, classes). `about`
    goes into the sidecar and names the data set, the model and the class names; the recipe (batch,
    learning rate, epochs, augmentation) is the model's entry in MODELS unless given, and for some
    networks small sets get more epochs (`steps` of their entry in DATASETS).

    The epoch of the lowest validation loss is kept; the run stops where that has not fallen for
    the entry's `patience` epochs. `model` ends with the best weights, calibrated: its last layer is
    divided by the temperature that fits the validation images. A run that was killed goes on
    after its last whole epoch when the same call is made again. Gives a row an epoch, counted from
    1: loss, accuracy, val_loss, val_accuracy, seconds.

    Of a network with a frozen base only what lies above it learns, from the features that the base
    makes, once, of all images (see transfer.py). `fine_tune` lets the last so many blocks of
    the base learn too, in a second phase of as many epochs at a rate of its own. AslError for a
    batch that does not fit the memory, and for blocks that are not there.
    """
    network = models.find(about["model"])
    frozen = transfer.is_frozen(model, network)
    if fine_tune is None:
        fine_tune = network.pretrained.fine_tune if frozen else 0
    if fine_tune and not frozen:
        raise AslError(f"fine_tune wants a network with ImageNet weights; {network.name} has none.")
    if frozen:
        transfer.check_blocks(network, fine_tune)  # before the first phase takes its time
    small = network.adapts and len(train_images) < SMALL_SET
    batch_size = batch_size or network.batch_size // (2 if small else 1)
    if not epochs:
        least = datasets.find_dataset(about["dataset"]).steps if network.adapts else 0
        steps_per_epoch = math.ceil(len(train_images) / batch_size)
        epochs = max(network.epochs, math.ceil(least / steps_per_epoch))
    augmented = network.augmented if augmented is None else augmented
    recipe = {"batch_size": batch_size, "augmented": augmented, "fine_tune": fine_tune}
    key = hashlib.sha256(json.dumps([about, recipe, epochs, seed]).encode())
    for images in (train_images, validation_images):
        every = math.ceil(len(images) / DIGEST_IMAGES)
        key.update(np.ascontiguousarray(images[::every]))
    for array in (train_targets, validation_targets, *model.get_weights()):
        key.update(np.ascontiguousarray(array))

    folder = paths.MODEL / f"{name}.training"
    phases, feature_seconds = [], 0.0
    try:
        for blocks in (0, fine_tune) if fine_tune else (0,):
            trunk, learner = None, model
            if frozen:
                transfer.unfreeze(model, network, blocks)
                # Augmented, each epoch has other images, so there is nothing to be kept
                uncut = len(network.pretrained.blocks)
                trunk, learner = transfer.cut(model, network, uncut if augmented else blocks)
            models.check_memory(learner, batch_size, training=True)
            images = [train_images, validation_images]
            if trunk is not None:
                made = [transfer.features(trunk, each, network.name) for each in images]
                images = [each.values for each in made]
                feature_seconds += sum(each.seconds for each in made)
            before = model.get_weights()
            batches = Batches(images[0], train_targets, batch_size, seed, augmented=augmented)
            validation_batch = batch_size if network.size else VALIDATION_BATCH
            validation = Batches(
                images[1], validation_targets, validation_batch, augmented=False, shuffled=False
            )
            phase = _train_phase(
                learner,
                batches,
                validation,
                network,
                network.pretrained.fine_tune_rate if blocks else network.learning_rate,
                epochs,
                folder / "fine_tune" if blocks else folder,
                f"{key.hexdigest()}-{blocks}",
            )
            if phases and phase["val_loss"].min() >= phases[0]["val_loss"].min():
                model.set_weights(before)  # what was unfrozen learned nothing of use
            phases.append(phase)
    finally:
        if frozen:  # as it came, for whoever trains it again
            transfer.unfreeze(model, network, 0)

    history = pd.concat(phases, ignore_index=True)
    history.index = pd.RangeIndex(1, len(history) + 1, name="epoch")
    best_epoch = int(history["val_loss"].idxmin())
    predicted = learner.predict(validation, verbose=0)
    labels = validation_targets.argmax(axis=1)
    temperature = evaluation.fit_temperature(predicted, labels)
    models.set_temperature(model, temperature)
    calibrated = evaluation.calibrate(predicted, temperature)
    confidence, unread = evaluation.sure_threshold(calibrated, labels, SURE)
    if not frozen:  # without the optimizer's state, which only training needs; a learner has that
        best, model = model, keras.saving.load_model(_epoch_file(folder, best_epoch), compile=False)
        model.set_weights(best.get_weights())
    file = trained_files.save_model(
        model,
        name,
        {
            **about,
            "seed": seed,
            **recipe,
            "best_epoch": best_epoch,
            "epochs": len(history),
            "validation": history.loc[best_epoch].round(6).to_dict(),
            "temperature": round(temperature, 4),
            "sure": {
                "precision": SURE,
                "confidence": confidence,
                "unread": unread,
            },
            "training_seconds": round(feature_seconds + float(history["seconds"].sum()), 1),
            "features_seconds": round(feature_seconds, 1),
            "history": history[["val_accuracy", "seconds"]].round(4).to_dict("list"),
        },
    )
    shutil.rmtree(folder)
    print(f"kept epoch {best_epoch} in {paths.shown(file)}")
    return history


def train_split(
    parts: datasets.Split,
    model: str,
    *,
    name: str | None = None,
    seed: int = 0,
    weights: str | Path | None = "imagenet",
    **options: int | bool | None,
) -> pd.DataFrame:
    """Build a network by its name and train it on a split, as notebook 05 does step by step.

    It is kept as model/<name>.keras, <data set>-<model> unless given. `weights` is for `build`,
    other options are for `train`, which also says what is given back.
    """
    class_count = len(parts.train.class_names)
    return train(
        models.build(model, parts.train.images.shape[1:], class_count, seed, weights),
        parts.train.images,
        encode(parts.train.labels, class_count),
        parts.validation.images,
        encode(parts.validation.labels, class_count),
        name=name or datasets.model_name(parts.train.dataset, model),
        about=datasets.about(parts, model, weights),
        seed=seed,
        **options,
    )


def _train_phase(
    model: keras.Model,
    batches: Batches,
    validation: Batches,
    network: models.Network,
    learning_rate: float,
    epochs: int,
    folder: Path,
    key: str,
) -> pd.DataFrame:
    """Train, or go on, or take what is done already; the model ends with its best weights."""
    progress = _read_progress(folder, key)
    if progress["history"]:
        done = len(progress["history"])
        print(f"going on after epoch {done} of {epochs}, from {paths.shown(folder)}")
        trained = keras.saving.load_model(_epoch_file(folder, done))
    else:
        done, trained = 0, model
        models.compile(trained, network, len(batches) * epochs, learning_rate)
    if not progress.get("stopped_early"):
        batches.start_with(done)
        keras.utils.set_random_seed(batches.seed)
        try:
            trained.fit(
                batches,
                validation_data=validation,
                initial_epoch=done,
                epochs=epochs,
                shuffle=False,  # Batches does
                verbose=0,
                callbacks=[KeepProgress(folder, progress, batches.seed, network.patience)],
            )
        except KeyboardInterrupt:
            print(f"interrupted: run it again to go on from {paths.shown(folder)}")
            raise
    best = keras.saving.load_model(_epoch_file(folder, progress["best_epoch"]), compile=False)
    model.set_weights(best.get_weights())
    return pd.DataFrame(progress["history"])


def _cut(share: float) -> str:
    """A share with four digits, not rounded: 1 means all."""
    return f"{math.floor(share * 1e4) / 1e4:.4f}"


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
