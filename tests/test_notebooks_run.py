"""Notebooks 01 to 08 as they run: in order, a second time, and each alone in a fresh folder. Those
after them: notebooks/test_further.py, by make test-notebooks.
"""

import hashlib
import re
from dataclasses import asdict

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import shell
from nbclient.exceptions import DeadKernelError
from notebook_cells import ALL, SOLUTIONS, in_this_process, standard_error

from asl import (
    AslError,
    build,
    config,
    files,
    keras,
    load,
    load_model,
    notebooks,
    split,
    train_split,
)
from asl.environment.kernels import Execution, imports

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


@pytest.mark.parametrize("number", ["77", "01-77", "1", "a", "-08"])
def test_a_notebook_that_is_not_there(home, number):
    with pytest.raises(AslError, match=r"no notebook \S*\. There are: 01, 02"):
        notebooks.run("tiny", "cnn", numbers=[number])


def test_ranges_of_notebooks():
    def numbers(*given):
        return [file.name[:2] for file in notebooks.choose(given)]

    assert numbers() == numbers("01-08") == [f"{number:02}" for number in range(1, 9)]
    assert numbers("11", "02-04", "03") == ["02", "03", "04", "11"]
    assert numbers("09-12") == ["09", "10", "11", "12"]


def test_the_second_time_gives_the_same(series, monkeypatch):
    """Training and prediction again in the same folder, in another process."""
    home, _ = series
    first = (home / "results.csv").read_text()
    in_this_process(5, home, monkeypatch)
    (home / "results.csv").unlink()
    in_this_process(8, home, monkeypatch)
    assert (home / "results.csv").read_text() == first


def test_the_network_built_in_04_is_the_packages():
    notebook = nbformat.read(ALL[3], as_version=4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    building = [source for source in sources if "model.add(" in source]
    shape, count = (28, 28, 1), 24
    names = {"layers": keras.layers, "keras": keras, "input_shape": shape, "class_count": count}
    for source in building:
        exec(source, names)

    def settings(network):
        return [layer.get_config() | {"name": type(layer).__name__} for layer in network.layers]

    assert settings(names["model"]) == settings(build("cnn", shape, count))


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


@pytest.mark.parametrize("number", range(2, 9))  # 01 came first in the run above
def test_each_notebook_alone_in_a_fresh_folder(number, home, monkeypatch):
    if number <= 5:
        in_this_process(number, home, monkeypatch)
    else:  # they need what 05 makes, and say so
        with pytest.raises(AslError, match=r"model/tiny-cnn\.keras .* Notebook 05_train makes it"):
            in_this_process(number, home, monkeypatch)


@pytest.mark.parametrize("number", range(1, len(NOTEBOOKS) + 1))
def test_the_solutions_of_the_exercises_run(number, series, monkeypatch):
    in_this_process(number, series[0], monkeypatch, SOLUTIONS)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A series of one notebook, whose second cell fails."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("x / 0")]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    nbformat.write(notebook, folder / "01_broken.ipynb")
    monkeypatch.setattr(files, "NOTEBOOKS", folder)
    for name in ("ASL_DATASET", "ASL_MODEL", "ASL_EPOCHS", "ASL_WEIGHTS", "ASL_FINE_TUNE"):
        monkeypatch.setenv(name, "")


def test_a_cell_that_fails_is_named_and_its_notebook_kept(broken, home):
    with pytest.raises(AslError, match=r"01_broken\.ipynb, code cell 2: ZeroDivisionError"):
        notebooks.run("tiny", "cnn")
    assert (home / "runs/tiny-cnn/01_broken.ipynb").exists()


OTHERS = (  # of jupyter_client, whose kernel is not dead but slow, or was never there
    RuntimeError("Kernel didn't respond in 60 seconds"),
    RuntimeError("Kernel died before replying to kernel_info"),
    RuntimeError("event loop\nis closed"),
    RuntimeError(),
)


@pytest.mark.parametrize("error", [DeadKernelError("Kernel died"), *OTHERS], ids=repr)
def test_a_kernel_is_said_to_be_dead_only_where_it_is(error, broken, home, monkeypatch):
    monkeypatch.setattr(Execution, "_work", lambda self: self.raised.append(error))
    with pytest.raises(AslError, match=r"01_broken\.ipynb, code cell 0: its kernel ") as raised:
        notebooks.run("tiny", "cnn")
    told = str(raised.value)
    dead = isinstance(error, DeadKernelError)
    assert ("was ended from outside, most likely since the memory was full" in told) == dead
    assert (" ".join(str(error).split()) or "no reason") in told or dead
    assert "give the same command again." in told and told.count("\n") == 1
    assert (home / "runs/tiny-cnn/01_broken.ipynb").exists()


def test_a_kernel_that_ends_itself_is_dead(broken):
    notebook = nbformat.read(files.NOTEBOOKS / "01_broken.ipynb", as_version=4)
    notebook.cells[1].source = "import os; os._exit(1)"
    nbformat.write(notebook, files.NOTEBOOKS / "01_broken.ipynb")
    with pytest.raises(AslError, match=r"01_broken\.ipynb, code cell 2: its kernel was ended"):
        notebooks.run("tiny", "cnn")


@pytest.fixture
def two(broken):
    """A series of two notebooks, the second of which says what it found imported."""
    cells = [
        "import sys\nprint('colorsys' in sys.modules, 'colorsys' in dir())",
        "import colorsys\nfrom nowhere import nothing",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    nbformat.write(notebook, files.NOTEBOOKS / "02_second.ipynb")
    first = nbformat.read(files.NOTEBOOKS / "01_broken.ipynb", as_version=4)
    first.cells[1].source = "import time; time.sleep(2)"
    nbformat.write(first, files.NOTEBOOKS / "01_broken.ipynb")


@pytest.mark.parametrize("memory", [True, False])
def test_the_next_kernel_imports_what_its_cells_do_while_the_one_before_works(
    memory, two, home, monkeypatch
):
    monkeypatch.setattr(notebooks, "there_is_memory", lambda: memory)
    with pytest.raises(AslError, match=r"02_second\.ipynb, code cell 2: ModuleNotFoundError"):
        notebooks.run("tiny", "cnn")
    kept = nbformat.read(home / "runs/tiny-cnn/02_second.ipynb", as_version=4)
    said = kept.cells[0].outputs[0].text.split()
    assert said == [str(memory), "False"]  # imported, and yet no cell has the name
    assert (home / "runs/tiny-cnn/01_broken.html").exists()


def test_a_kernel_that_waits_is_ended_when_the_one_before_fails(two, monkeypatch):
    started = []
    begin = notebooks.begin
    monkeypatch.setattr(notebooks, "begin", lambda file: started.append(begin(file)) or started[-1])
    monkeypatch.setattr(notebooks, "there_is_memory", lambda: True)
    notebook = nbformat.read(files.NOTEBOOKS / "01_broken.ipynb", as_version=4)
    notebook.cells[1].source = "x / 0"
    nbformat.write(notebook, files.NOTEBOOKS / "01_broken.ipynb")
    with pytest.raises(AslError, match=r"01_broken\.ipynb, code cell 2: ZeroDivisionError"):
        notebooks.run("tiny", "cnn")
    assert len(started) == 2
    assert not any(each.worker.is_alive() or each.client.km for each in started)


def test_imports_of_a_notebook():
    cells = ["import os, re\nasl.load(1)", "%matplotlib inline", "def f():\n    from a import b"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    notebook.cells.append(nbformat.v4.new_markdown_cell("import this"))
    assert imports(notebook) == ["import os, re", "import asl; asl.load", "from a import b"]
