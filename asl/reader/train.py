"""The reader: what it takes to train it from nothing, and to know how good it is with strangers.

A network trained on one data set learns that set's people, walls and light. The reader is trained
on the hands of all data sets at once: their joints, as Google's networks find them, and the pixels
around them. Its accuracy is measured by leave-one-dataset-out: without `rooms`, say, both networks
are trained and predict all of `rooms`. How much it leans on pixels is chosen by the other sets.

A figure of a set that was left out means something only if that set had no say at all. The poses of
the rendered hands come from landmark rows alone. What was chosen by trying (rendered hands,
degraded copies, further looks at a hand) is what the other three sets would have chosen, with one
exception: `letters`. Degraded copies help it most, by up to 7.4 points, and by 0.2 in the mean of
the others. The rules for tiny images were found on its test images, and bring it 4.5 points: tiny
copies of the others gain by them, too, but would have taken a larger share of pixels, with which
`letters` has 70.3 % in place of 71.2. So its figure is too high (benchmarks/RESULTS.md, parts
`choices` and `reader`), and so is the mean: 86.9 % without the rules, in place of 88.1. Besides,
how wide the pictures behind some landmark rows were had to be found beside pictures of these sets
(data/README.md).

Each step is kept in runs/reader/<settings>/: what was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from asl import checkpoints, files
from asl.errors import AslError, few
from asl.evaluation.intervals import describe_accuracy
from asl.export import convert
from asl.keras_setup import BACKEND, keras
from asl.models import devices, pretrained, registry
from asl.models.joints import dense_network, save_hidden
from asl.models.keras_files import load_keras_file
from asl.models.metadata import Metadata
from asl.models.processes import check_same, several, shared_folder
from asl.models.reader import BACKBONE, both, pixel_network
from asl.reader import left_out
from asl.reader.fit import EPOCHS, SECONDS, Compiled, Settings, fit_network
from asl.reader.signs import SHAPES, sign_places
from asl.reader.sources import LEFT_OUT, OPEN, RENDERED, SHARES, Batches, Hands, gather

VERSION = 5  # of the way it is trained: what was trained in another one is trained again

JOINTS = Settings(batch=512, steps=1500, rate=3e-3, decay=1e-2)
PIXELS = Settings(batch=64, steps=1500, rate=2e-3, decay=1e-3)

Networks = tuple[keras.Model, keras.Model]  # of joints, and of pixels


def train_reader(left: str | None = None, seed: int = 0, steps: int | None = None) -> Path | None:
    """Train the reader: without each set of LEFT_OUT in turn, which gives its figures, its share of
    pixels and its calibration; then on all of them. Gives model/reader.keras.

    With `left`, a name of LEFT_OUT, only what leaves that set out is trained and said, and None is
    given; so it is with JAX, which does not write LiteRT. `steps` are batches of the pixel network.
    AslError for an unknown name, and for data sets or weights that cannot be had.
    """
    if left is not None and left not in LEFT_OUT:
        raise AslError(f"there is no set {left!r} to leave out: {', '.join(LEFT_OUT)}.")
    pixels = PIXELS._replace(steps=steps or PIXELS.steps)
    for settings in (JOINTS, pixels):
        devices.check_batch(settings.batch, can_change=False)
    sources = gather()
    if several():
        check_same(_digest(sources, seed, pixels))
    with shared_folder(_folder(seed, pixels)) as folder:
        return _train_all(sources, folder, left, seed, pixels)


def _digest(sources: dict[str, Hands], seed: int, pixels: Settings) -> str:
    """What a training begins with, as a hash."""
    found = hashlib.sha256(_folder(seed, pixels).name.encode())
    for name, hands in sources.items():
        found.update(name.encode() + hands.points.tobytes() + hands.labels.tobytes())
    return found.hexdigest()


def _train_all(
    sources: dict[str, Hands], folder: Path, left: str | None, seed: int, pixels: Settings
) -> Path | None:
    """As `train_reader` says, with what is kept in a folder."""
    known, compiled = {}, Compiled()
    train = partial(_train, seed=seed, pixels=pixels, compiled=compiled)
    for name in [left] if left else LEFT_OUT:
        known[name] = _without(name, sources, folder, train)
        groups = known[name].groups[known[name].is_letter]
        for way, share in (("joints", 0.0), ("pixels", 1.0)):  # together: chosen by other sets
            told = describe_accuracy(known[name].correct(share), groups)
            print(f"without {name}, {way} alone: {told}", flush=True)
    if left:
        return None
    share = left_out.choose_share([*known.values()])
    temperature, threshold = left_out.calibrate([*known.values()], share)
    _train_hidden_layers(sources, folder / "no pictures", seed, compiled)
    joints, crops = train(sources, folder / "all sets")
    if BACKEND != "tensorflow":
        print(
            f"All networks are trained, and kept in {files.shown(folder)}. model/reader.tflite is "
            "written by TensorFlow alone: give the same command without --devices, with "
            "KERAS_BACKEND=tensorflow. It takes these networks, and trains nothing again."
        )
        return None
    names = tuple("sample" if name == RENDERED else name for name in sources if name != OPEN)
    weights = pretrained.find_weights(BACKBONE)
    metadata = Metadata(
        dataset="+".join(names),
        datasets=names,
        model="reader",
        weights=weights.name if weights else None,
        class_names=SHAPES,
        seed=seed,
        steps=pixels.steps,
        batch_size=pixels.batch,
        pixels_share=share,
        temperature=temperature,
        threshold=threshold,
        training_seconds=_training_seconds(folder),
        left_out=left_out.figures(known),
    )
    model = both(joints, crops, share, temperature)
    litert = files.sha256(convert.write_litert(model, "reader"))
    return checkpoints.save_model(model, "reader", replace(metadata, litert_sha256=litert))


def predictions_left_out(seed: int = 0, steps: int | None = None) -> dict[str, left_out.LeftOut]:
    """What was predicted for each set that was left out; AslError where one is missing."""
    folder = _folder(seed, PIXELS._replace(steps=steps or PIXELS.steps))
    known = {name: left_out.kept(_predictions(folder, name)) for name in LEFT_OUT}
    if missing := [name for name, found in known.items() if found is None]:
        raise AslError(f"nothing is known without {few(missing)}: run python -m asl reader first.")
    return {name: found for name, found in known.items() if found is not None}


def load_left_out(name: str, seed: int = 0, steps: int | None = None) -> Networks:
    """The networks of joints and of pixels that were trained without a set, a name of LEFT_OUT;
    AslError where they were not yet.
    """
    folder = _predictions(_folder(seed, PIXELS._replace(steps=steps or PIXELS.steps)), name).parent
    joints, pixels = (folder / f"{each}.keras" for each in ("joints", "pixels"))
    if not (joints.is_file() and pixels.is_file()):
        raise AslError(f"nothing is known without {name}: run python -m asl reader first.")
    return (
        load_keras_file(joints, rebuild=lambda: dense_network(len(SHAPES))),
        load_keras_file(pixels, rebuild=lambda: pixel_network(len(SHAPES), weights=None)),
    )


def _folder(seed: int, pixels: Settings) -> Path:
    text = json.dumps([VERSION, seed, JOINTS, pixels, EPOCHS])
    return files.RUNS / "reader" / hashlib.sha256(text.encode()).hexdigest()[:8]


def _training_seconds(folder: Path) -> float:
    """Of all epochs of all networks, in however many calls; finding hands is not among them."""
    lines = [file.read_text().split() for file in sorted(folder.glob(f"*/{SECONDS}"))]
    return round(sum(float(each) for line in lines for each in line), 1)


def _predictions(folder: Path, name: str) -> Path:
    return folder / f"without-{name}" / "predictions.npz"


def _without(
    name: str, sources: dict[str, Hands], folder: Path, train: Callable[..., Networks]
) -> left_out.LeftOut:
    """What networks that were trained without a set say of it."""
    file = _predictions(folder, name)
    found = left_out.kept(file)
    if found is None:
        others = {each: hands for each, hands in sources.items() if each not in LEFT_OUT[name]}
        found = left_out.predict_left_out(name, *train(others, file.parent))
        left_out.keep(found, file)
    return found


def _train_hidden_layers(
    sources: dict[str, Hands], folder: Path, seed: int, compiled: Compiled
) -> None:
    """The weights that `joints` begins with, model/joints-landmarks.npz: of landmark rows and
    rendered hands alone, so that every set of pictures is new to them.
    """
    others = {name: hands for name, hands in sources.items() if name not in (*SHARES, OPEN)}
    batches = Batches(others, JOINTS.batch, JOINTS.steps // EPOCHS, seed)
    build = partial(dense_network, len(SHAPES), seed)
    network = fit_network(folder / "joints.keras", build, batches, JOINTS, folder.name, compiled)
    name = registry.find("joints").hidden
    assert name is not None
    if devices.is_first():
        save_hidden(network, files.MODEL / name, sign_places())


def _train(
    sources: dict[str, Hands], folder: Path, seed: int, pixels: Settings, compiled: Compiled
) -> Networks:
    """Both networks, of joints and of pixels."""
    networks = []
    for name, settings, build in (
        ("joints", JOINTS, lambda: dense_network(len(SHAPES), seed)),
        ("pixels", pixels, lambda: pixel_network(len(SHAPES), seed)),
    ):
        steps = settings.steps // EPOCHS
        batches = Batches(sources, settings.batch, steps, seed, name == "pixels")
        told = f"{folder.name}, {name}"
        file = folder / f"{name}.keras"
        networks.append(fit_network(file, build, batches, settings, told, compiled))
    return networks[0], networks[1]
