"""Networks in LiteRT's format, run without TensorFlow."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asl import files

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

_here = threading.local()  # an interpreter serves one thread
_one_at_a_time = threading.Lock()


def run(file: Path, *inputs: np.ndarray, **named: np.ndarray) -> list[np.ndarray]:
    """The outputs of a .tflite file, in its order, for its one input, or for several by their names
    in the network that it was exported from.

    One thread each: pictures side by side keep more processors busy than parts of one.
    """
    known = _here.__dict__.setdefault("interpreters", {})
    stamp = files.stamp(file.stat())  # of a file that was written anew, the new one
    if known.get(file, ((), None))[0] != stamp:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(file), num_threads=1)
        with quiet():
            interpreter.allocate_tensors()
        known[file] = stamp, interpreter
    interpreter = known[file][1]
    wanted = [(_input(interpreter, name), values) for name, values in named.items()]
    wanted += list(zip(interpreter.get_input_details(), inputs, strict=not named))
    if any(tuple(details["shape"]) != values.shape for details, values in wanted):
        for details, values in wanted:  # all of them first: they must fit each other
            interpreter.resize_tensor_input(details["index"], values.shape)
        interpreter.allocate_tensors()
    for details, values in wanted:
        interpreter.set_tensor(details["index"], values)
    interpreter.invoke()
    return [
        interpreter.get_tensor(details["index"]) for details in interpreter.get_output_details()
    ]


def _input(interpreter: Interpreter, name: str) -> dict:
    """What is known of an input, which is called serving_default_<name>:0 in the file."""
    return next(each for each in interpreter.get_input_details() if name in each["name"])


@contextmanager
def quiet() -> Iterator[None]:
    """Turn the standard error away meanwhile: LiteRT greets there, its converter remarks, and no
    setting stops them; what fails is raised anyway.
    """
    with _one_at_a_time:
        try:
            kept = os.dup(2)
        except OSError:  # there is none
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
