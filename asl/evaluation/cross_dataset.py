"""Cross-dataset evaluation: how a network does on data sets that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from asl import checkpoints, prediction
from asl.data.catalog import find_dataset
from asl.data.dataset import normalize
from asl.data.encoding import most_likely
from asl.data.samples import Samples
from asl.data.split import with_groups
from asl.errors import AslError
from asl.evaluation.intervals import accuracy_interval, describe_accuracy
from asl.evaluation.metrics import per_class
from asl.models.metadata import Metadata
from asl.rounding import percent

if TYPE_CHECKING:
    import keras

# What a data set is to a network
TEST, TRAINED, OVERLAP, NOTHING_SHARED, CROSS_DATASET = (
    "test split",  # of a set that it was trained on
    "trained on it",  # all of it
    "overlap",  # the same hands
    "no shared class",
    "cross-dataset",
)


class DatasetPredictions(NamedTuple):
    """What a network predicted for a data set's images of the classes that both know."""

    samples: Samples  # with groups
    labels: np.ndarray  # int64 (n,), an index into class_names
    probabilities: np.ndarray  # float32 (n, classes)
    class_names: tuple[str, ...]  # to choose from, as the network spells them
    scored: tuple[str, ...]  # those that both know
    not_scored: tuple[str, ...]  # the data set's other classes

    @property
    def predicted(self) -> np.ndarray:
        """The most likely class of each image, -1 where no hand was found. int64 (n,)."""
        return most_likely(self.probabilities)

    @property
    def correct(self) -> np.ndarray:
        """Which images are predicted correctly, bool (n,)."""
        return self.predicted == self.labels

    def per_class(self) -> pd.DataFrame:
        """Figures of each class that has images, as `metrics.per_class` gives them."""
        table = per_class(self.labels, self.predicted, self.class_names)
        return table[table["images"] > 0]


