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
FRONT, SIDE = "front", "side"
ANGLES = {
    MIRROR: {FRONT: 0, SIDE: -65},
    OTHERS: {FRONT: 0, SIDE: -65},
    OWN: {FRONT: 180, SIDE: 115},
}
PATH_OF = {"J": 20, "Z": 8}  # the fingertip that draws


def hand_picture(letter: str, seen: str = MIRROR, view: str = FRONT, left: bool = False) -> str:
    """A letter as HTML: a picture of the hand and, of J and Z, the path that its finger draws."""
    uri, path = _drawn(letter, ANGLES[seen][view])
    told = f"A {'left' if left else 'right'} hand that shows {letter}, {seen}, from the {view}"
    inside = f'<image href="{uri}" width="{SIZE}" height="{SIZE}"/>{path}'
    if left != (seen == MIRROR):
        inside = f'<g transform="translate({SIZE} 0) scale(-1 1)">{inside}</g>'
    return (
        f'<svg class="shown" viewBox="0 0 {SIZE} {SIZE}" role="img" aria-label="{told}">'
        f"{inside}</svg>"
    )


@lru_cache(maxsize=26 * 4)
def _drawn(letter: str, angle: int) -> tuple[str, str]:
    """The picture of a right hand, turned by so many degrees, and the path it draws as SVG."""
    pose = poses([HAND_OF.get(letter, letter)], signers=[SIGNER], first_only=True)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    about = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    pose = pose._replace(turn=(about @ pose.turn[0])[None])
    drawn = draw_poses(pose, signer=SIGNER, seed=1, size=SIZE, reach=REACH)[0]
    path = ""
    if letter in PATH_OF:
        points = SIZE * pose_points(pose, signer=SIGNER, reach=REACH)[0]
        path = _path(letter, points, cos)
    return data_uri(drawn), path


def _path(letter: str, points: np.ndarray, cos: float) -> str:
    shapes = templates(letter)
    way = shapes[len(shapes) // 2].reshape(-1, 2)
    way = (way - way[0]) / np.ptp(way[:, 1]) * 0.9 * np.linalg.norm(points[9, :2] - points[0, :2])
    x, y = (points[PATH_OF[letter], :2] + way * [cos, 1]).T
    told = "M" + " L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    return (
        f'<path d="{told}" class="path under"/><path d="{told}" class="path"/>'
        f'<circle r="8" class="tip"><animateMotion dur="2s" repeatCount="indefinite" '
        f'path="{told}"/></circle>'
    )
