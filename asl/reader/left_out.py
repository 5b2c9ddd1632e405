"""What the reader makes of data sets that were left out of its training, and what follows: how much
it leans on pixels, its temperature, its confidence threshold, and the figures that it is known by.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from asl import files
from asl.data.hand_poses import DIGITS, LETTERS
from asl.data.split import with_groups
from asl.evaluation import confidence
from asl.evaluation.intervals import accuracy_interval
from asl.keras_setup import keras
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.crops import AROUND, CROP, cut_crops, is_tiny
from asl.landmarks.looks import LOOKS, look_again_in_each
from asl.models.layers import SMALLEST
from asl.models.metadata import Threshold
from asl.models.reader import MIRRORED
from asl.prediction import run
from asl.reader.signs import OTHER, SHAPES, SIGNS, read_as
from asl.reader.sources import LEFT_OUT, KnownHands, read_set

PRECISION = 0.95  # share of predictions above the confidence threshold that should be correct
TRIED = np.linspace(0, 1, 21)  # shares of the pixel network that are tried


class LeftOut(NamedTuple):
    """What both networks say of a set that was left out of their training; zeros in rows where no
    hand was found, but for the pixels of tiny images.
    """

    joints: np.ndarray  # float32 (n, shapes), probabilities
    pixels: np.ndarray  # float32 (n, shapes)
    labels: np.ndarray  # int64 (n,), an index into SHAPES
    signs: np.ndarray  # str (n,), what is signed: "A", "0", "nothing"
    groups: np.ndarray  # str (n,)
    tiny: np.ndarray  # bool (n,), see `is_tiny`

    @property
    def found(self) -> np.ndarray:
        """Whether there is a hand: bool (n,)."""
        return np.asarray(self.joints.any(axis=1))

    @property
    def is_letter(self) -> np.ndarray:
        """Whether a letter is signed: bool (n,)."""
        return np.isin(self.signs, LETTERS)

    @property
    def is_digit(self) -> np.ndarray:
        """Whether a digit is signed: bool (n,)."""
        return np.isin(self.signs, DIGITS)

    def probabilities(self, share: float, temperature: float = 1.0) -> np.ndarray:
        """Both together, as `models.reader.both` does it: float64 (n, shapes)."""
        of_joints = np.where(self.found, 1 - share, 0)[:, None]
        scores = of_joints * np.log(self.joints + SMALLEST)
        scores += (1 - of_joints) * np.log(self.pixels + SMALLEST)
        scores = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
        seen = self.found | (self.pixels.any(axis=1) & (share > 0))
        return scores / scores.sum(axis=1, keepdims=True) * seen[:, None]

    def read(
        self, share: float, temperature: float = 1.0, signs: str = "letters"
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `read_as`: float64 (n, signs), and whether there is a sign, bool (n,)."""
        probabilities = self.probabilities(share, temperature)
        return read_as(probabilities, SHAPES, signs, self.found, self.tiny)

    def correct(self, share: float, signs: str = "letters", temperature: float = 1.0) -> np.ndarray:
        """Which of the letters, or digits, are predicted correctly; not those in which there seems
        to be none: bool (letters,) or (digits,).
        """
        rows = self.is_letter if signs == "letters" else self.is_digit
        chosen, is_sign = self.read(share, temperature, signs)
        predicted = np.array(SIGNS[signs])[chosen.argmax(axis=1)]
        return np.asarray((predicted == self.signs) & is_sign)[rows]

    def answered(self, share: float, temperature: float = 1.0) -> np.ndarray:
        """Which of the images without a sign are given a letter: bool (others,)."""
        return self.read(share, temperature)[1][self.labels == SHAPES.index(OTHER)]


def predict_left_out(name: str, joints: keras.Model, pixels: keras.Model) -> LeftOut:
    """What networks that were trained without a set say of all its images; of `letters`, of what
    its publisher calls test.
    """
    told = [
        predict_hands(read_set(dataset, is_scored=True), joints, pixels)
        for dataset in LEFT_OUT[name]
    ]
    return LeftOut(*(np.concatenate(column) for column in zip(*told, strict=True)))


def predict_hands(known: KnownHands, joints: keras.Model, pixels: keras.Model) -> LeftOut:
    """What both networks say of images of a data set and the hands in them."""
    samples, hands = with_groups(known.samples), known.joints
    assert samples.groups is not None
    tiny = np.full(len(samples), is_tiny(samples.images[0]))
    looks = normalize_points(look_again_in_each(samples.images, hands))
    points = [looks[:, k] for k in range(LOOKS)]
    of_joints, of_pixels = (np.zeros((len(tiny), len(SHAPES)), np.float32) for _ in range(2))
    mirrored = [each * MIRRORED for each in points]
    of_joints[hands.found] = mean_of_views(joints, *points, *mirrored)
    for rows in (hands.found, tiny & ~hands.found):
        crops = cut_crops(samples.images, hands._replace(presence=rows), CROP, AROUND)
        of_pixels[rows] = mean_of_views(pixels, crops, crops[:, :, ::-1])
    groups = np.char.add(f"{samples.dataset} ", samples.groups.astype(str))
    signs = np.array([name.upper() for name in samples.class_names])[samples.labels]
    return LeftOut(of_joints, of_pixels, known.labels, signs, groups, tiny)


