"""`python -m asl predict --engine ray`: any number of pictures, on any number of processors."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from asl import files
from asl.cluster import engine, parts, sources
from asl.cluster.parts import Folder
from asl.cluster.version import network_version, package_version
from asl.data.images import NO_PICTURE, LeftOut, noun
from asl.errors import AslError, few

BLOCK = {"reader": 256}  # pictures that a worker reads at a time: some seconds of work
LARGE_BLOCK = 1024  # of other networks, which are quicker
ROUNDS = 5  # in which blocks are read again whose worker died
SMALLER = 4  # times fewer pictures at a time in each of them
STAYS = "What was written to {} stays, and the next start goes on there."
LOST = (
    "{blocks:,} blocks of pictures were lost with their workers, which were ended (memory, or a "
    "machine that is gone): they are read again, {size:,} pictures at a time"
)


class Dataset(NamedTuple):
    """What `predict_dataset` did."""

    output: str
    pictures: int  # in the listing
    before: int  # of them, those that an earlier start had done
    unreadable: dict[str, tuple[int, list[str]]]  # reason → how many, and the first names
    again: int  # blocks that were read again, in smaller batches, since their worker died
    rate: float  # pictures a second, once all workers had their networks
    seconds: float  # in all

    @property
    def failed(self) -> bool:
        """Whether anything that looks like a picture could not be read."""
        return any(reason != NO_PICTURE for reason in self.unreadable)


def predict_dataset(
    inputs: Sequence[str | Path] | str | Path,
    output: str | Path,
    model: str = "reader",
    *,
    workers: int | None = None,
    address: str = "",
    format: str = "parquet",
    reader: dict[str, Any] | None = None,
) -> Dataset:
    """Predict pictures on many processors, by Ray Data, and write the rows as parts in a folder.

    inputs: folders, pictures, lists of paths (.txt), Parquet files that hold pictures as bytes, and
    addresses that pyarrow knows (s3://, gs://, file://). output: a folder or an address; its parts
    (`format` parquet or csv) have the rows that `predict` gives, see `read_predictions`. A second
    start with the same output reads only what is missing. `workers` is one a processor of the
    cluster unless told; Ray is started on this machine, or found at `address`. `reader` may hold
    signs, every and landmarks, see `asl.reader.tables.read_inputs`.

    AslError without Ray, for an address that does not answer in 30 s, workers with another version
    of the package or of the network, an output folder of another network or options, a full disk.
    """
    began = time.monotonic()
    given = [str(each) for each in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    if format not in parts.FORMATS:
        raise AslError(f"there is no format {format!r}. There are: {', '.join(parts.FORMATS)}.")
    engine.check_installed()
    sources.check_inputs(given)
    sources.check_output(str(output), given)
    job = _job(str(output), format, model) | (reader or {})
    folder = Folder(job["output"], format)
    with ExitStack() as stack:
        if folder.is_local:
            stack.enter_context(_only_one(folder))
        listing = _list(folder, given, job)
        again, rate = 0, 0.0
        if listing.waiting:
            count = stack.enter_context(engine.cluster(address, workers))
            try:
                again, rate = _work(listing, job, count)
            except KeyboardInterrupt as error:
                raise KeyboardInterrupt(STAYS.format(files.shown(job["output"]))) from error
        parts.write_report(folder, parts.encode_unreadable(listing.left_out), listing.blocks)
    told = _merge(listing.left_out, listing.missed)
    seconds = time.monotonic() - began
    return Dataset(str(output), listing.pictures, listing.before, told, again, rate, seconds)


def _job(output: str, format: str, model: str) -> dict[str, Any]:
    """What all workers are told, see `asl.cluster.worker.Job`."""
    return {
        "output": output if "://" in output else os.path.abspath(output),
        "format": format,
        "model": os.path.abspath(model) if model.endswith(".keras") else model,
        "package": package_version(),
        "network": network_version(model),
    }


def _only_one(folder: Folder):
    busy = f"process {{process}} writes to {files.shown(folder.address)}: wait until it has ended."
    return files.lock(Path(folder.address, parts.RUN), busy)


class _Listing(NamedTuple):
    waiting: dict[str, tuple[bytes, int]]  # block → itself, pickled, and its pictures
    blocks: set[str]  # all that are listed, done or not
    left_out: LeftOut
    missed: dict[str, list]  # reason → [count, first names], from the workers
    pictures: int
    before: int


def _list(folder: Folder, given: list[str], job: dict[str, Any]) -> _Listing:
    first = given[0].partition("?")[0] if "://" in given[0] else given[0]  # without a key
    alone = first if len(set(given)) == 1 else "several, as they were given"
    run = {
        "network": job["network"],
        "options": {key: job.get(key) for key in ("signs", "every", "landmarks") if key in job},
        "format": folder.format,
        "input": alone,
    }
    done = parts.begin(folder, run)
    waiting: dict[str, tuple[bytes, int]] = {}
    blocks, left_out, pictures, before = set(), LeftOut(), 0, 0
    size = BLOCK.get(job["model"], LARGE_BLOCK)
    for each in tqdm(sources.list_blocks(given, size), "listing", unit=" blocks", delay=2):
        if isinstance(each, sources.Skipped):
            left_out.setdefault(each.reason, []).append(each.name)
            continue
        blocks.add(each.name)
        pictures += each.length
        if each.name in done:
            before += each.length
        else:
            waiting[each.name] = pickle.dumps(each), each.length
    if not pictures:
        raise AslError(f"{few(given)} holds no pictures.")
    before += _drop_done(folder, waiting, done - blocks)
    return _Listing(waiting, blocks, left_out, {}, pictures, before)


def _drop_done(folder: Folder, waiting: dict[str, tuple[bytes, int]], others: set[str]) -> int:
    """Drop pictures that lie in other parts, since some were added or removed after an earlier
    start; gives how many. What those could not read, the new blocks try again.
    """
    if not others or not waiting:
        return 0
    known, dropped = parts.names_done(folder, others), 0
    for name, (packed, count) in list(waiting.items()):
        block: sources.Block = pickle.loads(packed)
        if block.rows:
            continue
        is_known = np.isin(parts.hashes([each.name for each in block.pictures]), known)
        left = [each for each, there in zip(block.pictures, is_known, strict=True) if not there]
        if len(left) < count:
            dropped += count - len(left)
            waiting[name] = pickle.dumps(block._replace(pictures=tuple(left))), len(left)
    return dropped


def _work(listing: _Listing, job: dict[str, Any], workers: int) -> tuple[int, float]:
    """Have all blocks done, in rounds; gives how many had to be read again, and the rate."""
    waiting, again, why = dict(listing.waiting), 0, "memory, or a damaged picture?"
    size = BLOCK.get(job["model"], LARGE_BLOCK)
    total = sum(count for _, count in waiting.values())
    rate = _Rate(workers)
    with tqdm(total=total, desc="predicting", unit=" pictures", smoothing=0.1) as bar:
        for number in range(ROUNDS):
            if number:
                again += len(waiting)
                workers = max(1, min(workers, engine.processors()))
                bar.write(LOST.format(blocks=len(waiting), size=size), file=sys.stderr)
            packed = [engine.pack(pickle.loads(each), size) for each, _ in waiting.values()]
            for told in engine.stream(packed, job, workers):
                _check(told, job["output"])
                why = told.get("ended", why)
                if waiting.pop(told.get("block", ""), None):
                    rate.add(told["pictures"])
                    bar.update(told["pictures"])
                    _add(listing.missed, told["left_out"])
            if not waiting:
                return again, rate.value
            size = max(1, size // SMALLER)
    raise AslError(
        f"{len(waiting):,} blocks of pictures ended each worker that read them, {ROUNDS} times: "
        f"{few(_first_names(waiting))} and those that follow ({why}) What was written stays; the "
        "next start tries these alone."
    )


class _Rate:
    """Pictures a second, without the blocks during which workers were started."""

    def __init__(self, workers: int) -> None:
        self.to_come, self.pictures = 2 * workers, 0
        self.began = self.ended = time.monotonic()

    def add(self, pictures: int) -> None:
        self.ended = time.monotonic()
        if self.to_come > 0:
            self.to_come, self.began = self.to_come - 1, self.ended
        else:
            self.pictures += pictures

    @property
    def value(self) -> float:
        return self.pictures / max(self.ended - self.began, 1e-9)


def _check(told: dict[str, Any], output: str) -> None:
    if "problem" in told:
        raise AslError(f"{told['problem']} {STAYS.format(files.shown(output))}")
    if "unforeseen" in told:
        raise RuntimeError(f"in a worker: {told['unforeseen']}")


def _first_names(waiting: dict[str, tuple[bytes, int]]) -> list[str]:
    blocks = [pickle.loads(packed) for packed, _ in waiting.values()]
    return [each.rows.name if each.rows else each.pictures[0].name for each in blocks]


def _add(missed: dict[str, list], found: dict[str, list]) -> None:
    for reason, (count, names) in found.items():
        kept = missed.setdefault(reason, [0, []])
        kept[0] += count
        kept[1] = (kept[1] + names)[:3]


def _merge(left_out: LeftOut, missed: dict[str, list]) -> dict[str, tuple[int, list[str]]]:
    together: dict[str, list] = {why: [len(names), names[:3]] for why, names in left_out.items()}
    _add(together, missed)
    return {why: (count, names) for why, (count, names) in together.items()}


def describe(done: Dataset) -> list[str]:
    """Lines that say what was predicted, and what was left out."""
    fresh = done.pictures - done.before
    unreadable = sum(count for why, (count, _) in done.unreadable.items() if why != NO_PICTURE)
    rate = f", {done.rate:,.0f} pictures/s" if done.rate else ""
    earlier = f"; {done.before:,} were done before" if done.before else ""
    where = files.shown(done.output)
    lines = [f"{fresh:,} pictures read in {done.seconds:,.0f} s{rate}, written to {where}{earlier}"]
    if done.again:
        lines.append(f"{done.again:,} blocks were read again, in smaller batches")
    if unreadable:
        lines.append(f"{unreadable:,} could not be read: see {parts.REPORT} there")
    for reason, (count, names) in done.unreadable.items():
        more = f" and {count - len(names):,} more" if count > len(names) else ""
        lines.append(f"  {count:,} {noun(reason)} ({', '.join(names)}{more})")
    return lines
