"""Notebooks 09 to 12 as they run, after 05: with real weights where they are."""

import pandas as pd
import pytest
from conftest import ARCHIVES, shell
from notebook_cells import ALL, SOLUTIONS, in_this_process, standard_error

from asl.checkpoints import read_metadata

FURTHER = ALL[8:]


@pytest.fixture(scope="module")
def further(tmp_path_factory):
    """`python -m asl run` on the tiny set: the home folder, and what it said."""
    home = tmp_path_factory.mktemp("further")
    done = shell("run", "--dataset", "tiny", "--epochs", "2", "05", home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = [file.name[:2] for file in FURTHER]
    archives = {"ASL_ARCHIVES": ARCHIVES} if ARCHIVES else {}
    done = shell("run", "--dataset", "tiny", "--epochs", "1", *numbers, home=home, **archives)
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout


def test_they_join_the_others(further):
    home, printed = further
    for number, file in enumerate(FURTHER, start=1):
        assert f"[{number}/{len(FURTHER)}] {file.stem}  cell " in printed
    index = (home / "runs/tiny-cnn/index.html").read_text()
    assert all(f'href="{file.stem}.html"' in index for file in (ALL[4], *FURTHER))
    assert {"cnn", "conv1d_lstm"} <= set(pd.read_csv(home / "runs/compare.csv")["model"])
    checkpoints = {file.stem for file in (home / "model").glob("*.keras")}
    assert {"tiny-mobilenetv2", "tiny-conv1d_lstm"} <= checkpoints
    metadata = read_metadata(home / "model/tiny-mobilenetv2.keras")
    assert metadata.weights in ("imagenet", "random-mobilenetv2.weights.h5")


def test_nothing_is_written_to_standard_error(further):
    for file in FURTHER:
        assert not standard_error(further[0] / "runs/tiny-cnn" / file.name), file.stem


@pytest.mark.parametrize("file", FURTHER, ids=lambda file: file.stem)
def test_the_solutions_of_the_exercises_run(file, further, monkeypatch):
    in_this_process(int(file.name[:2]), further[0], monkeypatch, SOLUTIONS)
