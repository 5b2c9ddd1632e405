"""The figures of the notebooks: each takes arrays, draws one figure and gives it."""

from asl.plots.charts import *  # noqa: F403
from asl.plots.comparison import *  # noqa: F403
from asl.plots.evaluation import confusion_errors, confusion_matrix, reliability_diagram
from asl.plots.hands import hand, skeletons
from asl.plots.images import *  # noqa: F403
from asl.plots.lessons import *  # noqa: F403
from asl.plots.mistakes import (
    by_group,
    cases,
    evidence,
    neighbours,
    pair_counts,
    pair_images,
    verdicts,
)
from asl.plots.pixels import pixel_values
from asl.plots.predictions import Answer, likeliest, two_answers
from asl.plots.spelling import (
    fingertip_paths,
    joint_features,
    joints_in_pictures,
    letters_over_time,
)
from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, percents, show_image
from asl.plots.transfer import feature_maps, fine_tuning
from asl.plots.trust import *  # noqa: F403

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "VERMILION",
    "WIDTH",
    "Answer",
    "by_group",
    "cases",
    "confusion_errors",
    "confusion_matrix",
    "evidence",
    "feature_maps",
    "fine_tuning",
    "fingertip_paths",
    "hand",
    "joint_features",
    "joints_in_pictures",
    "letters_over_time",
    "likeliest",
    "neighbours",
    "pair_counts",
    "pair_images",
    "percents",
    "pixel_values",
    "reliability_diagram",
    "show_image",
    "skeletons",
    "two_answers",
    "verdicts",
]
