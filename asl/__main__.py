"""The verbs for the shell: python -m asl run | train | compare | evaluate | predict | …"""

import argparse
import sys
from pathlib import Path

from asl import paths
from asl.errors import AslError


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit code is 0 when all went well, 1 after a message, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return options.verb(options) or 0
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
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, function, help: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=help, description=help)
        added.set_defaults(verb=function)
        return added

    for name, function, help in (
        ("run", _run, "execute notebooks, 01 to 08 unless told, on a data set and a model"),
        ("train", _train, "train a model on a data set and keep its best weights in model/"),
        ("compare", _compare, "train and measure several models on a data set, side by side"),
    ):
        added = verb(name, function, help)
        added.add_argument("--dataset", default="sample", metavar="NAME", help="see `datasets`")
        if name == "compare":
            names = {"metavar": "NAME,NAME", "help": "see `models`"}
            added.add_argument("--models", default="cnn,conv1d_lstm", type=_names, **names)
        else:
            added.add_argument("--model", default="cnn", metavar="NAME", help="see `models`")
        added.add_argument("--epochs", type=_positive, metavar="N", help="passes over the images")
        weights = "of a model that comes from ImageNet: imagenet, a file, or none (random)"
        added.add_argument("--weights", default="imagenet", metavar="FILE", help=weights)
        blocks = "let the last N blocks of its base learn too, in a second phase"
        added.add_argument("--fine-tune", type=int, metavar="N", help=blocks)
        if name == "run":
            which = "numbers of notebooks, such as 09 10; 01 to 08 unless given"
            added.add_argument("notebooks", nargs="*", metavar="NUMBER", help=which)
        else:
            added.add_argument("--seed", type=int, default=0, metavar="N")
        if name == "train":
            batch = "images in a batch, where the memory is small"
            added.add_argument("--batch-size", type=_positive, metavar="N", help=batch)
            changed = "train on images that are changed a little, also where a model does not"
            added.add_argument("--augment", action="store_true", default=None, help=changed)

    trained = "a trained model: a name such as letters-cnn, or a path to a .keras file"
    added = verb("evaluate", _evaluate, "measure a trained model on its data set's test split")
    added.add_argument("model", metavar="MODEL", help=trained)
    other = "instead, all images of another data set whose classes it knows"
    added.add_argument("--on", metavar="DATASET", help=other)

    added = verb("reader", _reader, "train the reader on all sets of letters, or all but one")
    sets = "letters, film (alphabet and abc), signers or rooms: leave it out, then read all of it"
    added.add_argument("--leave-out", metavar="SET", help=sets)
    added.add_argument("--steps", type=_positive, metavar="N", help="batches of 64 images")
    added.add_argument("--seed", type=int, default=0, metavar="N")

    added = verb("predict", _predict, "read pictures with a trained model and write results.csv")
    added.add_argument("--model", default="reader", metavar="MODEL", help=trained)
    added.add_argument("--output", type=Path, default=paths.RESULTS, metavar="FILE")
    added.add_argument("paths", nargs="+", metavar="PATH", help="a picture, or a folder of them")

    verb("datasets", _datasets, "list the data sets, and which are on this machine")
    verb("models", _models, "list the networks, and the trained models")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names:
        raise argparse.ArgumentTypeError("name at least one model")
    return names


def _weights(given: str) -> str | None:
    """`imagenet`, a path that means the same from every folder, or nothing."""
    if given in ("imagenet", "none"):
        return None if given == "none" else given
    return str(Path(given).expanduser().resolve())


def _absolute(dataset: str) -> str:
    """folder:PATH with a path that means the same from every folder."""
    kind, colon, path = dataset.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if colon else dataset


def _run(options: argparse.Namespace) -> None:
    from asl import datasets, models, series
    from asl.pretrained import find_weights

    options.dataset = _absolute(options.dataset)
    datasets.find_dataset(options.dataset)
    models.find(options.model)
    weights = _weights(options.weights)
    find_weights(options.model, weights)  # before any time is spent
    folder = series.run(
        options.dataset,
        options.model,
        options.epochs,
        weights=weights,
        fine_tune=options.fine_tune,
        numbers=options.notebooks,
    )
    if options.notebooks:
        print(f"look at {paths.shown(folder / 'index.html')}")
        return
    print(f"{folder.name}: {series.summary(folder)}")
    print(
        f"look at {paths.shown(folder / 'index.html')} (mistakes: 07_mistakes.html) "
        f"and {paths.shown(paths.RESULTS)}"
    )


def _train(options: argparse.Namespace) -> None:
    from asl import datasets, load, split
    from asl.pretrained import find_weights

    options.dataset = _absolute(options.dataset)
    datasets.find_dataset(options.dataset)
    weights = _weights(options.weights)
    find_weights(options.model, weights)  # before any time is spent

    from asl.training import train_split

    train_split(
        split(load(options.dataset, options.model), seed=options.seed),
        options.model,
        seed=options.seed,
        weights=weights,
        epochs=options.epochs,
        batch_size=options.batch_size,
        augmented=options.augment,
        fine_tune=options.fine_tune,
    )


