"""`build` makes a network by its name, sized to the data."""

from pathlib import Path

from asl.errors import AslError, whole
from asl.keras_setup import keras
from asl.models import pretrained, registry
from asl.models.backbones import add_head
from asl.models.joints import load_hidden
from asl.models.keras_files import load_keras_file


def build(
    name: str,
    input_shape: tuple[int, int, int],
    class_count: int,
    seed: int = 0,
    weights: str | Path | None = "imagenet",
    size: int | None = None,
) -> keras.Model:
    """A network by name: uint8 or float images of `input_shape`, 0–255, in; probabilities
    (n, class_count) out. The seed makes the random weights the same every time.

    A network that is initialised from ImageNet has its backbone frozen and brings each image to
    `size`, unless given its entry's; `joints` has all but its head frozen, which learned from
    landmark rows. Weights: "imagenet", those it was published with, on this machine or fetched; a
    file of them; None for random ones, nothing frozen. Other networks are initialised at random,
    whatever `weights` says, unless it names a checkpoint (.keras) of the same architecture.
    AslError for an unknown name, images that are too small, and weights that do not fit.
    """
    architecture = registry.find(name)
    seed = whole("seed", seed)
    size = whole("size", size) if size else None
    size = size or architecture.input_size  # of a backbone
    side = size if architecture.pretrained and size else min(input_shape[:2])
    if side < architecture.min_size:
        raise AslError(
            f"images of {side} pixels are too small for {name}, which needs "
            f"{architecture.min_size}: nothing would be left of them."
        )
    keras.utils.set_random_seed(seed)
    checkpoint = Path(weights) if weights and str(weights).endswith(".keras") else None
    file = None if checkpoint else pretrained.weights_file(name, weights)
    if architecture.pretrained:
        backbone, preprocessing = architecture.function(size)
        if file:
            pretrained.load_weights(backbone, file, name)
        model = add_head(backbone, preprocessing, input_shape, class_count, bool(weights), name)
    else:
        model = architecture.function(input_shape, class_count)
        if file:
            load_hidden(model, file)
    if checkpoint:
        _begin_with(model, checkpoint)
    return model


def _begin_with(model: keras.Model, checkpoint: Path) -> None:
    """Give the network the weights of a checkpoint. AslError where that is of another kind."""
    before = load_keras_file(checkpoint, rebuild=lambda: keras.models.clone_model(model))
    shapes = [each.shape for each in before.weights], [each.shape for each in model.weights]
    if before.input_shape != model.input_shape or shapes[0] != shapes[1]:
        raise AslError(
            f"{checkpoint} takes images {before.input_shape[1:]} and has "
            f"{before.output_shape[-1]} classes and {before.count_params():,} parameters; "
            f"{model.name} for {model.input_shape[1:]} of {model.output_shape[-1]} classes, with "
            f"{model.count_params():,} parameters, cannot begin with its weights."
        )
    model.set_weights(before.get_weights())
