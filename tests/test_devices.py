"""Training on several devices: which rows are whose, and what is said where it cannot be. What
needs no JAX; the trainings themselves are in test_devices_run.py.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import BACKEND, REPOSITORY

import asl
from asl.__main__ import main
from asl.models import devices, inputs, processes
from asl.models.devices import Devices
from asl.reader import sources
from asl.training import batches

NAMES = tuple(f"gpu:{number}" for number in range(8))


@pytest.fixture
def use(monkeypatch):
    """Let some devices be used, and a network be trained on them right now."""

    def used(count: int, process: int = 0, processes: int = 1) -> None:
        own = NAMES[: count // processes]
        monkeypatch.setattr(devices._State, "used", Devices(NAMES[:count], own, process, processes))
        monkeypatch.setattr(devices._State, "spread", True)

    return used


# Which rows are whose


def test_without_devices_all_rows_are_read_and_any_batch_will_do():
    assert (devices.count(), devices.is_first(), devices.multiple(7)) == (1, True, 7)
    assert devices.own_rows(7) == slice(0, 7)
    devices.check_batch(7)
    model = asl.build("cnn", (28, 28, 1), 3)
    assert devices.laid_out(model) is model
    assert devices.forward(model, 32) == (model.predict_on_batch, 32)
    with devices.using(), devices.spread():
        assert devices.count() == 1


@pytest.mark.parametrize("count", [1, 2, 4])
def test_processes_read_all_rows_once(use, count):
    rows = []
    for process in range(count):
        use(4, process, count)
        assert devices.is_first() == (process == 0)
        rows += range(64)[devices.own_rows(64)]
    assert rows == [*range(64)]


def test_outside_of_a_training_every_process_reads_all(use, monkeypatch):
    use(4, 1, 2)
    monkeypatch.setattr(devices._State, "spread", False)
    assert devices.own_rows(64) == slice(0, 64)


def test_a_batch_that_devices_cannot_share(use):
    use(6)
    devices.check_batch(66)
    assert devices.multiple(64) == 66
    with pytest.raises(
        asl.AslError, match=r"6 devices cannot share a batch of 64 .*size 66, or .*4\."
    ):
        devices.check_batch(64)
    with pytest.raises(asl.AslError, match=r"Choose fewer devices: --devices 4\.$"):
        devices.check_batch(64, can_change=False)


def test_training_refuses_such_a_batch(use, parts):
    use(5)
    with pytest.raises(asl.AslError, match="5 devices cannot share a batch of 32 images"):
        asl.train(asl.build("cnn", (28, 28, 1), 24), parts, epochs=1)


# Batches


@pytest.fixture
def on_jax(monkeypatch):
    monkeypatch.setattr(batches, "BACKEND", "jax")
    monkeypatch.setattr(sources, "BACKEND", "jax")


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (22, 12, 12, 1), np.uint8)


@pytest.mark.parametrize("augmented", [True, False])
def test_shares_of_a_batch_are_the_batch(on_jax, use, images, augmented):
    made = batches.Batches(images, np.eye(22, dtype=np.float32), 8, augmented=augmented)
    use(4)
    whole = made[2]
    assert whole[0].shape == (8, 12, 12, 1)
    shares = []
    for process in range(4):
        use(4, process, 4)
        shares.append(made[2])
    for column, parts in zip(whole, zip(*shares, strict=True), strict=True):
        assert all(len(each) == 2 for each in parts)
        np.testing.assert_array_equal(np.concatenate(parts), column)


def test_the_last_batch_begins_the_epoch_again(on_jax, images):
    made = batches.Batches(images, np.eye(22), 8)
    rows = np.concatenate([made[number][1].argmax(axis=1) for number in range(len(made))])
    assert len(rows) == 24 and sorted(rows[:22]) == [*range(22)]
    np.testing.assert_array_equal(rows[22:], rows[:2])


def test_more_devices_than_images_repeat_them(on_jax, images):
    made = batches.Batches(images[:3], np.eye(3), 8)
    assert np.bincount(made[0][1].argmax(axis=1)).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])


def test_what_fills_a_batch_of_validation_has_no_weight(on_jax, images):
    value = np.random.default_rng(1).random(22)
    made = batches.Batches(images, value[:, None], 8, augmented=False, shuffled=False)
    each = [made[number] for number in range(len(made))]
    assert [len(weights) for *_, weights in each] == [8, 8, 8]
    assert (each[2][2][-2:] == 0).all() and each[2][2].dtype == np.float32
    means = [(targets[:, 0] * weights).mean() for _, targets, weights in each]
    assert np.mean(means) == pytest.approx(value.mean(), rel=1e-6)


def test_with_tensorflow_the_last_batch_is_smaller(monkeypatch, images):
    monkeypatch.setattr(batches, "BACKEND", "tensorflow")
    made = batches.Batches(images, np.eye(22), 8, augmented=False, shuffled=False)
    assert [len(each) for each in made[2]] == [6, 6]
    np.testing.assert_array_equal(made[2][0], images[16:])


def test_part_of_a_batch_is_augmented_as_in_the_whole(images):
    whole = asl.augment(images, [1, 2])
    np.testing.assert_array_equal(asl.augment(images[5:9], [1, 2], first=5, of=22), whole[5:9])
    points = np.random.default_rng(0).random((22, 21, 3), np.float32)
    rows = np.random.default_rng(0).permutation(22)
    for values in (images, points):
        part = inputs.augment_rows(values, rows, slice(4, 6), [3])
        np.testing.assert_array_equal(part, inputs.augment_input(values[rows], [3])[4:6])


@pytest.mark.parametrize("pixels", [False, True])
def test_shares_of_a_batch_of_the_reader_are_the_batch(on_jax, use, pixels):
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (9, sources.KEPT, sources.KEPT, 3), np.uint8)
    points = random.standard_normal((9, 21, 3)).astype(np.float32)
    hands = {"made up": sources.Hands(points, np.arange(9), 1.0, crops)}
    made = sources.Batches(hands, 4, 2, pixels=pixels)
    whole, shares = made[1], []
    for process in range(2):
        use(2, process, 2)
        shares.append(made[1])
    for column, parts in zip(whole, zip(*shares, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), column)


# What is said


@pytest.mark.skipif(BACKEND == "jax", reason="JAX is what it asks for")
@pytest.mark.parametrize("command", ["train", "reader"])
def test_devices_want_jax(command, capsys):
    assert main([command, "--devices", "all"]) == 1
    told = capsys.readouterr().err
    assert "computes with tensorflow. Set the environment variable KERAS_BACKEND=jax" in told
    assert "pip install '.[jax]'" in told


TOGETHER = {
    "no coordinator": (("all", None, 0, 2), "all three"),
    "no number": (("all", "10.0.0.1:1234", None, 2), "all three"),
    "no count": (("all", "10.0.0.1:1234", 0, None), "all three"),
    "a number too high": (("all", "10.0.0.1:1234", 2, 2), "it may be 0 to 1"),
    "no port": (("all", "10.0.0.1", 0, 2), "HOST:PORT"),
    "no host": (("all", ":1234", 0, 2), "HOST:PORT"),
    "a port too high": (("all", "10.0.0.1:65536", 0, 2), "HOST:PORT"),
    "some devices": (("2", "10.0.0.1:1234", 0, 2), "all devices of each"),
    "a number below 0": (("all", "10.0.0.1:1234", -1, 2), "process is -1"),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_processes_that_cannot_be_meant(case, monkeypatch):
    monkeypatch.setattr(devices, "_check_backend", lambda: None)
    given, told = TOGETHER[case]
    with pytest.raises(asl.AslError, match=told), devices.using(*given):
        pass


@pytest.mark.skipif(bool(importlib.util.find_spec("jax")), reason="JAX is installed here")
def test_without_jax_the_extra_is_named(home):
    done = subprocess.run(
        [sys.executable, "-m", "asl", "train", "--devices", "all"],
        cwd=REPOSITORY,
        env={**os.environ, "KERAS_BACKEND": "jax", "ASL_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("asl: Keras wants jax, which is not installed.")
    assert "python -m pip install '.[jax]'" in done.stderr and "Traceback" not in done.stderr


def test_an_address_that_does_not_answer(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setattr(processes, "CONNECT", 0.2)
        with pytest.raises(
            asl.AslError, match=f"nothing answers at {address} .*Process 0 must run"
        ):
            processes._wait_for(address)
        taken.listen()
        processes._wait_for(address)  # which now answers


class Service:
    """What the processes tell each other, as JAX keeps it."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known

    def key_value_set(self, key: str, value: str, allow_overwrite: bool) -> None:
        assert allow_overwrite
        self.known[key] = value

    def key_value_dir_get(self, key: str) -> list[tuple[str, str]]:
        return [*self.known.items()]


