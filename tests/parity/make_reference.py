"""What torch computes, kept in tests/reference for the tests that run without torch.

make test-parity compares the same live. Written again, should the networks change, by
.venv/bin/python tests/parity/make_reference.py (after make test-parity, which installs torch).
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from parity.torch_networks import AlexNet, ResNet18, normalize
from torch_weights import REFERENCE, picture, random_state

NETWORKS = {"alexnet": AlexNet, "resnet18": ResNet18}


def shapes() -> dict[str, dict[str, tuple[int, ...]]]:
    """The names and shapes of the arrays of each network."""
    return {
        name: {key: tuple(value.shape) for key, value in network().state_dict().items()}
        for name, network in NETWORKS.items()
    }


def answers() -> dict[str, np.ndarray]:
    """What each network makes of the picture with the random weights, and what prepares it."""
    prepared = normalize(torch.tensor(picture()))
    found = {"prepared": prepared[0, :, ::32, ::32].numpy()}
    for name, network in NETWORKS.items():
        state = random_state(shapes()[name])
        module = network().eval()
        module.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
        with torch.no_grad():
            found[name] = module(prepared).numpy()
    return found


def small_state() -> dict[str, torch.Tensor]:
    """Tensors of several kinds: transposed, a part of another, a scalar, an empty one."""
    counted = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return {
        "plain": counted,
        "transposed": counted.permute(2, 0, 1),
        "part": torch.arange(10)[3:7],
        "half": torch.tensor([0.5, -2], dtype=torch.float16),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "yes": torch.tensor([True, False]),
    }


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    (REFERENCE / "torch_shapes.json").write_text(json.dumps(shapes(), indent=1) + "\n")
    np.savez_compressed(REFERENCE / "torch_answers.npz", **answers())
    state = small_state()
    np.savez_compressed(REFERENCE / "small.npz", **{k: v.numpy() for k, v in state.items()})
    torch.save(state, REFERENCE / "small.pth")
    torch.save(state, REFERENCE / "small_older.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.ReLU(), REFERENCE / "module.pth")  # code, not tensors alone
    for file in REFERENCE.iterdir():
        print(f"{file.stat().st_size:9,} {file.name}")