def _compare(options: argparse.Namespace) -> None:
    from asl import datasets, models, paths

    options.dataset = _absolute(options.dataset)
    datasets.find_dataset(options.dataset)
    for name in options.models:
        models.find(name)
    from asl import compare, shared_mistakes

    rows = compare(
        options.dataset,
        options.models,
        seed=options.seed,
        epochs=options.epochs,
        weights=_weights(options.weights),
        fine_tune=options.fine_tune,
    )
    print(rows.drop(columns=["dataset", "seed"]).to_string(index=False, float_format="%.4g"))
    if len(rows) > 1:
        print(shared_mistakes(rows).to_string(index=False, float_format="%.3g"))
    print(f"kept in {paths.shown(paths.RUNS / 'compare.csv')}")


def _evaluate(options: argparse.Namespace) -> None:
    from asl import datasets, describe_right, load_model
    from asl.elsewhere import overlap, read_elsewhere, trained_on
    from asl.evaluation import per_class, percent

    if options.on:
        options.on = _absolute(options.on)
        datasets.find_dataset(options.on)  # before the seconds that TensorFlow takes
    model, about = load_model(options.model)
    known = trained_on(about)
    if not options.on and len(known) > 1:
        raise AslError(
            f"{options.model} was trained on several data sets ({', '.join(known)}): name one with "
            "--on."
        )
    on = options.on or about["dataset"]
    if known == [on] and list(datasets.find_dataset(on).class_names) != about["class_names"]:
        raise AslError(
            f"{options.model} knows other classes ({len(about['class_names'])}) than "
            f"{on} ({len(datasets.find_dataset(on).class_names)}): train it again."
        )
    reading = read_elsewhere(model, about, on)
    if on not in known:
        others = ", ".join(reading.not_scored) or "none"
        print(f"scored: {', '.join(reading.scored)}; not scored: {others}")
        print(f"to choose from: {len(reading.class_names)} classes")
    if overlap(about, on):
        print(f"CAUTION: {on} shows the same hands as {overlap(about, on)}: this is no test.")
    predicted = reading.probabilities.argmax(axis=1)
    table = per_class(reading.labels, predicted, reading.class_names)
    table = table[table["images"] > 0]
    print(table.round(4).to_string())
    unit = datasets.find_dataset(on).groups
    accuracy = describe_right(reading.right, reading.samples.groups, unit)
    recall = f"mean recall of the classes {percent(table['recall'].mean())}"
    print(f"{options.model} on {on}: {accuracy}, {recall}")


def _reader(options: argparse.Namespace) -> None:
    from asl import reader

    steps = {"steps": options.steps} if options.steps else {}
    file = reader.train_reader(options.leave_out, options.seed, **steps)
    print(f"kept in {paths.shown(file)}")


def _predict(options: argparse.Namespace) -> int:
    from asl import load_model, predict_files, write_results
    from asl.images import find_inputs

    find_inputs(options.paths)  # before the seconds that TensorFlow takes
    model, about = load_model(options.model)
    table, bad = predict_files(model, about["class_names"], options.paths)
    path = write_results(table, options.output)
    if len(table) <= 10:
        print(table.to_string(index=False))
    print(f"{len(table):,} pictures read, written to {paths.shown(path)}")
    sure = about.get("sure")
    if sure:
        doubtful = int((table["confidence"] < sure["confidence"]).sum())
        print(
            f"not sure of {doubtful:,}: from a confidence of {sure['confidence']:.3f} on, "
            f"{sure['precision']:.0%} were right where this was measured; below, fewer"
        )
    if bad:
        print(f"{len(bad):,} left out:", *bad, sep="\n  ", file=sys.stderr)
    return 1 if bad else 0


def _datasets(options: argparse.Namespace) -> None:
    from asl import download
    from asl.datasets import DATASETS

    for name, dataset in DATASETS.items():
        images = sum(dataset.train_counts) + sum(dataset.test_counts)
        count = f"{images:,} images, " if images else ""
        if not (dataset.files or dataset.pattern):
            where = "drawn on first use"
        else:
            found = download.find(dataset)
            where = f"on this machine: {paths.shown(found)}" if found else "not on this machine"
        size = "×".join(map(str, dataset.image_shape[:2]))
        colour = "grey" if dataset.image_shape[2] == 1 else "colour"
        print(
            f"{name:15} {dataset.title}\n{'':15} {len(dataset.class_names)} classes, {count}"
            f"used at {size} {colour}; licence: {dataset.licence}; {where}"
        )
    print(f"{'folder:PATH':15} pictures of your own, a folder a class")


def _models(options: argparse.Namespace) -> None:
    from asl import trained
    from asl.evaluation import percent
    from asl.models import MODELS

    for name, network in MODELS.items():
        size = f"at {network.size}×{network.size}" if network.size else "at the images' size"
        print(f"{name:18} {network.title}; {size}\n{'':18} {network.reference}")
    for name in trained.list_names():
        try:
            about = trained.read_sidecar(trained.find(name))
        except AslError as error:
            print(f"trained: {name}: {error}")
            continue
        print(f"trained: {name}: {about['model']} on {about['dataset']}", end="")
        if "validation" in about:
            accuracy, epoch = about["validation"]["val_accuracy"], about["best_epoch"]
            print(f", validation accuracy {percent(accuracy)} at epoch {epoch}", end="")
        for left_out, found in about.get("left_out", {}).items():
            print(
                f", {percent(found['correct'] / found['images'])} of {left_out}, left out", end=""
            )
        print()


if __name__ == "__main__":
    sys.exit(main())