class Gone(Service):
    def key_value_set(self, key: str, value: str, allow_overwrite: bool) -> None:
        raise RuntimeError("connection refused")


@pytest.fixture
def watch(monkeypatch):
    """A watch that says so in place of ending this process; time passes ten times as fast."""

    class Ended(Exception):
        pass

    def give_up(reason: str) -> None:
        raise Ended(reason)

    def watched(service: Service) -> str:
        made = processes._Watch(service, 1, 3)
        clock = iter(range(0, 10_000, 10))
        monkeypatch.setattr(processes.time, "monotonic", lambda: next(clock))
        monkeypatch.setattr(processes.time, "sleep", lambda seconds: processes.tell("done"))
        monkeypatch.setattr(processes, "give_up", give_up)
        try:
            made.run()
        except Ended as error:
            return str(error)
        return ""

    yield watched
    processes._Watch.running = None


def test_a_process_says_that_it_is_alive_and_then_that_it_is_done(watch):
    service = Service({})
    assert watch(service) == ""
    assert service.known == {"asl/1": "done"}
    assert processes.several() and not processes.is_first()


def test_a_process_that_ended_ends_the_others(monkeypatch, capsys):
    told, ended = [], []
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    processes.give_up("process 2 of 3 has ended")
    told = capsys.readouterr().err
    assert ended == [1]
    assert told.startswith("asl: process 2 of 3 has ended, and this process cannot go on alone.")
    assert "kept after each whole epoch: start all processes again" in told


