"""The commands for the shell: python -m asl run | train | compare | evaluate | predict | …"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import asl
from asl import files
from asl.errors import AslError

ROWS_SHOWN = 40  # of the table that predict prints


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives 0 when all went well, 1 after a message, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except AslError as error:
        print(f"asl: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("asl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `python -m asl datasets | head`
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m asl",
        description="American Sign Language from raw images to a classifier that you understand.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable, help: str) -> Callable[..., argparse.Action]:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(command=function)
        return added.add_argument

    _add_training_commands(command)
    _add_checkpoint_commands(command)
    command("datasets", _datasets, "list the data sets, and which are on this machine")
    command("models", _models, "list the architectures, and the checkpoints")
    return parser


def _add_training_commands(command: Callable[..., Callable[..., argparse.Action]]) -> None:
    seed = {"type": int, "default": 0, "metavar": "N"}
    model = {"default": "cnn", "metavar": "NAME", "help": "see `models`"}

    add = command("run", _run, "execute notebooks on a data set and a model")
    _add_training_options(add)
    add("--model", **model)
    which = "numbers of notebooks, such as 09 or 01-04; 01-08 unless given"
    add("notebooks", nargs="*", metavar="NUMBER", help=which)

    add = command("train", _train, "train a model and keep its best weights")
    _add_training_options(add)
    add("--model", **model)
    add("--seed", **seed)
    batch = "images in a batch, where the memory is small"
    add("--batch-size", type=_positive, metavar="N", help=batch)
    augmented = "train on augmented images, also where a model does not"
    add("--augment", action="store_true", default=None, help=augmented)

    add = command("compare", _compare, "train and measure several models")
    _add_training_options(add)
    add("--seed", **seed)
    models = {"default": "cnn,conv1d_lstm", "metavar": "NAME,NAME", "help": "see `models`"}
    add("--models", type=_names, **models)

    add = command("reader", _reader, "train the reader on all sets of letters, or all but one")
    add("--seed", **seed)
    sets = "letters, film (alphabet and abc), signers or rooms: train without, then predict it"
    add("--leave-out", metavar="SET", help=sets)
    add("--steps", type=_positive, metavar="N", help="batches of 64 images")


def _add_training_options(add: Callable[..., argparse.Action]) -> None:
    add("--dataset", default="sample", metavar="NAME", help="see `datasets`")
    add("--epochs", type=_positive, metavar="N", help="passes over the images")
    weights = "of a model that is initialised from ImageNet: imagenet, a file, or none (random)"
    add("--weights", default="imagenet", metavar="FILE", help=weights)
    blocks = "fine-tune the last N blocks of its backbone too, in a second phase"
    add("--fine-tune", type=int, metavar="N", help=blocks)


def _add_checkpoint_commands(command: Callable[..., Callable[..., argparse.Action]]) -> None:
    checkpoint = "a checkpoint: a name such as letters-cnn, or a path to a .keras file"
    add = command("evaluate", _evaluate, "measure a checkpoint on its data set's test split")
    add("model", metavar="MODEL", help=checkpoint)
    other = "instead, all images of another data set whose classes it knows"
    add("--on", metavar="DATASET", help=other)

    add = command("predict", _predict, "say which letter each picture shows")
    add("--model", default="reader", metavar="MODEL", help=checkpoint)
    output = "write all predictions to this file, in the form of results.csv"
    add("--output", type=Path, metavar="FILE", help=output)
    add("paths", nargs="+", metavar="PATH", help="a picture, or a folder of them")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names:
        raise argparse.ArgumentTypeError("name at least one model")
    return names


def _check(options: argparse.Namespace, *models: str) -> None:
    """Make names and paths mean the same from every folder; AslError for what is not there, before
    any time is spent.
    """
    from asl.models import pretrained, registry

    options.dataset = _absolute(options.dataset)
    asl.find_dataset(options.dataset)
    if options.weights == "none":
        options.weights = None
    elif options.weights != "imagenet":
        options.weights = str(Path(options.weights).expanduser().resolve())
    known = [registry.find(name) for name in models]
    backbones = [each.name for each in known if each.pretrained]
    if len(backbones) > 1 and options.weights not in ("imagenet", None):
        raise AslError(
            f"{options.weights} is the weights of one network, but {' and '.join(backbones)} want "
            "some. Compare them one after the other; the table keeps what was measured."
        )
    for name in backbones:
        pretrained.find_weights(name, options.weights)


def _absolute(dataset: str) -> str:
    """folder:PATH with a path that means the same from every folder."""
    kind, colon, path = dataset.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if colon else dataset


def _run(options: argparse.Namespace) -> None:
    from asl import notebooks

    _check(options, options.model)
    notebooks.run(
        options.dataset,
        options.model,
        options.epochs,
        weights=options.weights,
        fine_tune=options.fine_tune,
        numbers=options.notebooks,
    )


def _split(options: argparse.Namespace, model: str) -> asl.Split:
    samples = asl.load(options.dataset, asl.input_size(model))
    return asl.split(samples, seed=options.seed)


def _train(options: argparse.Namespace) -> None:
    _check(options, options.model)
    asl.train_split(
        _split(options, options.model),
        options.model,
        seed=options.seed,
        weights=options.weights,
        epochs=options.epochs,
        batch_size=options.batch_size,
        augmented=options.augment,
        fine_tune=options.fine_tune,
    )


def _compare(options: argparse.Namespace) -> None:
    _check(options, *options.models)
    names = [
        asl.find_or_train(
            _split(options, model),
            model,
            seed=options.seed,
            weights=options.weights,
            epochs=options.epochs,
            fine_tune=options.fine_tune,
        )
        for model in options.models
    ]
    rows = asl.compare(names)
    print(rows.drop(columns=["dataset", "seed"]).to_string(index=False, float_format="%.4g"))
    if len(rows) > 1:
        print(asl.shared_mistakes(rows).to_string(index=False, float_format="%.3g"))
    print(f"kept in {files.shown(files.RUNS / 'compare.csv')}")


def _evaluate(options: argparse.Namespace) -> None:
    from asl import checkpoints

    metadata = checkpoints.read_metadata(checkpoints.find(options.model))
    if not options.on and metadata.datasets:
        raise AslError(
            f"{options.model} was trained on several data sets ({', '.join(metadata.datasets)}): "
            "name one with --on."
        )
    on = _absolute(options.on) if options.on else metadata.dataset
    asl.find_dataset(on)  # before the seconds that TensorFlow takes

    from asl.evaluation.cross_dataset import evaluate

    print(evaluate(options.model, on))


def _reader(options: argparse.Namespace) -> None:
    from asl.reader import train

    file = train.train_reader(options.leave_out, options.seed, options.steps or train.STEPS)
    print(f"kept in {files.shown(file)}")


def _predict(options: argparse.Namespace) -> int:
    from asl.data.images import find_inputs, told

    inputs = find_inputs(options.paths)  # before the seconds that TensorFlow takes
    from asl.prediction import predict_inputs

    model, metadata = asl.load_model(options.model)
    table, left_out = predict_inputs(model, metadata.class_names, inputs)
    print(_predictions_shown(table))
    if options.output:
        written = files.shown(asl.write_results(table, options.output))
        print(f"{len(table):,} pictures predicted, written to {written}")
    threshold = metadata.threshold
    if threshold:
        share = f"{asl.percent(threshold.precision, 0)} were correct where this was measured"
        below = int((table["confidence"] < threshold.confidence).sum())
        print(
            f"{below:,} of {len(table):,} lie below the confidence threshold of "
            f"{threshold.confidence:.2f}: from there on, {share}; below, fewer"
            if threshold.coverage
            else f"there is no confidence threshold: at none {share}"
        )
    lines, failed = told(left_out)
    if lines:
        print(*lines, sep="\n  ", file=sys.stderr)
    return 1 if failed else 0


def _predictions_shown(table) -> str:
    """The first rows of a table of predictions as text, and how many more there are."""
    from asl.errors import printable
    from asl.rounding import decimals

    rows = table.rename(columns={"image": "picture", "predicted": "letter"})
    shown = rows.head(ROWS_SHOWN)
    texts = {name: [*map(printable, shown[name])] for name in ("picture", "letter", "second")}
    text = shown.assign(**texts).to_string(
        columns=["picture", "letter", "confidence", "second"],
        index=False,
        formatters={"confidence": lambda share: decimals(share, 2)},
    )
    more = len(rows) - ROWS_SHOWN
    return f"{text}\n… and {more:,} more (--output FILE writes all)" if more > 0 else text


def _datasets(options: argparse.Namespace) -> None:
    from asl.data import download

    for name, dataset in asl.DATASETS.items():
        images = sum(dataset.train_counts) + sum(dataset.test_counts)
        count = f"{images:,} images, " if images else ""
        if not (dataset.files or dataset.pattern):
            where = "drawn on first use"
        else:
            found = download.find(dataset)
            where = f"on this machine: {files.shown(found)}" if found else "not on this machine"
        size = "×".join(map(str, dataset.image_shape[:2]))
        colour = "grey" if dataset.image_shape[2] == 1 else "colour"
        print(
            f"{name:15} {dataset.title}\n{'':15} {len(dataset.class_names)} classes, {count}"
            f"used at {size} {colour}; licence: {dataset.licence}; {where}"
        )
    print(f"{'folder:PATH':15} pictures of your own, a folder a class")


def _models(options: argparse.Namespace) -> None:
    from asl import checkpoints

    for name, entry in asl.MODELS.items():
        size = f"at {entry.input_size}×{entry.input_size}" if entry.input_size else "at any size"
        print(f"{name:18} {entry.title}; {size}\n{'':18} {entry.reference}")
    for name in checkpoints.list_names():
        try:
            metadata = checkpoints.read_metadata(checkpoints.find(name))
        except AslError as error:
            print(f"checkpoint: {name}: {error}")
            continue
        print(f"checkpoint: {name}: {metadata.model} on {metadata.dataset}", end="")
        if "val_accuracy" in metadata.validation:
            accuracy = asl.percent(metadata.validation["val_accuracy"])
            print(f", validation accuracy {accuracy} at epoch {metadata.best_epoch}", end="")
        for left_out, found in metadata.left_out.items():
            share = asl.percent(found["correct"] / found["images"])
            print(f", {share} of {left_out}, left out", end="")
        print()


if __name__ == "__main__":
    sys.exit(main())
