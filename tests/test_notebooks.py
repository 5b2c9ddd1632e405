"""The notebooks as they are stored: their rhythm, and that they read well without being run.

That they run is tested in test_notebooks_run.py.
"""

import re
import shutil
import statistics
import subprocess
import sys

import nbformat
import pytest
from conftest import REPOSITORY

FILES = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SOLUTIONS = REPOSITORY / "notebooks/solutions"
SETUP = 2  # the place of the setup cell's heading


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.stem)
def file(request):
    return request.param


@pytest.fixture(scope="module")
def cells(file):
    return nbformat.read(file, as_version=4).cells


def code_cells(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def test_the_series_is_whole():
    names = (
        "01_load 02_visualize 03_encode 04_build 05_train 06_evaluate 07_mistakes 08_predict "
        "09_transfer 10_compare 11_trust 12_spell"
    )
    assert [file.stem for file in FILES] == names.split()


def test_rhythm(cells):
    code = code_cells(cells)
    lengths = [len(cell.source.splitlines()) for cell in code]
    assert 8 <= len(code) <= 16
    assert 3 <= statistics.median(lengths) <= 5
    assert max(lengths) <= 25
    assert 0.4 <= len(code) / len(cells) <= 0.6


def test_one_title_what_comes_in_and_out_a_summary_exercises_and_a_link(cells, file):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert cells[0].source.startswith(f"# {file.stem[:2]} · ")
    assert "**In:**" in cells[0].source
    assert "**Out:**" in cells[0].source
    assert re.search(r"^\*\*Time:\*\* about [\w ]+ on two cores", cells[0].source, re.MULTILINE)
    ending = text[text.index("## What you learned") :]
    assert len(re.findall(r"^\d\. ", ending, re.MULTILINE)) in (2, 3)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (file.parent / link).exists()


def test_the_setup_cell_is_short_and_the_same_everywhere(cells):
    first = code_cells(nbformat.read(FILES[0], as_version=4).cells)[0].source
    assert code_cells(cells)[0].source == first
    assert len(first.splitlines()) <= 4


def test_without_the_repository_the_setup_cell_says_what_to_do(tmp_path):
    setup = code_cells(nbformat.read(FILES[0], as_version=4).cells)[0].source
    script = tmp_path / "setup.py"
    script.write_text(setup)
    done = subprocess.run(
        [sys.executable, "-I", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Open this inside the project." in done.stderr
    assert "Traceback" not in done.stderr


def test_the_setup_cell_fetches_the_repository_once_it_has_an_address(tmp_path):
    """As in Colab, but from a local clone's address, and a second time in the same folder."""
    setup = code_cells(nbformat.read(FILES[0], as_version=4).cells)[0].source
    origin = tmp_path / "origin"
    for folder in ("asl", "notebooks"):
        ignored = shutil.ignore_patterns("*.pyc", "*.ipynb")
        shutil.copytree(REPOSITORY / folder, origin / folder, ignore=ignored)
    git = ["git", "-C", str(origin), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], check=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    script = empty / "setup.py"
    script.write_text(setup.replace("ADDRESS", f"file://{origin}"))
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-I", script], cwd=empty, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (empty / "asl-notebooks/asl/config.py").exists()


def test_stored_with_the_outputs_of_a_whole_run(cells, file):
    assert file.stat().st_size < 400_000
    assert [cell.execution_count for cell in code_cells(cells)] == list(
        range(1, len(code_cells(cells)) + 1)
    )
    outputs = [output for cell in code_cells(cells) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    streams = [output for output in outputs if output.output_type == "stream"]
    assert not [output.text for output in streams if output.name == "stderr"]
    assert not re.search(r"/(home|root|work|tmp|Users)/", str(outputs))


def test_every_exercise_has_a_solution_that_shows_no_outputs(cells, file):
    solution = nbformat.read(SOLUTIONS / file.name, as_version=4)
    assert code_cells(solution.cells)[0].source == code_cells(cells)[0].source
    text = "\n".join(cell.source for cell in solution.cells if cell.cell_type == "markdown")
    exercises = re.findall(r"^(\d)\. ", cells[-1].source, re.MULTILINE)
    assert re.findall(r"^## Exercise (\d)$", text, re.MULTILINE) == exercises
    assert f"(../{file.name})" in text
    assert not [cell for cell in code_cells(solution.cells) if cell.outputs]
    assert f"(solutions/{file.name})" in cells[-1].source


def test_a_picture_comes_early(cells):
    first = [output for cell in code_cells(cells)[:3] for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in first)


def test_outputs_change_only_where_something_changed(cells):
    """pandas and Python name tables and objects by chance."""
    outputs = str([output for cell in code_cells(cells) for output in cell.outputs])
    assert not re.search(r" at 0x[0-9a-f]{6}", outputs)
    assert not re.search(r"T_(?!0\d{4})[0-9a-f]{5}", outputs)


LABELS = {"in:", "out:", "time:", "exercises", "next:", "back to the start:"}
STRESSED = {
    "a good rate",
    "too high",
    "too low",
    "the jump comes from the steps, not from unfreezing.",
}
EXPLAINED_THERE = {"csv", "jpeg", "crop", "collect", "logarithmic scale", "shape", "strawman"}


def test_each_term_stands_in_the_list_of_words():
    texts = [
        " ".join(cell.source.split())
        for file in FILES
        for cell in nbformat.read(file, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    (words,) = (text for text in texts if text.startswith("## Words of the series"))
    bold = {term.lower() for text in texts for term in re.findall(r"\*\*(.+?)\*\*", text)}
    terms = bold - LABELS - STRESSED - EXPLAINED_THERE
    assert {term for term in terms if term.rstrip(".:") not in words.lower()} == set()
