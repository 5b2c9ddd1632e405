"""A film made knowingly: what each frame shows is known, and its frames are near-duplicates."""

import numpy as np

import asl
from asl.data.near_duplicates import count_pairs
from asl.evaluation.film import SHAPE, make_film, with_fresh


def test_frames_show_their_photograph_a_little_changed(parts):
    film, photograph = make_film(parts.train, photographs=24, frames=3)
    first = photograph == 0
    assert first.sum() == 3
    assert film.images.shape == (len(film), *SHAPE)
    each = len(film) // 3  # at least as many of each class as there are, up to eight
    np.testing.assert_array_equal(film.labels, np.tile(film.labels[:each], 3))
    np.testing.assert_array_equal(film.groups, np.tile(film.groups[:each], 3))
    one, other = film.images[first][:2].astype(float)
    stranger = film.images[~first][0].astype(float)
    assert 0 < np.abs(one - other).mean() < np.abs(one - stranger).mean()
    again = make_film(parts.train, photographs=24, frames=3).samples
    np.testing.assert_array_equal(film.images, again.images)


def test_a_split_by_row_shares_photographs_and_one_by_group_none(parts):
    film, photograph = make_film(parts.train, frames=4)
    everything = with_fresh(film, parts.test)
    where = {name: number for number, name in enumerate(film.names)}
    for by, shared in (("row", True), ("group", False)):
        train, validation, test = asl.split(everything, 0.2, by=by)
        np.testing.assert_array_equal(test.names, parts.test.names)
        here, there = (
            {photograph[where[name]] for name in part.names} for part in (train, validation)
        )
        assert bool(here & there) == shared


def test_pairs_by_hand():
    groups, labels = np.array([0, 0, 0, 1, 1, 2]), np.array([7, 7, 8, 8, 8, 8])
    assert count_pairs(groups) == 3 + 1
    assert count_pairs(groups, labels) == 1 + 1
    assert count_pairs(np.arange(4)) == 0
