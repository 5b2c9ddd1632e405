"""Joints as a network takes them: features, augmentation, crops; found once in a data set."""

import numpy as np
import pytest
from conftest import ARCHIVES, needs_archives

from asl import AslError, files
from asl.data.mapped_images import MappedImages
from asl.data.rendered_hands import draw_hands
from asl.keras_setup import keras
from asl.landmarks import joints as finding
from asl.landmarks.augmentation import PALM, augment_points, normalize_points, turn_points
from asl.landmarks.crops import crop_of, cut_crops
from asl.landmarks.hand_landmarks import FINGERS
from asl.landmarks.hands import Hand
from asl.landmarks.joint_store import stored_joints
from asl.landmarks.joints import Joints
from asl.models import joints as network
from asl.models.joints import dense_network, joint_features


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def points(random):
    """Five hands, each point where chance has it."""
    return random.uniform(20, 180, (5, 21, 3)).astype(np.float32)


def features_of(points):
    return np.asarray(joint_features(keras.ops.convert_to_tensor(points)))


# Features


def by_hand(hand):
    """The 292 features of one hand (21, 3), point by point."""
    flat = hand[:, :2].astype(float)
    flat = flat - flat[[0, 5, 9, 13, 17]].mean(axis=0)
    flat = flat / np.sqrt(np.mean([x * x + y * y for x, y in flat]))
    before = dict.fromkeys((1, 5, 9, 13, 17), 0)
    bones = []
    for point in range(1, 21):
        bone = flat[point] - flat[before.get(point, point - 1)]
        bones.append(bone / (np.hypot(*bone) + 1e-3))
    apart = [np.hypot(*(flat[i] - flat[j])) for i in range(21) for j in range(i + 1, 21)]
    return np.concatenate([flat.ravel(), np.ravel(bones), apart])


def test_features_by_hand(points):
    found = features_of(points)
    assert found.shape == (5, 292)
    for row, hand in zip(found, points, strict=True):
        np.testing.assert_allclose(row, by_hand(hand), atol=2e-5)


def test_bones_follow_the_fingers():
    for joints in FINGERS.values():
        assert [network.BEFORE[joint - 1] for joint in joints] == [0, *joints[:3]]


def test_features_do_not_change_when_a_hand_is_moved_scaled_or_nearer(points):
    expected = features_of(points)
    np.testing.assert_allclose(features_of(points * 3 + [400, -90, 7]), expected, atol=1e-4)
    np.testing.assert_allclose(features_of(normalize_points(points)), expected, atol=1e-4)
    np.testing.assert_array_equal(features_of(points * np.float32([1, 1, 0])), expected)


def test_features_change_when_a_hand_is_turned_but_distances_do_not(points):
    turned = points[..., [1, 0, 2]] * [-1, 1, 1]  # a quarter
    before, after = features_of(points), features_of(turned)
    assert np.abs(before[:, :82] - after[:, :82]).mean() > 0.3
    np.testing.assert_allclose(after[:, 82:], before[:, 82:], atol=1e-4)


def test_points_that_all_lie_together_are_numbers_still():
    assert np.isfinite(features_of(np.full((2, 21, 3), 5, np.float32))).all()


def test_the_dense_network_gives_probabilities_and_depends_on_its_seed(points, monkeypatch):
    monkeypatch.setattr(network, "UNITS", 8)
    one, again, other = dense_network(31, 1), dense_network(31, 1), dense_network(31, 2)
    found = one.predict_on_batch(points)
    assert found.shape == (5, 31)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(again.predict_on_batch(points), found)
    assert np.abs(other.predict_on_batch(points) - found).max() > 1e-3


# Augmentation


