"""Figures of transfer learning: the maps in their order, the curves where they belong."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from asl import plots

pytestmark = pytest.mark.usefixtures("figures")


def test_feature_maps_shows_the_liveliest_of_each_layer_and_names_it():
    image = np.zeros((6, 6, 1), np.uint8)
    lively = np.random.default_rng(0).random((4, 4, 20)) * np.arange(20)
    figure = plots.feature_maps(image, {"low": lively, "top": np.zeros((1, 1, 3))})
    figure.canvas.draw()
    titles = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert titles == ["low: 20 maps of 4×4", "top: 3 maps of 1×1"]
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert len(shown) == 1 + 8 + 3
    order = np.argsort(-lively.std(axis=(0, 1)))
    np.testing.assert_array_equal(shown[1], lively[..., order[0]])
    low, high = figure.axes[1].images[0].get_clim()
    assert (low, high) == (shown[1].min(), shown[1].max())


def history(losses, accuracies):
    return pd.DataFrame({"val_loss": losses, "val_accuracy": accuracies})


def test_fine_tuning_goes_on_where_the_head_ended():
    head = history([2.0, 1.0], [0.5, 0.8])
    after = {"low": history([0.9], [0.85]), "high": history([50.0, 40.0], [0.1, 0.0])}
    figure = plots.fine_tuning(head, after)
    figure.canvas.draw()
    left, right = figure.axes
    lines = {line.get_label(): line for line in left.lines}
    assert lines["the head alone"].get_xydata().tolist() == [[1, 2.0], [2, 1.0]]
    assert lines["low"].get_xydata().tolist() == [[2, 1.0], [3, 0.9]]
    assert lines["high"].get_xydata().tolist() == [[2, 1.0], [3, 50.0], [4, 40.0]]
    assert left.get_yscale() == "log"
    errors = {line.get_label(): line.get_ydata() for line in right.lines}
    np.testing.assert_allclose(errors["high"], [0.2, 0.9, 1.0])
    assert [text.get_text() for text in figure.legends[0].texts] == [
        "the head alone",
        "low",
        "high",
    ]


def test_fine_tuning_of_one_epoch_and_a_perfect_network():
    figure = plots.fine_tuning(history([0.5], [1.0]), {"right": history([0.4], [1.0])})
    figure.canvas.draw()
    assert figure.axes[1].get_ylim()[0] < 0  # a line at zero errors is seen
