"""`load` on a rendered set: drawn once, then read from the cache, unless that is not whole."""

import numpy as np
import pytest

from asl import DATASETS, AslError, files, load
from asl.data import rendered_hands
from asl.data.load import _check_counts


@pytest.fixture
def draws(monkeypatch):
    """The arguments of each drawing while the test runs."""
    calls = []
    draw = rendered_hands.draw_sample
    monkeypatch.setattr(rendered_hands, "draw_sample", lambda **kw: calls.append(kw) or draw(**kw))
    return calls


def test_tiny_is_drawn_once_then_read_from_the_cache(draws, capsys):
    drawn = load("tiny")
    assert "drawn by asl" in capsys.readouterr().out
    cached = load("tiny")
    assert len(draws) == 1
    assert "from data/cache/tiny.npz" in capsys.readouterr().out
    for column in ("images", "labels", "names", "groups", "is_test"):
        np.testing.assert_array_equal(getattr(drawn, column), getattr(cached, column))
    assert cached.images.shape[1:] == (28, 28, 1)
    assert cached.is_test.mean() == 0.25
    assert drawn.group_unit == cached.group_unit == "signer"


def test_a_damaged_cache_is_made_again(capsys):
    load("tiny")
    file = files.DATA / "cache/tiny.npz"
    file.write_bytes(file.read_bytes()[:5000])
    assert len(load("tiny")) == 384
    assert "is damaged and is made again" in capsys.readouterr().out
    assert len(np.load(file)["labels"]) == 384


def test_a_cache_of_another_version_of_the_drawing_is_made_again(draws, monkeypatch):
    load("tiny")
    monkeypatch.setattr(rendered_hands, "VERSION", rendered_hands.VERSION + 1)
    load("tiny")
    assert len(draws) == 2
    load("tiny")
    assert len(draws) == 2


def test_other_counts_than_the_entry_declares_are_told(samples):
    columns = {"labels": samples.labels, "is_test": samples.is_test}
    with pytest.raises(AslError, match=r"tiny: 6 training images of A instead of 12"):
        _check_counts(DATASETS["tiny"], columns)
