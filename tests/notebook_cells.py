"""What tests of notebooks share: files, cells in this process, what went to standard error."""

from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
from conftest import REPOSITORY

from asl import config, files

ALL = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SOLUTIONS = REPOSITORY / "notebooks/solutions"


def in_this_process(number, home, monkeypatch, folder=REPOSITORY / "notebooks"):
    """Run the cells of one notebook here, where everything is imported already."""
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model"), ("RUNS", "runs")):
        monkeypatch.setattr(files, name, home / place)
    monkeypatch.setattr(files, "RESULTS", home / "results.csv")
    monkeypatch.setattr(config, "DATASET", "tiny")
    monkeypatch.setattr(config, "EPOCHS", 2)
    notebook = nbformat.read(folder / ALL[number - 1].name, as_version=4)
    names = {"display": print}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
            plt.close("all")  # as a notebook does after each cell


def standard_error(file: Path) -> list[str]:
    """What the cells of an executed notebook wrote there."""
    cells = nbformat.read(file, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output.text for output in outputs if output.get("name") == "stderr"]
