"""Calibration, by hand: reliability, temperature, confidence threshold."""

import numpy as np
import pytest

from asl import AslError, calibrate, calibration_error, reliability
from asl.evaluation.confidence import PRECISION, confidence_threshold, fit_temperature
from asl.models.metadata import Threshold


def test_reliability_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.91, 0.09], [0.45, 0.55], [1.0, 0.0]])
    table = reliability(np.array([0, 1, 1, 0]), probabilities)
    assert table["images"].tolist() == [1, 3]
    assert table["confidence"].tolist() == pytest.approx([0.55, (0.95 + 0.91 + 1) / 3])
    assert table["accuracy"].tolist() == pytest.approx([1, 2 / 3])
    z = 1.959964  # Wilson's interval of 2 of 3
    middle = (2 / 3 + z**2 / 6) / (1 + z**2 / 3)
    reach = z / (1 + z**2 / 3) * np.sqrt(2 / 9 / 3 + z**2 / 36)
    expected = [middle - reach, middle + reach]
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx(expected, abs=1e-6)
    by_hand = (abs(0.55 - 1) * 1 + abs(2.86 / 3 - 2 / 3) * 3) / 4
    assert calibration_error(table) == pytest.approx(by_hand)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature_of_a_network_whose_confidence_is_known(temperature):
    """Labels drawn from probabilities are as frequent as these say; then the scores are spread."""
    random = np.random.default_rng(1)
    honest = random.dirichlet(np.full(5, 0.4), 20_000)
    labels = (random.random((20_000, 1)) > honest.cumsum(axis=1)).sum(axis=1)
    said = calibrate(honest, 1 / temperature)
    assert fit_temperature(said, labels) == pytest.approx(temperature, rel=0.03)
    calibrated = calibrate(said, fit_temperature(said, labels))
    before, after = (calibration_error(reliability(labels, p)) for p in (said, calibrated))
    assert after < 0.01
    assert before > 0.03 or temperature == 1
    np.testing.assert_array_equal(said.argmax(axis=1), calibrated.argmax(axis=1))


def test_temperature_where_all_are_correct_or_wrong():
    """One more image is assumed to be wrong, so that 100 correct ones give no certainty."""
    said = np.tile([0.8, 0.15, 0.05], (100, 1))
    correct, wrong = np.zeros(100, int), np.full(100, 2)
    confident = calibrate(said, fit_temperature(said, correct))[0, 0]
    assert 0.98 < confident < 0.995
    doubtful = calibrate(said, fit_temperature(said, wrong))[0]
    assert doubtful.max() < 0.4
    with pytest.raises(AslError, match="there are none"):
        fit_temperature(said[:0], correct[:0])


def test_one_class_only():
    said, labels = np.ones((5, 1)), np.zeros(5, int)
    assert fit_temperature(said, labels) == 1
    np.testing.assert_array_equal(calibrate(said, 2.0), said)
    assert confidence_threshold(said, labels, least=5) == Threshold(PRECISION, 1, 1)
    assert calibration_error(reliability(labels, said)) == 0


def test_threshold_by_hand():
    """The confident ones first: correct, correct, wrong, correct, wrong."""
    confidence = np.array([0.99, 0.7, 0.9, 0.8, 0.6])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([0, 0, 0, 1, 1])
    one = {"least": 1}
    assert confidence_threshold(probabilities, labels, 1, **one) == Threshold(1, 0.9, 2 / 5)
    assert confidence_threshold(probabilities, labels, 0.75, **one) == Threshold(0.75, 0.7, 4 / 5)
    assert confidence_threshold(probabilities, labels, 0.6, **one) == Threshold(0.6, 0.6, 1)
    assert confidence_threshold(probabilities, labels, 0.75, least=5) == Threshold(0.75, 1, 0)
    assert confidence_threshold(probabilities, 1 - labels, 1, **one) == Threshold(1, 1, 0)
    with pytest.raises(AslError, match="precision is 2"):
        confidence_threshold(probabilities, labels, 2)
    with pytest.raises(AslError, match="0 images"):
        confidence_threshold(probabilities[:0], labels[:0])
