"""Batches of training images, or joints, shuffled and augmented, the same every time."""

import math

import numpy as np

from asl.data.mapped_images import Images
from asl.keras_setup import keras
from asl.models.inputs import augment_input


class Batches(keras.utils.PyDataset):
    """Shuffled, augmented batches; with `augmented=False`, the images as they are, and with
    `shuffled=False` in their order.

    Each batch depends on (seed, epoch, its number) and nothing else, so that a run repeats, and
    goes on after an interruption as if there had been none. Images may lie on the disk.
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
        self.images, self.targets = images, targets
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

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        images = self.images[rows]
        if self.augmented:
            images = augment_input(images, [self.seed, self.epoch, number])
        return images, self.targets[rows]
