"""What grows with the number of pictures, and how fast: a thousand to a million of them.

The pictures are 28×28, grey: rendered hands, a twentieth of the number, each varied twenty times (a
small turn, shift, crop, other light, noise). As files they are 2,400 PNGs under many names (hard
links), a folder a class. Times are the processor's, of all threads: another program that runs
meanwhile hardly changes them. An exponent of 1.0 is ten times as long for ten times as many;
n log n is 1.08 between the last two.
"""

import datetime
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import home  # noqa: F401  (before asl)
import numpy as np

from asl import files
from asl.cluster.version import package_version
from asl.data import image_cache, near_duplicates, rendered_hands
from asl.data.hand_poses import LETTERS
from asl.data.image_folders import ANY_FOLDER, list_pictures
from asl.data.load import load
from asl.data.mapped_images import MappedImages
from asl.data.samples import Samples
from asl.data.split import split
from asl.evaluation import corruptions

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
VARIED = 20  # pictures of one hand
AS_FILES = 2_400  # hands that are PNG files, under as many names as asked for
SIDE = 28
PART = 24 * 25  # hands that are drawn, and pictures that are varied, at a time
KINDS = {  # as much as a small move of the hand or a cloud would do
    corruptions.rotation: (-4, 4),
    corruptions.shift: (0, 0.03),
    corruptions.scale: (1, 1.06),
    corruptions.brightness: (-30, 20),
    corruptions.contrast: (0.8, 1.2),
    corruptions.noise: (2, 8),
}
STEEPEST = "at most 1.15"


def growth() -> dict:
    """Seconds of each stage at each number of pictures, and the exponents. Interrupted, it goes on
    after the last stage and number that it measured on the same day with the same package.
    """
    from common import figure, text  # not above: it imports TensorFlow, which counts

    place = files.HOME / "growth"
    rows = {}
    for stage in STAGES:
        counts = [count for count in COUNTS if stage != RUN or count <= MOST_RUN]
        measured = [_measured(f"{stage} {count}", place) for count in counts]
        rows[stage] = text(_told([each["processor"] for each in measured]), STEEPEST)
        rows[f"{stage}, {counts[-1]:,}: the most memory"] = figure(measured[-1]["peak"], "MB")
        if stage == GROUPS:
            told = figure(measured[-1]["clock"], "s", "at most 1,800")
            rows[f"{stage}, {counts[-1]:,}: by the clock"] = told
    rows |= recall(place)
    _kept(place).unlink()  # the next call measures anew
    return rows


def recall(place: Path) -> dict:
    """What the index finds of 100,000 pictures, against looking at every pair."""
    from common import text

    exact, index = (_measured(f"{way} 100000", place) for way in ("pairs", "index"))
    found = _measured("agree 100000", place)
    return {
        "near-duplicates of 100,000 without labels, every pair": text(
            f"{exact['processor']:,.0f} s of the processor"
        ),
        "near-duplicates of 100,000 without labels, by the index": text(
            f"{index['processor']:,.0f} s of the processor; {100 * found['recall']:.2f} % of the "
            f"pairs linked by every pair, {100 * found['precision']:.2f} % of its own among them",
            "at least 99 %",
        ),
    }


def _kept(place: Path) -> Path:
    """What an interrupted call measured today with this package."""
    return place / f"measured-{package_version()}-{datetime.date.today()}.json"


def _measured(what: str, place: Path) -> dict:
    """What this file prints for a stage and a number, in a process of its own; or what it did."""
    from common import fresh_process

    file = _kept(place)
    known = json.loads(file.read_text()) if file.is_file() else {}
    if what not in known:
        known[what] = fresh_process(__file__, what, place)
        with files.write_beside(file) as temporary:
            temporary.write_text(json.dumps(known, indent=2))
    return known[what]


def _told(seconds: list[float]) -> str:
    """Seconds at each count, and the exponents between one count and the next."""
    steps = np.diff(np.log10(np.maximum(seconds, 1e-4)))
    told = ", ".join(f"{each:,.0f}" if each >= 100 else f"{each:.3g}" for each in seconds)
    return f"{told} s; exponents {', '.join(f'{step:.2f}' for step in steps)}"


def pictures(count: int) -> Samples:
    """So many pictures, drawn and varied once for all counts, mapped from the disk."""
    file = files.DATA / f"pictures-{max(COUNTS)}.u8"
    if not file.exists():
        _draw(file)
    shape = (max(COUNTS), SIDE, SIDE, 1)
    images = MappedImages(np.memmap(file, np.uint8, "r", shape=shape))
    hands = np.arange(count) // VARIED
    names = np.array([f"{row:07}.png" for row in range(count)])
    return Samples(
        "growth", LETTERS, images.take(np.arange(count)), hands % len(LETTERS), names, hands
    )