def test_a_companion_speaks_for_a_process_that_cannot(tmp_path):
    command = [sys.executable, "-I", "-S", "-c", processes.COMPANION, "the last words"]
    for said, told in ((b"", b"the last words"), (b"dismissed", b"")):
        companion = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        assert companion.communicate(said)[1] == told


@pytest.mark.parametrize("state", ["done", "ended"])
def test_only_who_is_done_waits_for_the_others(state, monkeypatch):
    ended: list[int] = []
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    monkeypatch.setattr(processes._Watch, "running", None)
    processes._leave()  # of one process alone
    watch = processes._Watch(Service({}), 0, 2)
    watch.companion = subprocess.Popen(
        [sys.executable, "-c", processes.COMPANION, ""], stdin=subprocess.PIPE
    )
    processes.tell(state)
    processes._leave()
    assert watch.companion is None and ended == ([] if state == "done" else [1])
    processes._Watch.running = None


@pytest.mark.parametrize(
    ("said", "seconds", "told"),
    [
        ("ended", 0, "process 2 of 3 has ended"),
        ("7", processes.SILENT + 1, "process 2 of 3 has ended"),
        ("7", processes.SILENT - 1, None),
        ("done", 1000, None),
    ],
)
def test_who_is_silent_has_ended(monkeypatch, said, seconds, told):
    reasons: list[str] = []
    monkeypatch.setattr(processes, "give_up", reasons.append)
    watch = processes._Watch(Service({}), 1, 3)
    processes._Watch.running = None
    now = [100.0]
    monkeypatch.setattr(processes.time, "monotonic", lambda: now[0])
    watch._listen([("asl/1", "ended"), ("asl/2", said if said == "done" else "7")])
    now[0] += seconds
    watch._listen([("asl/1", "ended"), ("asl/2", said)])
    assert reasons == ([told] if told else [])


def test_a_coordinator_that_is_gone(monkeypatch):
    reasons: list[str] = []
    watch = processes._Watch(Gone({}), 1, 2)
    processes._Watch.running = None
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(processes.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(processes.time, "sleep", lambda seconds: None)

    def give_up(reason: str) -> None:
        reasons.append(reason)
        watch.said = "done"

    monkeypatch.setattr(processes, "give_up", give_up)
    thread = threading.Thread(target=watch.run)
    thread.start()
    thread.join(10)
    assert reasons == ["process 0 no longer answers"]


def test_one_process_shares_nothing(home):
    processes.check_same("a key")
    with processes.shared_folder(home / "x") as folder, processes.explained():
        assert folder == home / "x"
    with pytest.raises(ValueError, match="as it is"), processes.explained():
        raise ValueError("as it is")


def test_a_folder_travels_whole(home, monkeypatch):
    (home / "run/fine_tune").mkdir(parents=True)
    (home / "run/epoch-001.json").write_text("{}")
    (home / "run/fine_tune/epoch-001.keras").write_bytes(bytes(range(256)))
    packed = processes._packed(home / "run")
    monkeypatch.setattr(processes, "_from_first", lambda content: packed)
    monkeypatch.setattr(processes, "several", lambda: True)
    monkeypatch.setattr(processes, "is_first", lambda: False)
    with processes.shared_folder(home / "elsewhere") as copy:
        found = {file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()}
        assert found == {"epoch-001.json", "fine_tune/epoch-001.keras"}
        assert (copy / "fine_tune/epoch-001.keras").read_bytes() == bytes(range(256))
    assert not copy.exists() and not (home / "elsewhere").exists()
    monkeypatch.setattr(processes, "_from_first", lambda content: processes._packed(home / "none"))
    with processes.shared_folder(home / "elsewhere") as copy:
        assert not copy.exists()  # there was none
