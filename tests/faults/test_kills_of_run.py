"""kill -9 at random moments of `python -m asl run`: what is there is whole, and so is the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from test_kills import KILLS, no_leftovers

from asl.checkpoints import read_metadata

pytestmark = pytest.mark.fault("kills")


def series(home, *numbers):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ASL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "asl", "run", "--dataset", "tiny", "--epochs", "3", *numbers],
        cwd=REPOSITORY,
        env={**clean, "ASL_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def check(home, expected):
    """Whatever is there is whole."""
    for file in (home / "runs").rglob("[0-9]*.ipynb"):
        nbformat.validate(nbformat.read(file, as_version=4))
    if (home / "results.csv").exists():
        assert len(pd.read_csv(home / "results.csv")) == 96
    checkpoint = home / "model/tiny-cnn.keras"
    if checkpoint.exists():
        assert read_metadata(checkpoint).arrays_sha256 == expected
    for file in home.rglob("*.json"):
        if not file.name.startswith("."):
            json.loads(file.read_text())


def test_run(tmp_path, record_property):
    """Notebooks here and there in the series; in the end all of it, with the weights of a run that
    was not killed, and nothing running.
    """
    record_property("cases", KILLS)
    random, whole, home = np.random.default_rng(0), tmp_path / "whole", tmp_path / "killed"
    process = series(whole)
    assert process.wait() == 0, process.stdout.read()
    expected = read_metadata(whole / "model/tiny-cnn.keras").arrays_sha256
    for kill in range(KILLS):
        number = "05" if kill % 2 else f"{random.integers(1, 9):02}"
        process = series(home, number)
        time.sleep(random.uniform(0, 14))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        told = process.stdout.read()
        assert "Traceback" not in told, told
        check(home, expected)
        if kill % 7 == 6 and (home / "model/tiny-cnn.keras").exists():
            for file in (home / "model").glob("tiny-cnn.*"):
                shutil.rmtree(file) if file.is_dir() else file.unlink()
    process = series(home)
    assert process.wait() == 0, process.stdout.read()
    check(home, expected)
    assert (home / "results.csv").read_text() == (whole / "results.csv").read_text()
    no_leftovers(home / "model")
    deadline = time.monotonic() + 30
    while kernels(home) and time.monotonic() < deadline:
        time.sleep(1)  # a kernel notices within seconds that whoever started it is gone
    assert not kernels(home)


def kernels(home) -> list[str]:
    """Processes whose home folder is this one."""
    found = []
    for place in os.listdir("/proc"):
        if place.isdigit():
            try:
                with open(f"/proc/{place}/environ", "rb") as opened:
                    if f"ASL_HOME={home}".encode() in opened.read():
                        found.append(place)
            except OSError:
                continue
    return found
