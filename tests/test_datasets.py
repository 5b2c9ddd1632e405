import dataclasses

import numpy as np
import pytest

from asl import AslError, datasets, hands, paths


def test_an_unknown_name_answers_with_the_names_there_are(home):
    with pytest.raises(AslError, match=r"no data set 'lettres'\. There are: sample, tiny, letters"):
        datasets.load("lettres")


def test_split_is_disjoint_whole_and_the_same_every_time(samples, parts):
    names = [name for part in parts for name in part.names]
    assert sorted(names) == sorted(samples.names)
    again = datasets.split(samples)
    for part, other in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.names, other.names)
        np.testing.assert_array_equal(part.images, other.images)
    other_seed = datasets.split(samples, seed=1)
    assert set(other_seed.validation.groups) != set(parts.validation.groups)
    np.testing.assert_array_equal(other_seed.test.names, parts.test.names)


def test_a_signer_stays_on_one_side(parts):
    train, validation, test = (set(part.groups) for part in parts)
    assert train and validation and test
    assert not (train & validation or train & test or validation & test)


def test_without_groups_each_class_is_cut_alike(samples):
    random = datasets.Samples("tiny", samples.class_names, samples.images, samples.labels,
                              samples.names)  # fmt: skip
    parts = datasets.split(random, validation_split=0.25, by="row")
    assert [len(part) for part in parts] == [108, 36, 48]
    assert np.bincount(parts.test.labels).tolist() == [2] * 24
    assert not set(parts.train.names) & set(parts.validation.names)


def test_groups_of_one_class_are_cut_class_by_class(samples):
    """Ten groups of each class, of one to ten rows: about a tenth of each class is put aside."""
    labels = np.repeat([0, 1], 55)
    sizes = np.concatenate([np.repeat(np.arange(10), np.arange(1, 11))] * 2)
    groups = labels * 10 + sizes
    images = np.zeros((110, 4, 4, 1), np.uint8)
    names = np.array([f"mine/{row}" for row in range(110)])
    mine = datasets.Samples("tiny", ("A", "B"), images, labels, names, groups)
    for seed in range(5):
        parts = datasets.split(mine, seed=seed)
        sides = [set(part.groups) for part in parts]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 20
        for part in parts:
            assert set(part.labels) == {0, 1}
        assert 2 <= len(parts.test) <= 24
    again = datasets.split(mine, seed=4)
    np.testing.assert_array_equal(again.validation.names, parts.validation.names)


def test_a_class_of_one_photograph_is_cut_by_rows_and_that_is_said(samples, capsys):
    mine = dataclasses.replace(samples, groups=samples.labels * 4, is_test=None)
    mine.groups[samples.labels != 3] += np.arange(192)[samples.labels != 3] % 4
    parts = datasets.split(mine)
    assert "the 8 images of D come from one photograph" in capsys.readouterr().out
    assert all((part.labels == 3).any() for part in parts)


def test_groups_that_do_not_fit(samples):
    with pytest.raises(AslError, match="191 groups for 192 images"):
        datasets.split(dataclasses.replace(samples, groups=samples.groups[1:]))
    with pytest.raises(AslError, match="by is 'signer'"):
        datasets.split(samples, by="signer")


def test_too_few_images_to_split(samples, home):
    few = datasets.Samples("mine", samples.class_names, *(
        column[:5] for column in (samples.images, samples.labels, samples.names)))  # fmt: skip
    with pytest.raises(AslError, match="mine: 5 images are too few"):
        datasets.split(few)
    with pytest.raises(AslError, match="validation_split is"):
        datasets.split(samples, validation_split=0.7)


def test_tiny_is_drawn_once_then_read_from_the_cache(home, monkeypatch, capsys):
    drawn = datasets.load("tiny")
    assert "drawn by asl.hands" in capsys.readouterr().out
    monkeypatch.setattr(hands, "draw_sample", None)  # would fail if called again
    cached = datasets.load("tiny")
    assert "from data/cache/tiny.npz" in capsys.readouterr().out
    for column in ("images", "labels", "names", "groups", "is_test"):
        np.testing.assert_array_equal(getattr(drawn, column), getattr(cached, column))
    assert cached.images.shape[1:] == (28, 28, 1)
    assert cached.is_test.mean() == 0.25


def test_a_damaged_cache_is_made_again(home, capsys):
    datasets.load("tiny")
    file = paths.DATA / "cache/tiny.npz"
    file.write_bytes(file.read_bytes()[:5000])
    assert len(datasets.load("tiny")) == 384
    assert "is damaged and is made again" in capsys.readouterr().out
    assert len(np.load(file)["labels"]) == 384


def test_a_cache_of_other_drawing_code_is_made_again(home, monkeypatch, tmp_path):
    datasets.load("tiny")
    changed = tmp_path / "hands.py"
    changed.write_text("# another renderer")
    monkeypatch.setattr(hands, "__file__", str(changed))
    calls = []
    draw = hands.draw_sample
    monkeypatch.setattr(hands, "draw_sample", lambda **kw: calls.append(kw) or draw(**kw))
    datasets.load("tiny")
    assert len(calls) == 1


def test_sample_is_what_its_entry_says():
    entry = datasets.DATASETS["sample"]
    assert sum(entry.train_counts) + sum(entry.test_counts) == 4800
    assert sum(entry.test_counts) * 4 == 4800
    assert entry.class_names == hands.LETTERS


def test_letters_counts_add_up():
    entry = datasets.DATASETS["letters"]
    assert (sum(entry.train_counts), sum(entry.test_counts)) == (27_455, 7_172)
    assert len(entry.class_names) == len(entry.train_counts) == 24


def test_about_says_what_a_sidecar_needs(parts):
    about = datasets.about(parts, "cnn")
    assert about["dataset"] == "tiny"
    assert about["class_names"] == list(hands.LETTERS)
    assert about["split"]["by"] == "signer"
    assert about["split"]["train"] == len(parts.train)
