"""From letters to sample and back: the cnn, and a network made for images of other data sets."""

import cv2
import numpy as np
from common import Predicted, predict_samples, text, train_seed

from asl.checkpoints import load_model
from asl.data.encoding import encode
from asl.data.load import load
from asl.data.samples import Samples
from asl.data.split import split
from asl.keras_setup import keras
from asl.training.batches import Batches

STEPS = 2300


def transfer() -> dict:
    """What a network trained on one of the two predicts of the other; seed 0 throughout."""
    test = split(load("letters")).test
    sides = (
        ("letters", "all of sample", load("sample"), "at least 60 %, aim 80 %"),
        ("sample", "the test split of letters", test, "at least 45 %, aim 75 %"),
    )
    rows = {}
    for trained_on, tested_on, samples, target in sides:
        usual, _ = load_model(train_seed(trained_on, 0))
        hard = predict_by_hard(trained_on, samples)
        where = f"trained on {trained_on}, tested on {tested_on}"
        rows[f"{where}: more layers, hard augmentation"] = text(str(hard), target)
        rows[f"{where}: cnn as in notebook 05"] = text(str(predict_samples(usual, samples)))
    return rows


def predict_by_hard(trained_on: str, samples: Samples) -> Predicted:
    """What the network with more layers predicts, trained on hard augmentation."""
    train = split(load(trained_on)).train
    targets = encode(train.labels, len(train.class_names))
    batches = HardBatches(train.images, targets, 64, seed=0)
    model = build_deeper()
    model.fit(batches, epochs=STEPS // len(batches), shuffle=False, verbose=0)
    return predict_samples(model, samples)


def build_deeper() -> keras.Model:
    """A network with two convolutions where the cnn has one, and a dense layer that sees where each
    pattern lies: slower, no better on its own data set, and better on others.
    """
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255)])
    model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    for filters in ((16,), (32, 32), (64, 64)):
        for count in filters:
            model.add(layers.Conv2D(count, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(24, activation="softmax"))
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, STEPS)
    model.compile(keras.optimizers.AdamW(schedule, 1e-3), "categorical_crossentropy")
    return model


class HardBatches(Batches):
    """Images augmented so much that little but the hand itself stays."""

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        random = np.random.default_rng([self.seed, self.epoch, number])
        images = np.stack([augment_hard(image[..., 0], random) for image in self.images[rows]])
        return images[..., None], self.targets[rows]


def augment_hard(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One image uint8 (h, w) with other geometry, sharpness, light and noise, and a patch that
    hides a part; float32, 0 to 255.
    """
    height, width = image.shape
    move = cv2.getRotationMatrix2D(
        ((width - 1) / 2, (height - 1) / 2), random.uniform(-15, 15), random.uniform(0.8, 1.2)
    )
    move[:, :2] *= np.exp(random.uniform(-0.12, 0.12, (2, 2)))
    move[:, 2] += random.uniform(-0.11, 0.11, 2) * (width, height)
    image = cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    image = image.astype(np.float32) / 255
    blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.0))
    image += (blurred - image) * random.choice([0, 1, random.uniform(-1, 0)], p=[0.5, 0.3, 0.2])
    across, down = random.uniform(-0.3, 0.3, 2)
    image *= 1 + across * np.linspace(-1, 1, width) + down * np.linspace(-1, 1, height)[:, None]
    image = np.clip(image, 0, 1) ** np.exp(random.uniform(-0.5, 0.5))
    image = (image - 0.5) * random.uniform(0.6, 1.4) + 0.5 + random.uniform(-0.2, 0.2)
    image += random.normal(0, random.uniform(0, 0.05), image.shape)
    if random.random() < 0.3:
        top, left = random.integers(0, height), random.integers(0, width)
        size = random.integers(height // 7, height // 3)
        image[top : top + size, left : left + size] = random.random()
    return (np.clip(image, 0, 1) * 255).astype(np.float32)
