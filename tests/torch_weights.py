"""Weights under torchvision's names and shapes, the same with torch and without it."""

import json
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).parent / "reference"  # written by tests/parity/make_reference.py


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """What torch's state dictionary of alexnet or resnet18 holds."""
    kept = json.loads((REFERENCE / "torch_shapes.json").read_text())[name]
    return {key: tuple(shape) for key, shape in kept.items()}


def random_state(shapes_of: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Random arrays of these shapes, such that something arrives at the top of a network.

    RandomState, since numpy promises that its numbers stay what they are.
    """
    random, state = np.random.RandomState(0), {}
    for name, shape in shapes_of.items():
        if name.endswith("num_batches_tracked"):
            state[name] = np.array(3)
        elif name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
            state[name] = random.uniform(0.5, 1.5, shape).astype(np.float32)
        elif len(shape) == 1:
            state[name] = (0.1 * random.standard_normal(shape)).astype(np.float32)
        else:
            scale = np.sqrt(2 / np.prod(shape[1:]))
            state[name] = (scale * random.standard_normal(shape)).astype(np.float32)
    return state


def picture() -> np.ndarray:
    """Bytes (1, 224, 224, 3)."""
    return np.random.RandomState(3).randint(0, 256, (1, 224, 224, 3)).astype(np.uint8)
