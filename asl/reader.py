"""The reader: one network for hands, rooms and cameras that it has never seen.

A network that learned one data set knows that set's people, walls and light. The reader learns the
24 still letters from all data sets at once, as many images of each letter from each set, and from
drawn hands without end; hands that are cut out are laid over other backgrounds, and each image is
changed much more than a classifier of one set needs. What it is worth says nothing but a set that
was left out: `train_reader("rooms")` trains without `rooms` and reads all of it. How it is trained
was chosen by such figures, and these are a little too high for it: the number of steps and of
frozen blocks on `rooms` alone, the four looks on all four, `letters`' official test among them.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from asl import datasets, evaluation, hands, networks, paths, prediction, pretrained, trained
from asl.backend import keras
from asl.encoding import encode
from asl.errors import AslError
from asl.folders import plain
from asl.models import find

# Sets that show the same hands are left out together
LEFT_OUT = {
    "letters": ("letters",),
    "film": ("alphabet", "abc"),
    "signers": ("signers",),
    "rooms": ("rooms",),
}
# How often a batch draws from each; `abc` shows three letters of the film of `alphabet`
SHARES = {"letters": 1, "alphabet": 1, "abc": 0.12, "signers": 1, "rooms": 1, "drawn": 1}
DRAWN_AS = {"drawn": "sample"}  # the data set of hands drawn in the same way
BASE = "mobilenetv2"
FROZEN_TO = "block_5_add"  # what lies below are edges and textures, the same in all photographs
SIZE = 96  # pixels of a side that the network looks at
PICTURE = 112  # at which pictures are kept, so that a part may be enlarged
FRAME = {"alphabet": 4, "abc": 4}  # pixels of a coloured line around each picture, cut off
BATCH = 64
STEPS = 1500  # with 3000, fewer images of a set that was left out were read
STEPS_PER_EPOCH = 250
RATE, WARM_UP = 2e-3, 100
DRAWN, DRAWN_ANEW = 4800, 480  # drawn hands at a time, and how many are replaced each epoch
ZOOM = 80  # of 96 pixels: the second look, at the middle of the picture
PER_CLASS = 1300  # images of each class of a set are enough, and 87,000 would fill the memory
SURE = 0.95  # share that is right among the readings that the sidecar calls sure


class Source(NamedTuple):
    """Images of one data set, uint8 (n, h, w, 1, 3, or 4 with what is hand), and their labels."""

    images: np.ndarray
    labels: np.ndarray


def gather(left_out: str | None = None) -> tuple[dict[str, Source], list[np.ndarray]]:
    """All data sets but those left out, and empty rooms for backgrounds. Of `letters`, what its
    publisher calls training; of the others all, as a set is tested by leaving it out.

    Labels are indices into hands.LETTERS. AslError where a data set cannot be had.
    """
    without = LEFT_OUT[left_out] if left_out else ()
    sources, rooms = {}, []
    for name in SHARES:
        if name == "drawn" or name in without:
            continue
        part = datasets.load(name, image_shape=(PICTURE, PICTURE, 3))
        if part.is_test is not None:
            part = part.take(~part.is_test)
        letter_of = letter_labels(part.class_names)
        is_nothing = np.array([plain(each) == "nothing" for each in part.class_names])
        wanted = np.flatnonzero((letter_of >= 0) | is_nothing)
        rows = [_spread(np.flatnonzero(part.labels == label)) for label in wanted]
        part = part.take(np.sort(np.concatenate(rows)))
        images, edge = np.asarray(part.images[:]), FRAME.get(name, 0)
        images = images[:, edge : images.shape[1] - edge, edge : images.shape[2] - edge]
        empty = is_nothing[part.labels]
        rooms += list(images[empty])
        images, labels = images[~empty], letter_of[part.labels[~empty]]
        if name == "signers":
            images = np.stack([cut_out(image) for image in images])
        sources[name] = Source(images, labels)
    labels = np.arange(DRAWN) % len(hands.LETTERS)
    sources["drawn"] = Source(draw(labels, seed=0), labels)
    return sources, rooms


def _spread(rows: np.ndarray) -> np.ndarray:
    """At most PER_CLASS of these rows, spread over all of them."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), PER_CLASS)).astype(int)]


