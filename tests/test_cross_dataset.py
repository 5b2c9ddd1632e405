"""Cross-dataset evaluation: by hand, on rendered hands."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from PIL import Image

import asl
from asl import AslError, accuracy_interval, build, predict
from asl.checkpoints import load_model, save_model
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand
from asl.evaluation.cross_dataset import (
    CROSS_DATASET,
    NOTHING_SHARED,
    OVERLAP,
    TEST,
    TRAINED,
    cross_dataset_matrix,
    overlap,
    predict_dataset,
    relation,
    shared_classes,
)
from asl.models.metadata import Metadata

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run


def metadata_of(parts):
    basis = {"dataset": "tiny", "model": "cnn", "class_names": LETTERS, "seed": 0}
    return Metadata(**basis, split=parts.recipe)


@pytest.fixture
def model(home):
    """An untrained network, saved as trained on the data set `tiny`."""
    metadata = metadata_of(asl.split(asl.load("tiny")))
    save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata)
    return load_model("tiny-cnn")


@pytest.fixture
def others(home):
    """A folder of pictures: two letters that the network knows, and a class that it does not."""
    for name, sign in (("b", "B"), ("I", "I"), ("pinky", "I")):
        folder = home / "others" / name
        folder.mkdir(parents=True)
        for seed in range(5):
            image = draw_hand(sign, signer=seed, seed=seed, size=40)
            Image.fromarray(image).save(folder / f"{seed}.png")
    return f"folder:{home / 'others'}"


def test_classes_are_matched_by_name():
    assert shared_classes(("A", "B", "del"), ("b", "X", "DEL")) == {0: 1, 2: 2}
    with pytest.raises(AslError, match="no class is shared"):
        shared_classes(("A", "B"), ("0", "1"))


def test_only_shared_classes_are_scored_and_kinds_to_choose_from(model, others):
    network, metadata = model
    found = predict_dataset(network, metadata, others)
    assert found.scored == ("B", "I")
    assert found.class_names == LETTERS
    assert found.not_scored == ("pinky",)
    expected = [LETTERS.index("B")] * 5 + [LETTERS.index("I")] * 5
    assert sorted(found.labels.tolist()) == expected
    np.testing.assert_allclose(
        found.probabilities, predict(network, found.samples.images), rtol=1e-5
    )
    assert len(predict_dataset(network, metadata, others, limit=4).labels) == 4
    # Had it called half of its classes digits and words, these would not be to choose from
    names = [f"{k}" if k < 10 else f"word {k}" for k in range(24)]
    names[5], names[9] = "B", "I"
    found = predict_dataset(network, replace(metadata, class_names=tuple(names)), others)
    assert found.class_names == found.scored == ("B", "I")
    chosen = predict(network, found.samples.images)[:, [5, 9]].argmax(axis=1)
    np.testing.assert_array_equal(found.probabilities.argmax(axis=1), chosen)


def test_one_shared_class_is_predicted_among_all(model, home):
    for name in ("B", "thumb"):
        folder = home / "one" / name
        folder.mkdir(parents=True)
        for seed in range(4):
            Image.fromarray(draw_hand("B", seed=seed, size=40)).save(folder / f"{seed}.png")
    found = predict_dataset(*model, f"folder:{home / 'one'}")
    assert found.scored == ("B",)
    assert found.class_names == LETTERS
    assert found.labels.tolist() == [LETTERS.index("B")] * 4


def test_a_matrix_by_hand(model, others):
    before = date.today().isoformat()
    table = cross_dataset_matrix(["tiny-cnn"], ["tiny", "sample", "student_digits", others])
    assert table["kind"].tolist() == [TEST, OVERLAP, NOTHING_SHARED, CROSS_DATASET]
    assert table["accuracy"].isna().tolist() == [False, True, True, False]
    found = predict_dataset(*model, others)
    row = table.iloc[3]
    assert (row["correct"], row["images"]) == (found.correct.sum(), 10)
    recalls = [found.correct[found.labels == k].mean() for k in set(found.labels.tolist())]
    assert row["recall"] == pytest.approx(np.mean(recalls))
    interval = accuracy_interval(found.correct, found.samples.groups)
    assert (row["low"], row["high"]) == pytest.approx(interval)
    assert table.iloc[0]["images"] == 96
    assert set(table["measured"]) <= {before, date.today().isoformat()}


def test_a_network_of_several_sets_is_not_tested_on_what_it_was_trained_on(model, others):
    network, metadata = model
    metadata = replace(metadata, dataset="tiny+alphabet", datasets=("tiny", "alphabet"))
    assert len(predict_dataset(network, metadata, "tiny").labels) == 96  # has a test part
    with pytest.raises(AslError, match="all of it: it says nothing"):
        predict_dataset(network, replace(metadata, datasets=("tiny", others)), others)
    assert overlap(metadata, "abc") == "alphabet"
    assert overlap(metadata, "signers") is None


def test_what_a_data_set_is_to_a_network(model, others):
    _, metadata = model
    several = replace(metadata, datasets=("tiny", "alphabet", others))
    expected = {
        "tiny": (TEST, TEST),  # a publisher's own test was not trained on
        "sample": (OVERLAP, OVERLAP),
        "abc": (CROSS_DATASET, OVERLAP),
        "alphabet": (CROSS_DATASET, TRAINED),
        "digits": (NOTHING_SHARED, NOTHING_SHARED),
        others: (CROSS_DATASET, TRAINED),
    }
    for name, kinds in expected.items():
        assert (relation(metadata, name), relation(several, name)) == kinds, name


@pytest.mark.parametrize("asked", [{"test_group": 2}, {"validation_split": 0.2}, {"by": "row"}])
def test_the_test_split_is_the_one_of_the_training(asked, home):
    """Whatever the split was: replayed, not made anew."""
    parts = asl.split(asl.load("tiny"), **asked)
    save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata_of(parts))
    found = predict_dataset(*load_model("tiny-cnn"), "tiny")
    np.testing.assert_array_equal(found.samples.names, parts.test.names)
    assert not set(found.samples.names) & {*parts.train.names, *parts.validation.names}
    assert len(found.samples.groups) == len(parts.test)
    unit = "duplicate group" if "by" in asked else "signer"
    assert found.samples.group_unit == unit  # what was looked for in the test, or is known


def test_one_group_has_no_interval(home):
    parts = asl.split(asl.load("tiny"), test_group=2)
    save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata_of(parts))
    (row,) = cross_dataset_matrix(["tiny-cnn"], ["tiny"]).to_dict("records")
    assert (row["images"], row["groups"]) == (48, 1)
    assert np.isnan(row["low"]) and np.isnan(row["high"])
