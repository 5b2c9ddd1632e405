"""How a network does on corrupted images: a curve for each corruption and severity.

The idea of a mean over corruptions and their severities: Hendrycks and Dietterich, Benchmarking
Neural Network Robustness to Common Corruptions and Perturbations. ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from asl.data.encoding import most_likely
from asl.errors import AslError
from asl.evaluation.intervals import accuracy_interval
from asl.prediction import predict_fitted

if TYPE_CHECKING:
    import keras

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def rotation(image: np.ndarray, degrees: float, random: np.random.Generator) -> np.ndarray:
    """Turned by so many degrees, to either side."""
    side = 1 if random.random() < 0.5 else -1
    return _move(image, turn=side * np.deg2rad(degrees))


def shift(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Moved by this share of its side, in any direction."""
    angle = random.uniform(0, 2 * np.pi)
    return _move(image, shift=(share * np.cos(angle), share * np.sin(angle)))


def scale(image: np.ndarray, factor: float, random: np.random.Generator) -> np.ndarray:
    """Enlarged or shrunk by this factor."""
    return _move(image, scale=factor)


def blur(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Blurred, with this share of its side as the deviation."""
    return cv2.GaussianBlur(image, (0, 0), share * image.shape[0]).reshape(image.shape)


def noise(image: np.ndarray, deviation: float, random: np.random.Generator) -> np.ndarray:
    """With normal noise of so many levels (of 255) on each value."""
    return _bytes(image + deviation * random.standard_normal(image.shape, np.float32))


def brightness(image: np.ndarray, levels: float, random: np.random.Generator) -> np.ndarray:
    """Darker (below 0) or brighter by so many levels."""
    return _bytes(image.astype(np.float32) + levels)


def contrast(image: np.ndarray, factor: float, random: np.random.Generator) -> np.ndarray:
    """Its distance from its mean multiplied."""
    return _bytes((image - image.mean()) * factor + image.mean())


def occlusion(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """A grey square of this share of the picture's area over it, anywhere."""
    height, width = image.shape[:2]
    tall, wide = round(height * share**0.5), round(width * share**0.5)
    top, left = random.integers(0, height - tall + 1), random.integers(0, width - wide + 1)
    changed = image.copy()
    changed[top : top + tall, left : left + wide] = 128
    return changed


def jpeg(image: np.ndarray, quality: float, random: np.random.Generator) -> np.ndarray:
    """Stored as a JPEG of this quality, 1 to 100."""
    colour = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    _, stored = cv2.imencode(".jpg", colour, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    flag = cv2.IMREAD_GRAYSCALE if image.shape[2] == 1 else cv2.IMREAD_COLOR_RGB
    return np.asarray(cv2.imdecode(stored, flag)).reshape(image.shape)


def other_background(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """What is behind the hand replaced by clouds of other colours, blended in by this share.

    The hand is what differs from the border's usual colour by more than a threshold (Otsu, IEEE
    Transactions on Systems, Man and Cybernetics 9, 1979): right before plain walls, a guess in
    rooms.
    """
    height, width, channels = image.shape
    border = np.concatenate([image[0], image[:, 0], image[:, -1]]).astype(np.float32)
    distance = np.abs(image - np.median(border, axis=0)).max(axis=2)
    _, hand = cv2.threshold(_bytes(distance), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    hand = cv2.GaussianBlur(hand, (3, 3), 0)[..., None].astype(np.float32) / 255
    colours = random.uniform(0, 255, (3, 3, channels)).astype(np.float32)
    clouds = cv2.resize(colours, (width, height), interpolation=cv2.INTER_CUBIC)
    behind = share * (1 - hand)
    return _bytes(image * (1 - behind) + clouds.reshape(image.shape) * behind)


# Each corruption with its severities, from slight to hard, and the unit that they are told in;
# shares are told in percent
CORRUPTIONS: dict[str, tuple[Corruption, tuple[float, ...], str]] = {
    "rotation": (rotation, (5, 10, 20, 30), "degrees"),
    "shift": (shift, (0.05, 0.1, 0.15, 0.2), "% of the side"),
    "scale": (scale, (0.5, 0.7, 1.2, 1.4), "times as large"),
    "blur": (blur, (0.01, 0.02, 0.03, 0.05), "% of the side"),
    "noise": (noise, (5, 10, 20, 40), "grey levels"),
    "brightness": (brightness, (-80, -40, 40, 80), "grey levels"),
    "contrast": (contrast, (0.25, 0.5, 1.5, 2), "times as much"),
    "occlusion": (occlusion, (0.02, 0.05, 0.1, 0.2), "% of the area"),
    "jpeg": (jpeg, (50, 25, 10, 5), "JPEG quality"),
    "background": (other_background, (0.25, 0.5, 0.75, 1), "% replaced"),
}
NONE = {"scale": 1.0, "contrast": 1.0, "jpeg": 100.0}  # severities that change nothing, else 0


def apply(images: np.ndarray, corruption: str, severity: float, seed: int = 0) -> np.ndarray:
    """Images uint8 (n, h, w, c) changed in one way, the same way every time for one seed.

    AslError for a corruption that is not there.
    """
    _check(corruption)
    function, random = CORRUPTIONS[corruption][0], np.random.default_rng(seed)
    return np.stack([function(image, severity, random) for image in images])


def at_each_severity(image: np.ndarray, seed: int = 0) -> dict[str, dict[float, np.ndarray]]:
    """One image uint8 (h, w, c) under each corruption (outer key) at each severity (inner key)."""
    return {
        name: {severity: apply(image[None], name, severity, seed)[0] for severity in severities}
        for name, (_, severities, _) in CORRUPTIONS.items()
    }


def robustness(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    corruptions: Sequence[str] = tuple(CORRUPTIONS),
    groups: np.ndarray | None = None,
) -> pd.DataFrame:
    """Accuracy on corrupted images: a row for each corruption and severity.

    images uint8 (n, h, w, c), labels int (n,) as the network counts them. A first row of each
    corruption, at the severity that changes nothing, is the accuracy on the images as they are.
    low and high are the 95 % interval, which counts `groups` int (n,) where they are given.
    AslError for no images and for a corruption that is not there.
    """
    if not len(images):
        raise AslError("robustness needs some images; there are none.")
    for corruption in corruptions:
        _check(corruption)

    def accuracy(seen: np.ndarray) -> tuple[float, float, float]:
        correct = most_likely(predict_fitted(model, seen)) == labels
        return (float(correct.mean()), *accuracy_interval(correct, groups))

    rows, plain = [], accuracy(images)
    for corruption in corruptions:
        rows.append((corruption, NONE.get(corruption, 0.0), *plain))
        for severity in CORRUPTIONS[corruption][1]:
            changed = apply(images, corruption, severity)
            rows.append((corruption, float(severity), *accuracy(changed)))
    return pd.DataFrame(rows, columns=["corruption", "severity", "accuracy", "low", "high"])


def mean_accuracy(curves: pd.DataFrame) -> float:
    """One number for `robustness`: the mean over all corruptions and severities."""
    plain = curves["corruption"].map(NONE).fillna(0.0)
    return float(curves.loc[curves["severity"] != plain, "accuracy"].mean())


def _check(corruption: str) -> None:
    if corruption not in CORRUPTIONS:
        there = ", ".join(CORRUPTIONS)
        raise AslError(f"there is no corruption {corruption!r}. There are: {there}.")


def _move(
    image: np.ndarray, turn: float = 0, scale: float = 1, shift: tuple[float, float] = (0, 0)
) -> np.ndarray:
    size = image.shape[1::-1]  # width, height
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    middle = (np.array(size) - 1) / 2
    place = middle - matrix @ middle + np.multiply(shift, size)
    moved = cv2.warpAffine(image, np.c_[matrix, place], size, borderMode=cv2.BORDER_REPLICATE)
    return moved.reshape(image.shape)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
