"""The nearest rows of very many: what the index finds, against looking at every pair."""

import numpy as np
import pytest

from asl.data import nearest
from asl.data.nearest import nearest_rows


@pytest.fixture(scope="module")
def looks():
    """Rows of length 1 around 250 places, eight at each."""
    random = np.random.default_rng(0)
    places = random.standard_normal((250, 40)).repeat(8, axis=0)
    rows = (places + 0.3 * random.standard_normal(places.shape)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_nearly_all_of_the_nearest_rows_are_found(looks):
    alone = np.arange(len(looks))
    rows, similarity = nearest_rows(looks, alone, 7)
    every = looks @ looks.T
    np.fill_diagonal(every, -1)
    true = np.argsort(-every, axis=1)[:, :7]
    found = np.mean([np.isin(true[k], rows[k]).mean() for k in alone])
    assert found > 0.99
    np.testing.assert_allclose(
        similarity, np.take_along_axis(every, rows.astype(int), 1), atol=1e-5
    )
    assert all(len(set(row)) == 7 for row in rows.tolist())  # none of them twice
    assert (rows != alone[:, None]).all()


def test_rows_of_the_same_group_are_passed_over(looks):
    groups = np.arange(len(looks)) // 4  # two groups at each place
    rows, similarity = nearest_rows(looks, groups, 6)
    filled = rows >= 0
    assert (groups[rows[filled]] != np.repeat(groups[:, None], 6, axis=1)[filled]).all()
    beside = (rows // 8 == np.arange(len(looks))[:, None] // 8).sum(axis=1)
    assert (beside == 4).mean() > 0.99  # the other group of the place
    assert ((similarity > -1) == filled).all()


def test_the_same_every_time_and_few_or_equal_rows(looks, monkeypatch):
    alone = np.arange(len(looks))
    for one, again in zip(
        nearest_rows(looks, alone, 4), nearest_rows(looks, alone, 4), strict=True
    ):
        np.testing.assert_array_equal(one, again)
    rows, similarity = nearest_rows(looks[:3], alone[:3], 4)
    assert [sorted(row) for row in rows.tolist()] == [
        [-1, -1, 1, 2],
        [-1, -1, 0, 2],
        [-1, -1, 0, 1],
    ]
    assert ((similarity > -1) == (rows >= 0)).all()
    monkeypatch.setattr(nearest, "LEAF", 16)
    equal = np.repeat(looks[:1], 1000, axis=0)  # no cut tells them apart, and yet it ends
    rows, similarity = nearest_rows(equal, np.arange(1000), 5)
    np.testing.assert_allclose(similarity, 1, atol=1e-5)


def test_all_rows_are_in_one_leaf_and_none_is_large(looks):
    leaves = list(nearest._leaves(looks, np.random.default_rng(0)))
    assert sorted(np.concatenate(leaves).tolist()) == list(range(len(looks)))
    assert max(map(len, leaves)) <= nearest.LEAF
