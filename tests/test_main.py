"""The verbs of the shell. Most are called in this process, to save the seconds of an import."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, shell
from PIL import Image

from asl import build, datasets, fit, hands, paths, predict, read_image, trained
from asl.__main__ import main


@pytest.fixture
def model(home, parts):
    """An untrained network under the name tiny-cnn."""
    network = build("cnn", (28, 28, 1), 24)
    trained.save_model(network, "tiny-cnn", {**datasets.about(parts, "cnn"), "seed": 0})


@pytest.fixture
def pictures(tmp_path, parts):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for row in range(3):
        Image.fromarray(parts.test.images[row, ..., 0]).save(folder / f"{row}.png")
    return folder


@pytest.mark.parametrize(
    "verb", ["", "run", "train", "compare", "evaluate", "predict", "datasets", "models"]
)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert f"python -m asl {verb}".strip() in capsys.readouterr().out


def test_in_the_shell_without_a_traceback(tmp_path):
    done = shell("train", "--dataset", "lettres", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "asl: there is no data set 'lettres'. There are: sample, tiny, letters, digits, "
        "student_digits, abc, alphabet, signers, rooms, and folder:PATH for pictures of your own, "
        "a folder a class."
    )


@pytest.mark.parametrize("verb", ["run", "train"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "lettres"], "There are: sample, tiny, letters"),
        (["--dataset", "tiny", "--model", "gpt"], "There are: cnn"),
    ],
)
def test_unknown_names(verb, arguments, message, home, capsys):
    assert main([verb, *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not list(home.iterdir())


@pytest.mark.parametrize("epochs", ["0", "-1", "many"])
def test_epochs_must_be_a_number_above_zero(epochs, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--epochs", epochs])
    assert ended.value.code == 2
    assert "not a whole number above 0" in capsys.readouterr().err


def test_evaluate_measures_the_test_split(model, home, capsys):
    assert main(["evaluate", "tiny-cnn"]) == 0
    printed = capsys.readouterr().out
    assert "tiny-cnn on tiny: " in printed
    assert "/96 = " in printed
    assert main(["evaluate", str(paths.MODEL / "tiny-cnn.keras")]) == 0
    assert main(["evaluate", "sample-cnn"]) == 1
    assert "model/sample-cnn.keras is not there. Notebook 05_train" in capsys.readouterr().err


def test_evaluate_on_another_data_set_scores_the_classes_that_are_shared(model, home, capsys):
    """A folder with two letters, a little finger that is none, and other sizes and colours."""
    for place, (name, sign) in enumerate((("b", "B"), ("I", "I"), ("pinky", "I"))):
        folder = home / "others" / name
        folder.mkdir(parents=True)
        for seed in range(4 + place):
            image = hands.draw_hand(sign, signer=seed, seed=seed, size=50)
            Image.fromarray(image).save(folder / f"{seed}.png")
    assert main(["evaluate", "tiny-cnn", "--on", f"folder:{home / 'others'}"]) == 0
    printed = capsys.readouterr().out
    assert "scored: B, I; not scored: pinky" in printed
    assert "/9 = " in printed
    network, _ = trained.load_model("tiny-cnn")
    files = [*sorted((home / "others/I").iterdir()), *sorted((home / "others/b").iterdir())]
    images = np.stack([fit(read_image(file), (28, 28, 1)) for file in files])
    expected = np.array([hands.LETTERS.index("I")] * 5 + [hands.LETTERS.index("B")] * 4)
    right = (predict(network, images).argmax(axis=1) == expected).sum()
    assert f"{right}/9 = " in printed


def test_evaluate_on_what_it_was_trained_on_and_on_what_shares_nothing(model, home, capsys):
    assert main(["evaluate", "tiny-cnn", "--on", "tiny"]) == 0
    assert "/96 = " in capsys.readouterr().out  # the test split
    for name in ("x1", "x2"):
        (home / "others" / name).mkdir(parents=True)
        Image.new("RGB", (30, 30)).save(home / "others" / name / "1.png")
    assert main(["evaluate", "tiny-cnn", "--on", f"folder:{home / 'others'}"]) == 1
    assert "no class is shared: the network knows A, B" in capsys.readouterr().err
    assert main(["evaluate", "tiny-cnn", "--on", "lettres"]) == 1
    assert "no data set 'lettres'" in capsys.readouterr().err


def test_predict_writes_a_row_a_picture(model, pictures, home, capsys):
    output = home / "my.csv"
    assert main(["predict", "--model", "tiny-cnn", "--output", str(output), str(pictures)]) == 0
    table = pd.read_csv(output)
    assert table["image"].tolist() == ["0.png", "1.png", "2.png"]
    assert table["predicted"].isin(datasets.DATASETS["tiny"].class_names).all()
    assert "3 pictures read, written to my.csv" in capsys.readouterr().out


def test_predict_reads_the_rest_lists_the_bad_and_ends_with_1(model, pictures, home, capsys):
    (pictures / "bad.jpg").write_text("text")
    assert main(["predict", "--model", "tiny-cnn", str(pictures)]) == 1
    assert len(pd.read_csv(paths.RESULTS)) == 3
    printed = capsys.readouterr().err
    assert "1 left out:" in printed
    assert "bad.jpg is no picture" in printed


@pytest.mark.parametrize("given", ["nowhere.png", "empty"])
def test_predict_without_pictures_keeps_what_was_there(given, model, home, capsys):
    (home / "empty").mkdir()
    paths.RESULTS.write_text("what was there before")
    assert main(["predict", "--model", "tiny-cnn", str(home / given)]) == 1
    message = capsys.readouterr().err
    assert "does not exist" in message or "holds no pictures" in message
    assert paths.RESULTS.read_text() == "what was there before"


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
    assert printed.count("not on this machine") == 7
    assert "folder:PATH" in printed
    assert main(["models"]) == 0
    assert "trained: tiny-cnn: cnn on tiny" in capsys.readouterr().out
    (paths.MODEL / "tiny-cnn.json").write_text("{")
    assert main(["models"]) == 0
    assert "tiny-cnn: model/tiny-cnn.json is damaged" in capsys.readouterr().out


def test_the_committed_model_reads_a_picture_straight_from_a_clone(tmp_path):
    """As the README promises; it also wrote the committed results.csv."""
    committed = pd.read_csv(REPOSITORY / "results.csv", keep_default_na=False)
    assert len(committed) == 7172
    assert committed["confidence"].between(committed["second_confidence"], 1).all()
    Image.fromarray(np.full((40, 40), 128, np.uint8)).save(tmp_path / "grey.png")
    output = tmp_path / "out.csv"
    model = REPOSITORY / "model/letters-cnn.keras"
    assert model.stat().st_size < 2_000_000
    arguments = ["--model", str(model), "--output", str(output), str(tmp_path / "grey.png")]
    assert main(["predict", *arguments]) == 0
    assert len(pd.read_csv(output)) == 1


def test_a_folder_of_your_own_from_pictures_to_results(home, parts, capsys, monkeypatch):
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
    name = datasets.model_name(f"folder:{home / 'signs'}", "cnn")
    assert (home / f"model/{name}.keras").exists()
    capsys.readouterr()
    assert main(["evaluate", name]) == 0
    assert re.search(r"\d/\d+ = .*%, \d+ groups? of twins\)", capsys.readouterr().out)
    assert main(["predict", "--model", name, "--output", "r.csv", "signs"]) == 0
    results = pd.read_csv(home / "r.csv")
    assert results["image"][0] == "B/0.png"
    assert results["actual"].tolist() == [name for name in names for _ in range(15)]
