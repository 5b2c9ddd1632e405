"""The entries of the data sets, and how class names and data sets are told by their spelling."""

import pytest

from asl import DATASETS, AslError, find_dataset, load
from asl.data.dataset import normalize
from asl.data.hand_poses import LETTERS


def test_an_unknown_name_answers_with_the_names_there_are():
    with pytest.raises(AslError, match=r"no data set 'lettres'\. There are: sample, tiny, letters"):
        load("lettres")
    with pytest.raises(AslError, match="no data set 'lettres'"):
        find_dataset("lettres")


def test_an_entry_is_found_by_its_name():
    for name, entry in DATASETS.items():
        assert find_dataset(name) is entry
        assert entry.name == entry.slug == name


def test_sample_is_what_its_entry_says():
    entry = DATASETS["sample"]
    assert sum(entry.train_counts) + sum(entry.test_counts) == 4800
    assert sum(entry.test_counts) * 4 == 4800
    assert entry.class_names == LETTERS


def test_letters_counts_add_up():
    entry = DATASETS["letters"]
    assert (sum(entry.train_counts), sum(entry.test_counts)) == (27_455, 7_172)
    assert len(entry.class_names) == len(entry.train_counts) == 24


def test_normalized_spelling_by_hand():
    assert normalize("Sign 0") == normalize("sign  00") == normalize("sign_0")
    assert normalize("Sign 0") != normalize("Sign 10")


def test_the_label_of_a_class_however_it_is_spelled():
    alphabet = DATASETS["alphabet"]
    assert [alphabet.label_of(each) for each in ("A", "b", "SPACE", "Del", "-")] == [
        0, 1, 28, 26, -1
    ]  # fmt: skip


def test_two_folders_of_one_name_have_two_slugs(home):
    slugs = set()
    for place in ("mine", "yours"):
        for class_name in "AB":
            (home / place / "my hands" / class_name).mkdir(parents=True)
        slugs.add(find_dataset(f"folder:{home / place / 'my hands'}").slug)
    assert len(slugs) == 2
    assert all(slug.startswith("my_hands-") for slug in slugs)