def letter_labels(class_names: tuple[str, ...]) -> np.ndarray:
    """The index in hands.LETTERS of each class of a data set, or -1: int64 (classes,)."""
    index = {plain(letter): place for place, letter in enumerate(hands.LETTERS)}
    return np.array([index.get(plain(name), -1) for name in class_names])


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """Drawn hands in colour, a new signer every 24, cut out: uint8 (n, SIZE, SIZE, 4)."""
    names = [hands.LETTERS[label] for label in labels]
    signers = 1000 + seed * 100_000 + np.arange(len(labels)) // len(hands.LETTERS)
    return hands.draw_hands(names, signers=signers, seed=seed, size=SIZE, cutout=True)


def cut_out(image: np.ndarray) -> np.ndarray:
    """A hand on black, uint8 (h, w, 3), with a fourth channel that says what of it is hand."""
    mask = (image.max(axis=2) > 24).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, parts, figures, _ = cv2.connectedComponentsWithStats(mask)
    if len(figures) > 1:  # the largest part is the hand, the rest is dirt
        mask = (parts == 1 + figures[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    mask = cv2.GaussianBlur(cv2.erode(255 * mask, np.ones((3, 3), np.uint8)), (3, 3), 0)
    return np.dstack([image, mask])


def vary(image: np.ndarray, random: np.random.Generator, rooms: list[np.ndarray]) -> np.ndarray:
    """An image as another camera might have taken it elsewhere: float32 (SIZE, SIZE, 3), 0–255.

    uint8 (h, w, 1, 3 or 4) in. Moved, turned a little, nearer or farther; mirrored every other
    time, as a left hand signs the mirror image of the same letter; laid over another background
    where it is cut out; its colour, light, sharpness and noise changed, a patch hidden.
    """
    image = _move(image, random, rooms)
    grey = (image @ _LUMA)[..., None]
    kind = random.random()
    if kind < 0.35:
        image = np.repeat(grey, 3, axis=2)
    elif kind < 0.8:
        image = grey + (image - grey) * np.float32(random.uniform(0.3, 1.6))
        image = image * random.uniform(0.85, 1.15, 3).astype(np.float32)
    if random.random() < 0.8:
        mean = image.mean()
        image = (image - mean) * np.float32(random.uniform(0.5, 1.4)) + mean
        image = image + np.float32(random.uniform(-50, 50))
    if random.random() < 0.5:
        gamma = np.float32(np.exp(random.normal(0, 0.35)))
        image = 255 * np.clip(image / 255, 0, 1) ** gamma
    if random.random() < 0.2:  # light falls off to one side
        turn, axis = random.uniform(0, 2 * np.pi), np.linspace(-1, 1, SIZE, dtype=np.float32)
        slope = np.cos(turn) * axis[None, :, None] + np.sin(turn) * axis[:, None, None]
        image = image * (1 + np.float32(random.uniform(0, 0.5)) * slope.astype(np.float32))
    image = _sharpness(image, random)
    if random.random() < 0.3:
        shape = (SIZE, SIZE, 1 if random.random() < 0.5 else 3)
        noise = random.standard_normal(shape, np.float32)
        image = image + noise * np.float32(random.uniform(2, 14))
    if random.random() < 0.2:
        side = int(random.integers(8, 28))
        top, left = random.integers(0, SIZE - side, 2)
        patch = background(random, rooms)[:side, :side]
        image[top : top + side, left : left + side] = patch
    return np.clip(image, 0, 255)


def background(random: np.random.Generator, rooms: list[np.ndarray]) -> np.ndarray:
    """Part of an empty room, or where there is none a wall, clouds or tiles: float32
    (SIZE, SIZE, 3), 0–255.
    """
    if rooms and random.random() < 0.65:
        room = rooms[random.integers(len(rooms))]
        side = int(random.integers(len(room) // 2, len(room) + 1))
        top, left = random.integers(0, len(room) - side + 1, 2)
        part = cv2.resize(room[top : top + side, left : left + side], (SIZE, SIZE))
        return (part[:, ::-1] if random.random() < 0.5 else part).astype(np.float32)
    colour = random.uniform(0, 255, 3)
    if random.random() < 0.3:
        return np.broadcast_to(colour, (SIZE, SIZE, 3)).astype(np.float32)
    cells, channels = int(random.integers(2, 12)), 3 if random.random() < 0.5 else 1
    grid = random.normal(0, random.uniform(10, 70), (cells, cells, channels)) + colour
    smooth = cv2.INTER_CUBIC if random.random() < 0.6 else cv2.INTER_NEAREST
    wall = cv2.resize(grid.astype(np.float32), (SIZE, SIZE), interpolation=smooth)
    return np.clip(wall, 0, 255)


class Mixture(keras.utils.PyDataset):
    """Batches of all sources, set and letter drawn evenly, each image varied.

    A batch depends on the seed, the epoch and its number alone. After each epoch some drawn hands
    are replaced by new ones.
    """

    def __init__(self, sources: dict[str, Source], rooms: list[np.ndarray], seed: int = 0) -> None:
        super().__init__(workers=2, max_queue_size=16)
        self.sources, self.rooms, self.seed, self.epoch = sources, rooms, seed, 0
        shares = np.array([SHARES[name] for name in sources], float)
        self.shares = shares / shares.sum()
        self.letters = [
            [np.flatnonzero(source.labels == k) for k in range(len(hands.LETTERS))]
            for source in sources.values()
        ]

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def on_epoch_end(self) -> None:
        self.epoch += 1
        images, labels = self.sources["drawn"]
        rows = (np.arange(DRAWN_ANEW) + self.epoch * DRAWN_ANEW) % len(labels)
        images[rows] = draw(labels[rows], seed=self.epoch)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([self.seed, self.epoch, number])
        images, labels = np.empty((BATCH, SIZE, SIZE, 3), np.float32), np.empty(BATCH, int)
        kinds = list(self.sources.values())
        for row, kind in enumerate(random.choice(len(kinds), BATCH, p=self.shares)):
            there = [k for k, rows in enumerate(self.letters[kind]) if len(rows)]
            labels[row] = random.choice(there)
            image = kinds[kind].images[random.choice(self.letters[kind][labels[row]])]
            images[row] = vary(image, random, self.rooms)
        return images, encode(labels, len(hands.LETTERS))


def build_reader(seed: int = 0) -> keras.Model:
    """The network that learns: MobileNetV2 from ImageNet, its lower blocks frozen; images
    (n, SIZE, SIZE, 3), 0–255, in, probabilities (n, 24) out. AslError without the weights.
    """
    network, file = find(BASE), pretrained.find_weights(BASE)
    keras.utils.set_random_seed(seed)
    base, preprocessing = networks.mobilenetv2(SIZE)
    pretrained.load_weights(base, file, network)
    learns = False
    for layer in base.layers:
        layer.trainable = learns
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99  # as published, these forget too slowly for so short a training
        learns = learns or layer.name == FROZEN_TO
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(base(preprocessing(inputs)))
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.Dense(len(hands.LETTERS), activation="softmax")(x)
    return keras.Model(inputs, x, name="reader")


def with_four_looks(model: keras.Model, temperature: float = 1.0) -> keras.Model:
    """The network as it reads: its mean over the picture, the middle of it enlarged, and the
    mirror image of both, at a temperature (`evaluation.calibrate`).
    """
    # The same layers without what training adds, which is as large
    network = keras.Model(model.inputs[0], model.outputs[0])
    inputs = keras.Input((SIZE, SIZE, 3))
    middle = keras.layers.CenterCrop(ZOOM, ZOOM)(inputs)
    middle = keras.layers.Resizing(SIZE, SIZE)(middle)
    looks = [inputs, middle, *(keras.ops.flip(look, axis=2) for look in (inputs, middle))]
    mean = keras.layers.Average()([network(look, training=False) for look in looks])
    scores = keras.layers.Rescaling(1 / temperature)(keras.ops.log(mean + evaluation.SMALLEST))
    return keras.Model(inputs, keras.layers.Softmax()(scores), name="reader")


def train_reader(left_out: str | None = None, seed: int = 0, steps: int = STEPS) -> Path:
    """Train the reader on all data sets, or on all but one, and keep it in model/.

    `left_out` is a name of LEFT_OUT: the network is kept as model/reader-without-<name>.keras,
    all images of that set are read, and what it reads in them is kept in runs/reader. Without, it
    becomes model/reader.keras; its confidence is calibrated by the sets that were left out before,
    and its sidecar tells what was read of them. AslError for an unknown name, and for data sets or
    weights that cannot be had.
    """
    if left_out is not None and left_out not in LEFT_OUT:
        raise AslError(f"there is no set {left_out!r} to leave out: {', '.join(LEFT_OUT)}.")
    missing = [name for name in LEFT_OUT if left_out_readings(name) is None]
    if missing and not left_out:
        raise AslError(
            "the reader is calibrated by what is read of sets that were left out; first run: "
            + "; ".join(f"python -m asl reader --leave-out {name}" for name in missing)
        )
    began = time.perf_counter()
    model = build_reader(seed)
    sources, rooms = gather(left_out)
    per_epoch = min(STEPS_PER_EPOCH, steps)
    epochs = max(1, round(steps / per_epoch))  # whole ones
    steps = epochs * per_epoch
    rates = keras.optimizers.schedules.CosineDecay(
        RATE / 10, max(steps - WARM_UP, 1), warmup_target=RATE, warmup_steps=WARM_UP
    )
    model.compile(
        keras.optimizers.AdamW(rates, weight_decay=1e-3, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    model.fit(
        Mixture(sources, rooms, seed),
        steps_per_epoch=per_epoch,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=_tell)],
    )
    seconds = time.perf_counter() - began
    names = [DRAWN_AS.get(name, name) for name in sources]
    about = {
        "dataset": "+".join(names),
        "datasets": names,
        "model": "reader",
        "weights": pretrained.find_weights(BASE).name,
        "class_names": list(hands.LETTERS),
        "seed": seed,
        "steps": steps,
        "batch_size": BATCH,
        "training_seconds": round(seconds, 1),
    }
    if left_out:
        file = trained.save_model(with_four_looks(model), f"reader-without-{left_out}", about)
        print(f"without {left_out}: {read_left_out(left_out)}")
        return file
    known = {name: left_out_readings(name) for name in LEFT_OUT}
    temperature, sure = _calibration(list(known.values()))
    about |= {
        "temperature": temperature,
        "sure": sure,
        "left_out": {name: _figures(*found) for name, found in known.items()},
    }
    return trained.save_model(with_four_looks(model, temperature), "reader", about)


def read_left_out(name: str) -> str:
    """Read all images of a set with the network that was trained without it, keep the
    probabilities in runs/reader, and tell how many are right.
    """
    model, _ = trained.load_model(f"reader-without-{name}")
    found = []
    for dataset in LEFT_OUT[name]:
        samples = datasets.with_groups(datasets.load(dataset, image_shape=(SIZE, SIZE, 3)))
        labels = letter_labels(samples.class_names)[samples.labels]
        samples, labels = samples.take(labels >= 0), labels[labels >= 0]
        groups = np.char.add(f"{dataset} ", samples.groups.astype(str))
        found.append((prediction.predict_fitted(model, samples.images), labels, groups))
    probabilities, labels, groups = (np.concatenate(column) for column in zip(*found, strict=True))
    with paths.write_beside(_readings_file(name)) as temporary:
        np.savez(temporary, probabilities=probabilities, labels=labels, groups=groups)
    right = probabilities.argmax(axis=1) == labels
    return evaluation.describe_right(right, groups)


def left_out_readings(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Probabilities, labels and groups of a set that was left out, or None if it was not yet."""
    file = _readings_file(name)
    if not file.is_file():
        return None
    with np.load(file) as stored:
        return stored["probabilities"], stored["labels"], stored["groups"]


def _readings_file(name: str) -> Path:
    return paths.RUNS / "reader" / f"without-{name}.npz"


def _figures(probabilities: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> dict:
    right = probabilities.argmax(axis=1) == labels
    low, high = evaluation.group_interval(right, groups)
    return {
        "correct": int(right.sum()),
        "images": len(right),
        "groups": len(np.unique(groups)),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _calibration(readings: list[tuple]) -> tuple[float, dict]:
    """Temperature, and from which confidence on SURE of the readings are right, from sets that were
    left out, as many images of each.
    """
    count, random = min(len(found[1]) for found in readings), np.random.default_rng(0)
    chosen = [random.choice(len(found[1]), count, replace=False) for found in readings]
    probabilities, labels = (
        np.concatenate([found[k][rows] for found, rows in zip(readings, chosen, strict=True)])
        for k in (0, 1)
    )
    temperature = round(evaluation.fit_temperature(probabilities, labels), 4)
    calibrated = evaluation.calibrate(probabilities, temperature)
    confidence, unread = evaluation.sure_threshold(calibrated, labels, SURE)
    return temperature, {"precision": SURE, "confidence": confidence, "unread": unread}


def _tell(epoch: int, logs: dict) -> None:
    figures = f"loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"
    print(f"epoch {epoch + 1}  {figures}", flush=True)


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def _move(image: np.ndarray, random: np.random.Generator, rooms: list) -> np.ndarray:
    """The image moved to (SIZE, SIZE, 3) float32, with a background where there was none."""
    height, width, channels = image.shape
    to_size = SIZE / max(height, width)
    cut = channels == 4
    nearest = 1.2 if cut else 1.3 if width < 40 else 1.6
    farthest = 0.45 if cut else 0.5 if width < 40 else 0.6
    scale = np.exp(random.uniform(np.log(farthest), np.log(nearest)))
    turn, aspect = np.deg2rad(random.normal(0, 8)), np.exp(random.normal(0, 0.08))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ [[aspect, random.normal(0, 0.08)], [0, 1 / aspect]] * scale * to_size
    if random.random() < 0.5:
        matrix = matrix @ [[-1, 0], [0, 1]]
    reach = (max(0, (1 - scale) / 2) + 0.08) * SIZE
    place = SIZE / 2 + random.uniform(-reach, reach, 2)
    move = np.c_[matrix, place - matrix @ [(width - 1) / 2, (height - 1) / 2]]
    target = (SIZE, SIZE)
    if cut:
        smooth = cv2.INTER_AREA if scale * to_size < 0.7 else cv2.INTER_LINEAR
        moved = cv2.warpAffine(image, move, target, flags=smooth).astype(np.float32)
        moved, hand = moved[..., :3], moved[..., 3:] / 255
        if random.random() < 0.1:
            return moved
        lit = moved * np.float32(random.uniform(0.5, 1.3))  # not by the light of the room
        return lit * hand + background(random, rooms) * (1 - hand)
    border = cv2.BORDER_REPLICATE if random.random() < 0.5 else cv2.BORDER_REFLECT_101
    smooth = cv2.INTER_CUBIC if to_size > 2 else cv2.INTER_LINEAR
    moved = cv2.warpAffine(image, move, target, flags=smooth, borderMode=border)
    moved = moved.reshape(SIZE, SIZE, channels).astype(np.float32)
    if scale < 1 and random.random() < 0.35:  # the picture as it hangs on another wall
        there = cv2.warpAffine(np.full((height, width), 255, np.uint8), move, target)
        there = there[..., None].astype(np.float32) / 255
        moved = moved * there + background(random, rooms) * (1 - there)
    return np.repeat(moved, 3, axis=2) if moved.shape[2] == 1 else moved


def _sharpness(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As few pixels as a small picture has, or blurred, or sharpened, or as it is."""
    kind = random.random()
    if kind < 0.35:
        side = int(random.integers(24, 64))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        smooth = cv2.INTER_LINEAR if random.random() < 0.5 else cv2.INTER_CUBIC
        return cv2.resize(small, (SIZE, SIZE), interpolation=smooth)
    if kind < 0.45:
        return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 2))
    if kind < 0.55:
        return 2 * image - cv2.GaussianBlur(image, (0, 0), 1.5)
    return image
