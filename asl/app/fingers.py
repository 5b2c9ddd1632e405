"""Which finger is off: the joints of a hand against those of the letter it is meant to show."""

from __future__ import annotations

from functools import cache

import numpy as np

from asl.data.rendered_hands import hand_points
from asl.landmarks.hand_landmarks import FINGERS

SIGNERS = range(50, 55)  # rendered hands whose mean a learner's is held against
MOST = 185.0  # degrees: a finger that is bent further is seen no better
OFF = 50.0  # degrees of bending, of all joints of a finger together
STRAIGHT = 75.0  # degrees: fingers that are bent less can be spread
SPREAD = 14.0  # degrees between two fingers
ACROSS = 0.5  # widths of the palm: place of the thumb's tip
FRONTAL = 0.45  # lengths of the palm that it is wide: less is seen from its side
TURNED = 40.0  # degrees in the picture
NAMED = {"index": "index finger", "little": "little finger", "middle": "middle finger"}
NAMED |= {"ring": "ring finger", "thumb": "thumb"}
HAND_OF = {"J": "I", "Z": "1"}  # that draws the letter


def bends(points: np.ndarray) -> np.ndarray:
    """How far each finger is bent, all its joints together: float (5,), degrees, thumb to little
    finger, of points (21, 3).
    """
    told = []
    for joints in FINGERS.values():
        bones = np.diff(points[[0, *joints]], axis=0)
        bones = bones / np.maximum(np.linalg.norm(bones, axis=1, keepdims=True), 1e-9)
        cosines = np.clip((bones[1:] * bones[:-1]).sum(axis=1), -1, 1)
        told.append(float(np.degrees(np.arccos(cosines)).sum()))
    return np.minimum(told, MOST)


def spreads(points: np.ndarray) -> np.ndarray:
    """Angles in degrees from each finger to the next, index to little: float (3,); negative where
    they cross.
    """
    ways = points[[8, 12, 16, 20]] - points[[5, 9, 13, 17]]
    across, up = _palm(points)
    angles = np.degrees(np.arctan2(ways @ across, ways @ up))
    return (angles[:-1] - angles[1:] + 180) % 360 - 180


def thumb_place(points: np.ndarray) -> float:
    """Where the tip of the thumb is across the palm: 0 at the little finger's knuckle, 1 at the
    index finger's, more beside the hand.
    """
    across = points[5] - points[17]
    return float((points[4] - points[17]) @ across / max(float(across @ across), 1e-9))


def _width(points: np.ndarray) -> float:
    """Of the palm, as it is seen, in its lengths: little where it is seen from the side."""
    across, up = (points[k, :2] - points[j, :2] for k, j in ((5, 17), (9, 0)))
    return float(np.linalg.norm(across)) / max(float(np.linalg.norm(up)), 1e-9)


def _palm(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Across the palm, to the thumb's side, and up it: each float (3,), of length 1."""
    up = _unit(points[9] - points[0])
    across = points[5] - points[17]
    return _unit(across - (across @ up) * up), up


def _unit(way: np.ndarray) -> np.ndarray:
    return way / max(float(np.linalg.norm(way)), 1e-9)


def direction(points: np.ndarray) -> float:
    """Where the palm points in the picture, degrees from upright, to the thumb's side positive."""
    x, y = (points[9] - points[0])[:2]
    side = np.sign(points[5, 0] - points[17, 0]) or 1.0
    return float(np.degrees(np.arctan2(side * x, -y)))


@cache
def _wanted(letter: str) -> np.ndarray:
    """The same hands of a letter as points: float32 (signers, 21, 3)."""
    sign = HAND_OF.get(letter, letter)
    return hand_points([sign] * len(SIGNERS), signers=[*SIGNERS], first_only=True)


def advice(points: np.ndarray, letter: str) -> list[str]:
    """What to change about a hand, points (21, 3), to show a letter; what is most wrong first, and
    [] where the fingers are as they should be.
    """
    wanted = _wanted(letter)
    told: list[tuple[float, str]] = []
    target = np.mean([bends(each) for each in wanted], axis=0)
    apart = bends(points) - target
    for name, more in [*zip(FINGERS, apart, strict=True)][1:]:
        if abs(more) > OFF:
            how = "Straighten" if more > 0 else "Bend"
            told.append((abs(more) / OFF, f"{how} your {NAMED[name]}."))
    aside = thumb_place(points) - float(np.mean([thumb_place(each) for each in wanted]))
    is_seen = min(_width(points), *map(_width, wanted)) > FRONTAL
    if is_seen and abs(aside) > ACROSS:
        how = "further in, across the palm" if aside > 0 else "further out, to its own side"
        told.append((abs(aside) / ACROSS, f"Move your thumb {how}."))
    if not told:
        told = _spread_advice(points, wanted, target)
    return [text for _, text in sorted(told, reverse=True)]


def _spread_advice(
    points: np.ndarray, wanted: np.ndarray, target: np.ndarray
) -> list[tuple[float, str]]:
    names = [*FINGERS][1:]
    more = spreads(points) - np.mean([spreads(each) for each in wanted], axis=0)
    told = []
    for number, each in enumerate(more):
        if (target[number + 1 : number + 3] < STRAIGHT).all() and abs(each) > SPREAD:
            pair = f"your {names[number]} and {names[number + 1]} fingers"
            how = f"Bring {pair} together." if each > 0 else f"Spread {pair} apart."
            told.append((abs(each) / SPREAD, how))
    return told


def turn_advice(points: np.ndarray, letter: str) -> str:
    """What to say of a hand whose fingers are right, but which is not read as the letter."""
    wanted = [direction(each) for each in _wanted(letter)]
    apart = (direction(points) - float(np.median(wanted)) + 180) % 360 - 180
    if abs(apart) > TURNED:
        return "Your fingers look right. Turn your hand as in the picture."
    return "Your fingers look right. Turn your palm as in the picture, and hold it still."
