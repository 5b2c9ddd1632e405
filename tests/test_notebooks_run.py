"""Notebooks: which there are, each alone in a fresh folder, cells that fail, kernels that die. How
they run one after the other: notebooks/, by make test-notebooks.
"""

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from notebook_cells import ALL, in_this_process

from asl import (
    AslError,
    build,
    files,
    keras,
    notebooks,
)
from asl.environment.kernels import Execution, imports

NOTEBOOKS = ALL[:8]


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


@pytest.mark.parametrize("number", range(2, 9))
def test_each_notebook_alone_in_a_fresh_folder(number, home, monkeypatch):
    if number <= 5:
        in_this_process(number, home, monkeypatch)
    else:  # they need what 05 makes, and say so
        with pytest.raises(AslError, match=r"model/tiny-cnn\.keras .* Notebook 05_train makes it"):
            in_this_process(number, home, monkeypatch)


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
