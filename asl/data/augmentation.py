"""Augmentation: training images changed a little, each epoch anew."""

from collections.abc import Sequence

import cv2
import numpy as np

# The strongest change of each kind, and its unit; an image gets anything from minus to plus that
STRENGTHS = {
    "shift": (0.1, "of the image's width and height"),
    "scale": (0.15, "of its size"),
    "turn": (10, "degrees"),
    "slant": (0.1, "of its height, to the side"),
    "contrast": (0.3, "of the contrast"),
    "brightness": (51, "of 255"),
}


def augment(
    images: np.ndarray, seed: int | Sequence[int], *, first: int = 0, of: int | None = None
) -> np.ndarray:
    """Each image changed a little: uint8 (n, h, w, c) in, float32 of the same shape out, 0–255.

    Shifted, enlarged or shrunk, turned, slanted, its contrast and brightness changed, each by at
    most what STRENGTHS says. Nothing is mirrored. The same seed gives the same changes; to part of
    a batch, from its row `first`, those that it gets in the whole batch `of` so many.
    """
    height, width = images.shape[1:3]
    count, rows = of or len(images), slice(first, first + len(images))
    random = np.random.default_rng(seed)
    most = {change: strength for change, (strength, _) in STRENGTHS.items()}
    one = (count, 1, 1, 1)
    angle = np.deg2rad(random.uniform(-most["turn"], most["turn"], count))
    scale = random.uniform(1 - most["scale"], 1 + most["scale"], count)
    slant = random.uniform(-most["slant"], most["slant"], count)
    shift = random.uniform(-most["shift"], most["shift"], (count, 2)) * (width, height)
    contrast = random.uniform(1 - most["contrast"], 1 + most["contrast"], one).astype(np.float32)
    brightness = random.uniform(-most["brightness"], most["brightness"], one).astype(np.float32)

    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turns = np.moveaxis(np.array([[cosine, slant - sine], [sine, cosine]]), 2, 0)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])  # stays in place, but for the shift
    moves = np.concatenate([turns, (middle - turns @ middle + shift)[..., None]], axis=2)[rows]
    changed = np.empty(images.shape, np.float32)
    for image, move, place in zip(images, moves, changed, strict=True):
        moved = cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        place[:] = moved.reshape(place.shape)
    mean = changed.mean(axis=(1, 2, 3), keepdims=True)
    return np.clip((changed - mean) * contrast[rows] + mean + brightness[rows], 0, 255)
