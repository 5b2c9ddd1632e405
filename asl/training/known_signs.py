"""What a network knew before it was trained, it should not forget: one person's hands are few."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from asl.keras_setup import keras
from asl.models.joints import KnownHead, known_head, mix_head
from asl.models.pretrained import weights_file
from asl.models.registry import Architecture
from asl.rounding import percent
from asl.training.batches import Batches

SHARES = (0.5, 0.25)  # of what was known, tried in turn
COST = 0.01  # of validation accuracy, at most, or one image of a small set


def begin_with_known(
    model: keras.Model,
    architecture: Architecture,
    class_names: tuple[str, ...],
    weights: str | Path | None,
) -> KnownHead | None:
    """Give the head what its file of weights knows of classes of these names; None where it knows
    none, or `weights` is no such file. AslError for a damaged one.
    """
    if not architecture.hidden or not weights or str(weights).endswith(".keras"):
        return None
    file = weights_file(architecture.name, weights)
    head = known_head(file, class_names) if file else None
    if head is None or not len(head.rows):
        return None
    mix_head(model, head, 1.0)
    return head


def keep_known(
    model: keras.Model, head: KnownHead | None, validation: Batches
) -> dict[str, float] | None:
    """Let a trained head keep a share of what it knew: the mean of its weights before and after.

    Trained on few people a network forgets others; the mean forgets less (WiSE-FT: Wortsman et al.:
    Robust Fine-Tuning of Zero-Shot Models, CVPR 2022). The largest of SHARES is kept that costs no
    more than COST of the validation accuracy, or none is. Gives val_loss and val_accuracy; None
    without a head that knew anything.
    """
    if head is None:
        return None
    trained, cost = model.layers[-1].get_weights(), max(COST, 1.01 / len(validation.targets))
    alone = _figures(model, validation)
    for share in SHARES:
        mix_head(model, head, share)
        mixed = _figures(model, validation)
        if mixed["val_accuracy"] >= alone["val_accuracy"] - cost:
            print(
                f"of {len(head.rows)} signs that were known before, the head keeps {share:g} of "
                f"what it knew: validation accuracy {percent(mixed['val_accuracy'])}, without "
                f"{percent(alone['val_accuracy'])}"
            )
            return mixed
        model.layers[-1].set_weights([np.array(weights) for weights in trained])
    return alone


def _figures(model: keras.Model, validation: Batches) -> dict[str, float]:
    told = model.evaluate(validation, verbose=0, return_dict=True)
    return {"val_loss": float(told["loss"]), "val_accuracy": float(told["accuracy"])}
