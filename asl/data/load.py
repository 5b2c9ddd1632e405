"""`load` turns the name of a data set into arrays: from the cache, from files, or the web.

What was read once is kept under data/cache, so that the next notebook starts at once.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from asl import files
from asl.data import csv_tables, download, image_folders, rendered_hands
from asl.data.catalog import find_dataset
from asl.data.dataset import Dataset
from asl.data.samples import Samples
from asl.errors import AslError, whole

COLUMNS = ("images", "labels", "names")  # that every data set has


def load(
    name: str, size: int | None = None, *, image_shape: tuple[int, int, int] | None = None
) -> Samples:
    """All images of a data set, from the cache, this machine's files, or the web.

    Pictures come at the size of the data set's entry or, with `size`, at that many pixels a side
    (what a network works at), but no larger than the pictures are. With `image_shape` they come at
    just that. Tables have one size; `predict_fitted` brings them to another.
    Says in one line which way it went. Raises AslError for an unknown name, for files that are not
    what the entry declares, and where the data can be neither found nor fetched. A set larger than
    `image_cache.IN_MEMORY` stays on the disk: its images are `MappedImages`, read as they are used.
    """
    dataset = find_dataset(name)
    if dataset.pattern:
        if size is not None and not image_shape:
            size = whole("size", size)
            side = min(size, dataset.picture_size or size)
            image_shape = (side, side, dataset.image_shape[2])
        shape = _check_shape(image_shape or dataset.image_shape)
        columns = image_folders.read(replace(dataset, image_shape=shape))
    else:
        columns = _load_table(dataset)
    return Samples(dataset.name, dataset.class_names, **columns, group_unit=dataset.group_unit)


def _check_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 3 or shape[2] not in (1, 3):
        raise AslError(f"image_shape is {shape!r}; it must be (height, width, 1 or 3).")
    height, width = (whole("image_shape", side) for side in shape[:2])
    return height, width, shape[2]


def _load_table(dataset: Dataset) -> dict[str, np.ndarray]:
    """The columns of a data set that its `read` makes whole: rendered, or from a few tables."""
    assert dataset.read is not None
    cache = files.DATA / "cache" / f"{dataset.slug}.npz"
    with files.lock(cache):
        source = dataset.folder or (download.find(dataset) if dataset.files else None)
        columns = _read_cache(cache, source, dataset)
        way = f" from {files.shown(cache)}"
        if columns is None:
            if dataset.files and source is None:
                source = download.fetch(dataset)
            columns = dataset.read(dataset, source)
            _check_counts(dataset, columns)
            with files.write_beside(cache) as temporary:
                np.savez(temporary, fingerprint=_fingerprint(source), **columns)  # type: ignore[arg-type]
            way = f", read from {files.shown(source)}" if source else ", drawn by asl"
            way += f", kept in {files.shown(cache)}"
    print(f"{dataset.name}: {len(columns['labels']):,} images{way}")
    if dataset.folder:  # of one's own: said every time
        csv_tables.check_test_part(dataset, columns)
    return columns


def _fingerprint(source: Path | None) -> str:
    """What the cache was made from: a source that changes makes it stale."""
    if source is None:
        return f"drawn by version {rendered_hands.VERSION}"
    inside = sorted(file for file in source.rglob("*") if file.suffix.lower() == ".csv")
    tables = [source] if source.is_file() else inside
    return str([(file.name, *files.stamp(file.stat())) for file in tables])


def _read_cache(cache: Path, source: Path | None, dataset: Dataset) -> dict[str, np.ndarray] | None:
    """The cached columns, or None if there is no cache, or a stale or damaged one."""
    if not cache.exists():
        return None
    try:
        with np.load(cache) as stored:  # it looks at the checksums of the columns
            columns = dict(stored)
        fingerprint = str(columns.pop("fingerprint"))
        rows = {len(columns[name]) for name in {*COLUMNS, *columns}}
        known = {*COLUMNS, "groups", "is_test"}
        if len(rows) != 1 or 0 in rows or not columns.keys() <= known:
            raise ValueError
    except Exception:  # whatever the damage meets first
        print(f"{dataset.name}: {files.shown(cache)} is damaged and is made again")
        return None
    # A cache whose source was deleted is still the data that was checked.
    fresh = (dataset.files and source is None) or fingerprint == _fingerprint(source)
    return columns if fresh else None


def _check_counts(dataset: Dataset, columns: dict[str, np.ndarray]) -> None:
    if not dataset.train_counts:
        return
    for part, is_test, known in (
        ("training", False, dataset.train_counts),
        ("test", True, dataset.test_counts),
    ):
        labels = columns["labels"][columns["is_test"] == is_test]
        counts = np.bincount(labels, minlength=len(known))
        for class_name, count, expected in zip(dataset.class_names, counts, known, strict=True):
            if count != expected:
                raise AslError(
                    f"{dataset.name}: {count:,} {part} images of {class_name} instead of "
                    f"{expected:,}, {len(labels):,} instead of {sum(known):,} in all. "
                    f"This is not the whole data set; get it again from {dataset.source}."
                )
