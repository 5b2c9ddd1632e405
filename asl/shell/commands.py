"""What each command does, from the options that the parser gives."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asl
from asl import files
from asl.errors import AslError

if TYPE_CHECKING:
    import pandas as pd

    from asl.data.images import Inputs, LeftOut
    from asl.models.metadata import Threshold


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
    backbones = [each.name for each in known if each.brings_weights]
    if len(backbones) > 1 and options.weights not in ("imagenet", None):
        raise AslError(
            f"{options.weights} is the weights of one network, but {' and '.join(backbones)} want "
            "some. Compare them one after the other; the table keeps what was measured."
        )
    for each in known:  # what a network needs, before any time is spent
        pretrained.find_weights(each.name, options.weights)


def _absolute(dataset: str) -> str:
    """folder:PATH with a path that means the same from every folder."""
    kind, colon, path = dataset.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if colon else dataset


def run(options: argparse.Namespace) -> None:
    # jsonschema, which nbformat imports, would spend two seconds on a grammar of web addresses
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
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


def train(options: argparse.Namespace) -> None:
    _check(options, options.model)
    with _devices(options):
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


def _devices(options: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    from asl.models.devices import using

    return using(options.devices, options.coordinator, options.process, options.processes)


def compare(options: argparse.Namespace) -> None:
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


def evaluate(options: argparse.Namespace) -> None:
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


def reader(options: argparse.Namespace) -> None:
    from asl.reader import train

    with _devices(options):
        file = train.train_reader(options.leave_out, options.seed, options.steps)
    if file:
        print(f"kept in {files.shown(file)}")


def predict(options: argparse.Namespace) -> int:
    from asl.data.images import find_inputs, told

    _check_outputs(options)
    inputs = find_inputs(options.paths)  # before the seconds that a network takes
    find = _predict_with_reader if options.model == "reader" else _predict_with_checkpoint
    # With `--output -` nothing but the table goes to the standard output
    with contextlib.redirect_stdout(sys.stderr if options.output == "-" else sys.stdout):
        table, left_out, threshold = find(options, inputs)
    from asl.results import results_text
    from asl.shell.tables import print_predictions

    if options.output == "-":
        print(results_text(table), end="")
    else:
        print_predictions(table, threshold)
    if options.output not in (None, "-"):
        from asl.results import write_results

        written = files.shown(write_results(table, options.output))
        print(f"{table['image'].nunique():,} pictures predicted, written to {written}")
    lines, failed = told(left_out)
    if lines:
        print(*lines, sep="\n  ", file=sys.stderr)
    return 1 if failed else 0


def _check_outputs(options: argparse.Namespace) -> None:
    """AslError where what is to be written would cost something that is there."""
    outputs = [each for each in (options.output, options.details) if each not in (None, "-")]
    for output in outputs:
        files.check_output(output, [*options.paths, *_files_of(options.model)])
    if len({Path(output).absolute() for output in outputs}) < len(outputs):
        raise AslError("--output and --details name one file: give each its own.")
    if options.draw:
        from asl.reader import drawings

        drawings.check_folder(options.draw, options.paths)


def _files_of(model: str) -> list[Path]:
    """The files of a checkpoint, which no output may overwrite."""
    if model == "reader":
        return [*files.MODEL.glob("reader*")]
    from asl import checkpoints
    from asl.export.network import places

    file = checkpoints.find(model)
    exported = [*places(file, "litert"), *places(file, "onnx")]
    return [file, file.with_suffix(".json"), *exported]


def _predict_with_reader(
    options: argparse.Namespace, inputs: Inputs
) -> tuple[pd.DataFrame, LeftOut, Threshold | None]:
    """Without TensorFlow, whose import takes longer than many pictures."""
    from asl.reader import read, tables

    network = read.find_network()
    known = {"signs": options.signs, "every": options.all, "landmarks": options.landmarks}
    found = tables.read_inputs(network, inputs, **known)
    if options.details:
        tables.write_details(found, options.details)
    if options.draw:
        from asl.reader import drawings

        print(f"look at {drawings.draw(found, inputs, options.draw)}")
    return found.table, found.left_out, network.metadata.threshold


def _predict_with_checkpoint(
    options: argparse.Namespace, inputs: Inputs
) -> tuple[pd.DataFrame, LeftOut, Threshold | None]:
    wanted = {"--draw": options.draw, "--details": options.details, "--all": options.all}
    if asked := [name for name, value in wanted.items() if value]:
        raise AslError(f"{' and '.join(asked)} show hands, which only the reader looks for.")
    from asl import checkpoints
    from asl.export.network import find_exported
    from asl.prediction import predict_inputs

    file = checkpoints.find(options.model)
    metadata = checkpoints.read_metadata(file)
    model = find_exported(file, metadata)  # without TensorFlow, whose import takes seconds
    if model is None:
        model, metadata = asl.load_model(file)
    return *predict_inputs(model, metadata.class_names, inputs), metadata.threshold


def export(options: argparse.Namespace) -> None:
    from asl.export import write

    written = write.export(options.model, options.format, options.quantize, options.output)
    size = f"{written.file.stat().st_size / 1e6:,.2f} MB"
    print(f"kept in {files.shown(written.file)} ({size}), with {written.file.name}.json beside it")
    if options.quantize:
        print(f"{written.same:,} of {written.images:,} validation images are predicted as before")
    else:
        print(f"probabilities differ from Keras' by at most {written.difference:.0e}")
    print(f"In Python:\n{write.example(written)}")


def spell(options: argparse.Namespace) -> int:
    if options.details:
        files.check_output(options.details, [options.film, *_files_of("reader")])
    from asl.spelling import film, steady

    dwell = steady.DWELL if options.dwell is None else options.dwell
    spelled = film.spell_film(options.film, dwell)
    if options.details:
        film.write_details(spelled, options.details)
    if spelled.text:
        print(spelled.text)
    if spelled.note:
        print(spelled.note, file=sys.stderr)
    return 1 if spelled.is_cut_short else 0


def datasets(options: argparse.Namespace) -> None:
    from asl.data import download, landmark_sets

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
    print("hand landmarks without pictures, which the reader is trained on as well:")
    here = landmark_sets.find_landmark_sets()
    for name, rows in landmark_sets.LANDMARK_SETS.items():
        where = "on this machine" if name in here else "not on this machine"
        print(f"{name:16} {rows.rows:,} hands of {rows.people}; licence: {rows.licence}; {where}")


def models(options: argparse.Namespace) -> None:
    from asl import checkpoints

    for name, entry in asl.MODELS.items():
        size = f"at {entry.input_size}×{entry.input_size}" if entry.input_size else "at any size"
        if entry.takes_joints:
            size = f"takes the joints of the hand, found in images {size}"
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
