"""A rendered hand in a room: small, somewhere in the picture, before shelves full of books."""

from itertools import pairwise

import cv2
import numpy as np

from asl.data.rendered_hands import draw_hands

HEIGHT, WIDTH, HAND = 270, 360, 170  # pixels
SHELVES = 3
WOOD = (121, 85, 58)


def draw_in_room(name: str, *, signer: int = 0, seed: int = 0) -> np.ndarray:
    """One sign before a bookshelf: uint8 (HEIGHT, WIDTH, 3) RGB.

    The hand is lower than two thirds of the picture and comes up from its lower edge, anywhere
    between left and right; the same arguments draw the same picture. ValueError for an unknown
    sign.
    """
    random = np.random.default_rng([seed, signer])
    hand = draw_hands([name], signers=[signer], seed=seed, size=HAND, cutout=True)[0]
    room = draw_shelves(random)
    left = int(random.integers(0, WIDTH - HAND + 1))
    place = room[-HAND:, left : left + HAND]
    opaque = hand[..., 3:] / 255
    place[:] = (hand[..., :3] * opaque + place * (1 - opaque) + 0.5).astype(np.uint8)
    return room


def draw_shelves(random: np.random.Generator) -> np.ndarray:
    """Shelves with books of many colours and sizes, a little out of focus: uint8
    (HEIGHT, WIDTH, 3).
    """
    room = np.empty((HEIGHT, WIDTH, 3), np.float32)
    room[:] = np.multiply(WOOD, 0.45)
    edges = np.linspace(0, HEIGHT, SHELVES + 1).astype(int)
    for top, bottom in pairwise(edges):
        board, left = bottom - 6, 0
        while left < WIDTH:
            width = int(random.integers(8, 24))
            height = int((board - top) * random.uniform(0.6, 0.95))
            light = np.linspace(0.75, 1.05, width)[:, None]  # a spine is round
            book = random.uniform(40, 210, 3) * light
            room[board - height : board, left : left + width] = book[: WIDTH - left]
            left += width + int(random.integers(0, 3))
        room[board:bottom] = WOOD
    return cv2.GaussianBlur(np.clip(room, 0, 255), (0, 0), 1.5).astype(np.uint8)
