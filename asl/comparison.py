"""Networks side by side: one data set, one split, one table that grows run by run.

runs/compare.csv has a row for each data set, network and seed that was compared; what each network
read in each test image lies in runs/compare/, in the form of results.csv.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from asl import evaluation, models, paths, prediction, pretrained, trained, training
from asl.datasets import Samples, Split, about, find_dataset, load, model_name, split
from asl.errors import AslError

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
    "multiply_adds",  # for one image
    "kilobytes",  # of the .keras file
    "training_seconds",
    "seconds_to_99",  # of training, until validation accuracy is 99 %; empty if it never is
    "images_per_second",
    "epochs",
]
WARM_UP = 64  # images; the first batch builds the graph
REPEATS, ENOUGH_SECONDS = 3, 5.0  # how often the speed is measured, unless one takes this long


def compare(
    dataset: str,
    names: Sequence[str],
    *,
    seed: int = 0,
    epochs: int | None = None,
    weights: str | Path | None = "imagenet",
    fine_tune: int | None = None,
) -> pd.DataFrame:
    """Train and measure networks on a data set; give their rows of runs/compare.csv, best first.

    All get the same split, made by `seed`, and are measured on the same test images, each once. A
    network that model/ holds already, trained on this data set with this seed and these weights, is
    measured as it is; others are trained as their entries say and kept there. AslError, before
    anything is trained, for a name that is not there and for weights that cannot be had.
    """
    from_imagenet = [name for name in names if models.find(name).pretrained]
    if len(from_imagenet) > 1 and weights not in ("imagenet", None):
        raise AslError(
            f"{weights} is the weights of one network, but {' and '.join(from_imagenet)} want "
            "some. Compare them one after the other; the table keeps what was measured."
        )
    for name in from_imagenet:
        if not (paths.MODEL / f"{model_name(dataset, name)}.keras").exists():
            pretrained.find_weights(name, weights)
    for name in names:
        parts = split(load(dataset, name), seed=seed)
        kept = _trained(parts, name, seed, epochs, weights, fine_tune)
        row, results = measure(kept, parts.test)
        with paths.write_beside(_readings_file(row)) as temporary:
            results.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")
        _keep(row)
        right = (results["actual"] == results["predicted"]).to_numpy()
        unit = find_dataset(dataset).groups
        accuracy = evaluation.describe_right(right, results["group"].to_numpy(), unit)
        print(f"{name} on {dataset}: {accuracy}", flush=True)
    return table(dataset, names, seed)


def table(dataset: str, names: Sequence[str] | None = None, seed: int = 0) -> pd.DataFrame:
    """The rows of runs/compare.csv of a data set and a seed, best first; of these networks only,
    where some are named.
    """
    rows = _read()
    chosen = rows[(rows["dataset"] == find_dataset(dataset).name) & (rows["seed"] == seed)]
    if names is not None:
        chosen = chosen[chosen["model"].isin(names)]
    order = ["accuracy", "multiply_adds"]
    return chosen.sort_values(order, ascending=[False, True], ignore_index=True)


def measure(name: str, test: Samples) -> tuple[dict, pd.DataFrame]:
    """The row of a trained network, and what it reads in each test image, as in results.csv."""
    model, sidecar = trained.load_model(name)
    if tuple(sidecar["class_names"]) != test.class_names:
        raise AslError(f"{name} knows other classes than {test.dataset}: train it again.")
    prediction.predict(model, test.images[:WARM_UP])
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < ENOUGH_SECONDS:
        began = time.perf_counter()
        probabilities = prediction.predict(model, test.images)
        times.append(time.perf_counter() - began)
    right = probabilities.argmax(axis=1) == test.labels
    correct = int(right.sum())
    groups = np.arange(len(test)) if test.groups is None else test.groups
    low, high = evaluation.group_interval(right, groups)
    row = {
        "dataset": sidecar["dataset"],
        "model": sidecar["model"],
        "seed": sidecar["seed"],
        "weights": sidecar.get("weights") or "",
        "fine_tune": sidecar.get("fine_tune", 0),
        "correct": correct,
        "test_images": len(test),
        "validation_accuracy": sidecar.get("validation", {}).get("val_accuracy", np.nan),
        "accuracy": correct / len(test),
        "low": low,
        "high": high,
        "parameters": model.count_params(),
        "multiply_adds": int(models.layer_table(model)["multiply-adds"].sum()),
        "kilobytes": trained.find(name).stat().st_size / 1000,
        "training_seconds": sidecar.get("training_seconds", np.nan),
        "seconds_to_99": seconds_to(0.99, sidecar),
        "images_per_second": len(test) / float(np.median(times)),
        "epochs": sidecar.get("epochs", 0),
    }
    actual = [test.class_names[label] for label in test.labels]
    results = prediction.results_table(test.names, probabilities, test.class_names, actual)
    return row, results.assign(group=groups)


def seconds_to(accuracy: float, sidecar: dict) -> float:
    """Seconds of training until validation accuracy reached this share; NaN where it never did, or
    where the sidecar does not say.
    """
    history = sidecar.get("history", {"val_accuracy": [], "seconds": []})
    reached = np.flatnonzero(np.array(history["val_accuracy"]) >= accuracy)
    if not len(reached):
        return float("nan")
    return sidecar["features_seconds"] + sum(history["seconds"][: reached[0] + 1])


def shared_mistakes(rows: pd.DataFrame) -> pd.DataFrame:
    """Each pair of networks on the same test images: how many the first alone reads rightly, the
    second alone, both wrongly, and the p-value of McNemar's test on groups (`evaluation.mcnemar`).

    `rows` as `compare` gives them.
    """
    right, groups = {}, None
    for row in rows.to_dict("records"):
        results = readings(row)
        if "group" in results:  # an older version did not write it
            groups = results["group"].to_numpy()
        right[row["model"]] = (results["actual"] == results["predicted"]).to_numpy()
    pairs = []
    for first, second in combinations(right, 2):
        only_first, only_second, p = evaluation.mcnemar(right[first], right[second], groups)
        both_wrong = int((~right[first] & ~right[second]).sum())
        pairs.append((first, second, only_first, only_second, both_wrong, p))
    columns = ["first", "second", "first alone right", "second alone right", "both wrong", "p"]
    return pd.DataFrame(pairs, columns=columns)


def readings(row: dict) -> pd.DataFrame:
    """What the network of a row of runs/compare.csv read in each test image, as in results.csv, and
    the image's group.
    """
    return prediction.read_results(_readings_file(row))


def _trained(
    parts: Split,
    name: str,
    seed: int,
    epochs: int | None,
    weights: str | Path | None,
    fine_tune: int | None,
) -> str:
    """The name in model/ of the network that is to be measured, trained now if it is not there."""
    usual = model_name(parts.train.dataset, name)
    facts = about(parts, name, weights)
    from_imagenet = models.find(name).pretrained
    if not (from_imagenet and weights):
        fine_tune = 0
    elif fine_tune is None:
        fine_tune = from_imagenet.fine_tune
    wanted = {**facts, "seed": seed, "fine_tune": fine_tune}
    for kept in (usual, f"{usual}-seed{seed}"):
        try:
            sidecar = trained.read_sidecar(trained.find(kept))
        except AslError:
            continue  # not there, or damaged
        before = {"weights": None, "fine_tune": 0} | sidecar
        if all(before[key] == value for key, value in wanted.items()):
            print(f"{name}: as it was trained, {paths.shown(trained.find(kept))}")
            return kept
    there = (paths.MODEL / f"{usual}.keras").exists()
    kept = f"{usual}-seed{seed}" if there else usual  # what was trained otherwise stays
    training.train_split(
        parts, name, name=kept, seed=seed, weights=weights, epochs=epochs, fine_tune=fine_tune
    )
    return kept


def _file() -> Path:
    return paths.RUNS / "compare.csv"


def _readings_file(row: dict) -> Path:
    name = model_name(row["dataset"], row["model"])
    return paths.RUNS / "compare" / f"{name}-seed{row['seed']}.csv"


def _read() -> pd.DataFrame:
    if not _file().exists():
        return pd.DataFrame(columns=COLUMNS)
    try:
        known = dict.fromkeys(("seconds_to_99", "training_seconds", "validation_accuracy"), "")
        return pd.read_csv(_file(), keep_default_na=False, na_values=known)[COLUMNS]
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise AslError(
            f"{paths.shown(_file())} is damaged ({error}). Delete it: what model/ holds is "
            "measured again, and not trained again."
        ) from error


def _keep(row: dict) -> None:
    """Add the row to runs/compare.csv, in place of an older one of the same network."""
    rows = _read()
    same = (rows[KEY] == [row[key] for key in KEY]).all(axis=1)
    new = pd.DataFrame([row], columns=COLUMNS)
    with paths.write_beside(_file()) as temporary:
        together = pd.concat([rows[~same], new]) if len(rows) else new
        together.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
