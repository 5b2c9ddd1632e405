"""The figures of the notebooks: each takes arrays, draws one figure and gives it."""

from asl.plots.charts import *  # noqa: F403
from asl.plots.hands import hand, skeletons
from asl.plots.images import *  # noqa: F403
from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, show_image

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "VERMILION",
    "WIDTH",
    "hand",
    "show_image",
    "skeletons",
]
