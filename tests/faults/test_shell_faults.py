"""The shell, whatever it is given and wherever it writes: one line, and nothing is lost."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

import asl
from asl import AslError, build, files
from asl.__main__ import main
from asl.checkpoints import save_model
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand
from asl.errors import LIMITS, whole
from asl.models.metadata import Metadata

# Wrong values

NUMBERS = ["-1", "1e9", "9" * 20, "3.5", "nan", "inf", "ten", "", " ", "0x10", "1,000", "--5"]
OPTIONS = {
    "train": ["--epochs", "--batch-size", "--seed", "--fine-tune"],
    "run": ["--epochs", "--fine-tune"],
    "compare": ["--epochs", "--seed", "--fine-tune"],
    "reader": ["--steps", "--seed"],
}


@pytest.mark.fault("values")
@pytest.mark.parametrize("value", NUMBERS)
@pytest.mark.parametrize(
    ("command", "option"), [(name, each) for name in OPTIONS for each in OPTIONS[name]]
)
def test_numbers_on_the_command_line(command, option, value, home, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, f"{option}={value}"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    low, high = LIMITS[option.strip("-").replace("-", "_")]
    assert option in told and f"a whole number from {low:,} to {high:,}" in told
    assert not list(home.iterdir())


@pytest.mark.fault("values")
@pytest.mark.parametrize(
    "value", [-1, 10**9 + 0.5, 3.5, float("nan"), "ten", [3], None, True, b"3"]
)
@pytest.mark.parametrize("name", LIMITS)
def test_numbers_in_a_notebook(name, value):
    with pytest.raises(AslError, match=rf"{name} is .*; it must be a whole number from"):
        whole(name, value)


@pytest.mark.parametrize("value", [3, 3.0, "3", " 3 ", np.int64(3), np.float32(3)])
def test_whole_numbers_however_they_are_written(value):
    assert whole("epochs", value) == 3


@pytest.fixture(scope="module")
def network():
    return build("cnn", (28, 28, 1), 24)


CALLS = {
    "epochs=0": lambda parts, model: asl.train(model, parts, epochs=-3),
    "epochs text": lambda parts, model: asl.train(model, parts, epochs="many"),
    "batch_size": lambda parts, model: asl.train(model, parts, batch_size=2.5),
    "train seed": lambda parts, model: asl.train(model, parts, seed=-1, epochs=1),
    "fine_tune": lambda parts, model: asl.train(model, parts, fine_tune=-1),
    "unknown option": lambda parts, model: asl.train(model, parts, ephocs=3),
    "split seed": lambda parts, _: asl.split(parts.train, seed=-1),
    "split seed text": lambda parts, _: asl.split(parts.train, seed="zero"),
    "split share 0": lambda parts, _: asl.split(parts.train, 0),
    "split share 2": lambda parts, _: asl.split(parts.train, 2),
    "split share text": lambda parts, _: asl.split(parts.train, "a tenth"),
    "split share nan": lambda parts, _: asl.split(parts.train, float("nan")),
    "split by": lambda parts, _: asl.split(parts.train, by="colour"),
    "split group": lambda parts, _: asl.split(parts.train, test_group=99),
    "load number": lambda *_: asl.load(5),
    "load nothing": lambda *_: asl.load(""),
    "load None": lambda *_: asl.load(None),
    "load size 0": lambda *_: asl.load("abc", 0),
    "load size text": lambda *_: asl.load("abc", "large"),
    "load shape": lambda *_: asl.load("abc", image_shape=(28, 28)),
    "load channels": lambda *_: asl.load("abc", image_shape=(28, 28, 4)),
    "load shape 0": lambda *_: asl.load("abc", image_shape=(0, 28, 1)),
    "build name": lambda *_: build("resnet", (28, 28, 1), 3),
    "build number": lambda *_: build(5, (28, 28, 1), 3),
    "build seed": lambda *_: build("cnn", (28, 28, 1), 3, seed=2**40),
    "build size": lambda *_: build("mobilenetv2", (28, 28, 1), 3, weights=None, size=-5),
    "checkpoint": lambda *_: asl.load_model("nobody-cnn"),
    "empty checkpoint": lambda *_: asl.load_model(""),
}


@pytest.mark.fault("values")
@pytest.mark.parametrize("call", CALLS)
def test_wrong_values_are_refused_and_not_blamed_on_the_data(call, parts, network, home):
    with pytest.raises(AslError) as raised:
        CALLS[call](parts, network)
    assert not re.search("damaged|cannot be read|decoded", str(raised.value))
    assert not (home / "model").exists()


@pytest.mark.fault("values")
@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ASL_EPOCHS": "ten"}, "epochs is 'ten'"),
        ({"ASL_EPOCHS": "-3"}, "epochs is '-3'"),
        ({"ASL_EPOCHS": "1e9"}, "epochs is '1e9'"),
        ({"ASL_FINE_TUNE": "some"}, "fine_tune is 'some'"),
        ({"ASL_FINE_TUNE": "-1"}, "fine_tune is '-1'"),
        ({"ASL_DATASET": "lettres"}, "there is no data set 'lettres'"),
        ({"ASL_MODEL": "cnm"}, "there is no model 'cnm'"),
        ({"ASL_WEIGHTS": "nowhere.h5", "ASL_MODEL": "mobilenetv2"}, "nowhere.h5 does not exist"),
    ],
    ids=str,
)
def test_variables_of_the_environment(variables, told, parts, home, monkeypatch):
    """They mean what `asl.config` says, and are refused by whoever uses them first."""
    for name in ("DATASET", "MODEL", "EPOCHS", "FINE_TUNE", "WEIGHTS"):
        monkeypatch.delenv(f"ASL_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    source = (REPOSITORY / "asl/config.py").read_text()
    config: dict = {}
    exec(source, config)
    with pytest.raises(AslError, match=re.escape(told)):
        asl.find_dataset(config["DATASET"])
        asl.train_split(
            parts,
            config["MODEL"],
            weights=config["WEIGHTS"],
            epochs=config["EPOCHS"],
            fine_tune=config["FINE_TUNE"],
        )


# Outputs that would destroy something


@pytest.fixture
def model(home, parts):
    known = Metadata(dataset="tiny", model="cnn", class_names=LETTERS, seed=0, split=parts.recipe)
    return save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", known)


@pytest.fixture
def picture(home):
    (home / "photos").mkdir()
    file = home / "photos/hand.png"
    Image.fromarray(draw_hand("B", signer=3, seed=1, size=64)).save(file)
    return file


def link(home, picture):
    (home / "link.csv").symlink_to(home / "elsewhere.csv")
    (home / "elsewhere.csv").write_text("precious")
    return home / "link.csv"


def hard_link(home, picture):
    os.link(picture, home / "hard.csv")
    return home / "hard.csv"


def made(path):
    path.mkdir()
    return path


def pipe(home, picture):
    os.mkfifo(home / "pipe")
    return home / "pipe"


OUTPUTS = {
    "an input picture": lambda home, picture: picture,
    "an input by another path": lambda home, picture: home / "photos/../photos/hand.png",
    "an input by a hard link": hard_link,
    "the model": lambda home, picture: files.MODEL / "tiny-cnn.keras",
    "its metadata": lambda home, picture: files.MODEL / "tiny-cnn.json",
    "a device": lambda home, picture: Path("/dev/null"),
    "a full device": lambda home, picture: Path("/dev/full"),
    "a link": link,
    "a link that leads nowhere": lambda home, picture: _dangling(home),
    "a folder": lambda home, picture: made(home / "folder"),
    "the folder of the pictures": lambda home, picture: home / "photos",
    "a pipe": pipe,
    "below a file": lambda home, picture: picture / "results.csv",
    "a name that is too long": lambda home, picture: home / ("x" * 300 + ".csv"),
}


def _dangling(home):
    (home / "dangling.csv").symlink_to(home / "nowhere.csv")
    return home / "dangling.csv"


def state(home):
    return {
        str(file): file.read_bytes()
        for file in sorted(home.rglob("*"))
        if stat.S_ISREG(file.lstat().st_mode) and file.suffix != ".lock"
    }


@pytest.mark.fault("outputs")
@pytest.mark.parametrize("given", ["picture", "folder"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_is_a_file_of_its_own(output, given, model, picture, home, capsys):
    path = OUTPUTS[output](home, picture)
    before, kind = state(home), os.stat("/dev/null").st_mode
    inputs = str(picture if given == "picture" else picture.parent)
    assert main(["predict", "--model", "tiny-cnn", "--output", str(path), inputs]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("asl: ") and told.err.count("\n") == 1
    assert told.out == ""  # refused before anything is read
    assert state(home) == before
    assert os.stat("/dev/null").st_mode == kind


@pytest.mark.fault("outputs")
@pytest.mark.parametrize("given", ["picture", "folder"])
@pytest.mark.parametrize("output", sorted({*OUTPUTS} - {"the model", "its metadata"}))
def test_details_are_a_file_of_their_own(output, given, picture, home, capsys):
    path = OUTPUTS[output](home, picture)
    before = state(home)
    inputs = str(picture if given == "picture" else picture.parent)
    assert main(["predict", "--details", str(path), inputs]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("asl: ") and told.err.count("\n") == 1
    assert told.out == ""
    assert state(home) == before


FOLDERS = {
    **{name: OUTPUTS[name] for name in ("an input picture", "a device", "a pipe", "a link")},
    "the folder of the pictures": OUTPUTS["the folder of the pictures"],
    "the folder of the models": lambda home, picture: files.MODEL,
    "below a file": lambda home, picture: picture / "drawn",
    "a link that leads nowhere": OUTPUTS["a link that leads nowhere"],
    "a name that is too long": lambda home, picture: home / ("x" * 300),
}


@pytest.mark.fault("outputs")
@pytest.mark.parametrize("folder", FOLDERS)
def test_drawings_have_a_folder_of_their_own(folder, model, picture, home, capsys):
    path = FOLDERS[folder](home, picture)
    before = state(home)
    assert main(["predict", "--draw", str(path), str(picture)]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("asl: ") and told.err.count("\n") == 1
    assert told.out == ""
    assert state(home) == before


def test_an_output_to_standard_output_is_the_table(model, picture, capsys):
    assert main(["predict", "--model", "tiny-cnn", "--output", "-", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "image,actual,predicted,confidence,second,second_confidence"
    assert len(lines) == 2


@pytest.mark.fault("outputs")
@pytest.mark.parametrize("kind", ["link", "folder"])
@pytest.mark.parametrize(
    "write",
    [
        lambda path: asl.write_results(asl.results_table([], np.zeros((0, 3)), "ABC"), path),
        lambda path: save_model(
            build("cnn", (28, 28, 1), 24), path.stem, Metadata("tiny", "cnn", LETTERS, 0)
        ),
    ],
    ids=["results", "checkpoint"],
)
def test_whatever_writes_leaves_what_is_no_file(write, kind, home):
    files.MODEL.mkdir()
    path = files.MODEL / "tiny-cnn.keras"
    if kind == "link":
        (home / "precious").write_text("precious")
        path.symlink_to(home / "precious")
    else:
        path.mkdir()
    with pytest.raises(AslError, match=f"it is a {kind}"):
        write(path)
    assert path.is_symlink() or path.is_dir()
    assert kind == "folder" or (home / "precious").read_text() == "precious"


# Terminals, places that cannot be written to, interruptions


def run(*arguments, home, stdout=subprocess.PIPE, closed="", **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ASL_")}
    command = [sys.executable, "-m", "asl", *map(str, arguments)]
    if closed:
        command = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *command]
    return subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**clean, "ASL_HOME": str(home), **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=100,
    )


@pytest.mark.fault("terminals")
@pytest.mark.parametrize(
    "encoding", ["ascii", "latin-1", "cp437", "utf-8", "utf-16", "ascii:strict"]
)
@pytest.mark.parametrize("command", [["datasets"], ["models"], ["train", "--help"], ["lettres"]])
def test_terminals_of_any_encoding(command, encoding, home):
    done = run(*command, home=home, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == (2 if command == ["lettres"] else 0), done.stderr
    assert b"Traceback" not in done.stderr
    if encoding == "ascii" and command == ["datasets"]:
        assert b"28x28" in done.stdout


@pytest.mark.fault("terminals")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed, home):
    done = run("datasets", home=home, closed=closed)
    assert done.returncode == 0
    assert done.stderr == b""


@pytest.mark.fault("terminals")
def test_a_full_standard_output(home):
    with open("/dev/full", "wb") as full:
        done = run("datasets", home=home, stdout=full)
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "No space left" in done.stderr.decode()


@pytest.mark.fault("terminals")
@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_goes_away(lines, home):
    command = f"{sys.executable} -m asl datasets | head -n {lines}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=REPOSITORY, capture_output=True
    )
    assert done.returncode in (0, 141)
    assert done.stderr == b""


@pytest.mark.fault("terminals")
@pytest.mark.parametrize("home_is", ["a file", "below a file", "a link that leads nowhere"])
@pytest.mark.parametrize("command", [["train", "--dataset", "tiny"], ["run", "--dataset", "tiny"]])
def test_a_home_that_cannot_be_written_to(command, home_is, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("here already")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    place = {"a file": "file", "below a file": "file/home"}.get(home_is, "loop/home")
    for name in ("HOME", "DATA", "MODEL", "RUNS"):
        folder = "" if name == "HOME" else name.lower()
        monkeypatch.setattr(files, name, tmp_path / place / folder)
    monkeypatch.setenv("ASL_HOME", str(tmp_path / place))  # for the kernels of notebooks
    assert main(command) == 1
    told = capsys.readouterr().err
    assert told.startswith("asl: ") and "cannot write" in told
    assert "Traceback" not in told
    assert (tmp_path / "file").read_text() == "here already"


@pytest.mark.fault("interruptions")
@pytest.mark.parametrize("shown", [False, True])
def test_an_error_that_nobody_foresaw(shown, home, capsys, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("nobody\nforesaw this")

    monkeypatch.setattr(asl, "find_dataset", broken)
    assert main(["train", *(["--traceback"] if shown else [])]) == 1
    told = capsys.readouterr().err
    assert "nobody foresaw (ZeroDivisionError: nobody)" in told
    assert "report it" in told
    if shown:
        assert "Traceback" in told and not files.RUNS.exists()
    else:
        assert told.count("\n") == 1
        (file,) = (files.RUNS / "errors").iterdir()
        assert str(file) in told and "Traceback" in file.read_text()


NOTEBOOK = "import os, signal, time\nprint('here', flush=True)\n{}"
RUN = """
import signal
import sys
from pathlib import Path
from asl import files, notebooks
from asl.__main__ import main
from asl.shell import commands

