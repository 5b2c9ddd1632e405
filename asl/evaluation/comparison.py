"""Networks side by side: one data set, one split, one table that grows run by run.

runs/compare.csv has a row for each data set, network and seed that was compared; what each network
predicted for each test image lies in runs/compare/, in the form of results.csv.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from asl import checkpoints, files, prediction
from asl.data.catalog import find_dataset
from asl.data.encoding import most_likely
from asl.data.mapped_images import Images
from asl.data.samples import Samples
from asl.errors import AslError
from asl.evaluation.intervals import accuracy_interval, describe_accuracy
from asl.evaluation.metrics import mcnemar
from asl.models.inputs import network_input, takes_joints
from asl.models.layers import layer_table
from asl.models.metadata import Metadata
from asl.results import read_results, results_table, write_results

if TYPE_CHECKING:
    import keras

KEY = ["dataset", "model", "seed"]
COLUMNS = [
    *KEY,
    "weights",
    "fine_tune",
    "correct",
    "test_images",
    "validation_accuracy",
    "accuracy",
    "low",  # of the 95 % interval of the accuracy
    "high",
    "parameters",
    "multiply_adds",  # for one image; of the network alone, without finding a hand
    "kilobytes",  # of the .keras file
    "training_seconds",
    "seconds_to_99",  # of training, until validation accuracy is 99 %; empty if it never is
    "images_per_second",
    "epochs",
]
WARM_UP = 64  # images; the first batch builds the graph
WITH_HANDS = 128  # images in which hands are looked for, to measure how long that takes
REPEATS, ENOUGH_SECONDS = 3, 5.0  # how often the speed is measured, unless one takes this long


def compare(names: Sequence[str]) -> pd.DataFrame:
    """Measure checkpoints of one data set on its test split; give their rows of runs/compare.csv,
    best first.

    All must have the same split, and are measured on the same test images, each once.
    `find_or_train` makes such checkpoints. AslError for one that is not there or was trained on
    another split.
    """
    known = {name: checkpoints.read_metadata(checkpoints.find(name)) for name in names}
    first = known[names[0]]
    for name, metadata in known.items():
        if (metadata.dataset, metadata.split) != (first.dataset, first.split):
            raise AslError(
                f"{name} and {names[0]} were trained on different data or splits, so their test "
                "images are not the same. Train them on one split (python -m asl compare)."
            )
    for name, metadata in known.items():
        test = checkpoints.replay_split(metadata).test
        row, results = measure(name, test)
        write_results(results, _predictions_file(row), numbers=["group"])
        _keep(row)
        correct = (results["actual"] == results["predicted"]).to_numpy()
        accuracy = describe_accuracy(correct, results["group"].to_numpy(), test.group_unit)
        print(f"{metadata.model} on {metadata.dataset}: {accuracy}", flush=True)
    return table(first.dataset, [each.model for each in known.values()], first.seed)


def table(dataset: str, names: Sequence[str] | None = None, seed: int = 0) -> pd.DataFrame:
    """The rows of runs/compare.csv of a data set and a seed, best first; of these networks only,
    where some are named.
    """
    rows = _read()
    chosen = (rows["dataset"] == find_dataset(dataset).name) & (rows["seed"] == seed)
    if names is not None:
        chosen &= rows["model"].isin(names)
    order = ["accuracy", "multiply_adds"]
    return rows[chosen].sort_values(order, ascending=[False, True], ignore_index=True)


def measure(name: str, test: Samples) -> tuple[dict, pd.DataFrame]:
    """The row of a trained network, and what it predicts for each test image, as in results.csv."""
    model, metadata = checkpoints.load_model(name)
    if metadata.class_names != test.class_names:
        raise AslError(f"{name} knows other classes than {test.dataset}: train it again.")
    prediction.predict(model, test.images[:WARM_UP])
    probabilities, speed = _timed(model, test.images)
    correct = most_likely(probabilities) == test.labels
    groups = np.arange(len(test)) if test.groups is None else test.groups
    low, high = accuracy_interval(correct, groups)
    row = {name: getattr(metadata, name) for name in (*KEY, "fine_tune", "epochs")}
    row |= {
        "weights": metadata.weights or "",
        "correct": int(correct.sum()),
        "test_images": len(test),
        "validation_accuracy": metadata.validation.get("val_accuracy", np.nan),
        "accuracy": float(correct.mean()),
        "low": low,
        "high": high,
        "parameters": model.count_params(),
        "multiply_adds": int(layer_table(model)["multiply-adds"].sum()),
        "kilobytes": checkpoints.find(name).stat().st_size / 1000,
        "training_seconds": metadata.training_seconds or np.nan,
        "seconds_to_99": seconds_to(0.99, metadata),
        "images_per_second": speed,
    }
    actual = [test.class_names[label] for label in test.labels]
    results = results_table(test.names.tolist(), probabilities, test.class_names, actual)
    return row, results.assign(group=groups)


def _timed(model: keras.Model, images: Images) -> tuple[np.ndarray, float]:
    """Probabilities of images, and how many are predicted in a second. Finding hands is part of it:
    of a network that takes joints, those of a few images are looked for anew.
    """
    probabilities, timed = None, images
    if takes_joints(model):
        probabilities, timed = prediction.predict(model, images), images[:WITH_HANDS]
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < ENOUGH_SECONDS:
        began = time.perf_counter()
        found = prediction.predict_input(model, network_input(model, timed, stored=False))
        times.append(time.perf_counter() - began)
    speed = len(timed) / float(np.median(times))
    return found if probabilities is None else probabilities, speed


def seconds_to(accuracy: float, metadata: Metadata) -> float:
    """Seconds of training until validation accuracy reached this share; NaN where it never did, or
    where the metadata does not say.
    """
    for epoch, reached in enumerate(metadata.history.get("val_accuracy", []), start=1):
        if reached >= accuracy:
            return metadata.features_seconds + sum(metadata.history["seconds"][:epoch])
    return float("nan")


def shared_mistakes(rows: pd.DataFrame) -> pd.DataFrame:
    """Each pair of networks on the same test images: how many the first alone gets correct,
    the second alone, neither, and the p-value of McNemar's test on groups (`mcnemar`).

    `rows` as `compare` gives them.
    """
    correct, groups = {}, None
    for row in rows.to_dict("records"):
        results = test_predictions(row)
        if "group" in results:  # an older version did not write it
            groups = results["group"].to_numpy()
        correct[row["model"]] = (results["actual"] == results["predicted"]).to_numpy()
    pairs = []
    for first, second in combinations(correct, 2):
        only_first, only_second, p = mcnemar(correct[first], correct[second], groups)
        both_wrong = int((~correct[first] & ~correct[second]).sum())
        pairs.append((first, second, only_first, only_second, both_wrong, p))
    columns = ["first", "second", "only first correct", "only second correct", "both wrong", "p"]
    return pd.DataFrame(pairs, columns=columns)


def test_predictions(row: dict) -> pd.DataFrame:
    """What the network of a row of runs/compare.csv predicted for each test image, as in
    results.csv, and the image's group.
    """
    return read_results(_predictions_file(row))


def _file() -> Path:
    return files.RUNS / "compare.csv"


def _predictions_file(row: dict) -> Path:
    name = checkpoints.checkpoint_name(row["dataset"], row["model"])
    return files.RUNS / "compare" / f"{name}-seed{row['seed']}.csv"


def _read() -> pd.DataFrame:
    if not _file().exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        known = dict.fromkeys(("seconds_to_99", "training_seconds", "validation_accuracy"), "")
        return pd.read_csv(_file(), keep_default_na=False, na_values=known)[COLUMNS]
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise AslError(
            f"{files.shown(_file())} is damaged ({error}). Delete it: what model/ holds is "
            "measured again, and not trained again."
        ) from error


def _keep(row: dict) -> None:
    """Add the row to runs/compare.csv, in place of an older one of the same network."""
    rows, new = _read(), pd.DataFrame([row], columns=COLUMNS)
    if len(rows):
        new = pd.concat([rows, new]).drop_duplicates(KEY, keep="last")
    with files.write_beside(_file()) as temporary:
        new.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
