"""Near-duplicates: how many there are, whether planted ones are found, and how long it takes."""

import time

import cv2
import numpy as np
from common import Predicted, figure, predict_test, text, train_seed

from asl.data.load import load
from asl.data.near_duplicates import duplicate_groups, label_conflicts
from asl.data.samples import Samples
from asl.data.split import with_groups
from asl.evaluation import corruptions

PLANTED = 400  # near-duplicates of each kind
OF_ONE = 21  # images that Sign Language MNIST has of a photograph


def crop(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """This share of its height and width taken away, anywhere, and the rest enlarged."""
    height, width = image.shape[:2]
    left, top = random.uniform(0, share, 2) * (width, height)
    move = np.array([[1, 0, -left], [0, 1, -top]]) / (1 - share)
    return cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)


# What is planted, from which severity on, and up to which
KINDS = {
    "exact copies": (corruptions.brightness, 0, 0),
    "brightness": (corruptions.brightness, 10, 40),
    "darkness": (corruptions.brightness, -40, -10),
    "contrast": (corruptions.contrast, 0.7, 1.3),
    "noise": (corruptions.noise, 4, 10),
    "rotation": (corruptions.rotation, 1, 5),
    "crops": (crop, 0.03, 0.1),
}


def near_duplicates() -> dict:
    """Near-duplicates in Sign Language MNIST, and planted ones in it and among rendered hands."""
    samples = load("letters")
    train = samples.take(~samples.is_test)
    took = []
    for labels in (None, train.labels):
        began = time.perf_counter()
        groups = duplicate_groups(train.images, labels)
        took.append(time.perf_counter() - began)
    rows = {
        "groups of 27,455 rows, all pairs": figure(took[0], "s", "at most 10"),
        "groups of 27,455 rows, within classes": figure(took[1], "s"),
    } | in_letters(samples, groups)
    first = np.unique(groups, return_index=True)[1]
    places = {"sample": load("sample"), "letters, a row a group": train.take(np.sort(first))}
    for place, data in places.items():
        for kind in KINDS:
            found, false = planted(data.images, data.labels, kind)
            rows[f"planted in {place}: {kind}"] = text(
                f"{100 * found:.2f} % found, {100 * false:.3f} % of unrelated pairs linked",
                "at least 99 %, at most 0.1 %",
            )
    return rows


def in_letters(samples: Samples, train_groups: np.ndarray) -> dict:
    """How many there are, across training and test too, and the accuracy on the other images."""
    test = samples.take(samples.is_test)
    sizes = [np.bincount(train_groups), np.bincount(duplicate_groups(test.images, test.labels))]
    photographs = [int(np.ceil(each / OF_ONE).sum()) for each in sizes]
    together = with_groups(samples).groups
    related = np.isin(together[samples.is_test], together[~samples.is_test])
    predicted = predict_test(train_seed("letters", 0))
    others = Predicted(predicted.correct[~related], predicted.samples.take(~related))
    conflicts = label_conflicts(samples.images, samples.labels)
    return {
        "letters, groups in training and test": text(f"{len(sizes[0]):,} and {len(sizes[1]):,}"),
        "letters, photographs in training and test": text(
            f"{photographs[0]:,} and {photographs[1]:,}", "1,704 by its publisher's word"
        ),
        "letters, test images with a near-duplicate in training": text(
            f"{related.sum():,} of {len(related):,}"
        ),
        "letters, accuracy on test images without one": text(str(others)),
        "letters, near-duplicates with two labels": figure(len(conflicts)),
    }


def planted(images: np.ndarray, labels: np.ndarray, kind: str) -> tuple[float, float]:
    """Share of planted near-duplicates that are found, and of pairs of one class, none of them
    near-duplicates, that are linked all the same.
    """
    random = np.random.default_rng(0)
    rows = random.choice(len(images), min(PLANTED, len(images)), replace=False)
    change, low, high = KINDS[kind]
    copies = [change(images[row], random.uniform(low, high), random) for row in rows]
    copies = np.stack(copies).reshape(len(rows), *images.shape[1:])
    found = duplicate_groups(np.concatenate([images, copies]), np.append(labels, labels[rows]))
    linked, pairs = 0, 0
    for label in np.unique(labels):
        sizes = np.unique(found[: len(images)][labels == label], return_counts=True)[1]
        count = sizes.sum()
        linked += (sizes * (sizes - 1)).sum() / 2
        pairs += count * (count - 1) / 2
    return float((found[len(images) :] == found[rows]).mean()), float(linked / pairs)
