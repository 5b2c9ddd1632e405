"""kill -9 at random moments: what was there stays, and what is made again is the same.

Each process is forked from one that has imported everything already, so that the moments fall into
the work and not into the imports. `make faults` runs them.
"""

import contextlib
import multiprocessing
import os
import shutil
import signal
import time
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image

import asl
from asl import files
from asl.__main__ import main
from asl.checkpoints import arrays_sha256, load_model, read_metadata
from asl.data import archives, rendered_hands
from asl.data.catalog import DATASETS

KILLS = 50
pytestmark = pytest.mark.fault("kills")


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["asl.training.fit", "asl.data.catalog"])


def child(work, home):
    """What a process of its own does: some work, with `home` as its home folder."""
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model"), ("RUNS", "runs")):
        setattr(files, name, home / place)
    with (
        open(home / "out.txt", "a", buffering=1, encoding="utf-8") as out,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        work()


def took(work, home) -> float:
    process = FORKS.Process(target=child, args=(work, home))
    process.start()
    began = time.perf_counter()
    process.join()
    assert process.exitcode == 0, (home / "out.txt").read_text()[-3000:]
    return time.perf_counter() - began


def kill_at_random(work, home, seconds, random) -> bool:
    """Whether the process was killed before it had ended."""
    process = FORKS.Process(target=child, args=(work, home))
    process.start()
    process.join(random.uniform(0, seconds))
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), (home / "out.txt").read_text()[-3000:]
    return process.exitcode != 0


def no_leftovers(folder):
    left = [file for file in folder.rglob(".*") if file.suffix != ".lock"]
    assert not left, left


def train():
    assert main(["train", "--dataset", "tiny", "--epochs", "4"]) == 0
    model, metadata = load_model("tiny-cnn")
    assert arrays_sha256(model) == metadata.arrays_sha256


@pytest.mark.parametrize("training", range(10))
def test_training(training, tmp_path, record_property):
    """Killed five times, then left alone: the weights are those of a training that was not."""
    record_property("cases", KILLS // 10)
    random = np.random.default_rng(training)
    whole, home = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    home.mkdir()
    seconds = took(train, whole)
    expected = read_metadata(whole / "model/tiny-cnn.keras").arrays_sha256
    killed = 0
    while killed < KILLS // 10:
        killed += kill_at_random(train, home, seconds, random)
        if (home / "model/tiny-cnn.keras").exists():
            assert read_metadata(home / "model/tiny-cnn.keras").arrays_sha256 == expected
            if killed < KILLS // 10 and random.random() < 0.5:  # and anew
                for file in (home / "model").glob("tiny-cnn.*"):
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
    took(train, home)
    assert read_metadata(home / "model/tiny-cnn.keras").arrays_sha256 == expected
    no_leftovers(home / "model")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Sign pictures zipped as the data set `abc` is, some hundred of each class."""
    file = tmp_path_factory.mktemp("archive") / DATASETS["abc"].archives[0]
    hands = {
        letter: rendered_hands.draw_hands([letter] * 20, signers=np.arange(20), seed=1, size=100)
        for letter in "ABC"
    }
    with zipfile.ZipFile(file, "w") as opened:
        for letter, images in hands.items():
            for number in range(1000):
                picture = file.parent / "x.jpg"
                Image.fromarray(images[number % 20]).save(picture, quality=50 + number % 40)
                opened.write(picture, f"{letter}/{letter}{number}.jpg")
    return file


def extract(archive):
    files.DATA.mkdir(exist_ok=True)
    archives.extract(DATASETS["abc"], archive)


def test_extraction(archive, tmp_path, record_property):
    """The folder is whole or not there, and the last one has every file."""
    record_property("cases", KILLS)
    random, work = np.random.default_rng(0), partial(extract, archive)
    (tmp_path / "whole").mkdir()
    seconds = took(work, tmp_path / "whole")
    expected = sorted(
        (file.name, file.stat().st_size) for file in (tmp_path / "whole/data/abc").rglob("*.jpg")
    )
    assert len(expected) == 3000
    home, killed = tmp_path / "killed", 0
    home.mkdir()
    while killed < KILLS:
        killed += kill_at_random(work, home, seconds, random)
        found = [file for file in (home / "data/abc").rglob("*.jpg")]
        assert len(found) in (0, 3000)
        if found:
            os.rename(home / "data/abc", home / f"done-{killed}-{random.integers(10**9)}")
    took(work, home)
    found = sorted((file.name, file.stat().st_size) for file in (home / "data/abc").rglob("*.jpg"))
    assert found == expected
    no_leftovers(home / "data")


def build(source):
    samples = asl.load(f"folder:{source}")
    groups = asl.split(samples).train.groups
    np.savez(files.HOME / "made.npz", images=samples.images, groups=groups)
    np.save(files.HOME / "drawn.npy", asl.load("tiny").images)


def test_caches(archive, tmp_path, record_property):
    """The array of pictures, the groups, the table of a drawn set: whole, and the same."""
    record_property("cases", KILLS)
    random, source = np.random.default_rng(0), tmp_path / "signs"
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if int(name[3:-4]) < 150]
        opened.extractall(source, names)

    work = partial(build, source)
    (tmp_path / "whole").mkdir()
    seconds = took(work, tmp_path / "whole")
    expected = dict(np.load(tmp_path / "whole/made.npz"))
    home, killed = tmp_path / "killed", 0
    home.mkdir()
    while killed < KILLS:
        killed += kill_at_random(work, home, seconds, random)
        if random.random() < 0.3:
            for file in (home / "data/cache").rglob("*"):
                if file.is_file() and random.random() < 0.5:
                    file.unlink()
    took(work, home)
    for name, array in np.load(home / "made.npz").items():
        np.testing.assert_array_equal(array, expected[name])
    drawn = (np.load(place / "drawn.npy") for place in (home, tmp_path / "whole"))
    np.testing.assert_array_equal(*drawn)
    no_leftovers(home / "data")
