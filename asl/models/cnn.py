"""The project's own network, built layer by layer in notebook 04, and how it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asl.models.registry import register

if TYPE_CHECKING:
    import keras


@register(
    title="four convolutions, 93 thousand parameters",
    reference="this project, notebook 04",
    batch_size=64,
    learning_rate=4e-3,
    epochs=12,
    cosine_schedule=True,
    steps_per_execution=16,
    label_smoothing=0.1,
    augmented=True,
    adapts_to_small_sets=True,
    min_size=8,
)
def cnn(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """Convolutions of 16, 48, 64 and 96 filters, mean pooling, one dense layer."""
    from asl.keras_setup import keras

    layers = keras.layers
    model = keras.Sequential(name="cnn")
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    for filters in (16, 48, 64, 96):
        if filters > 16:
            model.add(layers.AveragePooling2D(2, padding="same"))
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(class_count, activation="softmax"))
    return model
