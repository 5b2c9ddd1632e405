"""Augmentation: repeatable, within its bounds, and never mirrored."""

import numpy as np

from asl import augment


def test_augment_repeats_and_changes_little(samples):
    few = samples.images[:64]
    changed = augment(few, seed=[3, 1, 4])
    assert changed.shape == few.shape
    assert changed.min() >= 0
    assert changed.max() <= 255
    np.testing.assert_array_equal(changed, augment(few, seed=[3, 1, 4]))
    assert not np.array_equal(changed, augment(few, seed=[3, 1, 5]))
    # Each is still more like its own original than like the others: nothing is mirrored.
    flat = np.stack([few, few[:, :, ::-1]]).reshape(2, 64, -1).astype(float)
    flat -= flat.mean(axis=2, keepdims=True)
    mine = changed.reshape(64, -1) - changed.reshape(64, -1).mean(axis=1, keepdims=True)
    upright, mirrored = (
        (mine * original).sum(1) / np.linalg.norm(original, axis=1) for original in flat
    )
    assert (upright > mirrored).mean() > 0.85


def test_augment_turns_and_shifts_within_its_bounds():
    """A dot near the middle moves by no more than shift, turn and zoom together allow."""
    dot = np.zeros((500, 41, 41, 1), np.uint8)
    dot[:, 18:23, 18:23] = 255
    changed = augment(dot, seed=0)
    changed = changed - changed.min(axis=(1, 2, 3), keepdims=True)
    rows, columns = np.mgrid[:41, :41]
    weight = changed[..., 0].sum(axis=(1, 2))
    y = (changed[..., 0] * rows).sum(axis=(1, 2)) / weight - 20
    x = (changed[..., 0] * columns).sum(axis=(1, 2)) / weight - 20
    assert 3 < np.abs(x).max() <= 0.16 * 41
    assert 3 < np.abs(y).max() <= 0.16 * 41
