"""Draw three-dimensional hands that sign the letters and digits of American Sign Language.

The hand lives in its own frame, in centimetres: the wrist is the origin, x runs towards the thumb,
y towards the fingertips and z out of the palm.  It is a right hand, so a viewer who faces the palm
sees the thumb on the right.  A row of `POSES` bends its joints, and from there it takes five steps:

1. `_skeleton` turns joint angles into 39 tapered capsules (a capsule is what a ball sweeps over
   that rolls from one point to another and shrinks on the way): fifteen finger bones and five
   nails, the palm, the forearm and its sleeve.
2. `_camera` turns the hand towards the viewer, adds mild perspective and frames it.
3. `_paint` finds for every pixel which capsule is nearest and how its surface faces the light.
4. `_creases` and `_shadow` read from the depth image where less light arrives.
5. `_develop` puts skin, sleeve and background together and adds what a cheap camera adds.

Everything random about an image comes from streams seeded by (seed, signer, name), so an image
depends neither on its neighbours in a batch nor on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from asl.data import hand_poses as hand
from asl.data.hand_poses import LETTERS, SIGNS

VERSION = 3  # of the drawing: what was drawn by another one is drawn again

# Which capsules are what, in the order they are drawn; body: forearm, palm, root of the thumb.
BODY, HAND, NAILS, SLEEVE = slice(0, 17), slice(3, 31), slice(31, 36), slice(36, 39)
BONES, WRIST = slice(16, 31), 1  # of thumb and fingers; the forearm's middle, from the wrist on
FLOOR = -1e3  # depth where there is no hand
DISTANCE = 60  # centimetres from a film's camera to the hand


class _Random:
    """Random numbers for a batch: a row of uniform numbers per image, handed out by column."""

    def __init__(self, keys: Sequence[Sequence[int]], plain: bool = False):
        self.plain, self.used = plain, 0
        self.rngs = [np.random.default_rng(key) for key in keys]
        self.rows = np.stack([rng.random(150) for rng in self.rngs])
        if plain:
            self.rows[:] = 0.5  # every draw lands in the middle of its range

    def between(self, low: float, high: float, *shape: int) -> np.ndarray:
        """Evenly spread numbers: (n, *shape)."""
        start, self.used = self.used, self.used + int(np.prod(shape))
        part = self.rows[:, start : self.used].reshape(len(self.rows), *shape)
        return low + (high - low) * part

    def around(self, centre: float, spread: float, *shape: int) -> np.ndarray:
        """A bell with standard deviation `spread` that never strays beyond 2.4 of them."""
        bell = self.between(-1, 1, *shape) + self.between(-1, 1, *shape)
        return centre + spread * np.sqrt(1.5) * bell


def _joints(rows: Sequence[tuple], habits: _Random, random: _Random) -> list[np.ndarray]:
    """Angles in radians (thumb, fingers, wrist, view): table, signer's habits, chance."""
    chosen = (0, slice(1, 5), 5, 6)
    thumb, fingers, wrist, view = (np.array([row[k] for row in rows], float) for k in chosen)
    loose = np.array([1.0, 3.2, 4.0])  # side, base, mid; all fingers alike, then each by itself
    fingers += (habits.around(0, 0.8, 1, 3) + random.around(0, 0.6, 1, 3)) * loose
    fingers += (habits.around(0, 0.5, 4, 3) + random.around(0, 0.5, 4, 3)) * loose
    fingers[..., 1:] = np.clip(fingers[..., 1:], -8, 112)
    thumb += habits.around(0, 2, 5) + random.around(0, 2, 5)
    wrist += random.around(0, 5, 2)
    view += (habits.around(0, 0.6, 3) + random.around(0, 0.8, 3)) * np.array([6, 5, 4])
    return [np.radians(part) for part in (thumb, fingers, wrist, view)]


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.sqrt((v * v).sum(-1, keepdims=True))


