"""Executing the notebooks in order, with progress, and a page that shows the outcome."""

import base64
import contextlib
import io
import os
import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellExecutionError, DeadKernelError
from PIL import Image

from asl import checkpoints, files
from asl.environment.kernels import Execution, there_is_memory
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

    01 to 08, or those of `numbers` ("09", or "01-08"), in their order. The executed copies and
    index.html land there; the notebooks themselves stay as they are. AslError names the notebook
    and the cell that failed, whose copy is kept to look at, and a number that is not there.
    """
    chosen = choose(numbers)
    os.environ["ASL_DATASET"], os.environ["ASL_MODEL"] = dataset, model
    os.environ["ASL_EPOCHS"] = str(epochs or "")
    os.environ["ASL_WEIGHTS"] = str(weights or "none")
    os.environ["ASL_FINE_TUNE"] = "" if fine_tune is None else str(fine_tune)
    folder = files.RUNS / checkpoints.checkpoint_name(dataset, model)
    began = time.perf_counter()
    seconds = _execute_all(chosen, folder)
    told = ""
    with contextlib.suppress(AslError):  # no results yet, or those of another data set
        told = summary(dataset, model)
    write_index(folder, seconds, told)
    print(f"{len(chosen)} notebooks in {time.perf_counter() - began:.0f} s", flush=True)
    page = files.shown(folder / "index.html")
    if told and any(file.name.startswith(LAST) for file in chosen):
        print(f"{folder.name}: {told}")
        print(f"look at {page} (mistakes: 07_mistakes.html) and {files.shown(files.RESULTS)}")
    else:
        print(f"look at {page}")
    return folder


def choose(numbers: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these numbers or ranges of them; 01 to 08 if there are none."""
    there = {file.name[:2]: file for file in sorted(files.NOTEBOOKS.glob(SERIES))}
    ranges = [number.split("-") for number in numbers]
    for end in {end for ends in ranges for end in ends} - set(there):
        raise AslError(f"there is no notebook {end}. There are: {', '.join(there)}.")
    ranges = ranges or [["", LAST]]
    return [
        file
        for number, file in there.items()
        if any(ends[0] <= number <= ends[-1] for ends in ranges)
    ]


def _execute_all(chosen: list[Path], folder: Path) -> dict[str, float]:
    """Execute notebooks one after the other and write their copies and pages; give the seconds of
    each by its file's stem. While one is executed, the page of the one before is written, and the
    next one's kernel starts and imports what it needs, where there is the memory for two.
    """
    seconds: dict[str, float] = {}
    written: list[Future] = []
    after: Execution | None = None
    with ThreadPoolExecutor(1) as pages, contextlib.ExitStack() as waiting:
        for place, file in enumerate(chosen, start=1):
            now, after = after or begin(file), None
            waiting.pop_all()  # whose turn it is, is not ended here any more
            if place < len(chosen) and there_is_memory():
                after = begin(chosen[place])
                waiting.callback(after.end)
            label = f"[{place}/{len(chosen)}] {file.stem}"
            seconds[file.stem] = execute(now, file, folder / file.name, label)
            written.append(pages.submit(_write_page, folder, now.notebook, file.stem))
    for page in written:
        page.result()
    return seconds


def begin(source: Path) -> Execution:
    """Start a fresh kernel for a notebook."""
    return Execution(nbformat.read(source, as_version=4), source.parent)


def execute(started: Execution, source: Path, target: Path, label: str) -> float:
    """Execute one notebook in its kernel and write the copy with its outputs; give seconds."""
    notebook = started.notebook
    code_cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    began, reached = time.perf_counter(), 0

    def tell(ending: str = "") -> None:
        seconds = time.perf_counter() - began
        text = f"{label}  cell {reached}/{len(code_cells)}  {seconds:.1f} s"
        if sys.stdout.isatty():
            print(f"\r{text}\033[K", end=ending, flush=True)
        elif ending:
            print(text, flush=True)

    def cell_started(cell: nbformat.NotebookNode, **_: object) -> None:
        nonlocal reached
        if cell.cell_type == "code":
            reached += 1
            tell()

    try:
        started.finish(cell_started)
    except KeyboardInterrupt:
        print()
        raise KeyboardInterrupt(
            f"{source.name}, code cell {reached}. The same command begins again."
        ) from None
    except (CellExecutionError, DeadKernelError, NoSuchKernel, RuntimeError) as error:
        print()
        _write(notebook, target)
        raise AslError(
            f"{source.name}, code cell {reached}: {_reason(error)}\n"
            f"The notebook as far as it went: {files.shown(target)}"
        ) from error
    tell(ending="\n")
    for cell in code_cells:  # progress bars were for whoever waited
        cell.outputs = [each for each in cell.outputs if "\r" not in each.get("text", "")]
    tidy(notebook)
    _write(notebook, target)
    return time.perf_counter() - began


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Make the outputs of a notebook the same every time, and small: styled tables, which pandas
    names at random, get names by their order, and pictures 256 colours, a half of their bytes.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = [each.data for cell in cells for each in cell.outputs if "data" in each]
    for number, data in enumerate(shown):
        for kind in ("text/html", "text/plain"):
            if kind in data:
                told = re.sub(r"\bT_[0-9a-f]{5}", f"T_{number:05d}", str(data[kind]))
                data[kind] = re.sub(r" at 0x[0-9a-f]+", "", told)
        if "image/png" in data:
            data["image/png"] = _with_few_colours(data["image/png"])


