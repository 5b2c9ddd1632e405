"""Predicting by blocks: listing, parts, second starts and faults. In place of Ray, a loop in this
process does the workers' work; with Ray: test_cluster_ray.py.
"""

import contextlib
import json
import pickle
import socket
import sys

import cv2
import numpy as np
import pytest
from conftest import copy_shipped

from asl import files
from asl.__main__ import main
from asl.cluster import engine, parts, sources, version
from asl.cluster.parts import Folder
from asl.cluster.predict import describe, predict_dataset
from asl.cluster.sources import Block, Picture, Skipped
from asl.cluster.worker import Ahead, Worker, predict_or_halve
from asl.data.image_formats import Stored
from asl.data.images import Inputs, find_inputs
from asl.data.processors import threads
from asl.errors import AslError
from asl.results import read_results, results_table, results_text

CNN = "letters-cnn"


@pytest.fixture
def pictures(home, samples):
    """48 rendered hands in folders by letter, one damaged picture, and a file that is none."""
    folder = home / "pictures"
    for row, image in enumerate(samples.images[:48]):
        place = folder / "ABC"[row % 3]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{row:03d}.png"), image)
    (folder / "A" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "notes.md").write_text("no picture")
    return folder


class InProcess:
    """What the workers did: a list of (block, pictures at a time) for each round."""

    def __init__(self) -> None:
        self.rounds, self.dying, self.ends_after = [], 0, None

    def stream(self, packed, job, workers):
        """The first `dying` blocks of each round are lost; after `ends_after`, Ctrl-C."""
        worker = Worker(job)
        self.rounds.append([pickle.loads(each) for each in packed])
        dying, self.dying = self.dying, max(0, self.dying - 1)
        for number, (block, size) in enumerate(self.rounds[-1]):
            if number == self.ends_after:
                raise KeyboardInterrupt
            if number < dying:
                continue
            try:
                yield worker.work(block, size)
            except AslError as error:
                yield {"problem": str(error)}


@pytest.fixture
def here(monkeypatch):
    """No Ray: blocks of ten pictures, one after the other in this process."""
    found = InProcess()
    monkeypatch.setattr(engine, "check_installed", lambda: None)
    monkeypatch.setattr(engine, "cluster", lambda *_: contextlib.nullcontext(2))
    monkeypatch.setattr(engine, "processors", lambda: 2)
    monkeypatch.setattr(engine, "stream", found.stream)
    monkeypatch.setattr("asl.cluster.predict.LARGE_BLOCK", 10)
    return found


def predict(inputs, output, **options):
    return predict_dataset(inputs, output, CNN, format="csv", **options)


def lines(output) -> list[str]:
    return sorted(results_text(parts.read_predictions(output)).splitlines())


def of_one_process(folder, home) -> list[str]:
    main(["predict", "--model", CNN, "--output", str(home / "one.csv"), str(folder)])
    return sorted(results_text(read_results(home / "one.csv")).splitlines())


def test_rows_are_those_of_predict(pictures, home, here):
    done = predict(pictures, home / "out")
    assert lines(home / "out") == of_one_process(pictures, home)
    assert len(lines(home / "out")) == 1 + 48
    assert (done.pictures, done.before, done.again) == (49, 0, 0)
    text = (home / "out/unreadable.csv").read_text().splitlines()
    assert text[0] == "image,reason"
    assert [each.split(",")[0] for each in text[1:]] == ["A/damaged.png", "notes.md"]
    assert done.failed and "1 could not be read" in "\n".join(describe(done))


def test_a_second_start_reads_nothing_again(pictures, home, here):
    predict(pictures, home / "out")
    before = {each.name: each.stat().st_mtime_ns for each in (home / "out").glob("part-*")}
    done = predict(pictures, home / "out")
    assert len(here.rounds) == 1 and done.before == 49
    assert before == {each.name: each.stat().st_mtime_ns for each in (home / "out").glob("part-*")}


def test_after_an_interruption_only_what_is_missing_is_read(pictures, home, here):
    here.ends_after = 2
    with pytest.raises(KeyboardInterrupt, match="written to out stays"):
        predict(pictures, home / "out")
    here.ends_after = None
    assert predict(pictures, home / "out").before == 20
    assert [len(each) for each in here.rounds] == [5, 3]
    assert lines(home / "out") == of_one_process(pictures, home)