def _draw(file: Path) -> None:
    with files.write_beside(file) as temporary, temporary.open("wb") as out:
        for start in range(0, max(COUNTS) // VARIED, PART):
            hands = np.arange(start, min(start + PART, max(COUNTS) // VARIED))
            letters = [LETTERS[hand % len(LETTERS)] for hand in hands]
            signers = hands // len(LETTERS)
            drawn = rendered_hands.draw_hands(
                letters, signers=signers, seed=start, size=SIDE, colour=False
            )
            out.write(_vary(drawn, np.random.default_rng(start)).tobytes())


def _vary(drawn: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each hand VARIED times: as it is, and changed in one way each time."""
    varied = np.repeat(drawn, VARIED, axis=0)
    kinds = [*KINDS.items()]
    for row in range(len(varied)):
        if row % VARIED:
            change, (low, high) = kinds[random.integers(len(kinds))]
            image = change(varied[row], random.uniform(low, high), random)
            varied[row] = np.asarray(image).reshape(varied.shape[1:])
    return varied


def folder(count: int) -> Path:
    """A folder of so many PNG files in 24 sub-folders."""
    root = files.DATA / f"files-{count}"
    if not root.is_dir():
        images, made = pictures(AS_FILES * VARIED).images[::VARIED], root.with_suffix(".part")
        for row in range(count):
            place = made / LETTERS[row % len(LETTERS)] / f"{row:07}.png"
            if row < AS_FILES:
                place.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(place), images[row])
            else:
                first = row % AS_FILES
                os.link(made / LETTERS[first % len(LETTERS)] / f"{first:07}.png", place)
        made.rename(root)
    return root


def listing(count: int) -> Callable:
    root = folder(count)
    return lambda: list_pictures(root, re.compile(ANY_FOLDER))


def decoding(count: int) -> Callable:
    names, stamps, _ = list_pictures(root := folder(count), re.compile(ANY_FOLDER))
    shape, cache = (SIDE, SIDE, 1), files.DATA / f"cache/growth-{count}"
    (cache / "index.npz").unlink(missing_ok=True)
    return lambda: image_cache.read(root, names, stamps, shape, cache)


def second_start(count: int) -> Callable:
    root = folder(count)
    load(f"folder:{root}")
    return lambda: load(f"folder:{root}")


def hashing(count: int) -> Callable:
    samples = pictures(count)
    return lambda: near_duplicates._digests(samples)


def groups(count: int) -> Callable:
    samples = pictures(count)
    return lambda: near_duplicates.duplicate_groups(samples.images, samples.labels)


def splitting(count: int) -> Callable:
    samples = pictures(count)
    return lambda: split(samples)


def predicting(count: int) -> Callable:
    from asl.models.build import build
    from asl.prediction import predict

    images = pictures(count).images
    model = build("cnn", images.shape[1:], len(LETTERS))
    predict(model, images[:1000])  # compiles
    return lambda: predict(model, images)


def finding(count: int) -> Callable:
    from asl.data.images import find_inputs

    root = folder(count)
    return lambda: find_inputs([root])


def results(count: int) -> Callable:
    from asl.results import read_results, results_table, write_results

    samples = pictures(count)
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(len(LETTERS)), count).astype(np.float32)
    actual = np.array(LETTERS)[samples.labels]

    def work() -> None:
        table = results_table(samples.names, probabilities, LETTERS, actual)
        read_results(write_results(table, files.HOME / f"results-{count}.csv"))

    return work


def notebooks(count: int) -> Callable:
    from asl import notebooks

    root = folder(count)
    return lambda: notebooks.run(f"folder:{root}", "cnn", epochs=1)


GROUPS = "near-duplicates, within classes"
RUN, MOST_RUN = "notebooks 01 to 08, one epoch", 100_000
STAGES = {
    "listing a folder": listing,
    "decoding to the array file": decoding,
    "a second start": second_start,
    "hashing images": hashing,
    GROUPS: groups,
    "splitting": splitting,
    "finding the pictures of predict": finding,
    "predicting, cnn": predicting,
    "results.csv, written and read": results,
    RUN: notebooks,
}


def _groups_file(way: str) -> Path:
    return files.HOME / f"groups-{way}.npy"


def _ways(count: int, way: str) -> Callable:
    """Near-duplicates without labels, by every pair or by the index."""
    samples = pictures(count)
    near_duplicates.EXACT = count if way == "pairs" else 0
    return lambda: np.save(_groups_file(way), near_duplicates.duplicate_groups(samples.images))


def _agree() -> dict:
    """Share of the pairs in one group by every pair that the index has too, and the reverse."""
    exact, index = (np.load(_groups_file(way)) for way in ("pairs", "index"))
    both = near_duplicates.count_pairs(exact, index)
    return {
        "recall": both / near_duplicates.count_pairs(exact),
        "precision": both / near_duplicates.count_pairs(index),
    }


def measure(stage: str, count: int) -> dict:
    """Seconds of the processor and by the clock, and the most resident memory in MB, of a stage."""
    work = STAGES[stage](count) if stage in STAGES else _ways(count, stage)
    began, processor = time.perf_counter(), _processor()
    work()
    clock = time.perf_counter() - began
    ended, kinds = _processor(), (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return {
        "processor": ended - processor,
        "clock": clock,
        "peak": max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1000,
    }


def _processor() -> float:
    """Seconds of the processor that this process and its children have taken."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":  # a process of its own, see fresh_process
    stage, _, number = sys.argv[1].rpartition(" ")
    print(json.dumps(_agree() if stage == "agree" else measure(stage, int(number))))
