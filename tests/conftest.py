"""What several tests share: a home folder of their own, and rendered hands.

Tests neither see nor touch what lies in the clone's data/, model/, runs/ and results.csv, but for
the checkpoints that came with the project: every test has an empty home folder of its own.
"""

import contextlib
import functools
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from asl import files
from asl.data import rendered_hands
from asl.data.hand_poses import LETTERS
from asl.data.samples import Samples, Split
from asl.data.split import split
from asl.landmarks import looks
from asl.landmarks.hand_landmarks import Landmarks

REPOSITORY = Path(__file__).resolve().parent.parent
ARCHIVES = os.environ.get("ASL_ARCHIVES")

# Two processes test at a time: threads of TensorFlow would only wait for each other
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# jsonschema, which nbformat imports, would spend seconds on a grammar of web addresses
sys.modules.setdefault("rfc3987_syntax", None)

# What the tests compute with; Keras itself takes seconds, and not every file needs it
BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
needs_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="TensorFlow alone does this, and KERAS_BACKEND says otherwise",
)
needs_archives = pytest.mark.skipif(
    not ARCHIVES, reason="ASL_ARCHIVES names no folder with the real archives"
)


# Files that take longest, in their order: begun first, so that no process waits for another's last
LONGEST = (
    "notebooks_run",
    "kills",
    "kills_of_run",
    "joints_network",
    "reader",
    "architectures",
    "export",
    "checkpoints",
    "old_stacks",
    "near_duplicates",
    "training",
    "main",
    "transfer",
    "real_letters",
    "photographs",
    "comparison",
    "pretrained",
    "explain",
    "intervals",
    "image_folders",
)


def pytest_collection_modifyitems(items):
    place = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(LONGEST)))


def pytest_addoption(parser):
    parser.addoption("--faults-report", help="write how many cases of each class of faults passed")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """The class of a case travels with its report, also from another process."""
    for marker in item.iter_markers("fault"):
        item.user_properties.append(("fault", marker.args[0]))


class FaultsReport:
    """Counts tried and passed cases by their class; a test may stand for several (`cases`)."""

    def __init__(self, path: str) -> None:
        self.path, self.counts = Path(path), {}

    def pytest_runtest_logreport(self, report):
        told = dict(report.user_properties)
        if "fault" in told and (report.when == "call" or report.failed):
            tried, passed = self.counts.get(told["fault"], (0, 0))
            cases = told.get("cases", 1)
            self.counts[told["fault"]] = (tried + cases, passed + cases * report.passed)

    def pytest_sessionfinish(self):
        self.path.write_text(json.dumps(self.counts))


def pytest_configure(config):
    path = config.getoption("--faults-report")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FaultsReport(path))


def copy_shipped(name: str) -> Path:
    """Put a checkpoint and its export into model/ as they came with the project: whoever ran the
    notebooks may have trained those of the clone again. Gives the checkpoint.
    """
    files.MODEL.mkdir(exist_ok=True)
    for file in (REPOSITORY / "model").glob(f"{name}.*"):
        data = file.read_bytes()
        with contextlib.suppress(OSError, subprocess.CalledProcessError):  # no git, or no clone
            command = ["git", "show", f"HEAD:model/{file.name}"]
            data = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
        (files.MODEL / file.name).write_bytes(data)
    return files.MODEL / f"{name}.keras"


drawn_once = functools.cache(rendered_hands.draw_sample)


def draw_sample(**known):
    """As `rendered_hands.draw_sample`; what was drawn in this process before is copied."""
    return tuple(array.copy() for array in drawn_once(**known))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home folder, and no archives but those a test puts there. Its data set `tiny` is
    not drawn anew for each test, only read and kept anew.
    """
    monkeypatch.setattr(rendered_hands, "draw_sample", draw_sample)
    for name, place in (
        ("HOME", "."),
        ("DATA", "data"),
        ("MODEL", "model"),
        ("RUNS", "runs"),
        ("RESULTS", "results.csv"),
    ):
        monkeypatch.setattr(files, name, tmp_path / place)
    for name in [name for name in os.environ if name.startswith("ASL_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(autouse=True, scope="session")
def clone_stays_as_it_was():
    """No test may write into the clone's own folders."""
    before = _state_of_clone()
    yield
    assert _state_of_clone() == before


def _state_of_clone() -> dict[str, tuple[int, int]]:
    places = [REPOSITORY / name for name in ("data", "model", "runs", "results.csv")]
    found = [file for place in places for file in (place, *place.rglob("*")) if file.is_file()]
    return {str(file): (file.stat().st_size, file.stat().st_mtime_ns) for file in found}


@contextlib.contextmanager
def step_by_step():
    """TensorFlow runs each step as it comes: a few batches take longer to compile than to run."""
    if BACKEND != "tensorflow":
        yield
        return
    import tensorflow  # here, since it takes seconds, and not every file needs it

    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


@pytest.fixture
def eager():
    with step_by_step():
        yield


@pytest.fixture
def no_further_looks(monkeypatch):
    """A second look at a hand finds none, so that its points stay as they are."""
    nothing = Landmarks(np.zeros((21, 3), np.float32), 0.0, 0.5)
    monkeypatch.setattr(looks, "find_landmarks", lambda *_, **__: nothing)


@pytest.fixture(scope="session")
def samples() -> Samples:
    """192 rendered hands, eight of each letter, from four signers; the last one is the test."""
    images, labels, signers = rendered_hands.draw_sample(images_per_letter=8, signer_count=4)
    names = np.array([f"tiny/{row:05d}" for row in range(len(labels))])
    is_test = signers == signers.max()
    return Samples("tiny", LETTERS, images, labels, names, signers, is_test, "signer")


@pytest.fixture(scope="session")
def parts(samples) -> Split:
    return split(samples)


def shell(
    *arguments: str, home: Path, module: str | None = "asl", **environment: str
) -> subprocess.CompletedProcess:
    """`python -m asl …` as a person calls it, with all it writes below `home`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ASL_")}
    return subprocess.run(
        [sys.executable, *(("-m", module) if module else ()), *map(str, arguments)],
        cwd=REPOSITORY,
        env={**clean, "ASL_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.fixture
def figures():
    """No warning while figures are drawn, and none of them left."""
    import matplotlib.pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # matplotlib 3.10 asks pyparsing by names that are going out of use
        warnings.filterwarnings("ignore", ".* deprecated(,| -) use '")
        yield
    plt.close("all")


def drawn(figure):
    """A figure, drawn: no wider than a page, and with no type below 8 points."""
    from asl import plots

    figure.canvas.draw()
    assert figure.get_size_inches()[0] <= plots.WIDTH
    texts = [text for axes in figure.axes for text in (axes.title, *axes.texts) if text.get_text()]
    assert min((text.get_fontsize() for text in texts), default=8) >= 8
    return figure
