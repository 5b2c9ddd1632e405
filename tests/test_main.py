"""The commands of the shell. Most are called in this process, to save the seconds of an import."""

import io
import re
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, shell
from PIL import Image

import asl
from asl import build, files, fit, load_model, predict, read_image
from asl.__main__ import main
from asl.checkpoints import checkpoint_name, read_metadata, save_model
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand
from asl.models.metadata import Metadata, Threshold
from asl.shell.tables import ROWS_SHOWN

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run


def metadata_of(parts, **known):
    basis = {"dataset": "tiny", "model": "cnn", "class_names": LETTERS, "seed": 0}
    return Metadata(**basis, split=parts.recipe, **known)


@pytest.fixture
def model(home, parts):
    """An untrained network under the name tiny-cnn."""
    return save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata_of(parts))


@pytest.fixture
def on_tiny(home):
    """An untrained network under the name tiny-cnn, saved as trained on the data set `tiny`."""
    parts = asl.split(asl.load("tiny"))
    return save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata_of(parts))


@pytest.fixture
def pictures(tmp_path, parts):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for row in range(3):
        Image.fromarray(parts.test.images[row, ..., 0]).save(folder / f"{row}.png")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "train",
        "compare",
        "evaluate",
        "reader",
        "predict",
        "export",
        "spell",
        "datasets",
        "models",
    ],
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert f"python -m asl {command}".strip() in capsys.readouterr().out


def test_in_the_shell_without_a_traceback(tmp_path):
    done = shell("train", "--dataset", "lettres", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "asl: there is no data set 'lettres'. There are: sample, tiny, letters, digits, "
        "student_digits, abc, alphabet, signers, rooms, and folder:PATH for pictures of your own, "
        "a folder a class."
    )


