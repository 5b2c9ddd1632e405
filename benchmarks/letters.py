"""The cnn on Sign Language MNIST, by seed."""

import numpy as np
from common import figure, predict_samples, text, train_seed

from asl import files
from asl.checkpoints import load_model, replay_split
from asl.data.samples import Split

SEEDS = range(10)


def letters() -> dict:
    """Each seed's mistakes on the official test split."""
    tests, in_held_out = {}, []
    for seed in SEEDS:
        model, metadata = load_model(train_seed("letters", seed))
        parts = replay_split(metadata)
        tests[seed] = predict_samples(model, parts.test)
        in_held_out.append(int((~tests[seed].correct & is_held_out(parts)).sum()))
        print(f"seed {seed}: {tests[seed].mistakes} mistakes", flush=True)
    order = sorted(tests.values(), key=lambda test: test.mistakes)
    name = train_seed("letters", 0)
    model, _ = load_model(name)
    kilobytes = (files.MODEL / f"{name}.keras").stat().st_size / 1000
    return {
        "letters, mistakes of 7,172, seeds 0–9": text(
            listed([test.mistakes for test in tests.values()]), "0 in the median, at most 7"
        ),
        "letters, of these in photographs or moments that validation holds": text(
            listed(in_held_out)
        ),
        "letters, median seed": text(str(order[len(order) // 2]), "7,172"),
        "letters, worst seed": text(str(order[-1]), "at least 99.9 %"),
        "cnn on letters, parameters": figure(model.count_params(), "", "at most 150,000"),
        "cnn on letters, size of the checkpoint": figure(kilobytes, "kB", "at most 2,000"),
    }


def is_held_out(parts: Split) -> np.ndarray:
    """Test images of a photograph or moment that validation has images of, and training none."""
    train, validation, test = (part.groups for part in parts)
    assert train is not None and validation is not None and test is not None
    return np.isin(test, validation) & ~np.isin(test, train)


def listed(counts: list[int]) -> str:
    return ", ".join(map(str, counts))
