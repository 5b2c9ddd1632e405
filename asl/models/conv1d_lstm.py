"""A recurrent network as published for Sign Language MNIST, and one tuned from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asl.models.registry import register

if TYPE_CHECKING:
    import keras


@register(
    title="reads the rows of an image one after the other, 77 thousand parameters",
    reference="as published for Sign Language MNIST",
    batch_size=32,
    learning_rate=1e-3,
    epochs=20,
    patience=5,
    min_size=2,
)
def conv1d_lstm(
    input_shape: tuple[int, int, int], class_count: int, standardize: bool = False
) -> keras.Model:
    """Reads the image like a text, row by row from top to bottom (each row a step in time)."""
    from asl.keras_setup import keras

    layers = keras.layers
    height, width, channels = input_shape
    model = keras.Sequential(name="conv1d_lstm_tuned" if standardize else "conv1d_lstm")
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    if standardize:
        model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    model.add(layers.Reshape((height, width * channels)))
    model.add(layers.Conv1D(64, 3, padding="same", activation="relu"))
    model.add(layers.MaxPooling1D(2))
    model.add(layers.Dropout(0.3))
    model.add(layers.LSTM(64, return_sequences=True, dropout=0.3, recurrent_dropout=0.2))
    model.add(layers.LSTM(64, dropout=0.3))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(class_count, activation="softmax"))
    return model


@register(
    title="the same layers; images standardized and augmented, the rate rises and falls",
    reference="this project, after conv1d_lstm",
    batch_size=32,
    learning_rate=3e-3,
    epochs=20,
    cosine_schedule=True,
    augmented=True,
    min_size=2,
)
def conv1d_lstm_tuned(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """The same layers after per-image standardization, as the cnn has it."""
    return conv1d_lstm(input_shape, class_count, standardize=True)
