"""The command `predict`: in this process or, with `--engine ray`, on many processors."""

from __future__ import annotations

import argparse
import sys

from asl.errors import AslError
from asl.shell import commands


def predict(options: argparse.Namespace) -> int:
    """Gives 1 where something that looks like a picture could not be read."""
    if options.engine == "ray":
        return _predict_by_ray(options)
    if options.address or options.workers or options.format:
        raise AslError("--address, --workers and --format are of --engine ray: add that.")
    return commands.predict(options)


def _predict_by_ray(options: argparse.Namespace) -> int:
    refused = {"--details": options.details, "--draw": options.draw}
    if asked := [name for name, value in refused.items() if value]:
        raise AslError(
            f"--engine ray writes rows alone, not {' and '.join(asked)}: give "
            f"{' and '.join(asked)} to the pictures that you want to look at, without --engine."
        )
    if options.output in (None, "-"):
        raise AslError("--engine ray writes a folder of parts: name it with --output FOLDER.")
    if options.model != "reader" and options.all:
        raise AslError("--all shows hands, which only the reader looks for.")
    from asl.cluster.predict import describe, predict_dataset

    known = {"signs": options.signs, "every": options.all, "landmarks": options.landmarks}
    done = predict_dataset(
        options.paths,
        options.output,
        options.model,
        workers=options.workers,
        address=options.address,
        format=options.format or "parquet",
        reader=known if options.model == "reader" else None,
    )
    first, *others = describe(done)
    print(first)
    if others:
        print(*others, sep="\n", file=sys.stderr)
    return 1 if done.failed else 0
