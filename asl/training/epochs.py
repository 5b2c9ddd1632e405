"""What goes on around each epoch of a training: its dropout, its seconds, and a line that says how
it went.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from asl.keras_setup import keras
from asl.models.layers import all_layers
from asl.rounding import decimals

_lines: list[str] = []  # the last one of each `short_progress` that goes on


@contextmanager
def short_progress() -> Iterator[None]:
    """Where several networks are trained, their epochs are told in one line, each over the last;
    at the end it is gone.
    """
    _lines.append("")
    try:
        yield
    finally:
        _overwrite("")
        _lines.pop()


def _overwrite(text: str) -> None:
    """Print a line over the last."""
    blanks = " " * (len(_lines[-1]) - len(text))
    print(f"\r{text}{blanks}", end="\r" if not text else "", flush=True)
    _lines[-1] = text


def tell_phase(blocks: int) -> None:
    """Print which phase of a fine-tuning begins: the head alone, or so many blocks with it."""
    if not _lines:
        unfrozen = f"second phase: the head and {blocks} of the backbone's blocks are trained"
        print(unfrozen if blocks else "first phase: the head alone is trained")


class EpochLog(keras.callbacks.Callback):
    """A callback for `fit`: makes a training repeat exactly, times its epochs and prints a line for
    each, which needs validation data.

    Dropout's random generator begins each epoch anew, from the seed and the number of the epoch, so
    that an epoch is the same whatever went before it. `seconds` joins the figures of the history.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed, self.lowest = seed, float("inf")

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()
        for layer in all_layers(self.model):
            generator = getattr(getattr(layer, "cell", layer), "seed_generator", None)
            if generator is not None:
                generator.state.assign([self.seed, epoch])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = {} if logs is None else logs
        logs["seconds"] = self.seconds()
        self.tell(epoch, logs, logs["val_loss"] < self.lowest)
        self.lowest = min(self.lowest, logs["val_loss"])

    def seconds(self) -> float:
        """Since the epoch began."""
        return time.perf_counter() - self.began

    def tell(self, epoch: int, figures: dict[str, float], is_best: bool) -> None:
        """Print how an epoch, counted from 0, went."""
        number = f"epoch {epoch + 1:3d}/{self.params['epochs']}  "
        if _lines:
            _overwrite(f"{number}val_accuracy {decimals(figures['val_accuracy'])}")
            return
        print(
            f"{number}"
            f"loss {figures['loss']:.4f}  accuracy {decimals(figures['accuracy'])}  "
            f"val_loss {figures['val_loss']:.4f}  "
            f"val_accuracy {decimals(figures['val_accuracy'])}  "
            f"{figures['seconds']:.1f} s{'  best so far' if is_best else ''}",
            flush=True,
        )
