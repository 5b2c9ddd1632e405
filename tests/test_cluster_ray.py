"""Predicting by Ray on two nodes of a real cluster, and of Parquet files and addresses: where the
extra `cluster` is installed (make test-cluster).
"""

import os
import signal
from unittest.mock import ANY

import cv2
import numpy as np
import pytest

from asl import files
from asl.__main__ import main
from asl.cluster import engine, parts, sources
from asl.cluster.parquet import Rows, columns
from asl.cluster.parts import Folder
from asl.cluster.predict import predict_dataset
from asl.cluster.sources import Picture, Skipped
from asl.cluster.worker import read_block
from asl.data.images import read_image
from asl.errors import AslError
from asl.results import read_results, results_text

pa = pytest.importorskip("pyarrow", reason="the extra `cluster` is not installed")
parquet = pytest.importorskip("pyarrow.parquet")
ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")

CNN = "letters-cnn"
PICTURES = 1000


@pytest.fixture
def pictures(home, samples):
    """1,000 files of 192 rendered hands."""
    folder = home / "pictures"
    folder.mkdir()
    for row, image in enumerate(samples.images):
        cv2.imwrite(str(folder / f"{row:05d}.png"), image)
    for row in range(len(samples.images), PICTURES):
        os.link(folder / f"{row % len(samples.images):05d}.png", folder / f"{row:05d}.png")
    return folder


@pytest.fixture
def two_nodes(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setattr("asl.cluster.predict.LARGE_BLOCK", 10)
    memory = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=memory)
    second = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


def lines(output) -> list[str]:
    return sorted(results_text(parts.read_predictions(output)).splitlines())


def of_one_process(given, home) -> list[str]:
    main(["predict", "--model", CNN, "--output", str(home / "one.csv"), str(given)])
    return sorted(results_text(read_results(home / "one.csv")).splitlines())


def test_a_killed_worker_and_a_killed_node_cost_no_picture_and_double_none(
    pictures, home, two_nodes, monkeypatch
):
    cluster, second = two_nodes
    # Else a busy machine's first worker has read all before the second one has started
    monkeypatch.setattr(ray.data.DataContext.get_current(), "wait_for_min_actors_s", 120)
    stream, workers, deaths = engine.stream, set(), []

    def with_deaths(*arguments):
        for number, each in enumerate(stream(*arguments)):
            workers.add(each["process"])
            both = len(workers) == 2  # each node's one worker has answered
            if both and not deaths:
                deaths.append(number)
                os.kill(each["process"], signal.SIGKILL)
            if len(deaths) == 1 and number == deaths[0] + 20:
                deaths.append(number)
                cluster.remove_node(second, allow_graceful=False)
            yield each

    with monkeypatch.context() as patch:
        patch.setattr(engine, "stream", with_deaths)
        done = predict_dataset(pictures, home / "out", CNN, workers=2)
    assert done.pictures == PICTURES and not done.unreadable
    assert len(deaths) == 2
    assert lines(home / "out") == of_one_process(pictures, home)

    monkeypatch.setattr("asl.cluster.predict.package_version", lambda: "another")
    with pytest.raises(AslError, match=r"has another version of asl: .* has another "):
        predict_dataset(pictures, home / "again", CNN, workers=1)
    with pytest.raises(AslError, match=r"--workers is 7; the cluster has \d processors"):
        predict_dataset(pictures, home / "again", CNN, workers=7)


def as_parquet(pictures, file, groups=100, **columns):
    data = [each.read_bytes() for each in sorted(pictures.iterdir())[:250]]
    table = pa.table({"bytes": data, **columns})
    parquet.write_table(table, file, row_group_size=groups)
    return data


