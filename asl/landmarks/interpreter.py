"""Networks in LiteRT's format, run without TensorFlow."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from asl import files

_here = threading.local()  # an interpreter serves one thread


def run(file: Path, *inputs: np.ndarray) -> list[np.ndarray]:
    """The outputs of a .tflite file for these inputs, in the file's order of both.

    One thread each: pictures side by side keep more processors busy than parts of one.
    """
    known = _here.__dict__.setdefault("interpreters", {})
    stamp = files.stamp(file.stat())  # of a file that was written anew, the new one
    if known.get(file, ((), None))[0] != stamp:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(file), num_threads=1)
        interpreter.allocate_tensors()
        known[file] = stamp, interpreter
    interpreter = known[file][1]
    for details, values in zip(interpreter.get_input_details(), inputs, strict=True):
        if tuple(details["shape"]) != values.shape:
            interpreter.resize_tensor_input(details["index"], values.shape)
            interpreter.allocate_tensors()
    for details, values in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return [
        interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()
    ]
