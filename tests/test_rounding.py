"""Rounding: plain, but for one exception: what is not all never prints as 100 %."""

import numpy as np
import pandas as pd
import pytest

from asl.rounding import decimals, percent, round_share


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.99996, 2, "99.99 %"),  # plainly rounded it would be 100.00 %
        (0.99994, 2, "99.99 %"),
        (99_999 / 100_000, 2, "99.99 %"),
        (7171 / 7172, 2, "99.99 %"),
        (0.9997, 1, "99.9 %"),
        (0.996, 0, "99 %"),
        (1 - 1e-15, 2, "99.99 %"),
        (1, 2, "100.00 %"),
        (1.0, 0, "100 %"),
        (7172 / 7172, 1, "100.0 %"),
    ],
)
def test_what_is_not_all_never_prints_as_all(share, digits, text):
    assert percent(share, digits) == text


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.99986, 2, "99.99 %"),  # up, where digits that are cut would give 99.98 %
        (0.5714, 2, "57.14 %"),
        (2 / 3, 2, "66.67 %"),
        (2 / 3, 0, "67 %"),
        (0.514, 0, "51 %"),
        (0.994, 0, "99 %"),
        (0.00004, 2, "0.00 %"),
        (0.00006, 2, "0.01 %"),
        (0, 2, "0.00 %"),
    ],
)
def test_otherwise_rounding_is_plain(share, digits, text):
    assert percent(share, digits) == text


def test_decimals():
    assert [decimals(share) for share in (0.99996, 0.12346, 1, 0)] == [
        "0.9999",
        "0.1235",
        "1.0000",
        "0.0000",
    ]
    assert decimals(0.996, 2) == "0.99"
    assert decimals(0.8765, 2) == "0.88"


def test_a_number_stays_a_number_and_an_array_an_array():
    assert type(round_share(np.float32(0.25))) is float
    assert round_share(0.99999) == 0.9999
    shares = np.array([0.99999, 0.99994, 1, 2 / 3, 0])
    rounded = round_share(shares)
    assert isinstance(rounded, np.ndarray)
    assert rounded.tolist() == [0.9999, 0.9999, 1, 0.6667, 0]
    assert round_share(shares[:3, None], 2).tolist() == [[0.99], [0.99], [1]]
    assert round_share(pd.Series(shares), 1).tolist() == [0.9, 0.9, 1, 0.7, 0]
    assert round_share(np.empty(0)).shape == (0,)
    single = round_share(np.array([0.99999, 2 / 3, 1], np.float32))
    np.testing.assert_allclose(single, [0.9999, 0.6667, 1], rtol=1e-6)
    assert single[0] < 1
