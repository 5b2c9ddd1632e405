"""The other data sets: accuracies over seeds, and the whole of `alphabet` in size."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from common import counts, figure, fit_parts, load, mistakes, right_by_seed, text
from tqdm import tqdm

from asl import arrays, datasets, encode, evaluation, folders, hands, models, paths, training

SEEDS = range(5)
WANTED = {"student_digits": 99.0, "abc": 99.5, "alphabet": 98.0}  # percent
LONGEST = "alphabet"
A_CLASS = 3000  # pictures of each class of `alphabet`
DRAWN = 20  # of them drawn, the others varied from these
# What the renderer cannot draw is stood in for by what it can
STAND_INS = {"J": "1", "Z": "2", "del": "3", "space": "5"}
RATE_PICTURES = 6000
EPOCH_IMAGES = 8192


def sets() -> dict:
    """The cnn on each set of pictures, seeds 0 to 4; on `signers`, with each signer left out."""
    rows = {}
    for name, wanted in WANTED.items():
        told = counts(right_by_seed(name, SEEDS))
        rows[f"{name}, seeds 0–4"] = text(told, f"at least {wanted} %")
    samples, shares = datasets.load("signers"), []
    for signer in np.unique(samples.groups).tolist():
        parts = datasets.split(samples, test_group=signer)
        kept = f"signers-without-{signer}"
        if not (paths.MODEL / f"{kept}.keras").exists():
            fit_parts(parts, 0, kept)
        right = len(parts.test) - mistakes(load(kept), parts.test)
        shares.append(100 * right / len(parts.test))
        rows[f"signers, signer {signer} left out"] = text(
            evaluation.describe_accuracy(right, len(parts.test)), ""
        )
    rows["signers, mean of the five and the worst"] = text(
        f"{np.mean(shares):.2f} %, {min(shares):.2f} %", ""
    )
    fit_parts(datasets.split(datasets.load(LONGEST)), 0, "timed")
    seconds = json.loads((paths.MODEL / "timed.json").read_text())["training_seconds"]
    rows[f"training on {LONGEST}, the longest of these"] = figure(seconds, "s", "at most 240")
    return rows


def large() -> dict:
    """87,000 pictures of 200×200, as many as the whole of `alphabet` has, drawn and varied."""
    home, paths.DATA = paths.DATA, paths.HOME / "large/data"  # the real one is in the other
    try:
        return measure_large(paths.DATA / "alphabet")
    finally:
        paths.DATA = home


def measure_large(folder: Path) -> dict:
    draw_alphabet(folder)
    rate, share = decoding(folder)
    shutil.rmtree(paths.DATA / "cache", ignore_errors=True)
    began = time.perf_counter()
    datasets.load("alphabet")
    first_start = time.perf_counter() - began
    second = statistics.median(fresh_process("second_start")["seconds"] for _ in range(5))
    trained = fresh_process("memory")
    return {
        "decoding and resizing": figure(rate, "pictures/s", ""),
        "of the rate of a bare loop of OpenCV": figure(share, "", "at least 0.85"),
        "87,000 pictures, first start": figure(first_start, "s", ""),
        "second start, to the first batch": figure(second, "s", "at most 2"),
        "memory in training beyond TensorFlow's": figure(trained["beyond"], "MB", "at most 2,000"),
        "an epoch from disk against one from memory": figure(disk_share(), "", "at most 1.15"),
    }


def draw_alphabet(folder: Path) -> None:
    """29 × 3,000 JPEGs in the layout of `alphabet`, unless they are there."""
    known = datasets.DATASETS["alphabet"]
    root = folder / "asl_alphabet_train/asl_alphabet_train"
    for k, name in enumerate(tqdm(known.class_names, desc="drawing alphabet")):
        target = root / name
        if target.is_dir() and len(list(target.iterdir())) == A_CLASS:
            continue
        target.mkdir(parents=True, exist_ok=True)
        sign = STAND_INS.get(name, name)
        drawn = [hands.draw_hand(sign, signer=i, seed=[k, i], size=200) for i in range(DRAWN)]
        random = np.random.default_rng(k)
        for i in range(A_CLASS):
            turn = cv2.getRotationMatrix2D((100, 100), *random.uniform((-8, 0.9), (8, 1.1)))
            turn[:, 2] += random.uniform(-15, 15, 2)
            image = cv2.warpAffine(
                drawn[i % DRAWN], turn, (200, 200), borderMode=cv2.BORDER_REPLICATE
            )
            image = cv2.convertScaleAbs(image, alpha=random.uniform(0.7, 1.2))
            cv2.imwrite(str(target / f"{name}{i + 1}.jpg"), image[..., ::-1])


def decoding(folder: Path) -> tuple[float, float]:
    """Pictures a second into the array file, and that over what a bare loop does: five turns."""
    known = datasets.DATASETS["alphabet"]
    names, stamps, _ = folders.list_pictures(folder, known.pattern)
    every = len(names) // RATE_PICTURES
    names, stamps = names[::every], stamps[::every]
    size = known.image_shape[1::-1]

    def bare(name: str) -> np.ndarray:
        data = np.fromfile(folder / name, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)

    rates, shares = [], []
    for turn in range(6):
        began = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(bare, names):
                pass
        bare_seconds = time.perf_counter() - began
        cache = paths.DATA / f"cache/turn{turn}"
        began = time.perf_counter()
        arrays.read(folder, names, stamps, known.image_shape, cache)
        seconds = time.perf_counter() - began
        for file in cache.iterdir():
            file.unlink()
        rates.append(len(names) / seconds)
        shares.append(bare_seconds / seconds)
    return statistics.median(rates[1:]), statistics.median(shares[1:])  # the first one warms up


def disk_share() -> float:
    """Seconds of an epoch whose images are mapped from the disk, over one from memory."""
    train = datasets.split(datasets.load("alphabet")).train
    train = train.take(np.linspace(0, len(train) - 1, EPOCH_IMAGES).astype(int))
    targets = encode(train.labels, len(train.class_names))
    network = models.find("cnn")
    model = models.build("cnn", train.images.shape[1:], len(train.class_names))
    models.compile(model, network, 1000)
    in_memory = train.images[:]

    def epoch(images: np.ndarray | arrays.Rows) -> float:
        batches = training.Batches(images, targets, network.batch_size, seed=0)
        began = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        return time.perf_counter() - began

    epoch(in_memory)  # compiles
    return statistics.median(epoch(train.images) / epoch(in_memory) for _ in range(3))


def fresh_process(what: str) -> dict:
    """What this file prints for `what` in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, what],
        env={**os.environ, "ASL_HOME": str(paths.DATA.parent)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def second_start() -> dict:
    """Seconds from nothing loaded to the first batch, the import of TensorFlow apart."""
    began = time.perf_counter()
    train = datasets.split(datasets.load("alphabet")).train
    targets = encode(train.labels, len(train.class_names))
    images, _ = training.Batches(train.images, targets, 64, seed=0)[0]
    assert len(images) == 64
    return {"seconds": time.perf_counter() - began}


def memory() -> dict:
    """The most resident memory in an epoch on all of it, less than that after one on 512 images."""
    import threading

    import psutil

    process, most = psutil.Process(), 0
    known = datasets.DATASETS["alphabet"]
    few = np.zeros((512, *known.image_shape), np.uint8)
    targets = encode(np.arange(512) % len(known.class_names), len(known.class_names))

    def train(*arrays_of, name: str) -> None:
        model = models.build("cnn", known.image_shape, len(known.class_names))
        about = {"dataset": "alphabet", "model": "cnn", "class_names": list(known.class_names)}
        training.train(model, *arrays_of, name=name, about=about, epochs=1)

    train(few, targets, few, targets, name="alphabet-few")
    before = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    parts = datasets.split(datasets.load("alphabet"))
    sides = (parts.train, parts.validation)
    train(*(x for s in sides for x in (s.images, encode(s.labels, 29))), name="alphabet-whole")
    done.set()
    watcher.join()
    return {"before": before / 1e6, "most": most / 1e6, "beyond": (most - before) / 1e6}


if __name__ == "__main__":  # a process of its own, see fresh_process
    print(json.dumps({"second_start": second_start, "memory": memory}[sys.argv[1]]()))
