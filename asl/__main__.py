"""The verbs for the shell: python -m asl run | train | evaluate | predict | datasets | models."""

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
        ("run", _run, "execute notebooks 01 to 08 on a data set and a model"),
        ("train", _train, "train a model on a data set and keep its best weights in model/"),
    ):
        added = verb(name, function, help)
        added.add_argument("--dataset", default="sample", metavar="NAME", help="see `datasets`")
        added.add_argument("--model", default="cnn", metavar="NAME", help="see `models`")
        added.add_argument("--epochs", type=_positive, metavar="N", help="passes over the images")
        if name == "train":
            added.add_argument("--seed", type=int, default=0, metavar="N")

    trained = "a trained model: a name such as letters-cnn, or a path to a .keras file"
    added = verb("evaluate", _evaluate, "measure a trained model on its data set's test split")
    added.add_argument("model", metavar="MODEL", help=trained)

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


def _absolute(dataset: str) -> str:
    """folder:PATH with a path that means the same from every folder."""
    kind, colon, path = dataset.partition(":")
    return f"{kind}:{Path(path).expanduser().resolve()}" if colon else dataset


def _run(options: argparse.Namespace) -> None:
    from asl import datasets, series

    options.dataset = _absolute(options.dataset)
    datasets.find_dataset(options.dataset)  # before the seconds that the import of Keras takes
    from asl import models

    models.find(options.model)
    folder = series.run(options.dataset, options.model, options.epochs)
    print(f"{folder.name}: {series.summary()}")
    print(
        f"look at {paths.shown(folder / 'index.html')} (mistakes: 07_mistakes.html) "
        f"and {paths.shown(paths.RESULTS)}"
    )


def _train(options: argparse.Namespace) -> None:
    from asl import datasets, encode, load, split

    options.dataset = _absolute(options.dataset)
    datasets.find_dataset(options.dataset)  # before the seconds that the import of Keras takes
    from asl import models, train

    models.find(options.model)

    samples = load(options.dataset)
    parts = split(samples, seed=options.seed)
    class_count = len(samples.class_names)
    model = models.build(options.model, samples.images.shape[1:], class_count, options.seed)
    train(
        model,
        parts.train.images,
        encode(parts.train.labels, class_count),
        parts.validation.images,
        encode(parts.validation.labels, class_count),
        name=datasets.model_name(options.dataset, options.model),
        about=datasets.about(parts, options.model),
        epochs=options.epochs,
        seed=options.seed,
    )


def _evaluate(options: argparse.Namespace) -> None:
    from asl import describe_accuracy, load, load_model, predict, split
    from asl.evaluation import per_class

    model, about = load_model(options.model)
    test = split(load(about["dataset"]), seed=about["seed"]).test
    if list(test.class_names) != about["class_names"]:
        raise AslError(
            f"{options.model} knows other classes ({len(about['class_names'])}) than "
            f"{about['dataset']} ({len(test.class_names)}): train it again."
        )
    predicted = predict(model, test.images).argmax(axis=1)
    print(per_class(test.labels, predicted, test.class_names).round(4).to_string())
    correct = int((predicted == test.labels).sum())
    print(f"{options.model} on {about['dataset']}: {describe_accuracy(correct, len(test))}")


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
        print(f"{name:10} {network.title}")
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
