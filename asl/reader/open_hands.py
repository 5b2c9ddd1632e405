"""Open hands, rendered: what people hold up first, and what signs no letter.

Seen from all sides: the data sets show open hands of few people, from the palm, and a network that
knows no others takes the back of one for F or B.
"""

from __future__ import annotations

import numpy as np

from asl.data.rendered_hands import Pose, draw_poses, pose_points, poses, turns

EACH = 5  # hands of a signer
REACH = 26.0  # centimetres that the side of a picture spans
FIRST_SIGNER = 500_000  # signers whom no other picture shows


def draw_open_hands(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Open hands of `count` signers, EACH of them: pictures uint8 (n, size, size, 4), RGB and what
    is hand, and their points in pixels, float32 (n, 21, 3).

    The fingers are nearly straight and more or less spread, the thumb is anywhere between beside
    the hand and halfway across the palm; turned about the vertical as it comes.
    """
    images, points = [], []
    for signer in range(FIRST_SIGNER, FIRST_SIGNER + count):
        pose = _open_hand(signer, np.random.default_rng([seed, signer]))
        images.append(draw_poses(pose, signer=signer, seed=seed, size=size, reach=REACH))
        points.append(size * pose_points(pose, signer=signer, reach=REACH))
    return np.concatenate(images), np.concatenate(points)


def _open_hand(signer: int, random: np.random.Generator) -> Pose:
    spread, fist, flat = (poses([name], signers=[signer]) for name in ("5", "S", "B"))
    bent = random.uniform(-0.02, 0.1, (EACH, 4, 1)) + random.normal(0, 0.02, (EACH, 4, 1))
    across = random.uniform(0, 0.5, (EACH, 1))
    view = np.radians(random.uniform((0, -40, -60), (360, 40, 60), (EACH, 3)))
    return Pose(
        spread.thumb + across * (flat.thumb - spread.thumb),
        spread.fingers + bent * (fist.fingers - spread.fingers),
        spread.wrist + random.normal(0, 0.15, (EACH, 2)),
        turns(view),
    )
