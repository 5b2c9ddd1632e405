"""The notebooks as they run: in order, twice in a row, and each alone in a fresh folder."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pandas as pd
import pytest
from conftest import ARCHIVES, REPOSITORY, shell

from asl import AslError, files, notebooks
from asl.checkpoints import read_metadata

ALL = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
NOTEBOOKS, FURTHER = ALL[:8], ALL[8:]


def hashes():
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in ALL}


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """`python -m asl run` on the tiny set, then training and prediction again in the same home."""
    home = tmp_path_factory.mktemp("twice")
    before = hashes()
    runs = []
    for numbers in ((), ("05", "08")):
        done = shell("run", "--dataset", "tiny", "--epochs", "2", *numbers, home=home)
        assert done.returncode == 0, done.stdout + done.stderr
        runs.append((done.stdout, (home / "results.csv").read_text()))
    assert hashes() == before  # those under version control stay as they were
    return home, runs


def test_it_says_how_it_goes_and_how_it_ended(twice):
    home, runs = twice
    printed = runs[0][0]
    for number, file in enumerate(NOTEBOOKS, start=1):
        assert f"[{number}/8] {file.stem}  cell " in printed
    results = pd.read_csv(home / "results.csv")
    correct = (results["actual"] == results["predicted"]).sum()
    assert re.search(
        rf"test accuracy {correct}/96 = .* \(95 % interval .*\), \d+ mistakes", printed
    )
    assert "runs/tiny-cnn/index.html" in printed


def test_it_leaves_results_model_and_pages(twice):
    home, _ = twice
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


@pytest.fixture(scope="module")
def further(twice):
    """Then the notebooks after 08, in the same folder; real weights are taken where they are."""
    home, _ = twice
    numbers = [file.name[:2] for file in FURTHER]
    archives = {"ASL_ARCHIVES": ARCHIVES} if ARCHIVES else {}
    done = shell("run", "--dataset", "tiny", "--epochs", "1", *numbers, home=home, **archives)
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout


def test_the_further_notebooks_join_the_others(further):
    home, printed = further
    for number, file in enumerate(FURTHER, start=1):
        assert f"[{number}/{len(FURTHER)}] {file.stem}  cell " in printed
    index = (home / "runs/tiny-cnn/index.html").read_text()
    assert all(f'href="{file.stem}.html"' in index for file in ALL)
    assert {"cnn", "conv1d_lstm"} <= set(pd.read_csv(home / "runs/compare.csv")["model"])
    checkpoints = {file.stem for file in (home / "model").glob("*.keras")}
    assert {
        "tiny-mobilenetv2",
        "tiny-mobilenetv2-head",
        "tiny-conv1d_lstm",
        "tiny-cnn-by-row",
    } <= checkpoints
    metadata = read_metadata(home / "model/tiny-mobilenetv2.keras")
    assert metadata.weights in ("imagenet", "random-mobilenetv2.weights.h5")


def test_a_notebook_that_is_not_there(home):
    with pytest.raises(AslError, match=r"no notebook 77\. There are: 01, 02"):
        notebooks.run("tiny", "cnn", numbers=["77"])


def test_the_second_time_gives_the_same(twice):
    assert twice[1][0][1] == twice[1][1][1]


def test_the_network_shown_in_04_is_the_packages(twice):
    notebook = nbformat.read(twice[0] / "runs/tiny-cnn/04_build.ipynb", as_version=4)
    text = str([cell.get("outputs") for cell in notebook.cells])
    assert "the same, layer by layer: True" in text


def test_nothing_is_written_to_standard_error(twice, further):
    for file in ALL:
        notebook = nbformat.read(twice[0] / "runs/tiny-cnn" / file.name, as_version=4)
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        errors = [output.text for output in outputs if output.get("name") == "stderr"]
        assert not errors, file.stem


def alone(file, home):
    """One notebook in a home folder where nothing is yet."""
    code = f"""
from asl import AslError, files, notebooks
try:
    notebooks.execute(files.NOTEBOOKS / {file.name!r}, files.RUNS / "alone.ipynb", "x")
except AslError as error:
    print(error)
"""
    chosen = {"ASL_DATASET": "tiny", "ASL_EPOCHS": "1"}
    return shell("-c", code, home=home, module=None, **chosen)


def test_each_notebook_alone_in_a_fresh_folder(tmp_path):
    later = NOTEBOOKS[1:]  # 01 came first in the run above
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda file: alone(file, tmp_path / file.stem), later))
    for file, done in zip(later, results, strict=True):
        last = done.stdout.splitlines()[-1]
        if file.stem < "06":
            assert last.startswith("x  cell "), done.stdout + done.stderr
        else:  # they need what 05 makes, and say so
            assert "model/tiny-cnn.keras is not there. Notebook 05_train makes it" in done.stdout


def test_a_cell_that_fails_is_named_and_its_notebook_kept(home, tmp_path, monkeypatch):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("x / 0")]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / "01_broken.ipynb")
    monkeypatch.setattr(files, "NOTEBOOKS", folder)
    for name in ("ASL_DATASET", "ASL_MODEL", "ASL_EPOCHS"):
        monkeypatch.setenv(name, "")
    with pytest.raises(AslError, match=r"01_broken\.ipynb, code cell 2: ZeroDivisionError"):
        notebooks.run("tiny", "cnn")
    assert (home / "runs/tiny-cnn/01_broken.ipynb").exists()