# Who runs tests in the background of a shell has Ctrl-C ignored by all that they start
signal.signal(signal.SIGINT, signal.default_int_handler)
files.NOTEBOOKS = Path({folder!r})
commands._check = lambda *_: None
sys.exit(main(["run", "--dataset", "tiny"]))
"""


def series(tmp_path, source):
    """The command `run` with one notebook of one cell, as a process that has begun the cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK.format(source))])
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks/01_wait.ipynb")
    return subprocess.Popen(
        [sys.executable, "-c", RUN.format(folder=str(tmp_path / "notebooks"))],
        cwd=REPOSITORY,
        env={**os.environ, "ASL_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.fault("interruptions")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stubborn", [False, True])
def test_an_interrupted_run_ends_in_a_line_and_leaves_nothing_running(number, stubborn, tmp_path):
    began = tmp_path / "began"
    source = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n" if stubborn else ""
    source += f"open({str(began)!r}, 'w').write(str(os.getpid()))\ntime.sleep(100)"
    process = series(tmp_path, source)
    while not (began.exists() and began.read_text()):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert told.count("\n") == 1
    assert told.startswith("asl: interrupted: 01_wait.ipynb, code cell 1.")
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)


@pytest.mark.fault("interruptions")
def test_a_kernel_that_is_killed(tmp_path):
    process = series(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "01_wait.ipynb, code cell 1: its kernel was ended" in told
    assert "memory" in told and "Traceback" not in told
    assert (tmp_path / "home/runs/tiny-cnn/01_wait.ipynb").exists()
