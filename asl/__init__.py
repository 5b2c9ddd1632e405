"""American Sign Language from raw images to a classifier that you understand.

One verb a stage, each taking what the stage before it gave: load → split → encode → build → train
→ evaluate → mistakes → predict. The verbs are spelled out below with the file they live in; a file
is imported when one of its verbs is first used, so that `import asl` is quick and does nothing.
"""

import os
from importlib import import_module
from typing import Any

# Read by OpenCV and TensorFlow when they are imported. A small file can hold a picture that fills
# the memory; what is wrong with a file, we say ourselves; start-up notes help no reader.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_HOMES = {
    "choice": "DATASET MODEL EPOCHS SEED WEIGHTS FINE_TUNE",
    "datasets": "DATASETS Samples Split about count find_dataset load model_name split",
    "images": "augment fit read_image find_images",
    "hands": "SIGNS draw_hand draw_hands",
    "backend": "keras",
    "encoding": "encode decode",
    "reader": "train_reader",
    "models": "MODELS all_layers build layer_table",
    "pretrained": "find_weights random_weights",
    "training": "train train_split",
    "comparison": "compare readings shared_mistakes",
    "trained": "load_model",
    "twins": "groups label_conflicts",
    "evaluation": "accuracy_interval describe_accuracy describe_right group_interval per_class "
    "confusion confused_pairs mcnemar reliability calibration_error calibrate fit_temperature "
    "sure_threshold",
    "explain": "mistakes hardest nearest grad_cam",
    "elsewhere": "matrix read_elsewhere",
    "corruptions": "CHANGES mean_accuracy robustness",
    "prediction": "predict predict_files predict_fitted results_table write_results read_results",
    "errors": "AslError",
}
_HOME_OF = {verb: module for module, verbs in _HOMES.items() for verb in verbs.split()}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"asl has no {name!r}. It has: {', '.join(__all__)}.")
    return getattr(import_module(f"asl.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
