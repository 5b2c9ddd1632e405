"""Notebooks 04 to 08 with `joints`, whose hands are known and not looked for."""

import matplotlib.pyplot as plt
import nbformat
import numpy as np
from conftest import REPOSITORY

import asl
from asl import config
from asl.data.rendered_hands import hand_points
from asl.landmarks import joints
from asl.landmarks.hands import Hand
from asl.models import inputs
from asl.reader import read
from asl.results import read_results


def test_they_run_with_joints(home, monkeypatch):
    """One after the other; in the pictures of 08 no hands are found."""
    tiny = asl.load("tiny")
    letters = [tiny.class_names[label] for label in tiny.labels]
    points = 28 * hand_points(letters, signers=np.arange(len(tiny)), seed=1)
    known = {image.tobytes(): each for image, each in zip(tiny.images, points, strict=True)}
    for part in (True, False):  # one without a hand in the test, one elsewhere
        del known[tiny.images[tiny.is_test == part][0].tobytes()]

    def find_in_each(images):
        for image in images:
            found = known.get(image.tobytes())
            hand = Hand(np.zeros(4), found, 0.9, 0.95) if found is not None else None
            yield [hand] if hand else []

    monkeypatch.setattr(joints, "find_in_each", find_in_each)
    monkeypatch.setattr(inputs, "find_hands", lambda picture: [])
    monkeypatch.setattr(read, "find_network", lambda: read._network(read.WHOLE))
    monkeypatch.setattr(config, "DATASET", "tiny")
    monkeypatch.setattr(config, "MODEL", "joints")
    monkeypatch.setattr(config, "WEIGHTS", None)
    monkeypatch.setattr(config, "EPOCHS", 2)
    for number in range(4, 9):
        (file,) = (REPOSITORY / "notebooks").glob(f"{number:02}_*.ipynb")
        names = {"display": print}
        for cell in nbformat.read(file, as_version=4).cells:
            if cell.cell_type == "code":
                exec(cell.source, names)
        plt.close("all")
    results = read_results()
    assert len(results) == 96 and (results["predicted"] == "").sum() == 1
    assert len(names["asked"].ours) == 4 and not names["asked"].ours.any()
