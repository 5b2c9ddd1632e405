"""Google's palm detector: where in a square is the palm of a hand, and where does it point?

MediaPipe's palm_detection_full (Zhang et al.: MediaPipe Hands, arXiv:2006.10214). It looks at
192×192 pixels from 2,016 anchors: two at the centre of each cell of 8 pixels, six at that of each
of 16. From an anchor it tells the box of a palm, seven points on it, and how sure it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asl.landmarks import networks
from asl.landmarks.geometry import Square, overlap

SIZE = 192
WRIST, MIDDLE_KNUCKLE = 0, 2  # of the seven points
OVERLAP = 0.3  # boxes that share more are of one palm


class Palm(NamedTuple):
    """A palm in a picture, in its pixels."""

    box: np.ndarray  # float32 (4,), left, top, right, bottom
    points: np.ndarray  # float32 (7, 2)
    score: float  # 0–1

    def region(self) -> Square:
        """The square, turned with the hand, in which its 21 points are looked for."""
        x, y = self.points[MIDDLE_KNUCKLE] - self.points[WRIST]
        angle = float(np.arctan2(x, -y))
        side = float((self.box[2:] - self.box[:2]).max())
        towards_fingers = np.array([np.sin(angle), -np.cos(angle)]) * side / 2
        x, y = ((self.box[:2] + self.box[2:]) / 2 + towards_fingers).tolist()
        return Square(x, y, 2.6 * side, angle)


def _anchors() -> np.ndarray:
    found = []
    for stride, count in ((8, 2), (16, 6)):
        cells = SIZE // stride
        axis = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(axis, axis, indexing="ij")
        found.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), count, axis=0))
    return np.concatenate(found).astype(np.float32)


ANCHORS = _anchors()


def find_palms(picture: np.ndarray, square: Square, threshold: float = 0.5) -> list[Palm]:
    """The palms in a square of a picture uint8 (h, w, 3), the surest first."""
    pixels = square.cut(picture, SIZE).astype(np.float32) / 255
    raw, logits = networks.run("palm", pixels[None])
    scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -50, 50)))
    sure = np.flatnonzero(scores >= threshold)
    if not len(sure):
        return []
    sure = sure[np.argsort(-scores[sure], kind="stable")]
    scores, anchors = scores[sure], ANCHORS[sure]
    raw = raw[0, sure].reshape(-1, 9, 2) / SIZE
    centres, sizes, points = raw[:, 0] + anchors, raw[:, 1], raw[:, 2:] + anchors[:, None]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    palms, left = [], np.arange(len(sure))
    while len(left):
        same = overlap(boxes[left[0]], boxes[left]) > OVERLAP
        same[0] = True
        rows = left[same]
        share = scores[rows] / scores[rows].sum()
        corners = square.to_picture(np.tensordot(share, boxes[rows], 1).reshape(2, 2))
        where = square.to_picture(np.tensordot(share, points[rows], 1))
        palms.append(Palm(corners.reshape(4), where, float(scores[rows[0]])))
        left = left[~same]
    return palms