def test_added_pictures_are_read_and_none_twice(pictures, home, here):
    predict(pictures, home / "out")
    image = cv2.imread(str(next((pictures / "B").glob("*.png"))))
    cv2.imwrite(str(pictures / "A" / "000-new.png"), image)  # all blocks after it are others
    done = predict(pictures, home / "out")
    read = [each.name for block, _ in here.rounds[1] for each in block.pictures]
    assert sorted(read) == ["A/000-new.png", "A/damaged.png"]  # and what could not be read
    assert done.before == 48
    assert lines(home / "out") == of_one_process(pictures, home)
    assert (home / "out/unreadable.csv").read_text().count("damaged") == 1


def test_blocks_of_dead_workers_are_read_again_in_smaller_batches(pictures, home, here):
    here.dying = 2
    done = predict(pictures, home / "out")
    assert [[size for _, size in each] for each in here.rounds] == [[10] * 5, [2] * 2, [1]]
    assert done.again == 3
    assert lines(home / "out") == of_one_process(pictures, home)


def test_a_block_that_ends_every_worker_is_named_and_the_others_stay(
    pictures, home, here, monkeypatch
):
    def first_is_lost(packed, job, workers):
        worker = Worker(job)
        for block, size in map(pickle.loads, packed):
            if block.pictures[0].name != "C/002.png":
                yield worker.work(block, size)

    monkeypatch.setattr(engine, "stream", first_is_lost)
    with pytest.raises(AslError, match=r"1 blocks of pictures ended each worker.*C/002.png"):
        predict(pictures, home / "out")
    assert len(list((home / "out").glob("part-*.csv"))) == 4


@pytest.mark.fault("outputs")
def test_a_full_disk_is_said_and_the_next_start_goes_on(pictures, home, here, monkeypatch):
    write, written = Folder._write_here, []

    def fails(self, path, data):
        if len(written) == 3:
            with files.explained(path):
                raise OSError(28, "No space left on device")
        if path.name.startswith("part-"):
            written.append(path)
        write(self, path, data)

    monkeypatch.setattr(Folder, "_write_here", fails)
    with pytest.raises(AslError, match=r"No space left.*What was written to out stays"):
        predict(pictures, home / "out")
    monkeypatch.undo()
    assert len(list((home / "out").glob("part-*"))) == 3
    assert not list((home / "out/_writing").iterdir())


@pytest.mark.fault("outputs")
def test_a_place_that_cannot_be_written_to_is_refused_first(pictures, home, here):
    (home / "file").write_text("")
    with pytest.raises(AslError, match="cannot write"):
        predict(pictures, home / "file/out")
    assert not here.rounds


def test_another_network_input_or_option_is_refused(pictures, home, here):
    predict(pictures, home / "out")
    run = json.loads((home / "out/_run.json").read_text())
    with pytest.raises(AslError, match="begun with another input"):
        predict(pictures / "A", home / "out")
    (home / "out/_run.json").write_text(json.dumps(run | {"network": "cnn of yesterday"}))
    with pytest.raises(AslError, match=r"cnn of yesterday; now it is letters-cnn.keras"):
        predict(pictures, home / "out")
    with pytest.raises(AslError, match="there is no format 'tsv'"):
        predict_dataset(pictures, home / "out", CNN, format="tsv")


def test_parts_do_not_go_among_the_pictures(pictures, here):
    for output in (pictures, pictures / "out"):
        with pytest.raises(AslError, match="choose an output folder beside it"):
            predict(pictures, output)
    sources.check_output("s3://bucket/out", ["s3://bucket/o", "s3://bucket/out2"])
    with pytest.raises(AslError, match="lies inside"):
        sources.check_output("s3://bucket/a/out", ["s3://bucket/a/?region=x"])


def test_two_programs_do_not_write_to_one_folder(pictures, home, here):
    with files.lock(home / "out/_run.json"), pytest.raises(AslError, match="wait until"):
        predict(pictures, home / "out")


