"""`predict --engine ray`: its speed by workers, its memory by pictures, and what dies on the way.

The pictures are rendered hands, 28×28 PNG, read by letters-cnn; what is more than 20,000 are hard
links to them. The reader is timed on photographs of 640×480. Needs the extra `cluster`:
`make bench-cluster`, or python benchmarks/cluster.py PICTURES to try it with fewer.
"""

import json
import os
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

import cv2
import psutil
from common import figure, fresh_process, text
from photographs import copy_photographs, draw_photographs

from asl import files
from asl.cluster import engine, parts
from asl.cluster.predict import predict_dataset
from asl.data import rendered_hands
from asl.prediction import predict_inputs
from asl.results import results_text

NETWORK = "letters-cnn"
DRAWN = 20_000
SIZES = (10_000, 100_000, 1_000_000)
SPEED = 200_000  # pictures: half a minute of work, so that a worker's start does not count
TURNS = 3


def cluster(sizes: tuple[int, ...] = SIZES, drawn: int = DRAWN, speed: int = SPEED) -> dict:
    """Deaths, speeds in turns in the same minutes, and peaks of memory."""
    drawn_folder = draw(files.HOME / "cluster" / f"{drawn}", drawn)
    return _deaths(drawn_folder, drawn) | _speeds(speed, drawn) | _memory(sizes, drawn)


