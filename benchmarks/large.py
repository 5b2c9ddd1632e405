"""A data set as large as the whole of `alphabet`: decoding, starting, training from the disk."""

import json
import os
import shutil
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import psutil
from common import figure, fresh_process
from tqdm import tqdm

from asl import files
from asl.data import image_cache
from asl.data.catalog import find_dataset
from asl.data.encoding import encode
from asl.data.image_folders import list_pictures
from asl.data.load import load
from asl.data.mapped_images import Images
from asl.data.rendered_hands import draw_hand
from asl.data.samples import Samples, Split, SplitRecipe
from asl.data.split import split
from asl.models import registry
from asl.models.build import build
from asl.training.batches import Batches
from asl.training.fit import train_split
from asl.training.options import compile_model

A_CLASS = 3000  # pictures of each class of `alphabet`
DRAWN = 20  # of them drawn, the others varied from these
# What cannot be rendered is stood in for by what can
STAND_INS = {"J": "1", "Z": "2", "del": "3", "space": "5"}
RATE_PICTURES = 6000
EPOCH_IMAGES = 8192
FEW = 512


def large() -> dict:
    """87,000 pictures, in a home folder of their own: `alphabet` itself is in the other."""
    data, files.DATA = files.DATA, files.HOME / "large/data"
    try:
        return measure(files.DATA / "alphabet")
    finally:
        files.DATA = data


def measure(folder: Path) -> dict:
    draw_alphabet(folder)
    rate, share = decoding(folder)
    shutil.rmtree(files.DATA / "cache", ignore_errors=True)
    began = time.perf_counter()
    load("alphabet")
    first = time.perf_counter() - began
    home = files.DATA.parent
    second = [fresh_process(__file__, "second_start", home)["seconds"] for _ in range(5)]
    beyond = fresh_process(__file__, "memory", home)["beyond"]
    return {
        "decoding and resizing": figure(rate, "pictures/s"),
        "decoding and resizing, share of the rate of a bare loop of OpenCV": figure(
            share, "", "at least 0.85"
        ),
        "87,000 pictures, first start": figure(first, "s"),
        "second start, to the first batch": figure(statistics.median(second), "s", "at most 2"),
        "memory in training beyond TensorFlow's": figure(beyond, "MB", "at most 2,000"),
        "an epoch from disk against one from memory": figure(disk_share(), "", "at most 1.15"),
    }


def draw_alphabet(folder: Path) -> None:
    """29 × 3,000 JPEGs in the layout of `alphabet`, unless they are there."""
    root = folder / "asl_alphabet_train/asl_alphabet_train"
    class_names = find_dataset("alphabet").class_names
    for k, name in enumerate(tqdm(class_names, desc="drawing alphabet")):
        target = root / name
        if target.is_dir() and len(list(target.iterdir())) == A_CLASS:
            continue
        target.mkdir(parents=True, exist_ok=True)
        sign = STAND_INS.get(name, name)
        drawn = [draw_hand(sign, signer=i, seed=[k, i], size=200) for i in range(DRAWN)]
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
    known = find_dataset("alphabet")
    assert known.pattern is not None
    names, stamps, _ = list_pictures(folder, known.pattern)
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
        cache = files.DATA / f"cache/turn{turn}"
        began = time.perf_counter()
        image_cache.read(folder, names, stamps, known.image_shape, cache)
        seconds = time.perf_counter() - began
        shutil.rmtree(cache)
        rates.append(len(names) / seconds)
        shares.append(bare_seconds / seconds)
    return statistics.median(rates[1:]), statistics.median(shares[1:])  # the first one warms up


def disk_share() -> float:
    """Seconds of an epoch whose images are mapped from the disk, over one from memory."""
    train = split(load("alphabet")).train
    train = train.take(np.linspace(0, len(train) - 1, EPOCH_IMAGES).astype(int))
    targets = encode(train.labels, len(train.class_names))
    architecture = registry.find("cnn")
    model = build("cnn", train.images.shape[1:], len(train.class_names))
    compile_model(model, architecture, 1000)
    in_memory = train.images[:]

    def epoch(images: Images) -> float:
        batches = Batches(images, targets, architecture.batch_size, seed=0)
        began = time.perf_counter()
        model.fit(batches, shuffle=False, verbose=0)
        return time.perf_counter() - began

    epoch(in_memory)  # compiles
    return statistics.median(epoch(train.images) / epoch(in_memory) for _ in range(3))


def second_start() -> dict:
    """Seconds from nothing loaded to the first batch, the import of TensorFlow apart."""
    began = time.perf_counter()
    train = split(load("alphabet")).train
    targets = encode(train.labels, len(train.class_names))
    images, _ = Batches(train.images, targets, 64, seed=0)[0]
    assert len(images) == 64
    return {"seconds": time.perf_counter() - began}


def memory() -> dict:
    """MB: the most resident memory in an epoch on all of it, less that after one on 512 images."""
    process, most = psutil.Process(), 0
    known = find_dataset("alphabet")
    images = np.zeros((FEW, *known.image_shape), np.uint8)
    names, labels = np.arange(FEW).astype(str), np.arange(FEW) % len(known.class_names)
    few = Samples(known.name, known.class_names, images, labels, names)
    train_split(Split(few, few, few, SplitRecipe()), "cnn", name="alphabet-few", epochs=1)
    before = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    train_split(split(load("alphabet")), "cnn", name="alphabet-whole", epochs=1)
    done.set()
    watcher.join()
    return {"before": before / 1e6, "most": most / 1e6, "beyond": (most - before) / 1e6}


if __name__ == "__main__":  # a process of its own, see fresh_process
    print(json.dumps({"second_start": second_start, "memory": memory}[sys.argv[1]]()))
