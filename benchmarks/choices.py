"""What the reader's training is made of: each thing taken away, with each set left out in turn;
and what its rules for tiny pictures bring, on tiny copies of sets that have none.
"""

from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from common import text

from asl import files
from asl.data.rendered_hands import draw_hands
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.crops import is_tiny
from asl.landmarks.geometry import Square
from asl.landmarks.joint_store import stored_joints
from asl.landmarks.looks import LOOKS, look_again_in_each
from asl.models.joints import dense_network
from asl.models.reader import MIRRORED
from asl.reader.fit import EPOCHS, Compiled, fit_network
from asl.reader.left_out import LeftOut, figures, mean_of_views, predict_hands, without_tiny_rules
from asl.reader.signs import SHAPES
from asl.reader.sources import (
    DRAWN_SIZE,
    LEFT_OUT,
    RENDERED,
    Batches,
    Hands,
    KnownHands,
    gather,
    read_set,
)
from asl.reader.train import JOINTS, load_left_out, predictions_left_out
from asl.rounding import percent

ALL, ONE_LOOK = "as it is", "without further looks"
DEGRADED, DRAWN = "without degraded copies", "without rendered hands"
SEEN = "rendered hands as the detector sees them, in place of their bones"
WORTH = {ONE_LOOK: "further looks", DEGRADED: "degraded copies", DRAWN: "rendered hands"}
TINY_SIDE, EACH = 28, 40
WORTH[SEEN] = "bones of rendered hands, against what the detector sees of them"


def choices() -> dict:
    """The accuracy of each set that is left out, and what the other three say of each thing."""
    everything, real = gather(), gather(degraded=False)
    drawn = {name: hands for name, hands in everything.items() if name != RENDERED}
    seen = everything | {RENDERED: _seen(everything[RENDERED])}
    reached: dict[str, dict[str, float]] = {way: {} for way in (ALL, *WORTH)}
    for name in LEFT_OUT:
        hands = _hands(name)
        ways = ((ALL, everything), (DEGRADED, real), (DRAWN, drawn), (SEEN, seen))
        for way, sources in ways:
            network = _trained(name, way, sources)
            reached[way][name] = _accuracy(network, hands, LOOKS)
            if way == ALL:
                reached[ONE_LOOK][name] = _accuracy(network, hands, 1)
    rows = {
        f"joints alone, {way}": text(
            ", ".join(f"{name} {percent(share, 1)}" for name, share in shares.items())
        )
        for way, shares in reached.items()
    }
    for way, title in WORTH.items():
        told = []
        for name in LEFT_OUT:
            gains = [
                reached[ALL][other] - reached[way][other] for other in LEFT_OUT if other != name
            ]
            told.append(f"{name}: {100 * np.mean(gains):+.1f} points by the others")
        rows[f"{title}, worth"] = text(", ".join(told), "above 0")
    return rows | _tiny()


def _tiny() -> dict:
    """Tiny copies of pictures, cut to the hand: with the rules for tiny pictures, and without."""
    told, known = {}, figures(predictions_left_out())
    for name in LEFT_OUT:
        if name == "letters":  # all of it is tiny, so that it has no say
            continue
        share = known[name]["pixels_share"]
        networks = load_left_out(name)
        parts = [predict_hands(_reduced(dataset), *networks) for dataset in LEFT_OUT[name]]
        found = LeftOut(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        without = without_tiny_rules(found)
        shares = [percent(each.correct(share).mean(), 1) for each in (without, found)]
        told[name] = f"{name} {' → '.join(shares)}"
        if len(found.answered(share)):
            answered = [f"{each.answered(share).sum()}" for each in (without, found)]
            told[name] += f" ({' → '.join(answered)} of {len(found.answered(share))} without a "
            told[name] += "sign given a letter)"
    title = f"copies of {TINY_SIDE}×{TINY_SIDE}, grey: correct without and with the rules"
    return {title: text(", ".join(told.values()), "more")}


def _reduced(dataset: str) -> KnownHands:
    """EACH images of each class, cut to the hand, or to the middle where there is none, as whoever
    makes a tiny picture does.
    """
    samples, labels, joints = read_set(dataset, is_scored=True)
    random, images = np.random.default_rng(1), []
    rows = np.concatenate(
        [
            np.flatnonzero(samples.labels == label)[:: max(1, count // EACH)][:EACH]
            for label, count in enumerate(np.bincount(samples.labels))
        ]
    )
    for row in rows:
        image = np.asarray(samples.images[row])
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[2] == 3 else image[..., 0]
        middle, side = np.array(image.shape[::-1]) / 2, float(min(image.shape))
        if joints.found[row]:
            points = joints.points[row, :, :2]
            low, high = points.min(axis=0), points.max(axis=0)
            middle, side = (low + high) / 2, (high - low).max() * random.uniform(1.15, 1.5)
        large = Square(*middle, side).cut(image, 4 * TINY_SIDE, cv2.BORDER_REPLICATE)
        images.append(cv2.resize(large, (TINY_SIDE, TINY_SIDE), interpolation=cv2.INTER_AREA))
    copies = replace(samples.take(rows), images=np.stack(images)[..., None])
    return KnownHands(copies, labels[rows], stored_joints(copies.images, f"{dataset}, tiny")[0])


def _seen(hands: Hands) -> Hands:
    """The same rendered hands by the joints that are found in their pictures."""
    signs = [SHAPES[label] for label in hands.labels]
    signers = 1000 + np.concatenate([np.arange(count) for count in np.bincount(hands.labels)])
    images = draw_hands(signs, signers=signers, size=DRAWN_SIZE, first_only=True)
    joints, _ = stored_joints(images, RENDERED)
    found = joints.found
    return hands._replace(
        points=normalize_points(joints.points[found]), labels=hands.labels[found], crops=None
    )


def _hands(name: str) -> list[tuple[np.ndarray, ...]]:
    """Looks, whether a hand was found, labels, signs and whether each image is tiny, of the sets
    that are left out together.
    """
    known = []
    for dataset in LEFT_OUT[name]:
        samples, labels, joints = read_set(dataset, is_scored=True)
        signs = np.array([each.upper() for each in samples.class_names])[samples.labels]
        looks = normalize_points(look_again_in_each(samples.images, joints))
        tiny = np.full(len(labels), is_tiny(samples.images[0]))
        known.append((looks, joints.found, labels, signs, tiny))
    return known


def _trained(name: str, way: str, sources: dict[str, Hands]):
    others = {each: hands for each, hands in sources.items() if each not in LEFT_OUT[name]}
    batches = Batches(others, JOINTS.batch, JOINTS.steps // EPOCHS)
    file = files.RUNS / "choices" / f"{way} {name}".replace(" ", "-") / "joints.keras"
    return fit_network(
        file, partial(dense_network, len(SHAPES)), batches, JOINTS, f"{way}, {name}", Compiled()
    )


def _accuracy(network, hands: list[tuple[np.ndarray, ...]], looks: int) -> float:
    correct = []
    for seen, found, labels, signs, tiny in hands:
        views = [seen[:, k] for k in range(looks)]
        told = np.zeros((len(labels), len(SHAPES)), np.float32)
        told[found] = mean_of_views(network, *views, *(each * MIRRORED for each in views))
        correct.append(LeftOut(told, told, labels, signs, signs, tiny).correct(0.0))
    return float(np.concatenate(correct).mean())