def shared_classes(known: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """Which classes of another data set a network knows: their index there → its index here.

    Classes are the same where their names are, whatever the case. AslError where none is.
    """
    index = {normalize(name): place for place, name in enumerate(known)}
    places = {i: index.get(normalize(name)) for i, name in enumerate(others)}
    shared = {i: place for i, place in places.items() if place is not None}
    if not shared:
        raise AslError(
            f"no class is shared: the network knows {', '.join(known[:8])}…, "
            f"the data set has {', '.join(others[:8])}…."
        )
    return shared


def overlap(metadata: Metadata, dataset: str) -> str | None:
    """Which of the sets that a network was trained on shows the same hands as this one, or None."""
    others = find_dataset(dataset).overlaps
    return next((name for name in metadata.trained_on if name in others), None)


def relation(metadata: Metadata, dataset: str) -> str:
    """What a data set is to a network: TEST, TRAINED, OVERLAP, NOTHING_SHARED or CROSS_DATASET."""
    known, entry = metadata.trained_on, find_dataset(dataset)
    if not {*map(normalize, metadata.class_names)} & {*map(normalize, entry.class_names)}:
        return NOTHING_SHARED
    if dataset in known:  # one of several was trained on whole, but for its publisher's test
        return TEST if known == (dataset,) or entry.test_counts else TRAINED
    return OVERLAP if overlap(metadata, dataset) else CROSS_DATASET


def predict_dataset(
    model: keras.Model, metadata: Metadata, dataset: str, limit: int | None = None
) -> DatasetPredictions:
    """Predict a data set: all of one that the network was not trained on, else its test split.

    Only images of classes that both know are scored. To choose from are all classes that the
    network knows of the same kinds: letters, digits, words. With `limit` as many images, drawn
    evenly from all. AslError where no class is shared, and for a data set all of which the network
    was trained on.
    """
    samples = _samples(model, metadata, dataset)
    shared = shared_classes(metadata.class_names, samples.class_names)
    samples = samples.take(np.isin(samples.labels, list(shared)))
    if limit and len(samples) > limit:
        samples = samples.take(np.linspace(0, len(samples) - 1, limit).astype(int))
    scored = tuple(metadata.class_names[column] for column in sorted({*shared.values()}))
    not_scored = tuple(name for i, name in enumerate(samples.class_names) if i not in shared)
    kinds = {_kind(name) for name in scored}
    columns = [i for i, name in enumerate(metadata.class_names) if _kind(name) in kinds]
    names = tuple(metadata.class_names[column] for column in columns)
    labels = np.searchsorted(columns, [shared[label] for label in samples.labels.tolist()])
    probabilities = prediction.predict_fitted(model, samples.images)[:, columns]
    probabilities = probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
    return DatasetPredictions(samples, labels, probabilities, names, scored, not_scored)


def _samples(model: keras.Model, metadata: Metadata, dataset: str) -> Samples:
    """The images of a data set that say something about a network, with groups."""
    kind = relation(metadata, dataset)
    if kind == TRAINED:
        raise AslError(
            f"{dataset} is among what this network was trained on, all of it: it says nothing. "
            "How it did on sets that were left out stands in its metadata, left_out."
        )
    if kind == TEST and not metadata.datasets:
        return with_groups(checkpoints.replay_split(metadata).test)
    samples = with_groups(prediction.load_for(model, dataset))
    if kind == TEST and samples.is_test is not None:  # of one of several
        samples = samples.take(np.flatnonzero(samples.is_test))
    return samples


def _kind(class_name: str) -> str:
    """Letter, digit or word: an O and a 0 are one sign, and nobody asks which it is."""
    name = normalize(class_name)
    return "digit" if name.isdigit() else "letter" if len(name) == 1 else "word"


def cross_dataset_matrix(
    models: Sequence[str], tested_on: Sequence[str], limit: int | None = None
) -> pd.DataFrame:
    """Each network on each data set: a row a pair, for `plots.cross_dataset_matrix`.

    `models` are names as `load_model` takes them. Columns: model, trained_on, tested_on, kind (as
    `relation` gives it; only TEST and CROSS_DATASET have figures), classes (scored), images,
    groups, correct, accuracy, recall (the mean over the classes), low and high, the 95 % interval
    by groups, none where there is one group; measured, the day.
    """
    rows, today = [], date.today().isoformat()
    for name in models:
        model, metadata = checkpoints.load_model(name)
        for dataset in tested_on:
            row = {"model": name, "trained_on": metadata.dataset, "tested_on": dataset}
            score = _score(model, metadata, dataset, limit)
            rows.append(row | score | {"measured": today})
    table = pd.DataFrame(rows)
    counts = ("classes", "images", "groups", "correct")  # some rows have none
    return table.astype({name: "Int64" for name in counts if name in table})


def _score(model: keras.Model, metadata: Metadata, dataset: str, limit: int | None) -> dict:
    kind = relation(metadata, dataset)
    if kind not in (TEST, CROSS_DATASET):
        return {"kind": kind}
    found = predict_dataset(model, metadata, dataset, limit)
    groups = found.samples.groups
    assert groups is not None
    many = len(np.unique(groups))
    low, high = accuracy_interval(found.correct, groups) if many > 1 else (np.nan, np.nan)
    return {
        "kind": kind,
        "classes": len(found.scored),
        "images": len(found.correct),
        "groups": many,
        "correct": int(found.correct.sum()),
        "accuracy": float(found.correct.mean()),
        "recall": float(found.per_class()["recall"].mean()),
        "low": low,
        "high": high,
    }


def evaluate(name: str, on: str) -> str:
    """Figures of a checkpoint on a data set as text: each class, then the whole with its interval.

    AslError for a checkpoint or a data set that is not there, and where they have no class in
    common.
    """
    model, metadata = checkpoints.load_model(name)
    found = predict_dataset(model, metadata, on)
    lines = []
    if on not in metadata.trained_on:
        others = ", ".join(found.not_scored) or "none"
        lines.append(f"scored: {', '.join(found.scored)}; not scored: {others}")
        lines.append(f"to choose from: {len(found.class_names)} classes")
    if same := overlap(metadata, on):
        lines.append(f"CAUTION: {on} shows the same hands as {same}: this is no test.")
    if nothing := int((found.predicted < 0).sum()):
        many = f"{nothing:,} of {len(found.predicted):,} images"
        lines.append(f"no hand was found in {many}: nothing is predicted, which counts as wrong")
    table = found.per_class()
    accuracy = describe_accuracy(found.correct, found.samples.groups, found.samples.group_unit)
    recall = f"mean recall of the classes {percent(table['recall'].mean())}"
    return "\n".join([*lines, table.round(4).to_string(), f"{name} on {on}: {accuracy}, {recall}"])