def without_tiny_rules(found: LeftOut) -> LeftOut:
    """The same, read as if no image were tiny: to see what the rules for these bring."""
    return found._replace(
        pixels=found.pixels * found.found[:, None], tiny=np.zeros_like(found.tiny)
    )


def mean_of_views(network: keras.Model, *views: np.ndarray) -> np.ndarray:
    """The geometric mean of what a network says of several views of the same hands."""
    if not len(views[0]):
        return np.zeros((0, len(SHAPES)), np.float32)
    logs = np.mean([np.log(run(network, view) + SMALLEST) for view in views], axis=0)
    scores = np.exp(logs - logs.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def keep(found: LeftOut, file: Path) -> None:
    """Write what was predicted, whole or not at all."""
    with files.write_beside(file) as temporary:
        np.savez(temporary, **found._asdict())


def kept(file: Path) -> LeftOut | None:
    """What `keep` wrote, or None if it was not yet."""
    if not file.is_file():
        return None
    with np.load(file) as stored:
        return LeftOut(**stored)


def choose_share(sets: list[LeftOut]) -> float:
    """How much of the geometric mean is the pixels': what is best for these sets in the mean."""
    accuracy = [np.mean([each.correct(share).mean() for each in sets]) for share in TRIED]
    return round(float(TRIED[int(np.argmax(accuracy))]), 2)


def calibrate(sets: list[LeftOut], share: float) -> tuple[float, Threshold]:
    """Temperature and confidence threshold from the letters of these sets, as many of each."""
    random = np.random.default_rng(0)
    rows = [np.flatnonzero(each.is_letter & each.found) for each in sets]
    count = min(map(len, rows))
    chosen = [random.choice(each, count, replace=False) for each in rows]
    pairs = list(zip(sets, chosen, strict=True))
    labels = np.concatenate([each.labels[rows] for each, rows in pairs])
    probabilities = np.concatenate([each.probabilities(share)[rows] for each, rows in pairs])
    temperature = round(confidence.fit_temperature(probabilities, labels), 4)
    calibrated = confidence.calibrate(probabilities, temperature)[:, : len(LETTERS)]
    return temperature, confidence.confidence_threshold(calibrated, labels, PRECISION)


def figures(known: dict[str, LeftOut]) -> dict[str, dict[str, float]]:
    """How many letters of each set are predicted correctly, with the share of pixels and the
    temperature that are best for the other sets, so that none has a say in what it is scored by.
    """
    told = {}
    for name, found in known.items():
        others = [each for other, each in known.items() if other != name]
        share = choose_share(others or [found])
        temperature, _ = calibrate(others or [found], share)
        letters, groups = found.is_letter, found.groups[found.is_letter]
        correct = found.correct(share, temperature=temperature)
        low, high = accuracy_interval(correct, groups)
        told[name] = {
            "correct": int(correct.sum()),
            "images": int(letters.sum()),
            "groups": len(np.unique(groups)),
            "low": round(low, 4),
            "high": round(high, 4),
            "pixels_share": share,
            "temperature": temperature,
            "joints_alone": int(found.correct(0.0).sum()),
            "pixels_alone": int(found.correct(1.0).sum()),
            "hand_found": int(found.found[letters].sum()),
            "no_sign": int((found.labels == SHAPES.index(OTHER)).sum()),
            "no_sign_answered": int(found.answered(share, temperature).sum()),
        }
    return told


def calibration_figures(known: dict[str, LeftOut]) -> dict[str, float]:
    """Whether the confidence of a set that was left out means what it says, where share of pixels,
    temperature and threshold come from the others.

    coverage: letters answered at or above the threshold; precision: of these, correct; both in the
    mean over the sets. calibration_error: expected, of the letters with a hand, in the mean over
    the sets; pooled_calibration_error: of all sets together, where one that is too confident and
    one that is not confident enough make up for each other.
    """
    rows, seen = [], []
    for name, found in known.items():
        others = [each for other, each in known.items() if other != name]
        share = choose_share(others)
        temperature, threshold = calibrate(others, share)
        letters = found.is_letter
        chosen, is_sign = found.read(share, temperature)
        confident = (chosen.max(axis=1) >= threshold.confidence) & is_sign
        correct = chosen.argmax(axis=1) == found.labels  # of letters
        answered = confident & letters
        rows.append((answered.sum() / letters.sum(), correct[answered].mean()))
        seen.append((found.labels[letters & found.found], chosen[letters & found.found]))
    coverage, precision = map(float, np.mean(rows, axis=0))
    count = max(len(labels) for labels, _ in seen)
    alike = [np.linspace(0, len(labels) - 1, count).astype(int) for labels, _ in seen]
    labels, chosen = (
        np.concatenate([each[rows] for each, rows in zip(column, alike, strict=True)])
        for column in zip(*seen, strict=True)
    )
    return {
        "coverage": coverage,
        "precision": precision,
        "calibration_error": float(np.mean([_calibration_error(*each) for each in seen])),
        "pooled_calibration_error": _calibration_error(labels, chosen),
    }


def _calibration_error(labels: np.ndarray, chosen: np.ndarray) -> float:
    return confidence.calibration_error(confidence.reliability(labels, chosen))
