"""Rounding of shares, the same everywhere: what is not all never prints as 100 %."""

import numpy as np


def round_share(share, digits: int = 4):
    """A share from 0 to 1, a number or an array, rounded to so many decimals.

    One exception to plain rounding: what is less than 1 stays less, so that 1 means all.
    """
    rounded = np.round(share, digits)
    almost_all = (np.asarray(share) < 1) & (rounded >= 1)
    rounded = np.where(almost_all, round(1 - 10.0**-digits, digits), rounded)
    return rounded if np.ndim(share) else float(rounded)


def percent(share: float, digits: int = 2) -> str:
    """A share as text, in percent: 99.97 %."""
    return f"{100 * round_share(share, digits + 2):.{digits}f} %"


def decimals(share: float, digits: int = 4) -> str:
    """A share as text, in decimals: 0.9997."""
    return f"{round_share(share, digits):.{digits}f}"
