"""Colours, sizes and small helpers of all figures.

Colours are Okabe and Ito's, which the colour-blind tell apart; blue is correct, vermilion is wrong,
and no meaning hangs on the colour alone.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

BLUE, VERMILION, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#666666"
WIDTH = 8.0  # inches: a notebook's page

plt.rc("figure", dpi=80, titlesize=12)
plt.rc("figure.constrained_layout", use=True)
plt.rc("font", size=10)
plt.rc("axes", titlesize=10)
plt.rc("axes.spines", top=False, right=False)


def show_image(axes: plt.Axes, image: np.ndarray) -> None:
    """One image (h, w, 1 or 3), 0 black to 255 white, without ticks."""
    image = np.clip(image, 0, 255).astype(np.uint8)  # means and augmented images are float
    axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


class Percents(PercentFormatter):
    """Shares as "50 %", with as many decimals as the ticks of an axis need and no more."""

    def set_locs(self, locs: list[float]) -> None:
        super().set_locs(locs)
        shares = 100 * np.asarray(locs)
        enough = (digits for digits in range(3) if np.allclose(shares, shares.round(digits)))
        self.decimals = next(enough, 2)


def percents() -> Percents:
    """How an axis tells shares: 0.5 as "50 %", as the text does."""
    return Percents(1, symbol=" %")


def turn_long_names(axes: plt.Axes, class_names: Sequence[str]) -> None:
    """Class names below an axis run upwards where they would run into each other."""
    if len(class_names) * max(map(len, class_names)) > 60:
        axes.tick_params(axis="x", rotation=90)