def test_workers_with_another_package_or_network_are_refused(pictures, home, here, monkeypatch):
    copy_shipped("letters-cnn")
    job = {"output": str(home), "format": "csv", "model": CNN, "network": "another"}
    known = version.package_version()
    with pytest.raises(AslError, match=rf"another version of asl: {known}, .* has abc"):
        Worker({**job, "package": "abc"})
    with pytest.raises(AslError, match=r"another network: letters-cnn.keras \w{12} by LiteRT"):
        Worker({**job, "package": known})


def test_a_machine_without_the_package_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "asl.cluster.worker", None)  # its import fails
    actor = engine.worker_class()({"package": "abc"})
    (told,) = actor({"block": [b""]})["told"]
    assert socket.gethostname() in json.loads(told)["problem"]


def test_what_fails_unforeseen_in_a_worker_is_told_whole(home):
    job = {"output": str(home), "format": "csv", "model": CNN}
    job |= {"network": version.network_version(CNN), "package": version.package_version()}
    actor = engine.worker_class()(job)
    block = Block("b", (Picture("a", "a", ""),))
    (told,) = actor({"block": [pickle.dumps((block, 0))]})["told"]  # 0 pictures at a time
    assert "ValueError" in json.loads(told)["unforeseen"]


@pytest.mark.fault("clusters")
def test_too_little_memory_halves_the_pictures(samples):
    asked = []

    def predict(inputs):
        asked.append(len(inputs.names))
        if len(inputs.names) > 2 or "huge" in inputs.names:
            raise MemoryError
        count = len(inputs.names)
        return results_table(inputs.names, np.full((count, 2), 0.5), ["A", "B"]), {}

    names = ["a", "b", "c", "huge", "e"]
    stored = [Stored(name, bytes) for name in names]
    table, left_out = predict_or_halve(predict, Inputs(names, stored, [""] * 5, {}))
    assert list(table["image"]) == ["a", "b", "c", "e"]
    assert left_out == {"is too large for the memory that is free": ["huge"]}
    assert asked[:2] == [5, 2]


def test_a_block_without_a_readable_picture_is_done(home, here):
    (home / "pictures").mkdir()
    (home / "pictures/a.png").write_bytes(b"")
    done = predict(home / "pictures", home / "out")
    assert done.unreadable == {"is empty": (1, ["a.png"])}
    assert len(parts.read_predictions(home / "out")) == 0
    assert predict(home / "pictures", home / "out").before == 1


def test_names_are_those_that_predict_gives(pictures, home, monkeypatch):
    monkeypatch.chdir(home)
    for given in (["pictures"], ["pictures/A", "pictures", "pictures/B/"], ["pictures/A/000.png"]):
        listed = [each for each in sources.list_pictures(given) if isinstance(each, Picture)]
        known = find_inputs(given)
        assert sorted(each.name for each in listed) == sorted(known.names)
        assert sorted(each.folder for each in listed) == sorted(known.folders)
        assert sorted(each.path for each in listed) == sorted(str(home / x) for x in known.files)


def test_a_list_of_paths_names_each_picture_once(pictures, home, monkeypatch):
    monkeypatch.chdir(home)
    text = "pictures/A/000.png\n\npictures/./A/000.png\r\npictures/missing.png\n"
    (home / "list.txt").write_text(text)
    listed = list(sources.list_pictures(["list.txt"]))
    assert [each.name for each in listed] == ["pictures/A/000.png", "pictures/missing.png"]


def test_blocks_are_called_by_what_is_in_them(pictures):
    first, again = (list(sources.list_blocks([pictures], 10)) for _ in range(2))
    assert first == again
    blocks = [each for each in first if isinstance(each, Block)]
    assert [each.length for each in blocks] == [10] * 4 + [9]
    assert len({each.name for each in blocks}) == 5
    assert [each for each in first if isinstance(each, Skipped)] == [
        Skipped("notes.md", "is no picture")
    ]


