"""The cnn on Sign Language MNIST, by seed."""

from common import figure, predict_test, text, train_seed

from asl import files
from asl.checkpoints import load_model

SEEDS = range(10)


def letters() -> dict:
    """Each seed's mistakes on the official test split."""
    tests, wrong = {}, {}
    for seed in SEEDS:
        tests[seed] = predict_test(train_seed("letters", seed))
        wrong[seed] = int((~tests[seed].correct).sum())
        print(f"seed {seed}: {wrong[seed]} mistakes of {len(tests[seed].correct):,}", flush=True)
    order = sorted(wrong, key=wrong.get)
    name = train_seed("letters", 0)
    model, _ = load_model(name)
    kilobytes = (files.MODEL / f"{name}.keras").stat().st_size / 1000
    mistakes = ", ".join(map(str, wrong.values()))
    return {
        "letters, mistakes of 7,172, seeds 0–9": text(mistakes, "0 in the median, at most 7"),
        "letters, median seed": text(str(tests[order[len(order) // 2]]), "7,172"),
        "letters, worst seed": text(str(tests[order[-1]]), "at least 99.9 %"),
        "cnn on letters, parameters": figure(model.count_params(), "", "at most 150,000"),
        "cnn on letters, size of the checkpoint": figure(kilobytes, "kB", "at most 2,000"),
    }
