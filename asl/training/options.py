"""What a training does: epochs, batches, augmentation, loss, optimizer and learning rate."""

import math
from dataclasses import dataclass
from typing import TypedDict, Unpack

from asl.data.catalog import find_dataset
from asl.data.samples import Split
from asl.errors import LIMITS, AslError, whole
from asl.keras_setup import BACKEND, keras
from asl.models import transfer
from asl.models.layers import prediction_batch
from asl.models.registry import Architecture, find

LONG_TRAINING = 500  # batches; in a shorter one, compiling would take longer than is saved
SMALL_SET = 10_000  # images; below, batches may be half as large: more steps from as many images


class Options(TypedDict, total=False):
    """What may be set for a training; what is not, or is None, is as the architecture says."""

    epochs: int | None
    batch_size: int | None
    augmented: bool | None
    fine_tune: int | None


@dataclass(frozen=True)
class Recipe:
    """What a training does, all of it settled."""

    architecture: Architecture
    epochs: int  # of each phase
    batch_size: int
    augmented: bool
    fine_tune: int  # blocks of the backbone that are trained too, in a second phase
    frozen: bool  # whether there is a backbone that is frozen in the first phase
    seed: int
    validation_batch_size: int  # images that are predicted at a time, as many as the memory holds

    @property
    def phases(self) -> tuple[int, ...]:
        """How many blocks of the backbone each phase trains."""
        return (0, self.fine_tune) if self.fine_tune else (0,)

    @property
    def patience(self) -> int:
        """Epochs without a lower validation loss before the training stops: as the entry says; of
        a small set, whose epochs are many and short, no fewer than its warm-up takes.
        """
        return max(self.architecture.patience, math.ceil(self.epochs / 10))

    def learning_rate(self, blocks: int) -> float:
        """The highest learning rate of a phase."""
        pretrained = self.architecture.pretrained
        if blocks and pretrained:
            return pretrained.fine_tune_rate
        return self.architecture.learning_rate


def training_recipe(
    model: keras.Model, parts: Split, *, seed: int = 0, **options: Unpack[Options]
) -> Recipe:
    """What `train` would do with a network from `build` on a split: epochs, batch_size, augmented
    and so on, from the options and the architecture's entry; AslError as there.
    """
    return settle(model, find(model.name), parts, seed, options)


def settle(
    model: keras.Model, architecture: Architecture, parts: Split, seed: int, options: Options
) -> Recipe:
    """The recipe of a training: what the options say, else the architecture's entry, adapted to a
    small set. AslError for blocks that are not there.
    """
    for name, value in options.items():
        if name not in Options.__annotations__:
            known = ", ".join(Options.__annotations__)
            raise AslError(f"a training has no option {name!r}. There are: {known}.")
        if name in LIMITS and value is not None:
            options[name] = whole(name, value)  # type: ignore[literal-required]
    seed = whole("seed", seed)
    frozen = transfer.is_frozen(model, architecture)
    fine_tune = options.get("fine_tune")
    if fine_tune is None:
        fine_tune = architecture.pretrained.fine_tune if frozen and architecture.pretrained else 0
    if fine_tune and not frozen:
        raise AslError(
            f"fine_tune wants a network with ImageNet weights; {architecture.name} has none."
        )
    transfer.check_blocks(architecture, fine_tune)  # before the first phase takes its time
    adapts, images = architecture.adapts_to_small_sets, len(parts.train)
    usual = architecture.batch_size // (2 if adapts and images < SMALL_SET else 1)
    batch_size = options.get("batch_size") or usual
    epochs = options.get("epochs")
    if not epochs:
        steps = architecture.steps or find_dataset(parts.train.dataset).steps
        steps = steps if adapts else 0
        epochs = max(architecture.epochs, math.ceil(steps / math.ceil(images / batch_size)))
    augmented = options.get("augmented")
    augmented = architecture.augmented if augmented is None else augmented
    at_a_time = batch_size if architecture.pretrained else prediction_batch(model)
    return Recipe(architecture, epochs, batch_size, augmented, fine_tune, frozen, seed, at_a_time)


def compile_model(
    model: keras.Model, architecture: Architecture, steps: int, learning_rate: float | None = None
) -> None:
    """Set loss, optimizer and metric for a training of `steps` batches in all.

    Adam at one learning rate, the architecture's unless another is given; or, where its entry says
    `cosine_schedule`, AdamW with a rate that rises over the first tenth, so that the first, random
    gradients do no harm, and then falls along a cosine, so that the weights settle (Loshchilov and
    Hutter: SGDR, ICLR 2017; Decoupled Weight Decay Regularization, ICLR 2019).

    A long training of a small network makes several steps in one call of TensorFlow: the same
    steps, bit for bit, without the time between them, for a second more of compiling.
    """
    rate = learning_rate or architecture.learning_rate
    if architecture.cosine_schedule:
        warmup = max(1, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 20,
            warmup_target=rate,
            warmup_steps=warmup,
            decay_steps=max(1, steps - warmup),
            alpha=0.01,
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4)
    else:
        optimizer = keras.optimizers.Adam(rate)
    several = BACKEND == "tensorflow" and steps >= LONG_TRAINING
    # With JAX some images have no weight, see batches.py
    accuracy = {"weighted_metrics" if BACKEND == "jax" else "metrics": ["accuracy"]}
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=architecture.label_smoothing),
        steps_per_execution=architecture.steps_per_execution if several else 1,
        **accuracy,
    )
