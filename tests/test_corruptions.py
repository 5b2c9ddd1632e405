"""The corruptions, by hand on simple images, and the curves."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from asl import CORRUPTIONS, AslError, accuracy_interval, build, mean_accuracy, predict, robustness
from asl.evaluation import corruptions
from asl.evaluation.corruptions import NONE


@pytest.fixture(scope="module")
def image():
    random = np.random.default_rng(3)
    return ndimage.gaussian_filter(random.uniform(0, 255, (40, 40)), 2)[..., None].astype(np.uint8)


def one(image, corruption, severity, seed=0):
    return corruptions.apply(image[None], corruption, severity, seed)[0]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_seeds_and_what_changes_nothing(corruption, channels, image):
    image = np.repeat(image, channels, axis=2)
    for severity in CORRUPTIONS[corruption][1]:
        changed = one(image, corruption, severity)
        assert changed.shape == image.shape
        assert changed.dtype == np.uint8
        assert (changed != image).any()
        np.testing.assert_array_equal(changed, one(image, corruption, severity))
    if corruption not in ("blur", "jpeg"):
        np.testing.assert_array_equal(one(image, corruption, NONE.get(corruption, 0)), image)


def test_each_corruption_by_hand(image):
    inner = np.s_[8:-8, 8:-8, 0]
    turned = one(image, "rotation", 10)
    either = [ndimage.rotate(image[..., 0], sign * 10, reshape=False, order=1) for sign in (1, -1)]
    assert min(np.abs(turned[inner] - each[8:-8, 8:-8].astype(float)).max() for each in either) < 4
    assert np.abs(one(image, "brightness", 30).astype(int) - image).mean() == pytest.approx(
        30, abs=1
    )
    assert one(image, "contrast", 0.5).std() == pytest.approx(image.std() / 2, rel=0.02)
    assert one(image, "contrast", 0.5).mean() == pytest.approx(image.mean(), abs=1)
    assert (one(image, "noise", 20).astype(float) - image).std() == pytest.approx(20, rel=0.1)
    assert (one(image, "occlusion", 0.1) == 128).mean() == pytest.approx(0.1, abs=0.03)
    expected = ndimage.gaussian_filter(image[..., 0].astype(float), 0.05 * 40)
    assert np.abs(one(image, "blur", 0.05)[inner] - expected[8:-8, 8:-8]).max() < 2
    _, stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 10])
    np.testing.assert_array_equal(one(image, "jpeg", 10)[..., 0], cv2.imdecode(stored, 0))


def test_a_hand_before_a_wall_gets_another_background():
    image = np.full((40, 40, 1), 200, np.uint8)
    image[12:28, 12:28] = 60
    changed = one(image, "background", 1)
    assert (changed[14:26, 14:26] == 60).all()
    assert np.abs(changed[:8].astype(int) - 200).mean() > 10


def test_curves_and_their_mean_by_hand(parts):
    model = build("cnn", (28, 28, 1), 24)
    images, labels = parts.test.images, parts.test.labels
    curves = robustness(model, images, labels, ["noise", "scale"])
    assert curves["corruption"].tolist() == ["noise"] * 5 + ["scale"] * 5
    assert curves["severity"].tolist()[:2] == [0, 5]
    plain = (predict(model, images).argmax(axis=1) == labels).mean()
    assert curves["accuracy"][0] == curves["accuracy"][5] == plain
    noisy = corruptions.apply(images, "noise", 20)
    assert curves["accuracy"][3] == (predict(model, noisy).argmax(axis=1) == labels).mean()
    changed = curves["accuracy"][[1, 2, 3, 4, 6, 7, 8, 9]]
    assert mean_accuracy(curves) == pytest.approx(changed.mean())
    interval = accuracy_interval(predict(model, noisy).argmax(axis=1) == labels)
    assert tuple(curves.loc[3, ["low", "high"]]) == pytest.approx(interval)
    by_groups = robustness(model, images, labels, ["noise"], parts.test.groups)
    assert (by_groups["accuracy"] == curves["accuracy"][:5]).all()
    assert by_groups.loc[3, "low"] == 0  # one signer says nothing of others
    with pytest.raises(AslError, match="needs some images"):
        robustness(model, images[:0], labels[:0])
    with pytest.raises(AslError, match="no corruption 'rain'"):
        robustness(model, images, labels, ["rain"])