@pytest.mark.parametrize("command", ["run", "train"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "lettres"], "There are: sample, tiny, letters"),
        (["--dataset", "tiny", "--model", "gpt"], "There are: cnn"),
    ],
)
def test_unknown_names(command, arguments, message, home, capsys):
    assert main([command, *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not list(home.iterdir())


@pytest.mark.parametrize("epochs", ["0", "-1", "many"])
def test_epochs_must_be_a_number_above_zero(epochs, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--epochs", epochs])
    assert ended.value.code == 2
    assert "must be a whole number from 1 to 10,000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["predict", "--signs", "words", "x.png"], "'letters', 'digits'"),
        (["predict", "--landmarks", "best", "x.png"], "'lite', 'full'"),
    ],
)
def test_options_that_are_chosen_from_a_few(arguments, known, home, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"choose from {known}".replace("'", "") in capsys.readouterr().err.replace("'", "")
    assert not list(home.iterdir())


def test_the_reader_leaves_out_sets_that_it_knows(home, capsys):
    assert main(["reader", "--leave-out", "kitchen"]) == 1
    told = capsys.readouterr().err
    assert "no set 'kitchen' to leave out: letters, film, signers, rooms." in told
    assert not list(home.iterdir())


def test_evaluate_measures_the_test_split(on_tiny, home, capsys):
    assert main(["evaluate", "tiny-cnn"]) == 0
    printed = capsys.readouterr().out
    assert "tiny-cnn on tiny: " in printed
    assert "/96 = " in printed
    assert main(["evaluate", str(files.MODEL / "tiny-cnn.keras")]) == 0
    assert main(["evaluate", "sample-cnn"]) == 1
    assert "model/sample-cnn.keras is not there. Notebook 05_train" in capsys.readouterr().err


def test_evaluate_on_another_data_set_scores_the_classes_that_are_shared(model, home, capsys):
    """A folder with two letters, a little finger that is none, and other sizes and colours."""
    for place, (name, sign) in enumerate((("b", "B"), ("I", "I"), ("pinky", "I"))):
        folder = home / "others" / name
        folder.mkdir(parents=True)
        for seed in range(4 + place):
            image = draw_hand(sign, signer=seed, seed=seed, size=50)
            Image.fromarray(image).save(folder / f"{seed}.png")
    assert main(["evaluate", "tiny-cnn", "--on", f"folder:{home / 'others'}"]) == 0
    printed = capsys.readouterr().out
    assert "scored: B, I; not scored: pinky" in printed
    assert "/9 = " in printed
    network, _ = load_model("tiny-cnn")
    pictures = [*sorted((home / "others/I").iterdir()), *sorted((home / "others/b").iterdir())]
    images = np.stack([fit(read_image(file), (28, 28, 1)) for file in pictures])
    expected = np.array([LETTERS.index("I")] * 5 + [LETTERS.index("B")] * 4)
    correct = (predict(network, images).argmax(axis=1) == expected).sum()
    assert f"{correct}/9 = " in printed


def test_evaluate_on_what_it_was_trained_on_and_on_what_shares_nothing(on_tiny, home, capsys):
    assert main(["evaluate", "tiny-cnn", "--on", "tiny"]) == 0
    assert "/96 = " in capsys.readouterr().out  # the test split
    for name in ("x1", "x2"):
        (home / "others" / name).mkdir(parents=True)
        Image.new("RGB", (30, 30)).save(home / "others" / name / "1.png")
    assert main(["evaluate", "tiny-cnn", "--on", f"folder:{home / 'others'}"]) == 1
    assert "no class is shared: the network knows A, B" in capsys.readouterr().err
    assert main(["evaluate", "tiny-cnn", "--on", "lettres"]) == 1
    assert "no data set 'lettres'" in capsys.readouterr().err


def test_predict_with_output_writes_a_row_a_picture(model, pictures, home, capsys):
    output = home / "my.csv"
    assert main(["predict", "--model", "tiny-cnn", "--output", str(output), str(pictures)]) == 0
    table = pd.read_csv(output)
    assert table["image"].tolist() == ["0.png", "1.png", "2.png"]
    assert table["predicted"].isin(LETTERS).all()
    assert "3 pictures predicted, written to my.csv" in capsys.readouterr().out


def contents(folder):
    return {
        str(file.relative_to(folder)): file.stat().st_mtime_ns if file.is_file() else None
        for file in folder.rglob("*")
    }


def test_predict_prints_a_table_and_writes_nothing(model, pictures, home, capsys):
    before = contents(home)
    assert main(["predict", "--model", "tiny-cnn", str(pictures)]) == 0
    assert contents(home) == before
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.split() == ["picture", "letter", "confidence", "second"]
    assert [row.split()[0] for row in rows] == ["0.png", "1.png", "2.png"]
    network, metadata = load_model("tiny-cnn")
    table, _ = asl.predict_files(network, metadata.class_names, [pictures])
    for row, expected in zip(rows, table.itertuples(), strict=True):
        _, letter, confidence, second = row.split()
        assert (letter, second) == (expected.predicted, expected.second)
        assert re.fullmatch(r"\d\.\d\d", confidence)
        assert float(confidence) == pytest.approx(expected.confidence, abs=0.0051)


@pytest.mark.parametrize(("count", "more"), [(40, 0), (45, 5)])
def test_predict_shows_the_first_forty(count, more, model, home, parts, capsys):
    folder = home / "many"
    folder.mkdir()
    for row in range(count):
        Image.fromarray(parts.test.images[row % 24, ..., 0]).save(folder / f"{row:02d}.png")
    before = contents(home)
    assert main(["predict", "--model", "tiny-cnn", str(folder)]) == 0
    assert contents(home) == before
    _, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[:ROWS_SHOWN]] == [f"{k:02d}.png" for k in range(40)]
    told = [f"… and {more} more (--output FILE writes all)"] if more else []
    assert rows[ROWS_SHOWN:] == told
    output = home / "all.csv"
    assert main(["predict", "--model", "tiny-cnn", "--output", str(output), str(folder)]) == 0
    assert pd.read_csv(output)["image"].tolist() == [f"{k:02d}.png" for k in range(count)]
    assert f"{count} pictures predicted, written to all.csv" in capsys.readouterr().out


def test_predict_says_how_many_lie_below_the_confidence_threshold(model, pictures, capsys):
    def told(threshold):
        network, metadata = load_model(model)
        save_model(network, "tiny-cnn", replace(metadata, threshold=threshold))
        assert main(["predict", "--model", "tiny-cnn", str(pictures)]) == 0
        return capsys.readouterr().out.splitlines()[-1]

    assert told(Threshold(0.99, 0.9, 0.5)).startswith(
        "3 of 3 lie below the confidence threshold of 0.90: from there on, 99 % were correct"
    )
    assert told(Threshold(0.99, 0.0, 1.0)).startswith("0 of 3 lie below")
    nowhere = told(Threshold(0.95, 1.0, coverage=0.0))  # nothing may be promised
    assert nowhere == (
        "there is no confidence threshold: at none 95 % were correct where this was measured"
    )


def test_evaluate_on_one_signer_says_what_that_is_worth(home, capsys):
    parts = asl.split(asl.load("tiny"), test_group=2)
    save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata_of(parts))
    capsys.readouterr()
    assert main(["evaluate", "tiny-cnn"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"/48 = \d+\.\d\d % \(one signer: says nothing of others\), mean", printed)
    assert "95 % interval" not in printed
    assert "CAUTION" not in printed


def test_evaluate_measures_nothing_where_the_data_set_changed(model, home, capsys):
    """It was trained on a split of half as many images as `tiny` has."""
    assert main(["evaluate", "tiny-cnn"]) == 1
    printed = capsys.readouterr()
    assert "tiny can no longer be split as it was for this training" in printed.err
    assert "192 images then, 384 now" in printed.err
    assert " = " not in printed.out


def test_evaluate_of_a_network_of_several_sets_wants_a_name(home, capsys):
    assert main(["evaluate", "reader"]) == 1
    assert "trained on several data sets (letters, alphabet," in capsys.readouterr().err
    assert not list(home.iterdir())


def test_predict_tells_of_the_rest_lists_the_bad_and_ends_with_1(model, pictures, home, capsys):
    (pictures / "bad.jpg").write_text("text")
    output = home / "results.csv"
    assert main(["predict", "--model", "tiny-cnn", "--output", str(output), str(pictures)]) == 1
    assert len(pd.read_csv(output)) == 3
    printed = capsys.readouterr()
    assert "1 left out:" in printed.err
    assert "bad.jpg is no picture" in printed.err
    assert "bad.jpg" not in printed.out


@pytest.mark.parametrize("given", ["nowhere.png", "empty"])
def test_predict_without_pictures_keeps_what_was_there(given, model, home, capsys):
    (home / "empty").mkdir()
    output = files.RESULTS
    output.write_text("what was there before")
    arguments = ["--model", "tiny-cnn", "--output", str(output), str(home / given)]
    assert main(["predict", *arguments]) == 1
    message = capsys.readouterr().err
    assert "does not exist" in message or "holds no pictures" in message
    assert output.read_text() == "what was there before"


def test_predict_into_a_folder_that_cannot_be_written(model, pictures, home, capsys):
    (home / "file").touch()
    output = home / "file" / "results.csv"
    assert main(["predict", "--model", "tiny-cnn", "--output", str(output), str(pictures)]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_datasets_and_models_are_listed(model, home, capsys):
    assert main(["datasets"]) == 0
    printed = capsys.readouterr().out
    assert "letters" in printed
    assert "24 classes, 34,627 images, used at 28×28 grey; licence: CC0" in printed
    assert printed.count("not on this machine") == 7 + 9  # sets of pictures, of landmark rows
    assert "folder:PATH" in printed
    assert main(["models"]) == 0
    assert "checkpoint: tiny-cnn: cnn on tiny" in capsys.readouterr().out
    (files.MODEL / "tiny-cnn.json").write_text("{")
    assert main(["models"]) == 0
    assert "tiny-cnn: model/tiny-cnn.json is damaged" in capsys.readouterr().out


def test_the_committed_model_predicts_a_picture_straight_from_a_clone(tmp_path):
    """As the README promises; it also wrote the committed results.csv."""
    # What git holds: `make run` writes another one in its place
    stored = subprocess.run(
        ["git", "show", "HEAD:results.csv"], cwd=REPOSITORY, capture_output=True
    )
    committed = pd.read_csv(io.BytesIO(stored.stdout), keep_default_na=False)
    assert len(committed) == 7172
    assert committed["confidence"].between(committed["second_confidence"], 1).all()
    Image.fromarray(np.full((40, 40), 128, np.uint8)).save(tmp_path / "grey.png")
    output = tmp_path / "out.csv"
    model = REPOSITORY / "model/letters-cnn.keras"
    assert model.stat().st_size < 2_000_000
    arguments = ["--model", str(model), "--output", str(output), str(tmp_path / "grey.png")]
    assert main(["predict", *arguments]) == 0
    assert len(pd.read_csv(output)) == 1


def test_a_folder_of_your_own_from_pictures_to_results(home, parts, capsys, monkeypatch, eager):
    """Train, evaluate and predict; the folder is named by a path relative to where one stands."""
    names = ("B", "one finger")
    for k, letter in enumerate((1, 3)):
        rows = np.flatnonzero(np.isin(parts.train.labels, [letter]))
        folder = home / "signs" / names[k]
        folder.mkdir(parents=True)
        for i in range(15):
            image = parts.train.images[rows[i % len(rows)], ..., 0]
            Image.fromarray(image).resize((40 + i, 40)).save(folder / f"{i}.png")
    monkeypatch.chdir(home)
    assert main(["train", "--dataset", "folder:signs", "--epochs", "1"]) == 0
    name = checkpoint_name(f"folder:{home / 'signs'}", "cnn")
    assert (home / f"model/{name}.keras").exists()
    capsys.readouterr()
    assert main(["evaluate", name]) == 0
    unit = r"(\d+ duplicate groups\)|one duplicate group: says nothing of others\))"
    assert re.search(rf"\d/\d+ = .*% .*{unit}", capsys.readouterr().out)
    assert main(["predict", "--model", name, "--output", "r.csv", "signs"]) == 0
    results = pd.read_csv(home / "r.csv")
    assert results["image"][0] == "B/0.png"
    assert results["actual"].tolist() == [name for name in names for _ in range(15)]


def test_notebooks_that_import_the_former_name_of_config_still_run(tmp_path):
    code = (
        "from asl.choice import DATASET, EPOCHS, MODEL, SEED; print(DATASET, MODEL, EPOCHS, SEED)"
    )
    for chosen, told in (({}, "sample cnn None 0"), ({"ASL_DATASET": "abc"}, "abc cnn None 0")):
        done = shell("-c", code, home=tmp_path, module=None, **chosen)
        assert done.stdout.strip() == told, done.stderr


def test_what_a_training_was_asked_for_stands_in_its_metadata(home, capsys, eager):
    options = ["--epochs", "1", "--batch-size", "48", "--seed", "2"]
    assert main(["train", "--dataset", "tiny", *options]) == 0
    metadata = read_metadata(home / "model/tiny-cnn.keras")
    assert (metadata.epochs, metadata.batch_size, metadata.seed) == (1, 48, 2)
    assert metadata.split.seed == 2
    assert main(["evaluate", "tiny-cnn"]) == 0
    assert "tiny-cnn on tiny: " in capsys.readouterr().out
