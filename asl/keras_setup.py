"""Keras, imported without the start-up notes that TensorFlow writes past every log setting.

They (no GPU was found, log messages go to STDERR) come from compiled code as it is loaded, see
tensorflow/tensorflow#100442, so the process's standard error itself is turned away meanwhile.

Keras computes with TensorFlow or, where the environment variable KERAS_BACKEND says jax, with JAX;
then TensorFlow is not imported, and need not be installed.
"""

import contextlib
import ctypes
import gc
import logging
import os
import sys

from asl.errors import AslError

# The import makes 670,000 objects, which all stay. To look for garbage among them takes a quarter
# of its time, and slows every later search: none is looked for meanwhile, and they are set apart.
_collects = gc.isenabled()
gc.disable()
sys.stderr.flush()
_standard_error = os.dup(2)
with open(os.devnull, "w") as _nowhere:
    os.dup2(_nowhere.fileno(), 2)
try:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow  # noqa: F401  (loads the rest of what has something to say)
except ModuleNotFoundError as _error:
    if _error.name not in ("jax", "tensorflow"):
        raise
    _install = {
        "jax": "It is the extra `jax`; in the project's folder: python -m pip install '.[jax]'. "
        "Or leave KERAS_BACKEND unset: then TensorFlow does the work.",
        "tensorflow": "Install it (python -m pip install tensorflow) or, where JAX is installed, "
        "set the environment variable KERAS_BACKEND=jax.",
    }[_error.name]
    raise AslError(f"Keras wants {_error.name}, which is not installed. {_install}") from None
finally:
    os.dup2(_standard_error, 2)
    os.close(_standard_error)
    if _collects:
        gc.enable()
gc.freeze()

BACKEND: str = keras.backend.backend()  # what Keras computes with: "tensorflow", "jax"

# It also warns of every new size of batch, which the last one of a data set always has.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# glibc hands large blocks back to the system as soon as they are freed and fetches them anew for
# the next training step, which takes up to half of the time. Keep them (mallopt(3); the numbers are
# M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD). Other systems have no such function.
with contextlib.suppress(OSError, AttributeError):
    for _parameter, _value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**26)):
        ctypes.CDLL(None).mallopt(_parameter, _value)

__all__ = ["BACKEND", "keras"]