@pytest.mark.fault("values")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "ray"], "--output FOLDER"),
        (["--engine", "ray", "--output", "-"], "--output FOLDER"),
        (["--engine", "ray", "--output", "o", "--draw", "d"], "not --draw"),
        (["--engine", "ray", "--output", "o", "--details", "d"], "not --details"),
        (["--engine", "ray", "--output", "o", "--all", "--model", CNN], "only the reader"),
        (["--workers", "2"], "add that"),
        (["--engine", "ray", "--output", "o", "--model", "nothing"], "is not there"),
    ],
)
def test_options_that_do_not_go_together_are_named(pictures, here, capsys, arguments, said):
    assert main(["predict", *arguments, str(pictures)]) == 1
    assert said in capsys.readouterr().err


def test_the_command_writes_parts(pictures, home, here, capsys):
    command = ["predict", "--engine", "ray", "--model", CNN, "--format", "csv"]
    assert main([*command, "--output", str(home / "out"), str(pictures)]) == 1  # one is damaged
    told = capsys.readouterr()
    assert "49 pictures read in" in told.out and "written to out" in told.out
    assert "A/damaged.png" in told.err
    assert len(lines(home / "out")) == 49


@pytest.mark.fault("versions")
def test_without_ray_the_extra_is_named(pictures, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AslError, match=r"pip install '\.\[cluster\]'"):
        predict_dataset(pictures, home / "out", CNN)


@pytest.mark.fault("clusters")
def test_an_address_where_nobody_answers(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = server.getsockname()[1]  # takes the connection, and says nothing
        monkeypatch.setattr(engine, "ANSWER", 1)
        with pytest.raises(AslError, match=rf"no Ray cluster answers at 127.0.0.1:{silent}"):
            engine.check_address(f"127.0.0.1:{silent}")
    with pytest.raises(AslError, match=rf"no Ray cluster answers at 127.0.0.1:{silent}: "):
        engine.check_address(f"127.0.0.1:{silent}")  # closed by now
    with pytest.raises(AslError, match="no address of a cluster"):
        engine.check_address("nonsense")


@pytest.mark.fault("clusters")
def test_a_damaged_part_is_named(pictures, home, here):
    predict(pictures, home / "out")
    part = min((home / "out").glob("part-*"))
    part.write_text("nonsense\n")
    with pytest.raises(AslError, match=rf"{part.name} is damaged. Delete it"):
        parts.read_predictions(home / "out")
    part.unlink()
    assert predict(pictures, home / "out").before < 49
    assert lines(home / "out") == of_one_process(pictures, home)


def test_reading_the_parts_leaves_those_that_are_being_written(pictures, home, here):
    predict(pictures, home / "out")
    (home / "out/_writing/part-x.csv-0").write_text("half")
    assert len(parts.read_predictions(home / "out")) == 48
    assert (home / "out/_writing/part-x.csv-0").exists()
    predict(pictures, home / "out")  # nobody else writes now
    assert not (home / "out/_writing/part-x.csv-0").exists()


def test_names_of_any_bytes_come_back(home, samples, here):
    folder = home / "pictures"
    folder.mkdir()
    names = ["=1+1.png", "a,b\n.png", "caf\udce9.png", "é.png"]
    for name in names:
        (folder / name).write_bytes(cv2.imencode(".png", samples.images[0])[1].tobytes())
    predict(folder, home / "out")
    assert sorted(parts.read_predictions(home / "out")["image"]) == sorted(names)
    assert predict(folder, home / "out").before == 4


def test_pictures_of_addresses_are_asked_for_ahead(monkeypatch):
    asked = []
    monkeypatch.setattr("asl.cluster.worker.AHEAD", 4)
    monkeypatch.setattr(
        "asl.cluster.worker.read_bytes",
        lambda picture: asked.append(picture.name) or picture.name.encode(),
    )
    pictures = [Picture(f"{row}", f"{row}", "", "s3://x/") for row in range(10)]
    with Ahead(pictures) as ahead:
        assert ahead.read(0) == b"0"
        assert set(asked) <= set("0123")
        assert [ahead.read(row) for row in (2, 1, 9, 9)] == [b"2", b"1", b"9", b"9"]


def test_threads_are_as_many_as_a_scheduler_allows(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for told, count in (("", 8), ("3", 3), ("0", 8), ("many", 8), ("99", 8)):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert threads() == count