def test_parquet_rows_are_read_group_by_group(pictures, home, monkeypatch):
    monkeypatch.chdir(home)
    data = as_parquet(pictures, "all.parquet")
    blocks = list(sources.list_blocks(["all.parquet"], 10))
    assert [each.rows.length for each in blocks] == [100, 100, 50]
    names, images = [], []
    for block in blocks:
        for inputs in read_block(block, 16):
            assert len(inputs.names) <= 16
            names += inputs.names
            images += [read_image(each) for each in inputs.files]
    assert names == [f"all.parquet#{row}" for row in range(250)]
    expected = cv2.imdecode(np.frombuffer(data[137], np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (images[137] == expected).all()


def test_a_large_row_group_is_read_in_slices(pictures, home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr("asl.cluster.parquet.SLICE", 30)
    monkeypatch.setattr("asl.cluster.parquet.SLICES", 6)
    names = [f"A/{row}.png" for row in range(250)]
    as_parquet(pictures, "x.parquet", groups=250, image=names)
    blocks = [each for each in sources.list_blocks(["x.parquet"], 10)]
    assert [each.length for each in blocks] == [42] * 5 + [40]
    assert blocks[1].rows == Rows("x.parquet", str(home / "x.parquet"), "", ANY, 0, 42, 42)
    found = [list(read_block(each, 8)) for each in blocks]
    assert [name for each in found for inputs in each for name in inputs.names] == names
    assert {folder for each in found for inputs in each for folder in inputs.folders} == {"A"}


def test_columns_of_pictures_are_found():
    face = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert columns(pa.schema([("label", pa.int64()), ("image", face)])) == (
        "image.bytes",
        "image.path",
    )
    assert columns(pa.schema([("x", pa.large_binary())])) == ("x", "")
    both = pa.schema([("a", pa.binary()), ("content", pa.binary()), ("path", pa.string())])
    assert columns(both) == ("content", "path")
    with pytest.raises(AslError, match="none of the columns label"):
        columns(pa.schema([("label", pa.int64())]))


def test_an_address_is_listed_and_read_like_a_folder(pictures, home):
    (pictures / "A").mkdir()
    os.link(pictures / "00000.png", pictures / "A/b.png")
    (pictures / ".hidden").write_text("")
    (pictures / "notes.md").write_text("")
    (pictures / "damaged.parquet").write_text("")
    found = list(sources.list_pictures([f"file://{pictures}"]))
    listed = {each.name: each for each in found if isinstance(each, Picture)}
    assert len(listed) == PICTURES + 1 and listed["A/b.png"].folder == "A"
    assert {each.name for each in found if isinstance(each, Skipped)} == {
        "damaged.parquet",
        "notes.md",
    }
    block = sources.Block("b", tuple(listed[name] for name in ("A/b.png", "00007.png")))
    for inputs in read_block(block, 10):  # what is asked for ahead ends with the loop
        assert (read_image(inputs.files[1]) == read_image(pictures / "00007.png")).all()
    with pytest.raises(AslError, match="does not exist"):
        list(sources.list_pictures([f"file://{home}/nothing"]))
    with pytest.raises(AslError, match=r"cannot be reached.*pyarrow knows"):
        list(sources.list_pictures(["nonsense://bucket/x"]))


def test_an_address_that_does_not_exist_leaves_no_output_behind(home):
    with pytest.raises(AslError, match="does not exist"):
        predict_dataset(f"file://{home}/nothing", home / "out", CNN)
    assert not (home / "out").exists()


def test_parts_at_an_address_are_whole(home):
    folder = Folder(f"file://{home}/out", "parquet")
    assert parts.begin(folder, {"format": "parquet"}) == set()
    folder.write("part-a.parquet", b"x")
    folder.write("_unreadable/a.csv", b"y")
    assert parts.begin(folder, {"format": "parquet"}) == {"a"}
    assert folder.read("_unreadable/a.csv") == b"y" and folder.read("nothing") is None
    assert folder.names("_writing") == []
    folder.delete("part-a.parquet")
    assert parts.blocks_of(folder) == set()


def test_both_formats_hold_the_same(pictures, home, monkeypatch):
    from asl.cluster.worker import Worker

    job = {"model": CNN, "package": "", "network": ""}
    monkeypatch.setattr("asl.cluster.worker.package_version", lambda: "")
    monkeypatch.setattr("asl.cluster.worker.network_version", lambda _: "")
    (block,) = sources.list_blocks([pictures], 10**6)
    found = {}
    for format in parts.FORMATS:
        output = str(home / format)
        parts.begin(Folder(output, format), {"format": format})
        Worker({**job, "output": output, "format": format}).work(block, 300)
        found[format] = lines(output)
    assert found["parquet"] == found["csv"] == of_one_process(pictures, home)
    kept = parquet.read_table(files.HOME / "parquet").schema
    assert kept.field("confidence").type == pa.float64()