def _with_few_colours(png: str) -> str:
    """A picture as base64 of a PNG, and the same with 256 colours."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def _reason(error: Exception) -> str:
    """Why a notebook went no further, and what to do."""
    if isinstance(error, CellExecutionError):
        told = error.evalue if error.ename == "AslError" else f"{error.ename}: {error.evalue}"
        return str(told)
    if isinstance(error, NoSuchKernel):
        return "there is no Python kernel. Install ipykernel, which comes with jupyter."
    again = "then give the same command again."
    if isinstance(error, DeadKernelError):
        return (
            "its kernel was ended from outside, most likely since the memory was full. Close other "
            f"programs or choose a smaller data set or model, {again}"
        )
    # What jupyter_client raises where a kernel cannot be started or does not answer in time
    told = " ".join(str(error).split())[:200] or "it gives no reason"
    return (
        f"its kernel did not start, or could not be reached ({told}). See that other programs "
        f"leave it memory and time, and that ipykernel works, {again}"
    )


def _write(notebook: nbformat.NotebookNode, target: Path) -> None:
    with files.write_beside(target) as temporary:
        nbformat.write(notebook, temporary)


def summary(dataset: str, model: str) -> str:
    """What results.csv says of the last run: accuracy with its interval, mistakes, and where a
    class has few recordings, what that means and what a random split would have promised.
    """
    from asl.data.split import describe_few_groups
    from asl.evaluation.intervals import describe_accuracy
    from asl.results import read_results
    from asl.rounding import percent

    name = checkpoints.checkpoint_name(dataset, model)
    metadata = checkpoints.read_metadata(checkpoints.find(name))
    with contextlib.redirect_stdout(io.StringIO()):  # where the images came from was said
        parts = checkpoints.replay_split(metadata)
    results = read_results()
    correct = (results["actual"] == results["predicted"]).to_numpy()
    wrong = int((~correct).sum())
    mistakes = "no mistakes" if wrong == 0 else f"{wrong:,} mistake{'s' if wrong > 1 else ''}"
    accuracy = describe_accuracy(correct, parts.test.groups, parts.test.group_unit)
    lines, few = [f"test accuracy {accuracy}, {mistakes}"], describe_few_groups(parts)
    promised = _random_split_accuracy(metadata) if few else None
    if promised is not None:
        lines.append(f"A random split of the same images promises {percent(promised)}.")
    return "\n".join([*lines, few]).rstrip()


def _random_split_accuracy(metadata: checkpoints.Metadata) -> float | None:
    """What a random split of the same images promises for a checkpoint, or None where that is not
    known: its own validation accuracy where that was split by rows for want of recordings, else
    that of <name>-by-row, which notebooks 06 and 11 train.
    """
    by_row = metadata
    if not metadata.split or metadata.split.split_by_row.get("validation") != metadata.class_names:
        name = checkpoints.checkpoint_name(metadata.dataset, metadata.model)
        try:
            by_row = checkpoints.read_metadata(checkpoints.find(f"{name}-by-row"))
        except AslError:
            return None
    return by_row.validation.get("val_accuracy")


def write_index(folder: Path, seconds: dict[str, float], outcome: str = "") -> None:
    """index.html, which shows and links all executed notebooks, also those of earlier runs.
    `seconds` of those executed now, by their file's stem.
    """
    outcome = outcome.replace("\n", "\n\n")
    sections = [f"# {folder.name}\n\n{outcome}"]
    for file in sorted(folder.glob(SERIES)):
        notebook = nbformat.read(file, as_version=4)
        sections.append(_section(notebook, file.stem, seconds.get(file.stem)))
    cells = [nbformat.v4.new_markdown_cell(section) for section in sections]
    _write_page(folder, nbformat.v4.new_notebook(cells=cells), "index")


def _write_page(folder: Path, notebook: nbformat.NotebookNode, stem: str) -> None:
    """A notebook as a web page."""
    from nbconvert import HTMLExporter

    notebook.metadata["title"] = stem
    with files.write_beside(folder / f"{stem}.html") as temporary:
        page = HTMLExporter(embed_images=True).from_notebook_node(notebook)[0]
        temporary.write_text(page, encoding="utf-8")


def _section(notebook: nbformat.NotebookNode, stem: str, seconds: float | None) -> str:
    """What index.html shows of a notebook: its title, its first sentence, two of its pictures."""
    intro = next(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    title, _, text = intro.partition("\n")
    sentence = re.split(r"(?<=\.)\s", text.strip(), maxsplit=1)[0]
    took = "" if seconds is None else f" {seconds:.0f} s,"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [
        f"[![](data:image/png;base64,{output.data['image/png'].strip()})]({stem}.html)"
        for output in outputs
        if "image/png" in output.get("data", {})
    ]
    told = f"{sentence}{took} [notebook]({stem}.ipynb)"
    return "\n\n".join([f"## [{title.lstrip('# ')}]({stem}.html)", told, *pictures[:2]])
