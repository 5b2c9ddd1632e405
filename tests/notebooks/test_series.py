"""Notebooks 01 to 08 as they run: in order, a second time, and their solutions."""

import hashlib
import re
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from conftest import shell
from notebook_cells import ALL, SOLUTIONS, in_this_process, standard_error

from asl import config, files, load, load_model, split, train_split

NOTEBOOKS = ALL[:8]


def hashes():
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in ALL}


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """`python -m asl run` on the tiny set: the home folder, and what it said."""
    home = tmp_path_factory.mktemp("series")
    before = hashes()
    done = shell("run", "--dataset", "tiny", "--epochs", "2", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert hashes() == before  # those under version control stay as they were
    return home, done.stdout


def test_it_says_how_it_goes_and_how_it_ended(series):
    home, printed = series
    for number, file in enumerate(NOTEBOOKS, start=1):
        assert f"[{number}/8] {file.stem}  cell " in printed
    results = pd.read_csv(home / "results.csv")
    correct = (results["actual"] == results["predicted"]).sum()
    assert re.search(
        rf"test accuracy {correct}/96 = .* \(95 % interval .*\), \d+ mistakes", printed
    )
    assert "runs/tiny-cnn/index.html" in printed


def test_it_leaves_results_model_and_pages(series):
    home, _ = series
    run = home / "runs/tiny-cnn"
    assert (home / "model/tiny-cnn.keras").exists()
    assert (home / "model/tiny-cnn.json").exists()
    for file in NOTEBOOKS:
        assert (run / file.name).exists()
        assert "<html" in (run / f"{file.stem}.html").read_text()
    index = (run / "index.html").read_text()
    assert all(f'href="{file.stem}.html"' in index for file in NOTEBOOKS)
    assert "test accuracy" in index
    assert len(pd.read_csv(home / "results.csv")) == 96


def test_the_second_time_gives_the_same(series, monkeypatch):
    """Training and prediction again in the same folder, in another process."""
    home, _ = series
    first = (home / "results.csv").read_text()
    in_this_process(5, home, monkeypatch)
    (home / "results.csv").unlink()
    in_this_process(8, home, monkeypatch)
    assert (home / "results.csv").read_text() == first


def test_the_training_shown_in_05_gives_the_weights_of_train(series, monkeypatch):
    home, _ = series
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model")):
        monkeypatch.setattr(files, name, home / place)
    parts = split(load("tiny"), seed=config.SEED)
    train_split(parts, "cnn", name="tiny-again", seed=config.SEED, epochs=2)
    (shown, metadata), (packaged, again) = load_model("tiny-cnn"), load_model("tiny-again")
    for one, two in zip(shown.get_weights(), packaged.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    seconds = {"training_seconds", "history", "validation", "weights_sha256"}
    for key, value in asdict(metadata).items():
        assert key in seconds or asdict(again)[key] == value, key
    assert metadata.history["val_accuracy"] == again.history["val_accuracy"]
    figures = [dict(each.validation, seconds=0) for each in (metadata, again)]
    assert figures[0] == pytest.approx(figures[1], abs=1e-5)


def test_nothing_is_written_to_standard_error(series):
    for file in NOTEBOOKS:
        assert not standard_error(series[0] / "runs/tiny-cnn" / file.name), file.stem


@pytest.mark.parametrize("number", range(1, len(NOTEBOOKS) + 1))
def test_the_solutions_of_the_exercises_run(number, series, monkeypatch):
    in_this_process(number, series[0], monkeypatch, SOLUTIONS)
