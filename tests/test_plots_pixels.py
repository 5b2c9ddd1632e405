"""The figure that shows an image as numbers."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

from asl import plots

pytestmark = pytest.mark.usefixtures("figures")


@pytest.mark.parametrize("channels", [1, 3])
def test_the_square_of_most_contrast_is_shown_with_its_values(channels):
    image = np.full((20, 24, channels), 90, np.uint8)
    image[12:14, 15:18, 0] = 255  # only here is anything to see
    figure = plots.pixel_values(image, side=4)
    figure.canvas.draw()
    whole, enlarged = figure.axes
    (frame,) = whole.patches
    left, top = round(frame.get_x() + 0.5), round(frame.get_y() + 0.5)
    square = image[top : top + 4, left : left + 4, 0]
    assert (square == 255).sum() == 6
    told = {text.get_position(): int(text.get_text()) for text in enlarged.texts}
    assert told == {(x, y): square[y, x] for y in range(4) for x in range(4)}
    assert [label.get_text() for label in enlarged.get_xticklabels()] == [
        str(left + k) for k in range(4)
    ]


def test_an_image_smaller_than_the_square():
    figure = plots.pixel_values(np.zeros((6, 8, 1), np.uint8))
    assert len(figure.axes[1].texts) == 36
