"""American Sign Language from raw images to a classifier that you understand.

One function a stage, each taking what the stage before it gave: load → split → encode → build →
train → predict → mistakes → write_results. `__init__.pyi` lists the names and where each lives; a
file is imported when one of its names is first used, so that `import asl` is quick and does
nothing.
"""

import os
import sys

from asl import config

# Read by OpenCV and TensorFlow when they are imported. A small file can hold a picture that fills
# the memory; what is wrong with a file, we say ourselves; start-up notes help no reader.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

sys.modules[f"{__name__}.choice"] = config  # its former name, for notebooks saved with it
try:
    import lazy_loader

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except ModuleNotFoundError:  # asl.environment installs it, and imports this again
    pass
