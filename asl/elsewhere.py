"""Other people's photographs: what a network reads in data sets that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from asl import datasets, evaluation, prediction, trained
from asl.errors import AslError
from asl.folders import plain

if TYPE_CHECKING:
    import keras


class Reading(NamedTuple):
    """What a network made of a data set's images of the classes that both know."""

    samples: datasets.Samples  # with groups
    labels: np.ndarray  # int64 (n,), an index into class_names
    probabilities: np.ndarray  # float32 (n, classes)
    class_names: tuple[str, ...]  # to choose from, as the network spells them
    scored: tuple[str, ...]  # those that both know
    not_scored: tuple[str, ...]  # the data set's other classes

    @property
    def right(self) -> np.ndarray:
        """Which images are read rightly, bool (n,)."""
        return self.probabilities.argmax(axis=1) == self.labels


def shared_classes(known: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """Which classes of another data set a network knows: their index there → its index here.

    Classes are the same where their names are, whatever the case. AslError where none is.
    """
    index = {plain(name): place for place, name in enumerate(known)}
    shared = {i: index[plain(name)] for i, name in enumerate(others) if plain(name) in index}
    if not shared:
        raise AslError(
            f"no class is shared: the network knows {', '.join(known[:8])}…, the data set has "
            f"{', '.join(others[:8])}…."
        )
    return shared


def trained_on(about: dict[str, Any]) -> list[str]:
    """The data sets that a network was trained on, from its sidecar."""
    return about.get("datasets", [about["dataset"]])


def overlap(about: dict[str, Any], dataset: str) -> str | None:
    """Which of the sets that a network was trained on shows the same hands as this one, or None."""
    others = datasets.find_dataset(dataset).overlaps
    return next((name for name in trained_on(about) if name in others), None)


def relation(about: dict[str, Any], dataset: str) -> str:
    """What a data set is to a network: "test split" of one that it was trained on, "trained on it",
    all of it, "overlap" (the same hands), "no shared class", or "elsewhere".
    """
    known, entry = trained_on(about), datasets.find_dataset(dataset)
    if not {*map(plain, about["class_names"])} & {*map(plain, entry.class_names)}:
        return "no shared class"
    if dataset in known:  # one of several was learned whole, but for its publisher's test
        return "test split" if known == [dataset] or entry.test_counts else "trained on it"
    return "overlap" if overlap(about, dataset) else "elsewhere"


def read_elsewhere(
    model: keras.Model, about: dict[str, Any], dataset: str, limit: int | None = None
) -> Reading:
    """Let a network read a data set: all of one that it was not trained on, else its test split.

    Only images of classes that both know are read. To choose from are all classes that the network
    knows of the same kinds: letters, digits, words. With `limit` as many images, drawn evenly from
    all. AslError where no class is shared, and for a data set all of which the network was trained
    on.
    """
    kind = relation(about, dataset)
    if kind == "trained on it":
        raise AslError(
            f"{dataset} is among what this network was trained on, all of it: it says nothing. "
            "What was read of sets that were left out stands in its sidecar, left_out."
        )
    samples = datasets.load(dataset, image_shape=model.input_shape[1:])
    shared = shared_classes(about["class_names"], samples.class_names)
    if kind == "test split":
        by = "row" if about.get("split", {}).get("by", "").startswith("random") else "group"
        samples = datasets.split(samples, seed=about["seed"], by=by).test
    samples = datasets.with_groups(samples)
    samples = samples.take(np.isin(samples.labels, list(shared)))
    if limit and len(samples) > limit:
        samples = samples.take(np.linspace(0, len(samples) - 1, limit).astype(int))
    scored = [about["class_names"][column] for column in sorted(set(shared.values()))]
    kinds = {_kind(name) for name in scored}
    names = [name for name in about["class_names"] if _kind(name) in kinds]
    columns = [about["class_names"].index(name) for name in names]
    place = {column: k for k, column in enumerate(columns)}
    labels = np.array([place[shared[label]] for label in samples.labels.tolist()], np.int64)
    probabilities = prediction.predict_fitted(model, samples.images)[:, columns]
    probabilities = probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), 1e-12)
    others = tuple(name for i, name in enumerate(samples.class_names) if i not in shared)
    return Reading(samples, labels, probabilities, tuple(names), tuple(scored), others)


def _kind(class_name: str) -> str:
    """Letter, digit or word: an O and a 0 are one sign, and nobody asks which it is."""
    name = plain(class_name)
    return "digit" if name.isdigit() else "letter" if len(name) == 1 else "word"


def matrix(
    models: Sequence[str], tested_on: Sequence[str], limit: int | None = None
) -> pd.DataFrame:
    """Each network on each data set: a row a pair, for `plots.matrix`.

    `models` are names as `load_model` takes them. Columns: model, trained_on, tested_on, kind (as
    `relation` gives it; only "test split" and "elsewhere" have figures), classes (scored), images,
    groups, correct, accuracy, recall (the mean over the classes), low and high, the 95 % interval
    by groups.
    """
    rows = []
    for name in models:
        model, about = trained.load_model(name)
        for dataset in tested_on:
            row = {"model": name, "trained_on": about["dataset"], "tested_on": dataset}
            rows.append(row | _score(model, about, dataset, limit))
    counts = dict.fromkeys(("classes", "images", "groups", "correct"), "Int64")  # some have none
    table = pd.DataFrame(rows)
    return table.astype({name: kind for name, kind in counts.items() if name in table})


def _score(model: keras.Model, about: dict[str, Any], dataset: str, limit: int | None) -> dict:
    kind = relation(about, dataset)
    if kind not in ("test split", "elsewhere"):
        return {"kind": kind}
    reading = read_elsewhere(model, about, dataset, limit)
    right, groups = reading.right, reading.samples.groups
    low, high = evaluation.group_interval(right, groups)
    table = evaluation.per_class(
        reading.labels, reading.probabilities.argmax(axis=1), reading.class_names
    )
    return {
        "kind": kind,
        "classes": len(reading.scored),
        "images": len(right),
        "groups": len(np.unique(groups)),
        "correct": int(right.sum()),
        "accuracy": float(right.mean()),
        "recall": float(table.loc[table["images"] > 0, "recall"].mean()),
        "low": low,
        "high": high,
    }
