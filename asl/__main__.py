"""The verbs for the shell: python -m asl run | train | compare | evaluate | predict | …"""

import argparse
import sys
from pathlib import Path

import numpy as np

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

    added = verb("predict", _predict, "read pictures with a trained model and write results.csv")
    added.add_argument("--model", default="letters-cnn", metavar="MODEL", help=trained)
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
    print(f"{folder.name}: {series.summary()}")
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
    from asl import datasets, describe_accuracy, load, load_model, predict, split
    from asl.evaluation import per_class, shared_classes

    if options.on:
        options.on = _absolute(options.on)
        datasets.find_dataset(options.on)  # before the seconds that TensorFlow takes
    model, about = load_model(options.model)
    on, class_names = options.on or about["dataset"], about["class_names"]
    if options.on:
        if on == about["dataset"]:
            raise AslError(
                f"{options.model} was trained on {on}: leave out --on for its test split."
            )
        test = load(on, image_shape=model.input_shape[1:])
        known = shared_classes(class_names, test.class_names)
        test = test.take(np.isin(test.labels, list(known)))
        labels = np.array([known[label] for label in test.labels.tolist()])
        missing = [name for i, name in enumerate(test.class_names) if i not in known]
        print(f"scored: {len(known)} classes; not scored: {', '.join(missing) or 'none'}")
        if about["dataset"] in datasets.find_dataset(on).overlaps:
            print(f"CAUTION: {on} shows the same hands as {about['dataset']}: this is no test.")
    else:
        test = split(load(on, about["model"]), seed=about["seed"]).test
        labels = test.labels
        if list(test.class_names) != class_names:
            raise AslError(
                f"{options.model} knows other classes ({len(class_names)}) than "
                f"{on} ({len(test.class_names)}): train it again."
            )
    predicted = predict(model, test.images).argmax(axis=1)
    table = per_class(labels, predicted, class_names)
    table = table[table["images"] > 0]
    print(table.round(4).to_string())
    correct = int((predicted == labels).sum())
    recall = f"mean recall of the classes {table['recall'].mean():.2%}"
    print(f"{options.model} on {on}: {describe_accuracy(correct, len(test))}, {recall}")


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
    if bad:
        print(f"{len(bad):,} left out:", *bad, sep="\n  ", file=sys.stderr)
    return 1 if bad else 0


def _datasets(options: argparse.Namespace) -> None:
    from asl import download
    from asl.datasets import DATASETS

    for name, dataset in DATASETS.items():
        images = sum(dataset.train_counts) + sum(dataset.test_counts)
        if not (dataset.files or dataset.pattern):
            where = "drawn on first use"
        else:
            found = download.find(dataset)
            where = f"on this machine: {paths.shown(found)}" if found else "not on this machine"
        size = "×".join(map(str, dataset.image_shape[:2]))
        colour = "grey" if dataset.image_shape[2] == 1 else "colour"
        print(
            f"{name:15} {dataset.title}\n{'':15} {len(dataset.class_names)} classes, {images:,} "
            f"images, used at {size} {colour}; licence: {dataset.licence}; {where}"
        )
    print(f"{'folder:PATH':15} pictures of your own, a folder a class")


def _models(options: argparse.Namespace) -> None:
    from asl import trained
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
        figures = about.get("validation", {})
        print(
            f"trained: {name}: {about['model']} on {about['dataset']}, "
            f"validation accuracy {figures.get('val_accuracy', float('nan')):.4f} "
            f"at epoch {about.get('best_epoch')}"
        )


if __name__ == "__main__":
    sys.exit(main())
