"""What anybody meets first: the notebooks, loading, drawing, results.csv."""

import time
import zipfile

import cv2
from common import Predicted, figure, seconds, text, train_seed

from asl import checkpoints, files, prediction
from asl.checkpoints import load_model, replay_split
from asl.data import download
from asl.data.catalog import find_dataset
from asl.data.load import load
from asl.data.rendered_hands import draw_sample
from asl.results import read_results, results_table, write_results


def notebooks() -> dict:
    """`make run`, without the install."""
    from asl import notebooks

    for file in (files.DATA / "cache").glob("sample.npz"):
        file.unlink()
    began = time.perf_counter()
    notebooks.run("sample", "cnn")
    took = time.perf_counter() - began
    _, metadata = load_model(checkpoints.checkpoint_name("sample", "cnn"))
    results = read_results()
    correct = (results["actual"] == results["predicted"]).to_numpy()
    return {
        "make run, after the install": figure(took, "s", "at most 80"),
        "sample, signers not trained on": text(
            str(Predicted(correct, replay_split(metadata).test))
        ),
    }


def loading() -> dict:
    """Sign Language MNIST to arrays, in three ways."""
    archive = download.find(find_dataset("letters"))
    assert archive is not None
    cache, extracted = files.DATA / "cache/letters.npz", files.DATA / "letters"

    def load_afresh() -> None:
        cache.unlink(missing_ok=True)
        load("letters")

    from_archive = seconds(load_afresh)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(extracted)
    from_csv = seconds(load_afresh)
    from_cache = seconds(lambda: load("letters"))
    for file in extracted.rglob("*.csv"):
        file.unlink()
    return {
        "letters, from the archive": figure(from_archive, "s", "at most 3"),
        "letters, from the CSVs": figure(from_csv, "s", "at most 0.7"),
        "letters, from the cache": figure(from_cache, "s", "at most 0.1"),
    }


def drawing() -> dict:
    took = seconds(draw_sample, repeats=3)
    return {"drawing the 4,800 hands of sample": figure(took, "s", "at most 15")}


def predict() -> dict:
    """Images a second, from the data set or from PNG files, to results.csv."""
    model, metadata = load_model(train_seed("letters", 0))
    test = replay_split(metadata).test
    folder = files.HOME / "pictures"
    folder.mkdir(exist_ok=True)
    for row, image in enumerate(test.images):
        cv2.imwrite(str(folder / f"{row:05d}.png"), image)

    def from_arrays() -> None:
        samples = replay_split(metadata).test
        probabilities = prediction.predict(model, samples.images)
        actual = [samples.class_names[label] for label in samples.labels]
        table = results_table(samples.names, probabilities, samples.class_names, actual)
        write_results(table)

    def from_files() -> None:
        table, _ = prediction.predict_files(model, test.class_names, [folder])
        write_results(table)

    return {
        "predict, the test split": figure(len(test) / seconds(from_arrays), "images/s", "10,000"),
        "predict, PNG files": figure(len(test) / seconds(from_files), "images/s", "10,000"),
    }