def test_normalized_points_lie_about_the_palm_at_one_size(points):
    found = normalize_points(points)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, PALM].mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose((found[..., :2] ** 2).sum(axis=2).mean(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(normalize_points(7 * points - 3), found, atol=1e-5)
    assert np.isfinite(normalize_points(np.zeros((1, 21, 3)))).all()


def test_points_are_turned_each_by_its_own_angle(points):
    turned = turn_points(points, np.array([0, np.pi / 2, np.pi, 0, 0]))
    assert turned.dtype == np.float32
    np.testing.assert_allclose(turned[[0, 3, 4]], points[[0, 3, 4]], rtol=1e-5)
    np.testing.assert_allclose(turned[1], points[1][:, [1, 0, 2]] * [-1, 1, 1], rtol=1e-4)
    np.testing.assert_allclose(turned[2], points[2] * [-1, -1, 1], rtol=1e-4)


def test_augmented_points_keep_their_shape_and_follow_the_seed(points):
    normal = normalize_points(points)
    kept = normal.copy()
    found = augment_points(normal, np.random.default_rng(5))
    assert found.shape == normal.shape and found.dtype == np.float32
    np.testing.assert_array_equal(normal, kept)  # what was given stays
    np.testing.assert_array_equal(augment_points(normal, np.random.default_rng(5)), found)
    assert (found != augment_points(normal, np.random.default_rng(6))).any()


def test_half_of_the_hands_are_mirrored_and_none_is_another_hand(random):
    """Hands without depth are only turned a little, stretched, mirrored and jittered."""
    hand = normalize_points(random.uniform(0, 1, (1, 21, 3)) * [1, 1, 0])
    many = augment_points(hand.repeat(2000, axis=0), random)[..., :2]

    def turned_into(one):
        """How far apart after the best linear map, and whether that mirrors."""
        map_, *_ = np.linalg.lstsq(hand[0, :, :2], one, rcond=None)
        return np.abs(hand[0, :, :2] @ map_ - one).max(), np.linalg.det(map_) < 0

    apart, mirrored = np.array([turned_into(one) for one in many]).T
    assert apart.max() < 0.25  # jitter alone: some 0.03 of the hand's size, at 21 points
    assert 0.46 < mirrored.mean() < 0.54


# Crops


def test_a_crop_is_the_square_around_the_points(random):
    image = random.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    points = np.zeros((21, 3), np.float32)
    points[:, :2] = [30, 25]
    points[0, :2], points[1, :2] = (22, 21), (38, 29)  # a box of 16 × 8 about (30, 25)
    np.testing.assert_array_equal(crop_of(image, points, 32, 2.0), image[9:41, 14:46])
    grey = crop_of(image[..., :1], points, 32, 2.0)
    np.testing.assert_array_equal(grey, image[9:41, 14:46, :1].repeat(3, axis=2))
    assert crop_of(np.dstack([image, image[..., 0]]), points, 32, 2.0).shape == (32, 32, 4)


def test_crops_are_cut_where_a_hand_was_found(random):
    images = random.integers(0, 256, (3, 40, 40, 1), dtype=np.uint8)
    points = random.uniform(10, 30, (3, 21, 3)).astype(np.float32)
    joints = Joints(points, np.array([0.9, 0, 0.6], np.float32), np.zeros(3, np.float32))
    found = cut_crops(images, joints, 24, 1.5)
    assert found.shape == (2, 24, 24, 3)
    np.testing.assert_array_equal(found[1], crop_of(images[2], points[2], 24, 1.5))
    none = Joints(points, np.zeros(3, np.float32), np.zeros(3, np.float32))
    assert cut_crops(images, none, 24, 1.5).shape == (0, 24, 24, 3)


# Found once, and kept


@pytest.fixture
def looked(monkeypatch, random):
    """Hands are looked for by a stand-in, which sees one where the first pixel is bright; gives the
    numbers of images that it was asked for.
    """
    asked = []

    def find_in_each(images):
        asked.append(len(images))
        for image in images:
            value = float(image[0, 0, 0])
            points = np.full((21, 3), value, np.float32)
            small = Hand(np.zeros(4), points + 1, 0.1, 0.6)
            yield [Hand(np.zeros(4), points, 0.75, 0.95), small] if value > 100 else []

    monkeypatch.setattr(finding, "find_in_each", find_in_each)
    return asked


@pytest.fixture
def images():
    found = np.zeros((6, 8, 8, 1), np.uint8)
    found[:, 0, 0, 0] = [200, 0, 150, 101, 100, 255]
    return found


def test_the_joints_of_each_image(looked, images):
    found, _ = stored_joints(images)
    assert found.found.tolist() == [True, False, True, True, False, True]
    assert found.points.shape == (6, 21, 3) and found.points.dtype == np.float32
    assert found.points[:, 7, 2].tolist() == [200, 0, 150, 101, 0, 255]  # the first hand of each
    np.testing.assert_allclose(found.presence, 0.95 * found.found)
    np.testing.assert_allclose(found.right, 0.75 * found.found)
    some = found.take(np.array([2, 1]))
    assert some.found.tolist() == [True, False] and some.points[:, 3, 0].tolist() == [150, 0]


def test_joints_are_looked_for_once_wherever_images_lie(looked, images, home, monkeypatch):
    first, _ = stored_joints(images)
    np.save(home / "i.npy", images)
    mapped = MappedImages(np.load(home / "i.npy", mmap_mode="r"))
    for again in (images.copy(), mapped):
        np.testing.assert_array_equal(stored_joints(again)[0].points, first.points)
    assert looked == [6]
    other = images.copy()
    other[1, 5, 5] = 1
    stored_joints(other)
    assert looked == [6, 1]
    monkeypatch.setattr(finding, "VERSION", 99)  # another way to look for hands
    stored_joints(images)
    assert looked == [6, 1, 6]


def test_joints_do_not_fit_a_full_disk(looked, images, monkeypatch):
    def full(*_):
        raise AslError("the disk is full")

    monkeypatch.setattr(files, "check_space", full)
    with pytest.raises(AslError, match="the disk is full"):
        stored_joints(images)
    assert looked == []


@needs_archives
def test_joints_of_rendered_hands(monkeypatch):
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    hands = draw_hands("BLYV", signers=[4] * 4, seed=1, size=120)
    found, _ = stored_joints(np.concatenate([hands, np.full_like(hands[:1], 90)]))
    assert found.found[:4].sum() >= 3 and not found.found[4]
    assert not found.points[4].any()
