"""Augmentation: training images changed a little, each epoch anew."""

from collections.abc import Sequence

import cv2
import numpy as np


def augment(images: np.ndarray, seed: int | Sequence[int]) -> np.ndarray:
    """Each image changed a little: uint8 (n, h, w, c) in, float32 of the same shape out, 0–255.

    Shifted by up to 10 % of its size, enlarged or shrunk by up to 15 %, turned by up to 10°,
    slanted by up to 10 %, its contrast and brightness changed. Nothing is mirrored. The same seed
    gives the same changes.
    """
    count, height, width = images.shape[:3]
    random = np.random.default_rng(seed)
    angle = np.deg2rad(random.uniform(-10, 10, count))
    scale = random.uniform(0.85, 1.15, count)
    slant = random.uniform(-0.1, 0.1, count)
    shift = random.uniform(-0.1, 0.1, (count, 2)) * (width, height)
    contrast = random.uniform(0.7, 1.3, (count, 1, 1, 1)).astype(np.float32)
    brightness = random.uniform(-51, 51, (count, 1, 1, 1)).astype(np.float32)

    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turns = np.moveaxis(np.array([[cosine, slant - sine], [sine, cosine]]), 2, 0)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])  # stays in place, but for the shift
    moves = np.concatenate([turns, (middle - turns @ middle + shift)[..., None]], axis=2)
    changed = np.empty(images.shape, np.float32)
    for image, move, place in zip(images, moves, changed, strict=True):
        moved = cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        place[:] = moved.reshape(place.shape)
    mean = changed.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip((changed - mean) * contrast + mean + brightness, 0, 255)
