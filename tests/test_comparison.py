"""Networks side by side on rendered hands: the rows, the table that grows, the pairs."""

import contextlib
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import step_by_step

import asl
from asl import AslError, accuracy_interval, compare, files, find_or_train, shared_mistakes
from asl.__main__ import main
from asl.checkpoints import load_model, read_metadata, save_model
from asl.evaluation.comparison import COLUMNS, seconds_to, table
from asl.models.metadata import Metadata

NAMES = ["cnn", "conv1d_lstm"]


def set_home(patch, home):
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model"), ("RUNS", "runs")):
        patch.setattr(files, name, home / place)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two networks on the tiny set, an epoch each: the home folder, what the command said."""
    home = tmp_path_factory.mktemp("compare")
    names = ("--models", ",".join(NAMES), "--epochs", "1", "--dataset", "tiny")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), step_by_step():
        set_home(patch, home)
        assert main(["compare", *names]) == 0
    return home, said.getvalue()


@pytest.fixture
def home_of(compared, monkeypatch):
    home, _ = compared
    set_home(monkeypatch, home)
    return home


def test_a_row_a_network_from_its_files(compared, home_of):
    rows = pd.read_csv(home_of / "runs/compare.csv").set_index("model")
    assert [*rows.reset_index()[COLUMNS]] == COLUMNS
    assert sorted(rows.index) == NAMES
    for name in NAMES:
        row, file = rows.loc[name], home_of / f"model/tiny-{name}.keras"
        results = pd.read_csv(home_of / f"runs/compare/tiny-{name}-seed0.csv")
        correct = (results["actual"] == results["predicted"]).to_numpy()
        assert row["correct"] == correct.sum()
        assert row["test_images"] == len(results) == 96
        assert row["accuracy"] == pytest.approx(row["correct"] / 96, abs=1e-5)
        assert results["group"].nunique() == 2  # the signers of the test
        interval = accuracy_interval(correct, results["group"].to_numpy())
        assert (row["low"], row["high"]) == pytest.approx(interval, abs=1e-5)
        assert row["kilobytes"] == pytest.approx(file.stat().st_size / 1000, rel=1e-5)
        metadata = read_metadata(file)
        assert row["training_seconds"] == metadata.training_seconds
        assert row["parameters"] == metadata.parameters
        assert row["epochs"] == 1
        assert row["images_per_second"] > 0
    printed = compared[1]
    assert "kept in runs/compare.csv" in printed
    assert "only first correct" in printed


def test_what_is_trained_is_only_measured_again(home_of, capsys):
    before = (home_of / "model/tiny-cnn.keras").read_bytes()
    name = find_or_train(asl.split(asl.load("tiny")), "cnn")
    assert capsys.readouterr().out.count("as it was trained, model/tiny-cnn.keras") == 1
    rows = compare([name])
    assert "epoch" not in capsys.readouterr().out
    assert (home_of / "model/tiny-cnn.keras").read_bytes() == before
    assert rows["model"].tolist() == ["cnn"]
    assert len(pd.read_csv(home_of / "runs/compare.csv")) == 2  # one replaced, one kept
    assert sorted(table("tiny")["model"]) == NAMES


def test_another_seed_is_another_row_and_leaves_the_network_alone(home_of, eager):
    before = (home_of / "model/tiny-cnn.keras").read_bytes()
    name = find_or_train(asl.split(asl.load("tiny"), seed=1), "cnn", seed=1, epochs=1)
    assert name == "tiny-cnn-seed1"
    rows = compare([name])
    assert rows["seed"].tolist() == [1]
    assert (home_of / "model/tiny-cnn.keras").read_bytes() == before
    assert (home_of / "model/tiny-cnn-seed1.keras").exists()
    assert len(table("tiny", seed=0)) == 2


def test_shared_mistakes_by_hand(home_of):
    correct = {}
    for name in NAMES:
        results = pd.read_csv(home_of / f"runs/compare/tiny-{name}-seed0.csv")
        correct[name] = set(results["image"][results["actual"] == results["predicted"]])
    pairs = shared_mistakes(table("tiny", NAMES))
    assert len(pairs) == 1
    first, second = (correct[pairs.loc[0, column]] for column in ("first", "second"))
    assert pairs.loc[0, "only first correct"] == len(first - second)
    assert pairs.loc[0, "only second correct"] == len(second - first)
    assert pairs.loc[0, "both wrong"] == 96 - len(first | second)


def test_files_may_be_called_anything(home_of, tmp_path, monkeypatch):
    """Also what is no UTF-8, and what a spreadsheet would run."""
    monkeypatch.setattr(files, "RUNS", tmp_path / "runs")
    parts = asl.split(asl.load("tiny"))
    names = parts.test.names.copy()
    names[:3] = ["A/\udcff.png", "'=1.png", 'a,"b".png']
    parts = replace(parts, test=replace(parts.test, names=names))
    monkeypatch.setattr(asl.evaluation.comparison.checkpoints, "replay_split", lambda _: parts)
    (row,) = compare(["tiny-cnn"]).to_dict("records")
    told = asl.test_predictions(row)
    assert told["image"].tolist() == names.tolist()
    assert told["group"].tolist() == parts.test.groups.tolist()
    assert (told["actual"] == told["predicted"]).sum() == row["correct"]


def test_seconds_to_an_accuracy():
    history = {"val_accuracy": [0.5, 0.991, 0.98, 1.0], "seconds": [2.0, 3.0, 5.0, 7.0]}
    untold = Metadata(dataset="tiny", model="cnn", class_names=("A", "B"), seed=0)
    metadata = replace(untold, history=history, features_seconds=10.0)
    assert seconds_to(0.5, metadata) == 12
    assert seconds_to(0.99, metadata) == 15
    assert seconds_to(0.995, metadata) == 27
    history["val_accuracy"] = [0.5, 0.6, 0.7, 0.8]
    assert np.isnan(seconds_to(0.99, metadata))
    assert np.isnan(seconds_to(0.99, untold))


def test_a_damaged_table_is_named_and_kept(home_of):
    file = home_of / "runs/compare.csv"
    before = file.read_text()
    try:
        for damage in ("dataset,model\ntiny,cnn\n", "\x00\x01"):
            file.write_text(damage)
            with pytest.raises(AslError, match=r"runs/compare\.csv is damaged"):
                table("tiny")
            assert file.read_text() == damage
    finally:
        file.write_text(before)


@pytest.mark.parametrize("difference", ["split", "dataset"])
def test_checkpoints_of_other_splits_are_not_compared(difference, home_of):
    """Trained on another split, one was trained on what the other is tested on."""
    model, metadata = load_model("tiny-cnn")
    other = {"split": replace(metadata.split, seed=9), "dataset": "sample"}[difference]
    save_model(model, "other-cnn", replace(metadata, **{difference: other}))
    before = (home_of / "runs/compare.csv").read_bytes()
    with pytest.raises(AslError, match="other-cnn and tiny-cnn were trained on different data or"):
        compare(["tiny-cnn", "other-cnn"])
    assert (home_of / "runs/compare.csv").read_bytes() == before


def test_a_checkpoint_that_is_not_there_is_said_before_any_is_measured(home_of):
    before = (home_of / "runs/compare.csv").read_bytes()
    with pytest.raises(AslError, match=r"model/tiny-vgg16\.keras is not there"):
        compare(["tiny-cnn", "tiny-vgg16"])
    assert (home_of / "runs/compare.csv").read_bytes() == before


def test_one_file_of_weights_cannot_be_of_two_networks(home, capsys):
    names = ("--models", "cnn,vgg16,alexnet", "--weights", "some.h5")
    assert main(["compare", "--dataset", "tiny", *names]) == 1
    message = "some.h5 is the weights of one network, but vgg16 and alexnet"
    assert message in capsys.readouterr().err
    assert not (home / "model").exists()


def test_an_unknown_network_is_said_before_anything_is_trained(home, capsys):
    assert main(["compare", "--dataset", "tiny", "--models", "cnn,resnet"]) == 1
    assert "no model 'resnet'" in capsys.readouterr().err
    assert not (home / "model").exists()
