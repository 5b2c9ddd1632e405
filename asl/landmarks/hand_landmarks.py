"""Google's hand landmarks: 21 points of the hand in a square of a picture.

MediaPipe's hand_landmark_lite or _full (Zhang et al.: MediaPipe Hands, arXiv:2006.10214). Points:
0 wrist, 1–4 thumb, 5–8 index, 9–12 middle, 13–16 ring, 17–20 little finger, each from the palm to
the tip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from asl.landmarks import networks
from asl.landmarks.geometry import Square

SIZE = 224
PALM = [0, 1, 5, 9, 13, 17]  # wrist, root of the thumb, knuckles
FINGERS = {
    "thumb": [1, 2, 3, 4],
    "index": [5, 6, 7, 8],
    "middle": [9, 10, 11, 12],
    "ring": [13, 14, 15, 16],
    "little": [17, 18, 19, 20],
}
FROM_WRIST_TO = [5, 9, 9, 13]  # knuckles that say where the hand points; the middle one twice


class Landmarks(NamedTuple):
    """The points of what may be a hand, in pixels of the picture."""

    points: np.ndarray  # float32 (21, 3): to the right, down, and away from the camera
    presence: float  # how sure it is that there is a hand, 0–1
    right: float  # how sure it is that it is a right hand, 0–1

    def region(self, scale: float = 2.0) -> Square:
        """The square, turned with the hand, around its wrist and knuckles."""
        flat = self.points[:, :2]
        x, y = flat[FROM_WRIST_TO].mean(axis=0) - flat[0]
        angle = float(np.arctan2(x, -y))
        turned = Square(0, 0, 1, angle).from_picture(flat[[*PALM, 2, 3, 6, 10, 14, 18]])
        low, high = turned.min(axis=0), turned.max(axis=0)
        side = float((high - low).max())
        centre = (low + high) / 2 - np.array([0, 0.1 * side])  # the fingers lie above
        x, y = Square(0, 0, 1, angle).to_picture(centre).tolist()
        return Square(x, y, scale * side, angle)

    @property
    def box(self) -> np.ndarray:
        """The box of all points, float32 (4,): left, top, right, bottom."""
        flat = self.points[:, :2]
        return np.concatenate([flat.min(axis=0), flat.max(axis=0)])


def find_landmarks(
    picture: np.ndarray, square: Square, model: str = "lite", mirrored: bool = False
) -> Landmarks:
    """The points of the hand in a square of a picture uint8 (h, w, 3); with `mirrored`, as they are
    found in the mirror image of the square, and mirrored back.
    """
    pixels = square.cut(picture, SIZE).astype(np.float32) / 255
    raw, presence, right, _ = networks.run(
        model, pixels[None, :, ::-1] if mirrored else pixels[None]
    )
    shares = raw.reshape(21, 3) / SIZE
    if mirrored:
        shares[:, 0], right = 1 - shares[:, 0], 1 - right
    flat, depth = square.to_picture(shares[:, :2]), shares[:, 2:] * square.side
    points = np.concatenate([flat, depth], axis=1).astype(np.float32)
    return Landmarks(points, float(presence[0, 0]), float(right[0, 0]))
