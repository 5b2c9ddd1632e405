"""What several tests share: a home folder of their own, and rendered hands."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asl import hands, paths
from asl.datasets import Samples, Split, split

REPOSITORY = Path(__file__).resolve().parent.parent
ARCHIVES = os.environ.get("ASL_ARCHIVES")

needs_archives = pytest.mark.skipif(
    not ARCHIVES, reason="ASL_ARCHIVES names no folder with the real archives"
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home folder, and no archives but those a test puts there."""
    for name, place in (
        ("HOME", "."),
        ("DATA", "data"),
        ("MODEL", "model"),
        ("RUNS", "runs"),
        ("RESULTS", "results.csv"),
    ):
        monkeypatch.setattr(paths, name, tmp_path / place)
    monkeypatch.delenv("ASL_ARCHIVES", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def samples() -> Samples:
    """192 rendered hands, eight of each letter, from four signers; the last one is the test."""
    images, labels, signers = hands.draw_sample(images_per_letter=8, signer_count=4)
    names = np.array([f"tiny/{row:05d}" for row in range(len(labels))])
    is_test = signers == signers.max()
    return Samples("tiny", hands.LETTERS, images, labels, names, signers, is_test)


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
        timeout=300,
    )
