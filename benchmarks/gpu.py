"""Training on graphics processors, with Keras on JAX: images a second, and the input's share.

    make bench-gpu                 on a machine that has them; about an hour
    make bench-gpu SMALL=--small   small numbers on any machine: only whether the script works

All devices that JAX finds share each batch. The cnn is trained on Sign Language MNIST (its archive
must be on the machine, see data/README.md) to its figure on the official test split. mobilenetv2
and resnet18 are fine-tuned, all their layers, on 87,000 pictures of 200×200, as many as the whole
of `alphabet` has, drawn and varied. ImageNet's weights where they are on the machine, else random
ones, which take as long. The input's share is the time in which the batches alone are made, over
that of training on them: where it is near 1, the processor that makes them is what limits.
"""

import argparse
import json
import time
from dataclasses import replace

import home  # noqa: F401  (before asl)
import numpy as np
from bench import machine
from common import predict_samples

import asl
from asl import files
from asl.data.encoding import encode
from asl.data.samples import Split
from asl.keras_setup import BACKEND
from asl.models import devices
from asl.models.transfer import weights_or_random
from asl.training.batches import Batches
from asl.training.options import training_recipe

SIDE = 200  # pixels of the pictures
EPOCHS = 2  # of fine-tuning; the second one is measured, since the first one compiles
FEW, SMALL_SIDE = 96, 48  # images and pixels, with --small


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="only whether it works")
    small = parser.parse_args().small
    if BACKEND != "jax":
        raise asl.AslError("it wants Keras on JAX: KERAS_BACKEND=jax, as make bench-gpu sets it.")
    import jax

    graphics = [each.device_kind for each in jax.devices() if each.platform != "cpu"]
    rows = {"machine": f"{machine()}; {len(graphics)} graphics processors {set(graphics) or ''}"}
    if not graphics:
        rows["note"] = "NOT RUN ON A GRAPHICS PROCESSOR: these are no figures of one"
        print(rows["note"], flush=True)
        if not small:
            raise asl.AslError("JAX finds no graphics processor here. SMALL=--small tries it.")
    with devices.using("all"):
        rows |= letters(small)
        for name in ("mobilenetv2", "resnet18"):
            rows |= fine_tuned(name, small)
    print(json.dumps(rows, indent=2, ensure_ascii=False))
    with files.write_beside(files.RUNS / "gpu.json") as out:
        out.write_text(json.dumps(rows, indent=2, ensure_ascii=False))


def letters(small: bool) -> dict:
    """The cnn on Sign Language MNIST, as notebook 05 trains it."""
    if small:
        parts = asl.split(asl.load("sample"))
        parts = Split(*(each.take(np.arange(FEW)) for each in parts), parts.recipe)
    else:
        parts = asl.split(asl.load("letters"))
    model = asl.build("cnn", parts.train.images.shape[1:], len(parts.train.class_names))
    began = time.perf_counter()
    history = asl.train(model, parts, name="gpu-cnn", epochs=EPOCHS if small else None)
    seconds = time.perf_counter() - began
    rate = len(parts.train) / history["seconds"].iloc[1:].median()
    share = input_seconds(model, parts, augmented=True) / history["seconds"].iloc[1:].median()
    return {
        "cnn, test": str(predict_samples(model, parts.test)),
        "cnn, training with its start, s": round(seconds, 1),
        "cnn, images/s": round(rate),
        "cnn, the input's share": round(share, 2),
    }


def fine_tuned(name: str, small: bool) -> dict:
    """All layers of a network from ImageNet, on the pictures themselves."""
    side = SMALL_SIDE if small else SIDE
    parts = pictures(small, side)
    weights = weights_or_random(name)
    classes = len(parts.train.class_names)
    model = asl.build(name, (side, side, 3), classes, weights=weights, size=64 if small else None)
    blocks = len(asl.MODELS[name].blocks)
    options = {"epochs": EPOCHS, "fine_tune": blocks, "weights": weights}
    history = asl.train(model, parts, name=f"gpu-{name}", **options)
    _, metadata = asl.load_model(f"gpu-{name}")
    images = len(parts.train) + len(parts.validation)
    epoch = history["seconds"].iloc[-1]
    return {
        f"{name}, features of the frozen backbone, images/s": round(
            images / max(metadata.features_seconds, 1e-3)
        ),
        f"{name}, fine-tuned, images/s": round(len(parts.train) / epoch),
        f"{name}, the input's share": round(input_seconds(model, parts, False) / epoch, 2),
    }


def pictures(small: bool, side: int) -> Split:
    """87,000 pictures in a home folder of their own; with `small`, a few of the rendered hands."""
    if small:
        images = asl.load("sample", image_shape=(28, 28, 1))
        parts = asl.split(images)
        return Split(*(coloured(each.take(np.arange(FEW)), side) for each in parts), parts.recipe)
    from large import draw_alphabet

    before, files.DATA = files.DATA, files.HOME / "large/data"
    try:
        draw_alphabet(files.DATA / "alphabet")
        return asl.split(asl.load("alphabet", image_shape=(side, side, 3)))
    finally:
        files.DATA = before


def coloured(samples: asl.Samples, side: int) -> asl.Samples:
    images = np.stack([asl.fit(each, (side, side, 3)) for each in samples.images])
    return replace(samples, images=images)


def input_seconds(model, parts: Split, augmented: bool) -> float:
    """How long it takes to make the batches of an epoch, and nothing else."""
    size = training_recipe(model, parts).batch_size
    targets = encode(parts.train.labels, len(parts.train.class_names))
    batches = Batches(parts.train.images, targets, size, augmented=augmented)
    began = time.perf_counter()
    for number in range(len(batches)):
        batches[number]
    return time.perf_counter() - began


if __name__ == "__main__":
    try:
        main()
    except asl.AslError as error:
        raise SystemExit(f"asl: {error}") from None
