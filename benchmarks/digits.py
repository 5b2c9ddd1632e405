"""Are the digits of `student_digits` signed as in ASL? A network of joints of ASL reads them.

It has seen none of their pictures: it is trained on the digits of `signers` and on rendered hands.
"""

import numpy as np
from common import text

from asl.data.hand_poses import DIGITS
from asl.data.rendered_hands import hand_points
from asl.evaluation.intervals import describe_accuracy
from asl.keras_setup import keras
from asl.landmarks.augmentation import augment_points, normalize_points
from asl.models.joints import dense_network
from asl.reader.sources import read_set

DRAWN = 120  # rendered hands of each digit, by a signer each
STEPS, BATCH, LEARNING_RATE = 600, 64, 3e-3
CONFUSED = 5  # pairs that are told


def digits() -> dict:
    """Share of the digits of `student_digits` that are read as in ASL, of each, and confusions."""
    points, labels, _ = _digits_of("signers")
    drawn = np.repeat(np.arange(10), DRAWN)
    signers = 1000 + np.tile(np.arange(DRAWN), 10)
    rendered = hand_points([DIGITS[label] for label in drawn], signers=signers)
    network = _train(
        np.concatenate([points, normalize_points(rendered)]), np.concatenate([labels, drawn])
    )
    points, labels, students = _digits_of("student_digits")
    read = network.predict(points, verbose=0).argmax(axis=1)
    counts = np.bincount(10 * labels + read, minlength=100).reshape(10, 10)
    shares = [
        f"{digit} {100 * counts[k, k] / counts[k].sum():.0f}" for k, digit in enumerate(DIGITS)
    ]
    apart = counts - np.diag(np.diag(counts))
    pairs = [divmod(int(place), 10) for place in np.argsort(-apart, axis=None)[:CONFUSED]]
    confused = [f"{DIGITS[a]} as {DIGITS[b]} {apart[a, b]}" for a, b in pairs]
    name = "student_digits read by joints of ASL digits"
    return {
        name: text(describe_accuracy(read == labels, students, "student")),
        f"{name}, by digit, %": text(", ".join(shares)),
        f"{name}: most confused": text(", ".join(confused)),
    }


def _digits_of(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalized points, labels and groups of the digits of a set in which a hand is found."""
    samples, _, joints = read_set(name, is_scored=True)
    signs = np.array(samples.class_names)[samples.labels]
    rows = np.flatnonzero(np.isin(signs, DIGITS) & joints.found)
    labels = np.array([DIGITS.index(sign) for sign in signs[rows]])
    return normalize_points(joints.points[rows]), labels, samples.groups[rows]


def _train(points: np.ndarray, labels: np.ndarray) -> keras.Model:
    random = np.random.default_rng(0)
    rows = random.integers(0, len(points), STEPS * BATCH)
    network = dense_network(len(DIGITS))
    falling = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    network.compile(keras.optimizers.Adam(falling), keras.losses.SparseCategoricalCrossentropy())
    network.fit(
        augment_points(points[rows], random),
        labels[rows],
        batch_size=BATCH,
        shuffle=False,
        verbose=0,
    )
    return network
