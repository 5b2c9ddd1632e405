"""Ray, as far as it is needed: a cluster on this machine or at an address, blocks in, news out."""

from __future__ import annotations

import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from asl.errors import AslError

ANSWER = 30  # seconds in which a cluster must answer
STORE = 500_000_000  # bytes for what travels between processes: names of pictures, no pictures
QUEUED = 2  # blocks a worker: the one that it works on, and the next one
MISSING = (
    "--engine ray needs Ray and pyarrow, the extra `cluster`, which is not installed. In the "
    "project's folder: python -m pip install '.[cluster]'"
)


def check_installed() -> None:
    """AslError that says which extra to install, where Ray or pyarrow is missing."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    # Workers are processes of this Python; the tool uv would make an environment for each
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import pyarrow.parquet  # noqa: F401
        import ray.data  # noqa: F401
    except ImportError as error:
        raise AslError(f"{MISSING} ({error})") from error


@contextmanager
def cluster(address: str, workers: int | None) -> Iterator[int]:
    """Ray, begun here or found at `address`; gives how many workers there may be. One that was
    there before is left running. AslError for an address that does not answer in half a minute.
    """
    import ray

    began = not ray.is_initialized()
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if began and address:
        check_address(address)
        ray.init(address=address, **quiet)
    elif began:
        count = workers or os.cpu_count()
        local = {"include_dashboard": False, "object_store_memory": STORE}
        try:
            ray.init(address="local", num_cpus=count, **local, **quiet)
        except Exception as error:  # a bare Exception where its processes do not start in time
            raise AslError(f"Ray could not be started on this machine: {error}") from error
    try:
        there = processors()
        if workers and workers > there:
            raise AslError(f"--workers is {workers}; the cluster has {there} processors.")
        if there < 1:
            raise AslError("the cluster has no processor: start Ray on machines that work.")
        yield workers or there
    finally:
        if began:
            ray.shutdown()


def processors() -> int:
    """Processors of all machines of the cluster that are alive."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def check_address(address: str) -> None:
    """AslError unless a cluster of this version of Ray answers in half a minute."""
    until = time.monotonic() + ANSWER
    advice = "Start it there (ray start --head), and give its address, such as 10.0.0.5:6379."
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        try:
            with closing(socket.create_connection((host.strip("[]"), int(port)), timeout=10)):
                pass
        except OSError as error:
            raise AslError(
                f"no Ray cluster answers at {address}: {error.strerror or error}. {advice}"
            ) from error
    elif address != "auto":
        raise AslError(f"{address} is no address of a cluster. {advice}")
    # In a process of its own: Ray's core waits for minutes, and ends a process that it gives up
    code = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, address],
            capture_output=True,
            text=True,
            timeout=max(1.0, until - time.monotonic()),
        )
    except subprocess.TimeoutExpired as error:
        raise AslError(f"no Ray cluster answers at {address} in {ANSWER} s. {advice}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it ended"]
        raise AslError(f"no Ray cluster answers at {address}: {lines[-1][:300]} {advice}")


def worker_class() -> type:
    """The actor. Its class is made here so that it travels whole: a machine without this package,
    or with an older one, can say so.
    """

    class Predictor:
        def __init__(self, job: dict[str, Any]) -> None:
            import socket
            import traceback

            self.problem, self.worker = {}, None
            try:
                from asl.cluster.worker import Worker
                from asl.errors import AslError
            except ImportError as error:
                self.problem["problem"] = (
                    f"the worker on {socket.gethostname()} has no asl, or another version of it "
                    f"({error}); this program has {job['package']}. Install the same there."
                )
                return
            try:
                self.worker = Worker(job)
            except AslError as error:
                self.problem["problem"] = str(error)
            except Exception:
                self.problem["unforeseen"] = traceback.format_exc()

        def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
            import json
            import pickle
            import traceback

            if self.worker is None:
                return {"told": [json.dumps(self.problem)]}
            from asl.errors import AslError

            told = []
            for each in batch["block"]:
                block, size = pickle.loads(each)
                try:
                    told.append(json.dumps(self.worker.work(block, size)))
                except AslError as error:
                    told.append(json.dumps({"problem": str(error)}))
                except Exception:
                    told.append(json.dumps({"unforeseen": traceback.format_exc()}))
            return {"told": told}

    return Predictor


def stream(blocks: list[bytes], job: dict[str, Any], workers: int) -> Iterator[dict[str, Any]]:
    """What the workers say of blocks (pickled, with the number of pictures at a time), as they are
    done. A block whose worker died is left out: whoever calls asks again for what is missing.

    A dead worker is started anew, but its blocks do not wait for that, as they would with Ray's own
    retries (max_task_retries): where its machine is gone, there may never be a place for it again.
    """
    import ray
    import ray.data
    import ray.exceptions

    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars, context.max_errored_blocks
    context.enable_progress_bars, context.max_errored_blocks = False, -1
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Of Ray's ways to begin, the one that needs no task, for which no processor may be free
    given = ray.data.from_items(
        [{"block": each} for each in blocks], override_num_blocks=len(blocks)
    )
    try:
        rows = given.map_batches(
            worker_class(),
            batch_size=None,
            batch_format="numpy",
            fn_constructor_args=(job,),
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=QUEUED),
            num_cpus=1,
            max_task_retries=0,
        )
        for batch in rows.iter_batches(batch_size=None, prefetch_batches=0):
            for each in batch["told"]:
                yield json.loads(str(each))
    except ray.exceptions.RayError as error:
        if not ray.is_initialized() or not processors():
            raise AslError(f"the Ray cluster is gone: {str(error).splitlines()[0]}") from error
        yield {"ended": str(error).splitlines()[0]}
    finally:
        context.enable_progress_bars, context.max_errored_blocks = before


def pack(block: Any, size: int) -> bytes:
    return pickle.dumps((block, size), protocol=pickle.HIGHEST_PROTOCOL)
