"""Training on several devices, for real: virtual ones of this processor, in one process and in two
that meet over the loopback address. Needs JAX (make test-jax); each run is a process of its own.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed: make test-jax"
)
CHILD = REPOSITORY / "tests/devices_child.py"
EPOCHS = 3
TOLERANCE = 1e-4  # relative


def start(home: Path, *arguments: object, devices: int = 1) -> subprocess.Popen:
    """A process that trains, on so many virtual devices, and writes below `home`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ASL_")}
    return subprocess.Popen(
        [sys.executable, str(CHILD), *map(str, arguments)],
        env={
            **clean,
            "ASL_HOME": str(home),
            "KERAS_BACKEND": "jax",
            "JAX_ENABLE_X64": "1",
            "PYTHONPATH": str(REPOSITORY),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen, seconds: float = 500) -> str:
    """What a process printed that ended well."""
    out, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors[-3000:]
    return out


def free_address() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def pair(home: Path, what: str, epochs: int = EPOCHS) -> list[subprocess.Popen]:
    """Two processes of two devices each, which train together and share a folder."""
    address = free_address()
    return [
        start(home, home / "pair.json", what, epochs, "all", address, number, 2, devices=2)
        for number in range(2)
    ]


def losses(file: Path) -> dict[str, list[float]]:
    known = json.loads(file.read_text())
    return {name: values for name, values in known.items() if "loss" in name}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The losses of a training without devices, by what is trained."""
    found = {}

    def train(what: str) -> dict[str, list[float]]:
        if what not in found:
            home = tmp_path_factory.mktemp(f"alone-{what}")
            finished(start(home, home / "one.json", what, EPOCHS))
            found[what] = losses(home / "one.json")
        return found[what]

    return train


def check_equal(one: dict[str, list[float]], other: dict[str, list[float]], epochs: int) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert len(values) == epochs and min(values) > 0
        np.testing.assert_allclose(other[name], values, rtol=TOLERANCE)


@pytest.mark.parametrize("what", ["cnn", "mobilenetv2", "reader"])
def test_four_devices_learn_as_one(what, alone, home):
    out = finished(start(home, home / "four.json", what, EPOCHS, "all", devices=4))
    assert "training on 4 devices: cpu:0, cpu:1, cpu:2, cpu:3" in out
    phases = 1 if what == "cnn" else 2
    check_equal(alone(what), losses(home / "four.json"), phases * EPOCHS)


@pytest.mark.parametrize("what", ["cnn", "mobilenetv2", "reader"])
def test_two_processes_learn_as_one_and_one_of_them_writes(what, alone, home):
    first, second = pair(home, what)
    out, quiet = finished(first), finished(second)
    assert "training on 4 devices of 2 processes" in out
    assert out.count("epoch ") >= EPOCHS and "epoch " not in quiet
    phases = 1 if what == "cnn" else 2
    check_equal(alone(what), losses(home / "pair.json"), phases * EPOCHS)
    kept = {file.name for file in home.rglob("*.keras")}
    expected = {"joints.keras", "pixels.keras"} if what == "reader" else {f"tiny-{what}.keras"}
    assert kept == expected


@pytest.mark.parametrize("killed", [0, 1])
def test_where_one_is_killed_the_other_ends_and_both_go_on(killed, alone, home):
    processes = pair(home, "cnn", epochs=400)
    progress = home / "model/tiny-cnn.training"
    end = time.monotonic() + 400
    while not list(progress.glob("epoch-*.json")) and time.monotonic() < end:
        assert all(each.poll() is None for each in processes)
        time.sleep(0.05)
    processes[killed].send_signal(signal.SIGKILL)
    began = time.monotonic()
    _, errors = processes[1 - killed].communicate(timeout=60)
    assert time.monotonic() - began < 60
    assert processes[1 - killed].returncode != 0
    told = [line for line in errors.splitlines() if line.startswith("asl: ")]
    assert len(told) == 1 and "go on from there" in told[0], errors[-2000:]
    assert errors.rstrip().endswith(told[0])  # below what JAX has to say
    processes[killed].communicate()
    done = max(int(file.stem[-3:]) for file in progress.glob("epoch-*.json"))
    again = pair(home, "cnn", epochs=400)
    told = []
    for line in again[0].stdout:
        told += [line] if line.startswith(("going on", "epoch", "asl")) else []
        if len(told) == 2:
            break
    for each in again:
        each.kill()
        each.communicate()
    assert told[0].startswith(f"going on after epoch {done} of 400")
    assert told[1].startswith(f"epoch {done + 1:3d}/400")
