"""The registry of architectures: one entry each in MODELS, made where its function stands.

An entry says what is known of a network before any of it is built, so that a look at the list does
not need the seconds that Keras takes. How to add one: model/README.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asl.errors import AslError


@dataclass(frozen=True)
class Pretrained:
    """What an architecture brings from ImageNet: its backbone, all of it but the head."""

    parameters: int
    # Layers after which the backbone may be split, from the images up; between two lies a block
    blocks: tuple[str, ...]
    fine_tune: int = 0  # how many blocks are fine-tuned, in a second phase
    fine_tune_rate: float = 1e-4


@dataclass(frozen=True)
class Architecture:
    """How a network is built, and how it is trained unless told otherwise."""

    name: str
    title: str
    reference: str
    # (input_shape, class_count) → model; of a backbone: (size) → (backbone, preprocessing)
    function: Callable[..., Any]
    batch_size: int
    learning_rate: float  # where it rises and falls, the highest one
    epochs: int
    cosine_schedule: bool = False  # whether it rises and falls, see training/options.py
    steps_per_execution: int = 1  # of a long training, see training/options.py
    label_smoothing: float = 0.0  # share of each target spread over all classes
    patience: int = 8  # epochs without a lower validation loss before training stops
    augmented: bool = False  # whether it trains on augmented images
    adapts_to_small_sets: bool = False  # half the batch, more epochs: until `steps` are reached
    steps: int | None = None  # of a small set; None: as the data set's entry says
    min_size: int = 1  # height and width below which nothing of an image is left
    input_size: int | None = None  # height and width that it works at; None: as the images are
    takes_joints: bool = False  # of the hand in an image, in place of the image: see inputs.py
    pretrained: Pretrained | None = None
    hidden: str | None = None  # a file in model/ of weights of all but its head, which stay frozen

    @property
    def brings_weights(self) -> bool:
        """Whether it begins with weights that are frozen, unless told otherwise."""
        return bool(self.pretrained or self.hidden)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Layers after which its backbone may be split; none without a backbone."""
        return self.pretrained.blocks if self.pretrained else ()


MODELS: dict[str, Architecture] = {}


def register(**entry: Any) -> Callable[[Callable], Callable]:
    """Enter the decorated function in MODELS under its name, with what `Architecture` wants."""

    def enter(function: Callable) -> Callable:
        name = function.__name__
        MODELS[name] = Architecture(name=name, function=function, **entry)
        return function

    return enter


def find(name: str) -> Architecture:
    """The entry of an architecture. An unknown name raises AslError with the names there are."""
    if not isinstance(name, str) or name not in MODELS:
        raise AslError(f"there is no model {name!r}. There are: {', '.join(MODELS)}.")
    return MODELS[name]


def input_size(name: str) -> int | None:
    """Height and width that an architecture works at; None where it takes images as they are."""
    return find(name).input_size