def draw(folder: Path, count: int) -> Path:
    """Rendered hands as PNG files, unless they are there."""
    if folder.is_dir() and len(os.listdir(folder)) == count:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    each = 4 * -(-count // 96)
    images, _, _ = rendered_hands.draw_sample(images_per_letter=each, signer_count=4)
    for row in range(count):
        cv2.imwrite(str(folder / f"{row:06d}.png"), images[row])
    return folder


def linked(count: int, drawn: int) -> Path:
    """A folder of hard links to the drawn pictures: as many files, a thousand to a sub-folder."""
    source = draw(files.HOME / "cluster" / f"{drawn}", drawn)
    folder = files.HOME / "cluster" / f"linked-{count}"
    for start in range(0, count, 1000):
        place = folder / f"{start // 1000:04d}"
        if not place.is_dir():
            place.mkdir(parents=True)
            for row in range(start, min(count, start + 1000)):
                os.link(source / f"{row % drawn:06d}.png", place / f"{row:07d}.png")
    return folder


def _deaths(folder: Path, count: int) -> dict:
    """Two nodes; a worker is killed, then a whole node: rows against those of one process."""
    import ray
    from ray.cluster_utils import Cluster

    from asl.cluster import predict

    node = {"num_cpus": 2, "object_store_memory": 200_000_000}
    nodes = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    second = nodes.add_node(**node)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    stream, told = engine.stream, []
    last = -(-count // 100)

    def with_deaths(*arguments):
        for each in stream(*arguments):
            told.append(each)
            if len(told) == last // 4:
                os.kill(each["process"], signal.SIGKILL)
            if len(told) == last // 2:
                nodes.remove_node(second, allow_graceful=False)
            yield each

    size, predict.LARGE_BLOCK = predict.LARGE_BLOCK, 100
    engine.stream = with_deaths
    output = files.HOME / "cluster" / f"deaths-{time.time():.0f}"
    try:
        done = predict_dataset(folder, output, NETWORK, workers=3)
    finally:
        engine.stream, predict.LARGE_BLOCK = stream, size
        ray.shutdown()
        nodes.shutdown()
    rows = sorted(results_text(parts.read_predictions(output)).splitlines())
    expected = sorted(results_text(_one_process(folder)).splitlines())
    same = sum(one == other for one, other in zip(rows[1:], expected[1:], strict=False))
    return {
        "a worker and a node killed: pictures, rows, rows equal to one process": text(
            f"{count:,}, {len(rows) - 1:,}, {same:,}", "all equal, each once"
        ),
        "a worker and a node killed: blocks of 100 read again": figure(done.again),
    }


def _one_process(folder: Path):
    from asl import checkpoints
    from asl.data.images import find_inputs
    from asl.export.network import find_exported

    file = checkpoints.find(NETWORK)
    metadata = checkpoints.read_metadata(file)
    model = find_exported(file, metadata)
    return predict_inputs(model, metadata.class_names, find_inputs([folder]))[0]


def _speeds(count: int, drawn: int) -> dict:
    small, photographs = linked(count, drawn), files.HOME / "cluster/photographs"
    large = copy_photographs(draw_photographs(photographs / "drawn"), photographs / "copies")
    rows = {}
    for name, folder in ((NETWORK, small), ("reader", large)):
        rates: dict[str, list[float]] = {"1 process": [], "1 worker": [], "2 workers": []}
        for _ in range(TURNS):
            for kind, found in rates.items():
                told = fresh_process(__file__, json.dumps(["rate", kind, name, str(folder)]))
                found.append(told["rate"])
        for kind, found in rates.items():
            rows[f"{name}, {kind}"] = figure(statistics.median(found), "pictures/s")
        ratios = [two / one for one, two in zip(rates["1 worker"], rates["2 workers"], strict=True)]
        share = figure(statistics.median(ratios), "", "at least 1.7")
        rows[f"{name}, 2 workers against 1, in the same minutes"] = share
    return rows


def rate(kind: str, network: str, folder: str) -> dict:
    """Pictures a second, the start apart; in a process of its own."""
    if kind == "1 process":
        began = time.perf_counter()
        count = _read_alone(network, Path(folder))
        return {"rate": count / (time.perf_counter() - began)}
    output = files.HOME / "cluster" / f"rate-{time.time():.0f}"
    found = predict_dataset(folder, output, network, workers=int(kind[0]))
    return {"rate": found.rate}


def _read_alone(network: str, folder: Path) -> int:
    if network != "reader":
        return len(_one_process(folder))
    from asl.data.images import find_inputs
    from asl.reader import read, tables

    return len(tables.read_inputs(read.find_network(), find_inputs([folder])).table)


def _memory(sizes: tuple[int, ...], drawn: int) -> dict:
    rows = {}
    for count in sizes:
        linked(count, drawn)
        told = fresh_process(__file__, json.dumps(["memory", str(count), str(drawn)]))
        for who in ("driver", "worker"):
            most = figure(told[who] / 1e6, "MB", "at most 1,500")
            rows[f"{count:,} pictures, peak memory of the {who}"] = most
        rows[f"{count:,} pictures, 2 workers, with the start"] = figure(told["seconds"], "s")
    return rows


def memory(count: str, drawn: str) -> dict:
    """Bytes: the most that this process, and a worker of it, held resident."""
    folder, most = linked(int(count), int(drawn)), {"driver": 0, "worker": 0}
    done, own = threading.Event(), psutil.Process()

    def watch() -> None:
        while not done.wait(0.5):
            most["driver"] = max(most["driver"], own.memory_info().rss)
            for each in own.children(recursive=True):
                try:
                    if each.name().startswith("ray::MapWorker"):
                        most["worker"] = max(most["worker"], each.memory_info().rss)
                except psutil.Error:  # it has ended
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = files.HOME / "cluster" / f"memory-{time.time():.0f}"
    found = predict_dataset(folder, output, NETWORK, workers=2)
    done.set()
    watcher.join()
    assert found.pictures == int(count)
    return {**most, "seconds": found.seconds}


if __name__ == "__main__":  # a process of its own, see fresh_process; or a trial by hand
    try:
        what, *arguments = json.loads(sys.argv[1])
    except TypeError:  # a number
        few = int(sys.argv[1])
        print(json.dumps(cluster((few,), few, few), indent=2))
    else:
        print(json.dumps({"rate": rate, "memory": memory}[what](*arguments)))
