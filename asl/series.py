"""Executing the notebooks in order, with progress, and a page that shows the outcome."""

import html
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from asl import paths
from asl.datasets import model_name
from asl.errors import AslError

SERIES = "[0-9][0-9]_*.ipynb"
LAST = "08"  # notebook of the way from images to results.csv; what follows is run when asked for


def run(
    dataset: str,
    model: str,
    epochs: int | None = None,
    *,
    weights: str | None = "imagenet",
    fine_tune: int | None = None,
    numbers: Sequence[str] = (),
) -> Path:
    """Execute notebooks on a data set and a model; give the folder runs/<dataset>-<model>/.

    01 to 08, or those whose `numbers` are given, in their order. The executed copies and index.html
    land there; the notebooks themselves stay as they are. AslError names the notebook and the cell
    that failed, whose copy is kept to look at, and a number that is not there.
    """
    there = {file.name[:2]: file for file in sorted(paths.NOTEBOOKS.glob(SERIES))}
    unknown = [number for number in numbers if number not in there]
    if unknown:
        raise AslError(f"there is no notebook {unknown[0]}. There are: {', '.join(there)}.")
    files = [file for key, file in there.items() if (key in numbers if numbers else key <= LAST)]
    os.environ["ASL_DATASET"], os.environ["ASL_MODEL"] = dataset, model
    os.environ["ASL_EPOCHS"] = str(epochs or "")
    os.environ["ASL_WEIGHTS"] = str(weights or "none")
    os.environ["ASL_FINE_TUNE"] = "" if fine_tune is None else str(fine_tune)
    folder = paths.RUNS / model_name(dataset, model)
    began = time.perf_counter()
    seconds = {}
    for number, file in enumerate(files, start=1):
        label = f"[{number}/{len(files)}] {file.stem}"
        seconds[file.stem] = execute(file, folder / file.name, label)
    write_pages(folder, seconds)
    print(f"{len(files)} notebooks in {time.perf_counter() - began:.0f} s", flush=True)
    return folder


def execute(source: Path, target: Path, label: str) -> float:
    """Execute one notebook in a fresh kernel and write the copy with its outputs; give seconds."""
    notebook = nbformat.read(source, as_version=4)
    code_cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    began = time.perf_counter()
    state = {"cell": 0}

    def tell(ending: str = "") -> None:
        seconds = time.perf_counter() - began
        text = f"{label}  cell {state['cell']}/{code_cells}  {seconds:.1f} s"
        if sys.stdout.isatty():
            print(f"\r{text}\033[K", end=ending, flush=True)
        elif ending:
            print(text, flush=True)

    def started(cell: nbformat.NotebookNode, **_: object) -> None:
        if cell.cell_type == "code":
            state["cell"] += 1
            tell()

    client = NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],  # its notes on encryption help no reader
        resources={"metadata": {"path": str(source.parent)}},
        on_cell_start=started,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print()
        with paths.write_beside(target) as temporary:
            nbformat.write(notebook, temporary)
        reason = error.evalue if error.ename == "AslError" else f"{error.ename}: {error.evalue}"
        raise AslError(
            f"{source.name}, code cell {state['cell']}: {reason}\n"
            f"The notebook as far as it went: {paths.shown(target)}"
        ) from error
    tell(ending="\n")
    for cell in notebook.cells:
        if cell.cell_type == "code":  # progress bars were for whoever waited
            cell.outputs = [each for each in cell.outputs if "\r" not in each.get("text", "")]
    with paths.write_beside(target) as temporary:
        nbformat.write(notebook, temporary)
    return time.perf_counter() - began


def summary(folder: Path) -> str:
    """What results.csv says of the last run: accuracy, with the interval by groups that notebook 08
    in `folder` gave where it ran, and mistakes.
    """
    from asl.evaluation import describe_accuracy
    from asl.prediction import read_results

    results = read_results()
    correct = int((results["actual"] == results["predicted"]).sum())
    wrong = len(results) - correct
    mistakes = "no mistakes" if wrong == 0 else f"{wrong:,} mistake{'s' if wrong > 1 else ''}"
    accuracy, executed = describe_accuracy(correct, len(results)), folder / "08_predict.ipynb"
    if executed.is_file():
        told = re.search(r"from results\.csv: (.*?)\\n", executed.read_text(encoding="utf-8"))
        if told and told[1].startswith(accuracy.partition(" (")[0]):
            accuracy = told[1]
    return f"test accuracy {accuracy}, {mistakes}"


def write_pages(folder: Path, seconds: dict[str, float]) -> None:
    """Each executed notebook as a web page, and index.html that shows and links them all, also
    those of earlier runs; `seconds` of those executed now, by their file's stem.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(embed_images=True)
    sections = []
    for file in sorted(folder.glob(SERIES)):
        stem, took = file.stem, ""
        notebook = nbformat.read(file, as_version=4)
        if stem in seconds:
            notebook.metadata["title"] = stem
            body, _ = exporter.from_notebook_node(notebook)
            with paths.write_beside(folder / f"{stem}.html") as temporary:
                temporary.write_text(body, encoding="utf-8")
            took = f"{seconds[stem]:.0f} s, "
        intro = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        title, _, text = intro.partition("\n")
        pictures = [
            output.data["image/png"]
            for cell in notebook.cells
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        shown = "".join(
            f'<a href="{stem}.html"><img alt="" src="data:image/png;base64,{picture.strip()}"></a>'
            for picture in pictures[:2]
        )
        sections.append(
            f'<section><h2><a href="{stem}.html">{html.escape(title.lstrip("# "))}</a></h2>'
            f"<p>{html.escape(_first_sentence(text))} <small>{took}"
            f'<a href="{stem}.ipynb">notebook</a></small></p>{shown}</section>'
        )
    told = summary(folder) if paths.RESULTS.is_file() else "no results yet"
    page = PAGE.format(
        title=html.escape(folder.name), summary=html.escape(told), body="\n".join(sections)
    )
    with paths.write_beside(folder / "index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")


def _first_sentence(text: str) -> str:
    """Of Markdown, as plain text."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)|[*`_]", r"\1", text.strip())
    return re.split(r"(?<=\.)\s", plain, maxsplit=1)[0]


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto;
    padding: 0 1rem }}
  img {{ max-width: 100%; display: block; margin: .5rem 0 }}
  section {{ border-top: 1px solid #ddd; padding-top: .5rem }}
  small {{ color: #666 }}
</style>
<h1>{title}</h1>
<p><strong>{summary}.</strong></p>
{body}
</html>
"""
