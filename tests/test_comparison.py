"""Networks side by side on rendered hands: the rows, the table that grows, the pairs."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import shell

from asl import AslError, compare, group_interval, paths, shared_mistakes
from asl.comparison import COLUMNS, seconds_to, table

NAMES = ["cnn", "conv1d_lstm"]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Two networks on the tiny set, an epoch each, in the shell: the home folder, what it said."""
    home = tmp_path_factory.mktemp("compare")
    names = ("--models", ",".join(NAMES), "--epochs", "1", "--dataset", "tiny")
    done = shell("compare", *names, home=home)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


@pytest.fixture
def home_of(compared, monkeypatch):
    home, _ = compared
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model"), ("RUNS", "runs")):
        monkeypatch.setattr(paths, name, home / place)
    return home


def test_a_row_a_network_from_its_files(compared, home_of):
    rows = pd.read_csv(home_of / "runs/compare.csv").set_index("model")
    assert [*rows.reset_index()[COLUMNS]] == COLUMNS
    assert sorted(rows.index) == NAMES
    for name in NAMES:
        row, file = rows.loc[name], home_of / f"model/tiny-{name}.keras"
        readings = pd.read_csv(home_of / f"runs/compare/tiny-{name}-seed0.csv")
        assert row["correct"] == (readings["actual"] == readings["predicted"]).sum()
        assert row["test_images"] == len(readings) == 96
        assert row["accuracy"] == pytest.approx(row["correct"] / 96, abs=1e-5)
        right = (readings["actual"] == readings["predicted"]).to_numpy()
        assert readings["group"].nunique() == 2  # the signers of the test
        interval = group_interval(right, readings["group"].to_numpy())
        assert (row["low"], row["high"]) == pytest.approx(interval, abs=1e-5)
        assert row["kilobytes"] == pytest.approx(file.stat().st_size / 1000, rel=1e-5)
        sidecar = json.loads(file.with_suffix(".json").read_text())
        assert row["training_seconds"] == sidecar["training_seconds"]
        assert row["parameters"] == sidecar["parameters"]
        assert row["epochs"] == 1
        assert row["images_per_second"] > 0
    printed = compared[1]
    assert "kept in runs/compare.csv" in printed
    assert "first alone right" in printed


def test_what_is_trained_is_only_measured_again(home_of, capsys):
    before = (home_of / "model/tiny-cnn.keras").read_bytes()
    rows = compare("tiny", ["cnn"])
    assert capsys.readouterr().out.count("as it was trained, model/tiny-cnn.keras") == 1
    assert (home_of / "model/tiny-cnn.keras").read_bytes() == before
    assert rows["model"].tolist() == ["cnn"]
    assert len(pd.read_csv(home_of / "runs/compare.csv")) == 2  # one replaced, one kept
    assert sorted(table("tiny")["model"]) == NAMES


def test_another_seed_is_another_row_and_leaves_the_network_alone(home_of):
    before = (home_of / "model/tiny-cnn.keras").read_bytes()
    rows = compare("tiny", ["cnn"], seed=1, epochs=1)
    assert rows["seed"].tolist() == [1]
    assert (home_of / "model/tiny-cnn.keras").read_bytes() == before
    assert (home_of / "model/tiny-cnn-seed1.keras").exists()
    assert len(table("tiny", seed=0)) == 2


def test_shared_mistakes_by_hand(home_of):
    right = {}
    for name in NAMES:
        readings = pd.read_csv(home_of / f"runs/compare/tiny-{name}-seed0.csv")
        right[name] = set(readings["image"][readings["actual"] == readings["predicted"]])
    pairs = shared_mistakes(table("tiny", NAMES))
    assert len(pairs) == 1
    first, second = (right[pairs.loc[0, column]] for column in ("first", "second"))
    assert pairs.loc[0, "first alone right"] == len(first - second)
    assert pairs.loc[0, "second alone right"] == len(second - first)
    assert pairs.loc[0, "both wrong"] == 96 - len(first | second)


def test_seconds_to_an_accuracy():
    history = {"val_accuracy": [0.5, 0.991, 0.98, 1.0], "seconds": [2.0, 3.0, 5.0, 7.0]}
    sidecar = {"history": history, "features_seconds": 10.0}
    assert seconds_to(0.5, sidecar) == 12
    assert seconds_to(0.99, sidecar) == 15
    assert seconds_to(0.995, sidecar) == 27
    history["val_accuracy"] = [0.5, 0.6, 0.7, 0.8]
    assert np.isnan(seconds_to(0.99, sidecar))
    assert np.isnan(seconds_to(0.99, {}))


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


def test_one_file_of_weights_cannot_be_of_two_networks(home):
    with pytest.raises(AslError, match="is the weights of one network, but vgg16 and alexnet"):
        compare("tiny", ["cnn", "vgg16", "alexnet"], weights="some.h5")
    assert not (home / "model").exists()


def test_an_unknown_network_is_said_before_anything_is_trained(home):
    with pytest.raises(AslError, match="no model 'resnet'"):
        compare("tiny", ["cnn", "resnet"])
    assert not (home / "model").exists()
