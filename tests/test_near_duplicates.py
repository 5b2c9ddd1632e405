"""Near-duplicates planted among drawn hands, no two of which are alike, and those of real rows."""

import tracemalloc

import numpy as np
import pytest

from asl import AslError, duplicate_groups, label_conflicts, split
from asl.data import near_duplicates, rendered_hands
from asl.data.hand_poses import LETTERS
from asl.data.samples import Samples
from asl.evaluation import corruptions

CORRUPTIONS = [
    ("brightness", 0),  # an exact copy
    ("brightness", 20),  # with more, light hands lose what they show
    ("brightness", -30),
    ("contrast", 0.7),
    ("contrast", 1.3),
    ("noise", 8),
    ("rotation", 4),
    ("scale", 1.06),
    ("shift", 0.03),
]


@pytest.fixture(scope="module")
def drawn():
    """1,200 hands, each drawn once: images, labels."""
    labels = np.tile(np.arange(24), 50)
    names = [LETTERS[label] for label in labels]
    signers = np.arange(1200) // 24
    return rendered_hands.draw_hands(names, signers=signers, seed=4, size=28, colour=False), labels


@pytest.mark.parametrize(("corruption", "severity"), CORRUPTIONS)
def test_planted_near_duplicates_are_found_and_others_are_not(corruption, severity, drawn):
    images, labels = drawn
    rows = np.arange(0, 1200, 6)
    copies = corruptions.apply(images[rows], corruption, severity, seed=1)
    everything = np.concatenate([images, copies])
    of_both = np.concatenate([labels, labels[rows]])
    found = duplicate_groups(everything, of_both)
    assert (found[1200:] == found[rows]).mean() >= 0.99
    same_class = labels[:, None] == labels
    linked = (found[:1200, None] == found[:1200]) & same_class & ~np.eye(1200, dtype=bool)
    assert linked.sum() / (same_class.sum() - 1200) <= 0.001


def test_without_labels_all_pairs_are_compared(drawn):
    images, _ = drawn
    turned = corruptions.apply(images[:40], "rotation", 3)
    found = duplicate_groups(np.concatenate([images[:600], turned]))
    assert (found[600:] == found[:40]).mean() >= 0.95
    assert found[0] == 0
    assert sorted(set(found.tolist())) == list(range(found.max() + 1))
    first = np.unique(found, return_index=True)[1]
    assert (np.diff(first) > 0).all()  # numbered by their first row


def test_colour_pictures_of_any_size_and_the_same_every_time(drawn):
    images, labels = drawn
    pictures = np.repeat(np.repeat(images[:50], 4, axis=1), 4, axis=2).repeat(3, axis=3)
    pictures = np.concatenate([pictures, corruptions.apply(pictures[:10], "noise", 6)])
    labels = np.concatenate([labels[:50], labels[:10]])
    found = duplicate_groups(pictures, labels)
    np.testing.assert_array_equal(found[50:], found[:10])
    np.testing.assert_array_equal(found, duplicate_groups(pictures, labels))


def test_links_lead_on():
    """A film of one slow turn: no frame is like the last one, and yet it is one film."""
    hand = rendered_hands.draw_hand("L", size=28)
    film = np.stack([corruptions._move(hand, turn=np.deg2rad(k)) for k in range(0, 40, 2)])
    assert duplicate_groups(film).tolist() == [0] * 20
    assert duplicate_groups(film[[0, 19]]).tolist() == [0, 1]


def test_few_flat_and_wrong_rows():
    flat = np.full((3, 28, 28, 1), 90, np.uint8)
    assert duplicate_groups(flat).tolist() == [0, 0, 0]  # equal, if nothing else
    assert duplicate_groups(flat[:1]).tolist() == [0]
    assert duplicate_groups(flat[:0]).tolist() == []
    assert duplicate_groups(flat, np.array([0, 1, 0])).tolist() == [0, 1, 0]
    with pytest.raises(AslError, match="3 images but 2 labels"):
        duplicate_groups(flat, np.zeros(2, int))
    with pytest.raises(AslError, match="3 images but 2 labels"):
        label_conflicts(flat, np.zeros(2, int))


def test_near_duplicates_under_two_labels_are_listed(drawn):
    images, labels = drawn
    wrong = np.concatenate([images, corruptions.apply(images[[7, 30]], "brightness", 20)])
    labels = np.concatenate([labels, [labels[7], (labels[30] + 1) % 24]])
    assert label_conflicts(wrong, labels).tolist() == [[30, 1201]]


def test_of_very_many_the_nearest_are_compared_and_give_the_same_groups(drawn, monkeypatch):
    images, labels = drawn
    rows = np.arange(0, 1200, 6)
    copies = [corruptions.apply(images[rows], *each, seed=1) for each in CORRUPTIONS]
    everything = np.concatenate([images, *copies])
    of_all = np.concatenate([labels, *[labels[rows]] * len(copies)])
    exact = duplicate_groups(everything, of_all)
    monkeypatch.setattr(near_duplicates, "EXACT", 100)
    found = duplicate_groups(everything, of_all)
    linked = near_duplicates.count_pairs(exact)
    assert near_duplicates.count_pairs(exact, found) >= 0.99 * linked
    assert near_duplicates.count_pairs(found) <= 1.01 * linked
    without = duplicate_groups(everything)
    assert near_duplicates.count_pairs(exact, without) >= 0.99 * linked


def test_label_conflicts_of_very_many(drawn, monkeypatch):
    images, labels = drawn
    wrong = np.concatenate([images, corruptions.apply(images[[7, 30]], "brightness", 20)])
    labels = np.concatenate([labels, [labels[7], (labels[30] + 1) % 24]])
    monkeypatch.setattr(near_duplicates, "EXACT", 100)
    assert label_conflicts(wrong, labels).tolist() == [[30, 1201]]


def test_memory_grows_with_the_images_and_not_with_their_pairs(drawn):
    images = np.tile(drawn[0][:150], (2, 1, 1, 1))
    tracemalloc.start()
    duplicate_groups(images, np.arange(300) % 150)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 87,000 images at these bytes an image are far below 2 GB
    assert peak / 300 * 87_000 < 2e9


def test_groups_of_a_data_set_are_looked_for_once(home, drawn, monkeypatch, capsys):
    images, labels = drawn
    images = np.concatenate([images, images[:240]])
    labels = np.concatenate([labels, labels[:240]])
    names = np.array([f"mine/{row}" for row in range(1440)])
    samples = Samples("mine", LETTERS, images, labels, names)
    parts = split(samples)
    assert "1,440 images come from" in capsys.readouterr().out
    train, validation, test = (set(part.groups) for part in parts)
    assert train and validation and test
    assert not (train & validation or train & test or validation & test)
    with monkeypatch.context() as patch:
        patch.setattr(near_duplicates, "duplicate_groups", None)  # would fail if called again
        np.testing.assert_array_equal(split(samples).test.names, parts.test.names)
    (file,) = (home / "data/cache").glob("mine-groups-*.npz")
    file.write_bytes(b"damaged")
    np.testing.assert_array_equal(split(samples).test.names, parts.test.names)
    monkeypatch.setattr(near_duplicates, "VERSION", near_duplicates.VERSION + 1)
    np.testing.assert_array_equal(split(samples).test.names, parts.test.names)
    assert len(list((home / "data/cache").glob("mine-groups-*.npz"))) == 2
