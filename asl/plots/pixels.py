"""An image as the numbers that it is."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view

from asl.plots.style import VERMILION, WIDTH, show_image

SIDE = 10  # pixels of a side of what is shown enlarged


def pixel_values(image: np.ndarray, side: int = SIDE) -> Figure:
    """An image uint8 (h, w, c), and beside it its square of most contrast with each value written
    in: `side` pixels a side, of a colour image the red channel.
    """
    grey = image[..., 0]
    side = min(side, *grey.shape)
    spread = sliding_window_view(grey, (side, side)).std(axis=(2, 3))
    top, left = np.unravel_index(spread.argmax(), spread.shape)
    square = grey[top : top + side, left : left + side]
    figure, (whole, enlarged) = plt.subplots(1, 2, figsize=(WIDTH, 3.9))
    show_image(whole, image)
    corner = (left - 0.5, top - 0.5)
    frame = plt.Rectangle(corner, side, side, fill=False, edgecolor=VERMILION, lw=2)
    whole.add_patch(frame)
    whole.set_title(f"the image, {image.shape[0]}×{image.shape[1]} pixels")
    show_image(enlarged, square)
    for (row, column), value in np.ndenumerate(square):
        colour = "black" if value > 127 else "white"
        enlarged.text(column, row, value, ha="center", va="center", fontsize=9, color=colour)
    enlarged.set_xticks(range(side), range(left, left + side))
    enlarged.set_yticks(range(side), range(top, top + side))
    enlarged.tick_params(length=0, labelsize=8)
    enlarged.set(title="the square in it, enlarged", xlabel="column", ylabel="row")
    return figure
