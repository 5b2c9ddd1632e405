"""Training on several devices: each computes its share of every batch, all keep the same weights.

Keras does it, on JAX alone (`keras.distribution.DataParallel`): the weights lie on every device, a
batch is cut into as many parts as there are devices, and their gradients are averaged. So a batch,
its augmentation, its batch normalisation and its loss are those of one device, however many there
are. Several processes, on one machine or on many, run the same program (processes.py); each reads
its own rows of each batch, and the first one alone writes files and says how it goes.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from asl.errors import AslError, few, whole
from asl.models import processes as others

if TYPE_CHECKING:
    import keras


class Devices(NamedTuple):
    """The devices that a training uses, by the names that Keras has for them: gpu:0."""

    names: tuple[str, ...]  # of all processes
    own: tuple[str, ...]  # of this process
    process: int = 0
    processes: int = 1


class _State:
    """What holds for all of this process, in each of its threads."""

    used: Devices | None = None
    spread = False  # whether a network is being trained on all of them right now


@contextlib.contextmanager
def using(
    devices: str | None = None,
    coordinator: str | None = None,
    process: int | None = None,
    processes: int | None = None,
) -> Iterator[None]:
    """Meanwhile train on several devices: "all" or a number of them; None: as ever.

    For several processes, which all run the same, `coordinator` is the address of the first one, as
    the others know its machine (10.0.0.1:1234), and `process` is the number of this one, from 0, of
    `processes`; the devices of all are used. AslError where Keras does not compute with JAX, for
    devices that are not there, and for an address that does not answer.
    """
    together = [each for each in (coordinator, process, processes) if each is not None]
    if devices is None and not together:
        yield
        return
    _check_backend()
    if together:
        others.join(*_checked(devices, coordinator, process, processes))
    try:
        _State.used = used = _find(devices or "all")
        count = f" of {used.processes} processes" if used.processes > 1 else ""
        print(f"training on {len(used.names)} devices{count}: {few(used.names, 8)}", flush=True)
        with contextlib.nullcontext() if is_first() else _quiet():
            yield
        others.tell(others.DONE)
    except BaseException:
        others.tell(others.ENDED)
        raise
    finally:
        _State.used = None


def _check_backend() -> None:
    from asl.keras_setup import BACKEND

    if BACKEND != "jax":
        raise AslError(
            f"several devices want Keras on JAX, and here it computes with {BACKEND}. Set the "
            "environment variable KERAS_BACKEND=jax before the same command. JAX is the extra "
            "`jax`; in the project's folder: python -m pip install '.[jax]' (for graphics "
            "processors of NVIDIA also 'jax[cuda12]')."
        )


def _checked(
    devices: str | None, coordinator: str | None, process: int | None, processes: int | None
) -> tuple[str, int, int]:
    """Address, number and count of processes; AslError where they cannot be meant."""
    if coordinator is None or process is None or processes is None:
        raise AslError(
            "several processes want --coordinator HOST:PORT (the address of process 0, the same "
            "for all), --process N (from 0) and --processes N, all three."
        )
    process, processes = whole("process", process), whole("processes", processes)
    if process >= processes:
        raise AslError(
            f"--process is {process}; of {processes} processes it may be 0 to {processes - 1}."
        )
    host, _, port = coordinator.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise AslError(f"--coordinator is {coordinator!r}; it must be HOST:PORT: 10.0.0.1:1234.")
    if devices not in (None, "all"):
        raise AslError("several processes use all devices of each: --devices all.")
    return coordinator, process, processes


def _find(devices: str) -> Devices:
    """The devices that were asked for."""
    import jax

    names = tuple(f"{each.platform}:{each.id}" for each in jax.devices())
    own = tuple(f"{each.platform}:{each.id}" for each in jax.local_devices())
    processes = jax.process_count()
    if len(own) * processes != len(names):
        raise AslError(
            f"this process has {len(own)} of {len(names)} devices of {processes} processes: all "
            "must have as many. CUDA_VISIBLE_DEVICES chooses which a process sees."
        )
    if devices == "all":
        return Devices(names, own, jax.process_index(), processes)
    wanted = int(devices) if devices.isdecimal() else 0
    if not 1 <= wanted <= len(names):
        raise AslError(
            f"--devices is {devices!r}; it must be all, or a number from 1 to {len(names)}: JAX "
            f"finds {few(names, 8)} here."
        )
    return Devices(names[:wanted], own[:wanted])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


# What a training asks


def count() -> int:
    """How many devices share each batch."""
    return len(_State.used.names) if _State.used else 1


def is_first() -> bool:
    """Whether this process is the one that writes files."""
    return _State.used is None or _State.used.process == 0


def multiple(size: int) -> int:
    """The next number of images, from `size` up, that all devices can share alike."""
    return math.ceil(size / count()) * count()


def check_batch(size: int, can_change: bool = True) -> None:
    """AslError unless all devices get as many images of a batch; `can_change` says whether it has
    an option.
    """
    if size % count():
        fewer = max(each for each in range(1, count()) if size % each == 0)
        change = f"--batch-size {multiple(size)}, or " if can_change else ""
        raise AslError(
            f"{count()} devices cannot share a batch of {size} images alike. Choose {change}fewer "
            f"devices: --devices {fewer}."
        )


def own_rows(size: int) -> slice:
    """The rows of a batch of `size` that this process reads: all, unless there are others."""
    used = _State.used
    if used is None or not _State.spread:
        return slice(0, size)
    share = size // used.processes
    return slice(used.process * share, (used.process + 1) * share)


# Networks


@contextlib.contextmanager
def spread() -> Iterator[None]:
    """Meanwhile networks are made, and trained, on all devices that are used, and batches give each
    process its own rows. Without several devices nothing changes.
    """
    if _State.used is None:
        yield
        return
    with _distribution(_State.used.names).scope(), others.explained():
        _State.spread = True
        try:
            yield
        finally:
            _State.spread = False


def laid_out(model: keras.Model) -> keras.Model:
    """A network on all devices, within `spread`: a copy, not compiled; without devices, itself."""
    return copied(model) if _State.spread else model


def copied(model: keras.Model) -> keras.Model:
    """The same network anew: its weights, what of it is frozen, what its dropout will draw."""
    from asl.keras_setup import keras

    copy = keras.models.clone_model(model)
    pairs = [*zip(_parts(model), _parts(copy), strict=True)]
    for one, other in pairs:
        other.trainable = one.trainable  # from the outside in, since a part sets all inside it
    for one, other in pairs:
        if generator := getattr(getattr(one, "cell", one), "seed_generator", None):
            getattr(other, "cell", other).seed_generator.state.assign(np.asarray(generator.state))
    copy.set_weights(model.get_weights())
    return copy


def _parts(model: keras.Model) -> Iterator[keras.Layer]:
    """Layers and networks inside a network, a network before its layers."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _parts(layer)


def forward(model: keras.Model, batch: int) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """What predicts images (n, …) on all devices of this process, and how many it takes at a time:
    `batch` for each device.
    """
    used = _State.used
    if used is None or len(used.own) == 1:
        return model.predict_on_batch, batch
    size, distribution = batch * len(used.own), _distribution(used.own)
    with distribution.scope():
        copy = copied(model)

    def predict(images: np.ndarray) -> np.ndarray:
        filled = images.take(range(math.ceil(len(images) / size) * size), axis=0, mode="clip")
        with distribution.scope():
            return np.asarray(copy.predict_on_batch(filled))[: len(images)]

    return predict, size


def _distribution(names: tuple[str, ...]) -> Any:
    """Data parallelism over devices; each process gives its own rows."""
    from asl.keras_setup import keras

    try:
        return keras.distribution.DataParallel(devices=[*names], auto_shard_dataset=False)
    except TypeError:
        if others.several():
            raise AslError(
                f"several processes want Keras 3.11 or later, not {keras.__version__}: "
                "python -m pip install --upgrade keras."
            ) from None
        return keras.distribution.DataParallel(devices=[*names])
