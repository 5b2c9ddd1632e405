"""Google's networks that find hands: where their files come from, and running them."""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np

from asl import files
from asl.data.weights import WeightsFile, find_file
from asl.errors import AslError
from asl.landmarks import interpreter

_ASSETS = "https://storage.googleapis.com/mediapipe-assets/modules/"

# MediaPipe's own files (Apache-2.0), byte for byte
PALM, LITE, FULL = "palm", "lite", "full"
NETWORKS = {
    PALM: WeightsFile(
        "palm_detection_full.tflite",
        "sha256:2f25e740121983f68ffc05f99991d524dc0ea812134f6316a26125816941ee85",
        _ASSETS + "palm_detection/palm_detection_full.tflite",
    ),
    LITE: WeightsFile(
        "hand_landmark_lite.tflite",
        "sha256:d7fde8ac11f8ce03f8663775bfc323f4fc9f2a38062b4f4efa142874ef5b2a48",
        _ASSETS + "hand_landmark/hand_landmark_lite.tflite",
    ),
    FULL: WeightsFile(
        "hand_landmark_full.tflite",
        "sha256:8c026882c9ec059ce0f8e75266bee5a9a23c341a40e0000df755374d3d1b9b68",
        _ASSETS + "hand_landmark/hand_landmark_full.tflite",
    ),
}
LANDMARK_MODELS = (LITE, FULL)  # full takes twice as long, and is a little more exact
AGAIN = 10  # seconds after a failure; threads that wait need not all wait for the network
_finding = threading.Lock()
_failures: dict[tuple[str, Path, str], tuple[float, str]] = {}


def run(network: str, *inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs of one of NETWORKS, whose file is fetched at first use."""
    return interpreter.run(network_file(network), *inputs)


def network_file(network: str) -> Path:
    """The checked file of one of NETWORKS. AslError where there is neither it nor a connection."""
    place = (network, files.DATA, os.environ.get("ASL_ARCHIVES", ""))
    with _finding:  # one thread looks, and fetches; the others take what it found
        since, message = _failures.get(place, (0.0, ""))
        if message and time.monotonic() - since < AGAIN:
            raise AslError(message)
        try:
            return _find(*place)
        except AslError as error:
            _failures[place] = time.monotonic(), str(error)
            raise


@cache
def _find(network: str, _data: Path, _archives: str) -> Path:
    return find_file([NETWORKS[network]], "the networks that find hands")
