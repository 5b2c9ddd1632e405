"""What the reader tells apart: shapes of hands that sign letters and digits, and all others."""

import numpy as np

from asl.data.dataset import normalize
from asl.data.hand_poses import DIGITS, LETTERS
from asl.landmarks.crops import SURE

OTHER = "other"  # a hand that signs none of them, such as an open or a resting one
SHAPES = (*LETTERS, "1", "3", "4", "5", "7", "8", OTHER)
SAME_SHAPE = {"0": "O", "2": "V", "6": "W", "9": "F"}
NO_SIGN = ("del", "nothing", "space")  # classes of data sets
SIGNS = {"letters": LETTERS, "digits": DIGITS}


def shape_labels(class_names: tuple[str, ...]) -> np.ndarray:
    """The index in SHAPES of each class of a data set, or -1 for one that is a movement (J, Z):
    int64 (classes,).
    """
    index = {normalize(shape): place for place, shape in enumerate(SHAPES)}
    index |= {digit: index[normalize(letter)] for digit, letter in SAME_SHAPE.items()}
    index |= dict.fromkeys(NO_SIGN, index[OTHER])
    return np.array([index.get(normalize(name), -1) for name in class_names], np.int64)


def sign_places() -> dict[str, int]:
    """The index in SHAPES of each letter and digit."""
    signs = (*LETTERS, *DIGITS)
    return {sign: SHAPES.index(SAME_SHAPE.get(sign, sign)) for sign in signs}


def read_as(
    probabilities: np.ndarray,
    shapes: tuple[str, ...],
    signs: str,
    found: np.ndarray | bool = True,
    tiny: np.ndarray | bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of shapes (n, shapes) read as letters, or as digits: float (n, signs); and
    whether there is such a sign, bool (n,): not where all others are more likely than the most
    likely sign. 0 and O, 2 and V, 6 and W, 9 and F are one shape: which of the two it is, only who
    asks can know.

    Whoever made a `tiny` image cut it to a hand that signs what is asked for: there, only OTHER
    speaks against it, not, of letters, the digits. Where no hand was `found`, one must be SURE.
    """
    columns = [shapes.index(SAME_SHAPE.get(sign, sign)) for sign in SIGNS[signs]]
    chosen = probabilities[:, columns]
    others = probabilities.sum(axis=1) - chosen.sum(axis=1)
    against = np.where(tiny, probabilities[:, shapes.index(OTHER)], others)
    return chosen, chosen.max(axis=1) >= np.where(found, against, SURE)
