"""The files of Google's two networks."""

from asl import files

NAMES = {"palm": "palm_detection_full.tflite", "lite": "hand_landmark_lite.tflite"}


def find(name):
    return files.DATA / "weights" / NAMES[name]
