"""Domain randomization: an image as another camera might have taken it elsewhere.

Much stronger than the augmentation of a classifier of one set: other backgrounds, light, colours,
sharpness and noise (Tobin et al.: Domain Randomization, IROS 2017).
"""

import cv2
import numpy as np

from asl.landmarks.crops import AROUND
from asl.landmarks.crops import CROP as SIZE

KEPT, KEPT_AROUND = 144, 2.4  # of what is kept, so that the crop may be moved: its pixels alike
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def randomize(
    image: np.ndarray, random: np.random.Generator, rooms: list[np.ndarray]
) -> np.ndarray:
    """An image as another camera might have taken it elsewhere: float32 (SIZE, SIZE, 3), 0–255.

    uint8 (h, w, 1, 3 or 4) in. Moved, turned a little, nearer or farther; mirrored every other
    time, as a left hand signs the mirror image of the same letter; laid over another background
    where it is cut out; its colour, light, sharpness and noise changed, a patch hidden.
    """
    image = _move(image, random, rooms)
    grey = (image @ LUMA)[..., None]
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


def degrade_all(images: np.ndarray, seed: int) -> np.ndarray:
    """Images uint8 (n, h, w, c) as a poor camera would have taken them, each in a way of its own.

    Hands are found in them less exactly. A network that was trained on such points as well is not
    at a loss when it meets them.
    """
    return np.stack(
        [_degrade(image, np.random.default_rng([seed, row])) for row, image in enumerate(images)]
    )


def _degrade(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Half of them farther away; few pixels or blurred; some grey; flat, dark or bright; noisy."""
    height, width, channels = image.shape
    if random.random() < 0.5:
        edge = int(random.uniform(0, 0.35) * width)
        image = cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    if random.random() < 0.6:
        side = int(random.integers(24, 56))
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    smooth = cv2.INTER_CUBIC if random.random() < 0.5 else cv2.INTER_LINEAR
    if image.shape[1] > width:
        smooth = cv2.INTER_AREA
    resized = cv2.resize(image, (width, height), interpolation=smooth)
    if image.shape[1] >= width:
        resized = cv2.GaussianBlur(resized, (0, 0), width * random.uniform(0.005, 0.02))
    worse = resized.reshape(height, width, channels).astype(np.float32)
    if random.random() < 0.4:
        worse = np.repeat(worse.mean(axis=2, keepdims=True), channels, axis=2)
    mean = worse.mean()
    worse = (worse - mean) * np.float32(random.uniform(0.5, 1.2)) + mean
    gamma = np.float32(np.exp(random.normal(0, 0.4)))
    worse = 255 * np.clip(worse / 255, 0, 1) ** gamma
    noise = random.standard_normal(worse.shape, np.float32) * np.float32(random.uniform(0, 10))
    return np.clip(worse + noise + 0.5, 0, 255).astype(np.uint8)


def background(random: np.random.Generator, rooms: list[np.ndarray]) -> np.ndarray:
    """Part of an empty room, or where there is none a wall, clouds or tiles: float32
    (SIZE, SIZE, 3), 0–255. Rooms are uint8 (h, w, 3), or grey: (h, w, 1) or (h, w).
    """
    if rooms and random.random() < 0.65:
        room = rooms[random.integers(len(rooms))]
        most = min(room.shape[:2])
        side = int(random.integers(max(1, most // 2), most + 1))
        top, left = random.integers(0, most - side + 1, 2)
        part = cv2.resize(room[top : top + side, left : left + side], (SIZE, SIZE))
        part = part[:, ::-1] if random.random() < 0.5 else part
        whole = part if part.ndim == 3 else np.repeat(part[..., None], 3, axis=2)
        return whole.astype(np.float32)
    colour = random.uniform(0, 255, 3)
    if random.random() < 0.3:
        return np.broadcast_to(colour, (SIZE, SIZE, 3)).astype(np.float32)
    cells, channels = int(random.integers(2, 12)), 3 if random.random() < 0.5 else 1
    grid = random.normal(0, random.uniform(10, 70), (cells, cells, channels)) + colour
    smooth = cv2.INTER_CUBIC if random.random() < 0.6 else cv2.INTER_NEAREST
    wall = cv2.resize(grid.astype(np.float32), (SIZE, SIZE), interpolation=smooth)
    return np.clip(wall, 0, 255)


def _sharpness(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """As few pixels as a small picture has, or blurred, or sharpened, or as it is."""
    kind = random.random()
    if kind < 0.5:
        side = int(random.integers(18, 64))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        smooth = cv2.INTER_LINEAR if random.random() < 0.5 else cv2.INTER_CUBIC
        return cv2.resize(small, (SIZE, SIZE), interpolation=smooth)
    if kind < 0.6:
        return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 2.5))
    if kind < 0.7:
        return 2 * image - cv2.GaussianBlur(image, (0, 0), 1.5)
    return image


def _move(image: np.ndarray, random: np.random.Generator, rooms: list[np.ndarray]) -> np.ndarray:
    """A crop moved to (SIZE, SIZE, 3) float32, with a background where it is cut out."""
    side, cut = image.shape[0], image.shape[2] == 4
    around = AROUND * np.exp(random.uniform(np.log(0.7), np.log(1.4)))  # sides of the box
    scale = KEPT_AROUND / around * SIZE / side
    turn, aspect = np.deg2rad(random.normal(0, 10)), np.exp(random.normal(0, 0.08))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = matrix @ [[aspect, random.normal(0, 0.08)], [0, 1 / aspect]] * scale
    if random.random() < 0.5:
        matrix = matrix @ [[-1, 0], [0, 1]]
    place = SIZE / 2 + random.normal(0, 0.07, 2) * SIZE
    move = np.c_[matrix, place - matrix @ [(side - 1) / 2, (side - 1) / 2]]
    border = cv2.BORDER_CONSTANT if cut else cv2.BORDER_REPLICATE
    placed = cv2.warpAffine(image, move, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=border)
    moved: np.ndarray = np.asarray(placed, np.float32)
    if not cut:
        return moved
    colours, hand = moved[..., :3], moved[..., 3:] / 255
    if random.random() < 0.1:
        return colours
    lit = colours * np.float32(random.uniform(0.5, 1.3))  # not by the light of the room
    return lit * hand + background(random, rooms) * (1 - hand)
