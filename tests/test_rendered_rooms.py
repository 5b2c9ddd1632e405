"""Rendered hands in rendered rooms."""

import numpy as np
import pytest

from asl.data import rendered_rooms
from asl.data.rendered_hands import draw_hands
from asl.data.rendered_rooms import HAND, HEIGHT, WIDTH, draw_in_room


def test_the_same_arguments_draw_the_same_picture():
    picture = draw_in_room("B", signer=3, seed=5)
    assert (picture.shape, picture.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)
    np.testing.assert_array_equal(picture, draw_in_room("B", signer=3, seed=5))
    assert (picture != draw_in_room("B", signer=4, seed=5)).any()
    assert (picture != draw_in_room("B", signer=3, seed=6)).any()


def test_the_whole_hand_lies_at_the_lower_edge_over_the_room(monkeypatch):
    """Over a black room, nothing is left but the hand as `draw_hands` cuts it out."""
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    monkeypatch.setattr(rendered_rooms, "draw_shelves", lambda random: black.copy())
    picture = draw_in_room("L", signer=1)
    hand = draw_hands(["L"], signers=[1], seed=0, size=HAND, cutout=True)[0].astype(float)
    lit = hand[..., :3] * hand[..., 3:] / 255
    columns = np.flatnonzero(picture.any(axis=(0, 2)))
    shown = np.flatnonzero((lit + 0.5).astype(np.uint8).any(axis=(0, 2)))
    left = columns[0] - shown[0]
    np.testing.assert_allclose(picture[-HAND:, left : left + HAND], lit, atol=1)
    assert not picture[:-HAND].any()


def test_the_room_is_full_of_books_and_moves_with_the_generator():
    rooms = [rendered_rooms.draw_shelves(np.random.default_rng(seed)) for seed in (0, 1)]
    assert rooms[0].std() > 30
    assert (rooms[0] != rooms[1]).mean() > 0.5


def test_a_sign_that_is_not_there():
    with pytest.raises(ValueError, match="no sign is called 'AB'"):
        draw_in_room("AB")
