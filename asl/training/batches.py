"""Batches of training images, or joints, shuffled and augmented, the same every time."""

import math

import numpy as np

from asl.data.mapped_images import Images, released
from asl.keras_setup import BACKEND, keras
from asl.models.devices import own_rows
from asl.models.inputs import augment_rows


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; with `augmented=False`, the images as they are, and with
    `shuffled=False` in their order.

    Each batch depends on (seed, epoch, its number) and nothing else, so that a run repeats, and
    goes on after an interruption as if there had been none. Images may lie on the disk.

    With JAX all batches are full, so that any number of devices can share them: the last one begins
    the epoch again, and where the order is kept, a third array gives these images no weight.
    """

    def __init__(
        self,
        images: Images,
        targets: np.ndarray,
        batch_size: int,
        seed: int = 0,
        augmented: bool = True,
        shuffled: bool = True,
    ) -> None:
        super().__init__()
        self.images, self.targets = released(images), targets
        self.augmented, self.shuffled = augmented, shuffled
        self.batch_size, self.seed = batch_size, seed
        self.start_with(0)

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def start_with(self, epoch: int) -> None:
        """Make the batches those of this epoch."""
        self.epoch, count = epoch, len(self.images)
        random = np.random.default_rng([self.seed, epoch])
        self.order = random.permutation(count) if self.shuffled else np.arange(count)

    def on_epoch_end(self) -> None:
        self.start_with(self.epoch + 1)

    def __getitem__(self, number: int) -> tuple[np.ndarray, ...]:
        places = np.arange(number * self.batch_size, (number + 1) * self.batch_size)
        if BACKEND != "jax":
            places = places[places < len(self.order)]
        rows, own = self.order.take(places, mode="wrap"), own_rows(len(places))
        if self.augmented:
            images = augment_rows(self.images, rows, own, [self.seed, self.epoch, number])
        else:
            images = self.images[rows[own]]
        if BACKEND != "jax" or self.shuffled:
            return images, self.targets[rows[own]]
        # Weighted so that the mean over all batches is that over the images
        weights = (places < len(self.order)) * (len(self) * self.batch_size / len(self.order))
        return images, self.targets[rows[own]], weights[own].astype(np.float32)
