"""What may be typed after `python -m asl`: commands, their options, and what those may be."""

import argparse
from collections.abc import Callable

from asl.errors import AslError, whole
from asl.shell import cluster, commands, page


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m asl",
        description="American Sign Language from raw images to a classifier that you understand.",
        epilog="--traceback, with any command, shows where an unforeseen error came from.",
    )
    added_to = made.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: Callable, help: str) -> Callable[..., argparse.Action]:
        added = added_to.add_parser(name, help=help, description=help)
        added.set_defaults(command=function)
        return added.add_argument

    _add_training_commands(command)
    _add_checkpoint_commands(command)
    command("datasets", commands.datasets, "list the data sets, and which are on this machine")
    command("models", commands.models, "list the architectures, and the checkpoints")
    return made


def _add_training_commands(command: Callable[..., Callable[..., argparse.Action]]) -> None:
    seed = {"type": _whole("--seed"), "default": 0, "metavar": "N"}
    model = {"default": "cnn", "metavar": "NAME", "help": "see `models`"}

    add = command("run", commands.run, "execute notebooks on a data set and a model")
    _add_training_options(add)
    add("--model", **model)
    which = "numbers of notebooks, such as 09 or 01-04; 01-08 unless given"
    add("notebooks", nargs="*", metavar="NUMBER", help=which)

    add = command("train", commands.train, "train a model and keep its best weights")
    _add_training_options(add)
    add("--model", **model)
    add("--seed", **seed)
    batch = "images in a batch, where the memory is small"
    add("--batch-size", type=_whole("--batch-size"), metavar="N", help=batch)
    augmented = "train on augmented images, also where a model does not"
    add("--augment", action="store_true", default=None, help=augmented)
    _add_device_options(add)

    add = command("compare", commands.compare, "train and measure several models")
    _add_training_options(add)
    add("--seed", **seed)
    models = {"default": "cnn,conv1d_lstm", "metavar": "NAME,NAME", "help": "see `models`"}
    add("--models", type=_names, **models)

    add = command(
        "reader", commands.reader, "train the reader on all sets of letters, or all but one"
    )
    add("--seed", **seed)
    sets = "letters, film (alphabet and abc), signers or rooms: train without, then predict it"
    add("--leave-out", metavar="SET", help=sets)
    add("--steps", type=_whole("--steps"), metavar="N", help="batches of 64 images")
    _add_device_options(add)


def _add_training_options(add: Callable[..., argparse.Action]) -> None:
    add("--dataset", default="sample", metavar="NAME", help="see `datasets`")
    add("--epochs", type=_whole("--epochs"), metavar="N", help="passes over the images")
    weights = "a model begins with: imagenet (its published ones), a file, or none (random)"
    add("--weights", default="imagenet", metavar="FILE", help=weights)
    blocks = "fine-tune the last N blocks of its backbone too, in a second phase"
    add("--fine-tune", type=_whole("--fine-tune"), metavar="N", help=blocks)


def _add_device_options(add: Callable[..., argparse.Action]) -> None:
    devices = "share each batch among all devices, or N of them (KERAS_BACKEND=jax; docs/large.md)"
    add("--devices", metavar="all|N", help=devices)
    coordinator = "of several processes: the address of process 0, such as 10.0.0.1:1234"
    add("--coordinator", metavar="HOST:PORT", help=coordinator)
    add("--process", type=_whole("--process"), metavar="N", help="which one this is, from 0")
    add("--processes", type=_whole("--processes"), metavar="N", help="how many there are")


def _add_checkpoint_commands(command: Callable[..., Callable[..., argparse.Action]]) -> None:
    checkpoint = "a checkpoint: a name such as letters-cnn, or a path to a .keras file"
    add = command(
        "evaluate", commands.evaluate, "measure a checkpoint on its data set's test split"
    )
    add("model", metavar="MODEL", help=checkpoint)
    other = "instead, all images of another data set whose classes it knows"
    add("--on", metavar="DATASET", help=other)

    add = command("predict", cluster.predict, "say which letter each picture shows")
    add("--model", default="reader", metavar="MODEL", help=checkpoint)
    output = "write all predictions to this file, in the form of results.csv; - prints them"
    add("--output", metavar="FILE", help=output)
    signs = "what the reader takes signs for (0 and O are one hand shape, as are 2 and V, 6 and W)"
    add("--signs", choices=("letters", "digits"), default="letters", help=signs)
    add("--all", action="store_true", help="every hand of a picture, not only the largest sure one")
    add("--details", metavar="FILE", help="write box, joints and side of each hand: lines of JSON")
    add("--draw", metavar="FOLDER", help="draw the hands into the pictures, and a page of them all")
    landmarks = "network for the joints: full is a little more exact, half as fast, and fetched"
    add("--landmarks", choices=("lite", "full"), default="lite", help=landmarks)
    _add_engine_options(add)
    add("paths", nargs="+", metavar="PATH", help="a picture, or a folder of them")

    add = command("export", commands.export, "write a checkpoint for other programs and devices")
    add("model", metavar="MODEL", help=checkpoint)
    format = "litert: .tflite, for telephones and small devices; onnx: .onnx (extra `export`)"
    add("--format", default="litert", metavar="FORMAT", help=format)
    quantize = "int8: whole numbers of eight bits, a third of the size (litert)"
    add("--quantize", default="", metavar="TYPE", help=quantize)
    target = "write this file; unless given, beside the checkpoint"
    add("--output", metavar="FILE", help=target)

    add = command("spell", commands.spell, "say which letters a hand spells in a film, J and Z too")
    dwell = "a letter is written when it is held still for so long (0.2 unless told)"
    add("--dwell", type=float, metavar="SECONDS", help=dwell)
    add(
        "--details",
        metavar="FILE",
        help="write each letter, its time and confidence: lines of JSON",
    )
    add("film", metavar="FILM", help="a film, such as a .mp4 or .avi file")

    add = command("app", page.app, "spell before the camera: a page in the browser, here alone")
    port = "of 127.0.0.1; where it is taken, the next free one (7860 unless told)"
    add("--port", type=_whole("--port"), metavar="N", help=port)
    add("--no-browser", dest="browser", action="store_false", help="only print the address")


def _add_engine_options(add: Callable[..., argparse.Action]) -> None:
    engine = (
        "ray: on many processors or machines; --output is then a folder of parts, and PATH also a "
        "list of paths (.txt), a Parquet file, or an address such as s3://… (docs/large.md)"
    )
    add("--engine", choices=("one", "ray"), default="one", help=engine)
    add("--address", default="", metavar="HOST:PORT", help="of a Ray cluster, with --engine ray")
    workers = "networks side by side, with --engine ray; one a processor unless told"
    add("--workers", type=_whole("--workers"), metavar="N", help=workers)
    add("--format", choices=("parquet", "csv"), help="of the parts; parquet unless told")


def _whole(name: str) -> Callable[[str], int]:
    """What makes a number of an argument, and refuses what is not allowed."""

    def parse(text: str) -> int:
        try:
            return whole(name, text)
        except AslError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names:
        raise argparse.ArgumentTypeError("name at least one model")
    return names
