"""A film made knowingly: each photograph several times, slightly changed, as frames follow each
other. What belongs together is known, so it shows what a random split promises.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from asl.data.images import fit
from asl.data.samples import Samples
from asl.evaluation import corruptions

SHAPE = (28, 28, 1)  # small, so that a network learns it in seconds
LEAST = 8  # photographs of each class, where there are as many
# How far a frame may differ from its photograph
CHANGES = {"rotation": 4, "shift": 0.04, "brightness": 20, "noise": 5}


class Film(NamedTuple):
    """Frames, and which photograph each shows."""

    samples: Samples  # the photographs first; groups as the photographs had them
    photograph: np.ndarray  # int64 (n,)


def make_film(samples: Samples, photographs: int = 240, frames: int = 8, seed: int = 0) -> Film:
    """Frames of some photographs, about as many of each class, at SHAPE.

    Each frame is turned, shifted, lit and blurred by noise a little (CHANGES); the first is the
    photograph as it is. The same seed makes the same film.
    """
    each = max(LEAST, photographs // len(samples.class_names))
    shuffled = pd.Series(samples.labels).sample(frac=1, random_state=seed)
    chosen = samples.take(np.sort(shuffled.groupby(shuffled).head(each).index))
    first = np.stack([fit(image, SHAPE) for image in chosen.images[:]])
    random, made = np.random.default_rng(seed), [first]
    for number in range(1, frames):
        frame = first
        for change, most in CHANGES.items():
            frame = corruptions.apply(frame, change, most * random.random(), seed=number)
        made.append(frame)
    rows = np.tile(np.arange(len(chosen)), frames)
    names = np.array([f"film/{number:05d}" for number in range(len(rows))])
    groups = np.arange(len(chosen)) if chosen.groups is None else chosen.groups
    film = replace(
        chosen.take(rows),
        dataset="film",
        images=np.concatenate(made),
        names=names,
        groups=groups[rows],
        is_test=None,
        digests=None,
    )
    return Film(film, rows)


def with_fresh(film: Samples, fresh: Samples) -> Samples:
    """The film and, as its test part, images that are in none of its frames."""
    images = np.stack([fit(image, SHAPE) for image in fresh.images[:]])
    apart = film.groups.min() - 1 - np.arange(len(fresh)) if film.groups is not None else None
    return replace(
        film,
        images=np.concatenate([film.images, images]),
        labels=np.concatenate([film.labels, fresh.labels]),
        names=np.concatenate([film.names, fresh.names]),
        groups=None if apart is None else np.concatenate([film.groups, apart]),
        is_test=np.arange(len(film) + len(fresh)) >= len(film),
    )