def _finger_points(angles, knuckles, bones) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4, 3) angles -> (n, 4, 4, 3) points, knuckle to tip; (n, 4, 3) where nails face."""
    side, base, mid = np.moveaxis(angles, -1, 0)
    zero = np.zeros_like(side)
    ahead = np.stack([np.sin(side), np.cos(side), zero], -1)
    palmwards = np.stack([np.sin(hand.CURL_TILT) + zero, zero, np.cos(hand.CURL_TILT) + zero], -1)
    points, bend = [knuckles], zero
    for k, more in enumerate([base, mid, mid * 2 / 3]):
        bend = bend + more
        step = _unit(np.cos(bend)[..., None] * ahead + np.sin(bend)[..., None] * palmwards)
        points.append(points[-1] + step * bones[..., k, None])
    return np.stack(points, 2), _unit(
        np.sin(bend)[..., None] * ahead - np.cos(bend)[..., None] * palmwards
    )


def _thumb_points(angles, root, bones) -> tuple[np.ndarray, np.ndarray]:
    """(n, 5) angles -> (n, 4, 3) points, root to tip; (n, 3) where the nail faces."""
    out, fwd, roll, bend, tip = (angles[:, k, None] for k in range(5))
    zero = np.zeros_like(out)
    along = np.concatenate([np.sin(out) * np.cos(fwd), np.cos(out) * np.cos(fwd), np.sin(fwd)], 1)
    across = np.concatenate([-np.cos(out), np.sin(out), zero], 1)
    lift = np.concatenate([-np.sin(out) * np.sin(fwd), -np.cos(out) * np.sin(fwd), np.cos(fwd)], 1)
    towards = np.cos(roll) * across - np.sin(roll) * lift  # where the pad of the thumb faces
    points = [root]
    for k, angle in enumerate([zero, bend, bend + tip]):
        step = np.cos(angle) * along + np.sin(angle) * towards
        points.append(points[-1] + step * bones[:, k, None])
    return np.stack(points, 1), np.sin(angle) * along - np.cos(angle) * towards


def _nail(points, way, radii):
    """The capsule of a nail: it sinks into a digit's last bone but for a hair's breadth."""
    a, b, r = points[:, 2], points[:, 3], radii[:, 3]
    rise = way * 0.42 * r[:, None]
    return a * 0.35 + b * 0.65 + rise, b * 1.1 - a * 0.1 + rise, r * 0.66, r * 0.62


def _skeleton(thumb, fingers, wrist, shape: _Random) -> tuple[np.ndarray, np.ndarray]:
    """Capsule ends (n, 39, 2, 3) and radii (n, 39, 2) in centimetres, in the hand's frame."""
    n = len(thumb)
    length, girth = shape.around(1, 0.04, 1, 1), shape.around(1, 0.07, 1)
    breadth = shape.around(1, 0.04, 1, 1) * [1, 0, 0] + [0, 1, 1]
    knuckles = hand.KNUCKLES * breadth
    bones = hand.FINGER_BONES * length * shape.around(1, 0.025, 4, 1)
    finger_r = hand.FINGER_RADIUS[:, None] * hand.TAPER * girth[..., None]
    finger_r = finger_r * shape.around(1, 0.02, 4, 1)
    thumb_r, girth = hand.THUMB_RADII * girth, girth[:, 0]
    fingers, backs = _finger_points(fingers, knuckles, bones)
    bones = hand.THUMB_BONES * shape.around(1, 0.04, 1)
    thumb, back = _thumb_points(thumb, np.tile(hand.THUMB_ROOT, (n, 1)), bones)
    ends, radii = [], []

    def add(a, b, ra, rb):
        ends.append(np.stack([np.broadcast_to(a, (n, 3)), np.broadcast_to(b, (n, 3))], 1))
        radii.append(np.stack([np.broadcast_to(ra, n), np.broadcast_to(rb, n)], 1))

    def add_arm(start, ra, rb):
        bend, tilt = wrist[:, :1], wrist[:, 1:]
        arm = [np.sin(tilt) * np.cos(bend), -np.cos(tilt) * np.cos(bend), np.sin(bend)]
        for side in (-0.9, 0, 0.9):
            across, along = np.array([side, 0, 0]), np.concatenate(arm, 1)
            add(across + along * start, across * 1.3 + along * 25, ra * girth, rb * girth)

    add_arm(0.2, 1.95, 2.5)
    for k in range(7):  # the palm: a rod for each knuckle and one between each two
        knuckle = (knuckles[:, k // 2] + knuckles[:, (k + 1) // 2]) / 2 - [0, 0.3, 0.15]
        add(knuckle * [0.42, 0.12, 1] + [0, 0, 0.1], knuckle, 1.5 * girth, 1.12 * girth)
    ball = thumb[:, 1] * 0.55 + np.array([0.3, 2.2, 0.1]) * 0.45
    edge = knuckles[:, 3] * [0.95, 0.75, 1] + [0, 0, 0.5]
    add([0.9, 1.3, 0.5], ball, 1.6 * girth, 1.35 * girth)  # muscles beside the hollow of the hand
    add([-0.9, 1.3, 0.45], [-1.2, 5.2, 0.3], 1.6 * girth, 1.4 * girth)
    add([1.2, 0.6, 0.2], thumb[:, 0], 1.7 * girth, 1.6 * girth)  # heel of the hand
    add([-1.4, 0.6, 0.2], [-2.2, 2.0, 0.5], 1.6 * girth, 1.45 * girth)
    add([-2.2, 2.0, 0.5], edge, 1.45 * girth, 0.95 * girth)
    add((thumb[:, 0] + thumb[:, 1]) / 2, knuckles[:, 0] * 0.75, 1.1 * girth, 0.8 * girth)  # web
    for k in range(3):
        add(thumb[:, k], thumb[:, k + 1], thumb_r[:, k], thumb_r[:, k + 1])
    for f in range(4):
        for k in range(3):
            add(fingers[:, f, k], fingers[:, f, k + 1], finger_r[:, f, k], finger_r[:, f, k + 1])
    add(*_nail(thumb, back, thumb_r))
    for f in range(4):
        add(*_nail(fingers[:, f], backs[:, f], finger_r[:, f]))
    add_arm(shape.between(3, 16, 1), 2.9, 3.5)  # the sleeve begins 3 to 16 cm below the wrist
    return np.stack(ends, 1), np.stack(radii, 1)


def turns(view: np.ndarray) -> np.ndarray:
    """Rotation matrices (n, 3, 3) of views (n, 3): yaw, pitch and roll in radians."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(view.T), np.sin(view.T)
    zero, one = np.zeros_like(cy), np.ones_like(cy)

    def matrix(*entries):
        return np.stack(entries, -1).reshape(-1, 3, 3)

    def times(a, b):  # written out, as a library's matrix product may round by batch size
        return (a[:, :, :, None] * b[:, None, :, :]).sum(2)

    yaw = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    pitch = matrix(one, zero, zero, zero, cp, sp, zero, -sp, cp)
    roll = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return times(roll, times(pitch, yaw))


def _camera(ends, radii, view, habits: _Random, random: _Random) -> tuple[np.ndarray, np.ndarray]:
    """Turn, project and frame: x and y from 0 to 1 (y down), depth and radius in the same unit."""
    turned = (turns(view)[:, None, None] * ends[..., None, :]).sum(-1)
    turned = turned - turned[:, 6:7, 1:2]  # from the middle of the knuckles
    distance = random.between(35, 80, 1, 1)
    scale = distance / np.maximum(distance - turned[..., 2], 10)
    seen, radii = turned * scale[..., None], radii * scale
    points = seen[:, HAND].reshape(len(seen), -1, 3)[..., :2]  # frame the hand, not the arm
    reach = radii[:, HAND].reshape(len(seen), -1, 1)
    low, high = (points - reach).min(1), (points + reach).max(1)
    fill = random.around(0.92, 0.05, 1) + habits.around(0, 0.03, 1)
    zoom = (fill / (high - low).max(1, keepdims=True))[..., None]
    shift = random.around(0.5, 0.035, 1, 1, 2)
    xy = (seen[..., :2] - (low + high)[:, None, None, :] / 2) * zoom[..., None] * [1, -1] + shift
    return np.concatenate([xy, seen[..., 2:] * zoom[..., None]], -1), radii * zoom


def _capsule(px, py, a, b, ra, rb):
    """Height above the image plane of a tapered capsule, and its normal, at pixels (n, h, w).

    A ball at share t of the way covers the height z(t) + sqrt(r(t)^2 - distance^2); the root's
    inside is a quadratic in t, so the t of the greatest height has a closed form.
    """
    ax, ay, az = (a[:, k, None, None] for k in range(3))
    dx, dy, dz = (b[:, k, None, None] - a[:, k, None, None] for k in range(3))
    ra, dr = ra[:, None, None], (rb - ra)[:, None, None]
    qx, qy = px - ax, py - ay
    fall = np.maximum(dx * dx + dy * dy - dr * dr, np.float32(1e-4) * ra * ra)
    half = ra * dr + qx * dx + qy * dy
    room = ra * ra - qx * qx - qy * qy
    top = np.maximum(room + half * half / fall, 0)
    t = np.clip((half + dz * np.sqrt(top * (fall / (fall + dz * dz)))) / fall, 0, 1)
    nx, ny, radius = qx - t * dx, qy - t * dy, ra + t * dr
    height2 = radius * radius - nx * nx - ny * ny
    nz = np.sqrt(np.maximum(height2, 0))
    z = np.where(height2 > 0, az + t * dz + nz, np.float32(FLOOR))
    return z, nx / radius, ny / radius, nz / radius


def _soften(depth: np.ndarray, lit: np.ndarray) -> None:
    """Smooth one image's body in place: skin hides the seams between its capsules."""
    mask = (depth > FLOOR / 2).astype(np.float32)
    sigma = 0.03 * len(depth)
    cover = np.maximum(cv2.GaussianBlur(mask, (0, 0), sigma), np.float32(1e-3))
    for plane in (depth, lit):
        np.copyto(plane, cv2.GaussianBlur(plane * mask, (0, 0), sigma) / cover, where=mask > 0)


def _paint(ends, radii, light, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth and share of direct light, float32 (n, side, side); 0 skin, 1 nail, 2 sleeve: uint8.

    Each capsule is worked out for all images at once, in a window as large as the largest needs.
    """
    n = len(ends)
    ends, radii = (ends * side).astype(np.float32), (radii * side).astype(np.float32)
    light = light.astype(np.float32)[:, :, None, None]
    depth = np.full((n, side, side), FLOOR, np.float32)
    lit, stuff = np.zeros_like(depth), np.zeros(depth.shape, np.uint8)
    for c in range(ends.shape[1]):
        a, b, ra, rb = ends[:, c, 0], ends[:, c, 1], radii[:, c, :1], radii[:, c, 1:]
        low = np.floor(np.minimum(a[:, :2] - ra, b[:, :2] - rb))
        high = np.ceil(np.maximum(a[:, :2] + ra, b[:, :2] + rb))
        low, high = np.clip(low, 0, side - 1).astype(int), np.clip(high, 1, side).astype(int)
        width, height = np.maximum((high - low).max(0), 1)
        x0, y0 = np.minimum(low, [side - width, side - height]).T
        px = (x0[:, None, None] + np.arange(width) + 0.5).astype(np.float32)
        py = (y0[:, None, None] + np.arange(height)[:, None] + 0.5).astype(np.float32)
        z, nx, ny, nz = _capsule(px, py, a, b, ra[:, 0], rb[:, 0])
        facing = nx * light[:, 0] + ny * light[:, 1] + nz * light[:, 2]
        for i, (x, y) in enumerate(zip(x0, y0, strict=True)):
            window = (i, slice(y, y + height), slice(x, x + width))
            nearer = z[i] > depth[window]
            np.copyto(depth[window], z[i], where=nearer)
            np.copyto(lit[window], facing[i], where=nearer)
            if c >= NAILS.start:  # the last ones drawn, so no skin takes these pixels back
                stuff[window][nearer] = 1 + (c >= SLEEVE.start)
        if c == BODY.stop - 1:
            for one_depth, one_lit in zip(depth, lit, strict=True):
                _soften(one_depth, one_lit)
    return depth, lit, stuff


def _creases(depth: np.ndarray) -> np.ndarray:
    """How hollow the surface is at each pixel: (n, side, side), 0 on open ground, 1 in a cleft.

    A pixel is hollow if it lies below the middle of two pixels on opposite sides of it.  Where one
    of the two is background the middle lies far below, so an outline is never darkened.
    """
    side = depth.shape[1]
    unit = side * 0.05  # about a finger's radius
    dark = np.zeros_like(depth)
    for reach in (0.5, 1.2):
        far = max(1, round(reach * unit))
        near = max(1, round(0.7 * far))
        wide = np.pad(depth, ((0, 0), (far, far), (far, far)), constant_values=FLOOR)
        for dx, dy in ((far, 0), (0, far), (near, near), (near, -near)):
            ahead = wide[:, far + dy : far + dy + side, far + dx : far + dx + side]
            behind = wide[:, far - dy : far - dy + side, far - dx : far - dx + side]
            hollow = ((ahead + behind) * np.float32(0.5) - depth) / np.float32(far)
            dark += np.clip(hollow - np.float32(0.2), 0, 1)  # 0.2: not the seams of the palm
    return dark / 4


def _shadow(depth: np.ndarray, light: np.ndarray) -> np.ndarray:
    """One image's cast shadow, 0 to 1: does the way to the light pass below something?"""
    side = len(depth)
    unit = side * 0.05
    shadow = np.zeros_like(depth)
    for t in (0.7, 1.3, 2.0, 3.0, 4.2):
        move = np.array([[1, 0, light[0] * t * unit], [0, 1, light[1] * t * unit]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        ahead = cv2.warpAffine(depth, move, (side, side), flags=flags, borderValue=FLOOR)
        rise = (ahead - depth - np.float32(light[2] * t * unit)) / np.float32(0.5 * unit)
        shadow = np.maximum(shadow, np.clip(rise, 0, 1) * (ahead > FLOOR / 2))
    return cv2.GaussianBlur(shadow, (0, 0), 0.35 * unit)  # a room's light has soft edges


def _background(random: _Random, size: int) -> np.ndarray:
    """A wall with a gradient and a few darker or lighter areas with straight edges (n, s, s)."""
    axis = (np.arange(size) + 0.5) / size - 0.5
    x, y = axis[None, None, :], axis[None, :, None]
    turn = random.between(0, 2 * np.pi, 1, 1)
    slope = random.between(0, 0.5, 1, 1) * (np.cos(turn) * x + np.sin(turn) * y)
    wall = random.between(0.35, 0.85, 1, 1) * (1 + slope)
    wall = wall - random.between(0, 0.3, 1, 1) * (x * x + y * y)  # darker corners
    for chance, far in ((0.3, 0.5), (0.15, 0.4), (0.1, 0.45)):  # a frame, a table, a shoulder
        there = random.between(0, 1, 1, 1) < (0 if random.plain else chance)
        turn, start = random.between(0, 2 * np.pi, 1, 1), random.between(far - 0.1, far + 0.2, 1, 1)
        beyond = np.cos(turn) * x + np.sin(turn) * y - start
        blend = np.clip(beyond * size / 2 + 0.5, 0, 1) * there
        wall = wall + (random.between(0.1, 0.9, 1, 1) - wall) * blend
    return np.clip(wall, 0, 1)


def _develop(layers, wall, tints, camera, rng, plain: bool, cutout: bool) -> np.ndarray:
    """One image of skin, sleeve and wall, then exposure, blur and noise: uint8 (s, s, 3) RGB, or
    (s, s, 4) with what of each pixel is hand in the last channel, 0–255.
    """
    skin, nail, cloth, paint = tints
    size = len(wall)
    layers = cv2.resize(layers, (size, size), interpolation=cv2.INTER_AREA)
    dark = 1 - np.minimum(layers[..., :1] / np.maximum(layers[..., 3:], np.float32(1e-3)), 1)
    # Light scatters in the skin, so that its shade is redder, and as bright
    glow = 1 + dark * np.array([0.4, -0.17, -0.17], np.float32)
    image = layers[..., :1] * glow * skin + layers[..., 1:2] * nail + layers[..., 2:3] * cloth
    image = image + (1 - layers[..., 3:]) * (wall[..., None] * paint)
    if cutout:  # before the blur: what is blurred at the edge is hand and wall together
        alpha = (layers[..., 3:] * 255 + 0.5).astype(np.uint8)
    gain, blur, sharpen, noise, gamma, contrast, lift = camera
    coarse = min(1, 28 / size)  # a picture of 28 pixels was shrunk and sharpened; a large one not
    blur, sharpen = blur * coarse**0.8, sharpen * coarse
    image = (image * gain).astype(np.float32)
    if not plain:
        image = cv2.GaussianBlur(image, (0, 0), blur * size)
        edges = image - cv2.GaussianBlur(image, (0, 0), 0.035 * size)
        image = image + edges * np.float32(sharpen)
        image = image + rng.standard_normal((size, size, 1), np.float32) * np.float32(noise)
    image = np.clip(image, 0, 1) ** np.float32(gamma)
    image = (image - 0.5) * np.float32(contrast) + np.float32(0.5 + lift)
    image = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.concatenate([image, alpha], axis=2) if cutout else image


def _tints(shape: _Random, random: _Random) -> np.ndarray:
    """Colours of skin, nails, sleeve and wall: (n, 4, 3)."""
    pale, dark = np.array([1.0, 0.82, 0.71]), np.array([0.50, 0.34, 0.26])
    skin = pale + (dark - pale) * shape.between(0, 1, 1) ** 2
    cloth = shape.between(0.05, 0.75, 1) ** 1.5 * shape.between(0.7, 1.0, 3)
    nail = skin * 0.55 + np.array([0.96, 0.74, 0.69]) * 0.45
    return np.stack([skin, nail, cloth, random.between(0.9, 1.0, 3)], 1)


class Pose(NamedTuple):
    """How hands are held, and how they are turned to the viewer; angles as in hand_poses."""

    thumb: np.ndarray  # float (n, 5), radians
    fingers: np.ndarray  # float (n, 4, 3), radians: index to little finger
    wrist: np.ndarray  # float (n, 2), radians
    turn: np.ndarray  # float (n, 3, 3): from the hand's own frame to the viewer's


def _held(names, signers, seeds, plain: bool = False, first_only: bool = False):
    """Joint angles of each image, and the streams that the drawing goes on with."""
    for name in names:
        if name not in SIGNS:
            raise ValueError(f"no sign is called {name!r}; there are {', '.join(SIGNS)}")
    numbers = [SIGNS.index(name) for name in names]
    keys = [(*seed, s, k) for seed, s, k in zip(seeds, signers, numbers, strict=True)]
    random = _Random(keys, plain)
    habits = _Random([(21, signer) for signer in signers], plain)  # how a signer holds the hand
    share = np.array([hand.SECOND_SHARE.get(name, 0.7) for name in names])
    second = (random.between(0, 1) < share) & (not (plain or first_only))
    rows = [hand.POSES.get(name, hand.POSES["A"]) for name in names]
    rows = [
        hand.SECOND_POSES.get(name, row) if other else row
        for name, row, other in zip(names, rows, second, strict=True)
    ]
    return _joints(rows, habits, random), habits, random


def _shape(signers) -> _Random:
    """What a signer's hand itself is like."""
    return _Random([(20, signer) for signer in signers])


def _pose(names, signers, seeds, plain: bool = False, first_only: bool = False):
    """Capsules in the picture, their radii, and the streams that the drawing goes on with."""
    (thumb, fingers, wrist, view), habits, random = _held(names, signers, seeds, plain, first_only)
    shape = _shape(signers)
    ends, radii = _skeleton(thumb, fingers, wrist, shape)
    ends, radii = _camera(ends, radii, view, habits, random)
    return ends, radii, random, shape


def _draw_chunk(names, signers, seeds, size, plain=False, cutout=False, first_only=False):
    """Draw a few images together: uint8 (n, size, size, 3), or 4 with `cutout`."""
    ends, radii, random, shape = _pose(names, signers, seeds, plain, first_only)
    ends[[name == hand.NOTHING for name in names]] += 100  # out of the picture
    return _shade(ends, radii, (random, shape), size, plain, cutout)


def _shade(ends, radii, streams, size, plain=False, cutout=False):
    """Draw capsules that are in the picture: uint8 (n, size, size, 3), or 4 with `cutout`."""
    random, shape = streams
    ray = [random.around(0.45, 0.5), random.around(-0.45, 0.35), random.between(0.4, 0.9)]
    light = _unit(np.stack(ray, -1))  # mostly from the upper right
    # The light is soft, as in a room; harder in a picture of 28 pixels, whose shade must tell all
    hard = min(1, 28 / size)
    ambient, wrap, crease = (
        (random.between(low, high, 1, 1) + more * hard).astype(np.float32)
        for low, high, more in ((0.2, 0.5, -0.1), (0.15, 0.45, -0.1), (0.7, 1.8, 0.2))
    )
    side = max(2 * size, 56)  # drawn larger, then shrunk: smooth edges
    depth, lit, stuff = _paint(ends, radii, light, side)
    shadow = np.stack([_shadow(*each) for each in zip(depth, light, strict=True)])
    direct = np.clip(lit * (1 - wrap) + wrap, 0, 1) * (1 - np.float32(0.5) * shadow)
    shade = (ambient + (1 - ambient) * direct) / (1 + crease * _creases(depth))
    mask = (depth > FLOOR / 2).astype(np.float32)
    layers = np.stack([*(shade * mask * (stuff == kind) for kind in range(3)), mask], -1)
    ranges = ((0.9, 1.25), (0.014, 0.027), (0.3, 1.5), (0.0, 0.007))  # gain blur sharpen noise
    camera = [random.between(*pair) for pair in ranges]
    camera += [np.exp(random.around(-0.25, 0.2)), random.between(0.8, 1.15), random.around(0, 0.06)]
    walls, tints = _background(random, size), _tints(shape, random)
    parts = zip(layers, walls, tints, np.stack(camera, 1), random.rngs, strict=True)
    return np.stack([_develop(*part, plain, cutout) for part in parts])


def draw_hand(
    name: str,
    *,
    signer: int = 0,
    seed: int | Sequence[int] = 0,
    size: int = 112,
    plain: bool = False,
) -> np.ndarray:
    """Draw one sign: uint8 (size, size, 3) RGB.

    `plain` gives the view of a textbook: even light, plain background, nothing left to chance but
    the signer's hand.
    """
    seeds = (seed,) if isinstance(seed, int) else tuple(seed)
    return _draw_chunk([name], [signer], [seeds], size, plain)[0]


def draw_hands(
    names: Sequence[str],
    *,
    signers: Sequence[int] | np.ndarray,
    seed: int = 0,
    size: int = 112,
    colour: bool = True,
    cutout: bool = False,
    first_only: bool = False,
) -> np.ndarray:
    """Draw many signs: uint8 (n, size, size, 3) RGB, or (n, size, size, 1) grey.

    Image i is `draw_hand(names[i], signer=signers[i], seed=(seed, i), size=size)`. With `cutout` a
    fourth channel says what of each pixel is hand and arm (0–255), so that the hand can be laid
    over something else. `first_only` leaves out the second way to hold a sign: no images of
    a data set had a say in the poses that remain (see hand_poses).
    """
    if len(signers) != len(names):
        raise ValueError(f"{len(names)} names but {len(signers)} signers")
    channels = 4 if cutout else 3 if colour else 1
    images = np.empty((len(names), size, size, channels), np.uint8)
    order = sorted(range(len(names)), key=lambda i: names[i])  # like shapes together: less waste
    step = min(32, max(1, 160_000 // size**2))  # bounds the memory
    chunks = [order[k : k + step] for k in range(0, len(order), step)]

    def work(chunk: list[int]) -> None:
        who, seeds = [int(signers[i]) for i in chunk], [(seed, i) for i in chunk]
        part = _draw_chunk([names[i] for i in chunk], who, seeds, size, False, cutout, first_only)
        for i, image in zip(chunk, part, strict=True):
            grey = channels == 1
            images[i] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] if grey else image

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        done = pool.map(work, chunks)
        list(tqdm(done, "drawing hands", len(chunks), leave=False, delay=1))
    return images


def hand_points(
    names: Sequence[str],
    *,
    signers: Sequence[int] | np.ndarray,
    seed: int = 0,
    first_only: bool = False,
) -> np.ndarray:
    """The 21 points of drawn hands, straight from their bones: float32 (n, 21, 3).

    Points i are those of image i of `draw_hands` with the same arguments, whatever its size: wrist,
    thumb, index, middle, ring and little finger, each from the palm to the tip (MediaPipe's order).
    In shares of the picture: x to the right, y down, z away from the camera, 0 at the wrist.
    """
    if len(signers) != len(names):
        raise ValueError(f"{len(names)} names but {len(signers)} signers")
    if hand.NOTHING in names:
        raise ValueError(f"{hand.NOTHING!r} shows no hand, so it has no points")
    if not len(names):
        return np.empty((0, 21, 3), np.float32)
    who, seeds = [int(signer) for signer in signers], [(seed, i) for i in range(len(names))]
    return _points(_pose(names, who, seeds, first_only=first_only)[0])


def _points(ends: np.ndarray) -> np.ndarray:
    """The 21 points of capsules (n, 39, 2, 3): float32 (n, 21, 3), depth 0 at the wrist."""
    bones = ends[:, BONES].reshape(len(ends), 5, 3, 2, 3)  # of thumb and fingers
    chains = np.concatenate([bones[:, :, :1, 0], bones[:, :, :, 1]], 2).reshape(len(ends), 20, 3)
    points = np.concatenate([ends[:, WRIST, :1], chains], 1)
    points[..., 2] = points[:, :1, 2] - points[..., 2]
    return points.astype(np.float32)


def poses(
    names: Sequence[str],
    *,
    signers: Sequence[int] | np.ndarray,
    seed: int = 0,
    first_only: bool = False,
) -> Pose:
    """How the hands of `draw_hands` with the same arguments are held, to be changed and drawn by
    `draw_poses`.
    """
    seeds = [(seed, i) for i in range(len(names))]
    who = [int(signer) for signer in signers]
    (thumb, fingers, wrist, view), _, _ = _held(names, who, seeds, first_only=first_only)
    return Pose(thumb, fingers, wrist, turns(view))


def draw_poses(pose: Pose, *, signer: int, seed: int, size: int, reach: float) -> np.ndarray:
    """Draw one signer's hand as it is held in each row of `pose`: uint8 (n, size, size, 4), RGB and
    what is hand and arm.

    All rows are seen by one camera in one light. The middle of the knuckles is in the middle of the
    picture, whose side spans `reach` centimetres there.
    """
    random = _Random([(22, seed, signer)] * len(pose.thumb))
    ends, radii, shape = _framed(pose, signer, reach)
    return _shade(ends, radii, (random, shape), size, cutout=True)


def pose_points(pose: Pose, *, signer: int, reach: float) -> np.ndarray:
    """The 21 points of the hands that `draw_poses` draws: float32 (n, 21, 3), as `hand_points`."""
    return _points(_framed(pose, signer, reach)[0])


def _framed(pose: Pose, signer: int, reach: float):
    """Capsules, their radii, and the signer's hand, at a scale that no pose changes."""
    shape = _shape([signer] * len(pose.thumb))
    ends, radii = _skeleton(pose.thumb, pose.fingers, pose.wrist, shape)
    turned = (pose.turn[:, None, None] * ends[..., None, :]).sum(-1)
    turned = turned - turned[:, 6:7, 1:2]  # from the middle of the knuckles
    scale = DISTANCE / np.maximum(DISTANCE - turned[..., 2], 10) / reach
    seen = turned * scale[..., None] * [1, -1, 1]
    return seen + np.array([0.5, 0.5, 0]), radii * scale, shape


def draw_sample(
    seed: int = 0, images_per_letter: int = 200, signer_count: int = 40
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The data set `sample`: images uint8 (24 n, 28, 28, 1), labels and signers int64 (24 n,).

    Labels index `LETTERS`.  Every signer signs every letter equally often; the last quarter of the
    signers makes the last quarter of the images, which serve as the test split.
    """
    if signer_count % 4 or images_per_letter % signer_count:
        raise ValueError("signer_count must be divisible by 4 and divide images_per_letter")
    each = images_per_letter // signer_count
    signers = np.repeat(np.arange(signer_count), len(LETTERS) * each)
    labels = np.tile(np.repeat(np.arange(len(LETTERS)), each), signer_count)
    names = [LETTERS[k] for k in labels]
    images = draw_hands(names, signers=signers, seed=seed, size=28, colour=False)
    return images, labels.astype(np.int64), signers.astype(np.int64)
