"""A network on data sets that it was not trained on: by hand, on drawn hands."""

import numpy as np
import pytest
from PIL import Image

from asl import AslError, build, datasets, elsewhere, hands, matrix, predict, trained
from asl.evaluation import group_interval


@pytest.fixture
def model(home, parts):
    about = {**datasets.about(parts, "cnn"), "seed": 0}
    trained.save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", about)
    return trained.load_model("tiny-cnn")


@pytest.fixture
def others(home):
    """A folder of pictures: two letters that the network knows, and a class that it does not."""
    for name, sign in (("b", "B"), ("I", "I"), ("pinky", "I")):
        folder = home / "others" / name
        folder.mkdir(parents=True)
        for seed in range(5):
            image = hands.draw_hand(sign, signer=seed, seed=seed, size=40)
            Image.fromarray(image).save(folder / f"{seed}.png")
    return f"folder:{home / 'others'}"


def test_classes_are_matched_by_name():
    assert elsewhere.shared_classes(("A", "B", "del"), ("b", "X", "DEL")) == {0: 1, 2: 2}
    with pytest.raises(AslError, match="no class is shared"):
        elsewhere.shared_classes(("A", "B"), ("0", "1"))


def test_only_shared_classes_are_read_and_kinds_to_choose_from(model, others):
    network, about = model
    reading = elsewhere.read_elsewhere(network, about, others)
    assert reading.scored == ("B", "I")
    assert reading.class_names == hands.LETTERS
    assert reading.not_scored == ("pinky",)
    expected = [hands.LETTERS.index("B")] * 5 + [hands.LETTERS.index("I")] * 5
    assert sorted(reading.labels.tolist()) == expected
    np.testing.assert_allclose(
        reading.probabilities, predict(network, reading.samples.images), rtol=1e-5
    )
    assert len(elsewhere.read_elsewhere(network, about, others, limit=4).labels) == 4
    # Had it called half of its classes digits and words, these would not be to choose from
    names = [f"{k}" if k < 10 else f"word {k}" for k in range(24)]
    names[5], names[9] = "B", "I"
    reading = elsewhere.read_elsewhere(network, {**about, "class_names": names}, others)
    assert reading.class_names == reading.scored == ("B", "I")
    chosen = predict(network, reading.samples.images)[:, [5, 9]].argmax(axis=1)
    np.testing.assert_array_equal(reading.probabilities.argmax(axis=1), chosen)


def test_one_shared_class_is_read_among_all(model, home):
    for name in ("B", "thumb"):
        folder = home / "one" / name
        folder.mkdir(parents=True)
        for seed in range(4):
            Image.fromarray(hands.draw_hand("B", seed=seed, size=40)).save(folder / f"{seed}.png")
    reading = elsewhere.read_elsewhere(*model, f"folder:{home / 'one'}")
    assert reading.scored == ("B",)
    assert reading.class_names == hands.LETTERS
    assert reading.labels.tolist() == [hands.LETTERS.index("B")] * 4


def test_a_matrix_by_hand(model, others):
    table = matrix(["tiny-cnn"], ["tiny", "sample", "student_digits", others])
    assert table["kind"].tolist() == ["test split", "overlap", "no shared class", "elsewhere"]
    assert table["accuracy"].isna().tolist() == [False, True, True, False]
    reading = elsewhere.read_elsewhere(*model, others)
    row = table.iloc[3]
    assert (row["correct"], row["images"]) == (reading.right.sum(), 10)
    recalls = [reading.right[reading.labels == k].mean() for k in set(reading.labels.tolist())]
    assert row["recall"] == pytest.approx(np.mean(recalls))
    interval = group_interval(reading.right, reading.samples.groups)
    assert (row["low"], row["high"]) == pytest.approx(interval)
    assert table.iloc[0]["images"] == 96


def test_a_network_of_several_sets_is_not_read_what_it_was_trained_on(model, others):
    network, about = model
    about = {**about, "dataset": "tiny+alphabet", "datasets": ["tiny", "alphabet"]}
    assert len(elsewhere.read_elsewhere(network, about, "tiny").labels) == 96  # has a test part
    with pytest.raises(AslError, match="all of it: it says nothing"):
        elsewhere.read_elsewhere(network, {**about, "datasets": ["tiny", others]}, others)
    assert elsewhere.overlap(about, "abc") == "alphabet"
    assert elsewhere.overlap(about, "signers") is None
