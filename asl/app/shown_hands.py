"""The rendered hand that shows a letter to a learner, from any side, with the path of J and Z."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from asl.app.fingers import HAND_OF
from asl.app.photo import data_uri
from asl.data.rendered_hands import draw_poses, pose_points, poses
from asl.spelling.motion import templates

SIZE, REACH, SIGNER = 320, 24.0, 61  # pixels; centimetres that they span; whose hand
MIRROR, OTHERS, OWN = "as in a mirror", "as others see it", "as you see your own hand"
SEEN = {MIRROR: 0, OTHERS: 0, OWN: 180}  # degrees that the hand is turned for it
SIDES = {"front": (0, 0), "side": (-65, 0), "above": (0, 60)}  # degrees of turn and tilt
STEP, MOST_TILTED = 5, 75  # degrees
KEPT = 128  # pictures of some 20 KB
PATH_OF = {"J": 20, "Z": 8}  # the fingertip that draws


def hand_picture(
    letter: str, seen: str = MIRROR, turn: float = 0, tilt: float = 0, left: bool = False
) -> str:
    """A letter as HTML: a picture of the hand and, of J and Z, the path that its finger draws.

    turn, tilt: degrees, to the picture's right and towards the viewer, as they are seen.
    """
    turn, tilt = (STEP * round(angle / STEP) for angle in (turn, tilt))
    is_mirrored = left != (seen == MIRROR)
    uri, path = _drawn(letter, (SEEN[seen] + (-turn if is_mirrored else turn)) % 360, tilt)
    told = (
        f"A {'left' if left else 'right'} hand that shows {letter}, {seen}, {side_name(turn, tilt)}"
    )
    inside = f'<image href="{uri}" width="{SIZE}" height="{SIZE}"/>{path}'
    if is_mirrored:
        inside = f'<g transform="translate({SIZE} 0) scale(-1 1)">{inside}</g>'
    return (
        f'<svg class="shown" viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{told}">'
        f"{inside}</svg>"
    )


def side_name(turn: float, tilt: float) -> str:
    """In words, from where the hand is seen."""
    for name, angles in SIDES.items():
        if (turn, tilt) == angles:
            return f"from {'the ' if name != 'above' else ''}{name}"
    return f"turned by {turn:g} and tilted by {tilt:g} degrees"


@lru_cache(maxsize=KEPT)
def _drawn(letter: str, turn: int, tilt: int) -> tuple[str, str]:
    """The picture of a right hand, turned and tilted by so many degrees, and the path it draws as
    SVG.
    """
    pose = poses([HAND_OF.get(letter, letter)], signers=[SIGNER], first_only=True)
    about = _about(turn, tilt)
    pose = pose._replace(turn=(about @ pose.turn[0])[None])
    drawn = draw_poses(pose, signer=SIGNER, seed=1, size=SIZE, reach=REACH)[0]
    path = ""
    if letter in PATH_OF:
        points = SIZE * pose_points(pose, signer=SIGNER, reach=REACH)[0]
        path = _path(letter, points, about)
    return data_uri(drawn), path


def _about(turn: int, tilt: int) -> np.ndarray:
    """The rotation (3, 3) about the vertical, then about the horizontal of the picture."""
    (cos, c), (sin, s) = (each(np.radians([turn, tilt])) for each in (np.cos, np.sin))
    turned = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ turned


def _path(letter: str, points: np.ndarray, about: np.ndarray) -> str:
    shapes = templates(letter)
    way = shapes[len(shapes) // 2].reshape(-1, 2)
    palm = np.linalg.norm(points[9] - points[0])
    way = (way - way[0]) / np.ptp(way[:, 1]) * 0.9 * palm
    flat = np.column_stack([way * [1, -1], np.zeros(len(way))]) @ about.T
    x, y = (points[PATH_OF[letter], :2] + flat[:, :2] * [1, -1]).T
    told = "M" + " L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    return (
        f'<path d="{told}" class="path under"/><path d="{told}" class="path"/>'
        f'<circle r="8" class="tip"><animateMotion dur="2s" repeatCount="indefinite" '
        f'path="{told}"/></circle>'
    )
