"""Keras, imported without the start-up notes that TensorFlow writes past every log setting.

They (no GPU was found, log messages go to STDERR) come from compiled code as it is loaded, see
tensorflow/tensorflow#100442, so the process's standard error itself is turned away meanwhile.
"""

import contextlib
import ctypes
import logging
import os
import sys

sys.stderr.flush()
_standard_error = os.dup(2)
with open(os.devnull, "w") as _nowhere:
    os.dup2(_nowhere.fileno(), 2)
try:
    import keras
    import tensorflow  # noqa: F401  (loads the rest of what has something to say)
finally:
    os.dup2(_standard_error, 2)
    os.close(_standard_error)

# It also warns of every new size of batch, which the last one of a data set always has.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

# glibc hands large blocks back to the system as soon as they are freed and fetches them anew for
# the next training step, which takes up to half of the time. Keep them (mallopt(3); the numbers are
# M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD). Other systems have no such function.
with contextlib.suppress(OSError, AttributeError):
    for _parameter, _value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**26)):
        ctypes.CDLL(None).mallopt(_parameter, _value)

__all__ = ["keras"]
