"""Networks as files of LiteRT and ONNX, and predicting with them without TensorFlow."""

import importlib.util
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY, copy_shipped, shell
from PIL import Image

import asl
from asl import build, files
from asl.__main__ import main
from asl.checkpoints import load_model, read_metadata, save_model
from asl.data.hand_poses import LETTERS
from asl.export import convert, network, write
from asl.export import metadata as exported
from asl.export.network import ExportedNetwork, find_exported
from asl.landmarks import interpreter
from asl.models.metadata import Metadata, Threshold

missing = [each for each in write.ONNX if importlib.util.find_spec(each) is None]
needs_onnx = pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")


def small(name):
    """An untrained network whose batch normalisation has seen something."""
    size = (28, 28, 3) if name == "joints" else (8, 8, 1)
    model = build(name, size, 5, weights=None)
    random = np.random.default_rng(1)
    for layer in model.layers:
        if hasattr(layer, "moving_mean"):
            layer.moving_mean.assign(random.normal(0, 0.2, layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(0.5, 2, layer.moving_variance.shape))
    return model


@pytest.fixture(scope="module")
def network_of():
    """Networks by name, each built once."""
    known = {}
    return lambda name: known[name] if name in known else known.setdefault(name, small(name))


@pytest.fixture(scope="module")
def stored_once(tmp_path_factory):
    """The folder of a checkpoint called tiny-cnn, as trained on the data set `tiny`."""
    folder = tmp_path_factory.mktemp("stored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "DATA", folder / "data")
        patch.setattr(files, "MODEL", folder / "model")
        known = {
            "threshold": Threshold(0.99, 0.5, 0.9),
            "split": asl.split(asl.load("tiny")).recipe,
        }
        metadata = Metadata("tiny", "cnn", LETTERS, 0, **known)
        save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata)
    return folder / "model"


@pytest.fixture
def stored(stored_once, home):
    """This checkpoint in the home folder."""
    shutil.copytree(stored_once, files.MODEL)
    return files.MODEL / "tiny-cnn.keras"


@pytest.fixture
def shipped(home):
    """The checkpoint that came with the project and its export, in a model/ of their own."""
    return copy_shipped("letters-cnn")


@pytest.fixture
def pictures(home, parts):
    folder = home / "pictures"
    folder.mkdir()
    for row in range(5):
        Image.fromarray(parts.test.images[row, ..., 0]).save(folder / f"{row}.png")
    return folder


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def run(file, format, **values):
    if format == "litert":
        return interpreter.run(file, **values)[0]
    import onnxruntime

    return onnxruntime.InferenceSession(str(file)).run(None, values)[0]


# What is written says what Keras says


@pytest.mark.parametrize("format", ["litert", pytest.param("onnx", marks=needs_onnx)])
@pytest.mark.parametrize("name", ["cnn", "conv1d_lstm", "joints"])
def test_probabilities_are_those_of_keras_for_any_number_of_images(
    name, format, network_of, home, capfd
):
    model, file = network_of(name), home / f"x{exported.SUFFIXES[format]}"
    settings = [layer.get_config() for layer in model.layers]
    convert.convert(model, file, format)
    assert capfd.readouterr() == ("", "")
    assert [layer.get_config() for layer in model.layers] == settings
    random = np.random.default_rng(0)
    named = "joints" if name == "joints" else "images"
    for count in (1, 5, 2):
        values = random.uniform(0, 255, (count, *model.input_shape[1:])).astype(np.float32)
        expected = model.predict_on_batch(values)
        np.testing.assert_allclose(run(file, format, **{named: values}), expected, atol=1e-4)
    assert expected.std() > 1e-3


@pytest.mark.parametrize("format", ["litert", pytest.param("onnx", marks=needs_onnx)])
def test_layers_that_act_in_training_alone_do_not_act(format, home):
    layers = asl.keras.layers
    inside = asl.keras.Sequential(
        [layers.Flatten(), layers.BatchNormalization(), layers.Dropout(0.9)]
    )
    images = asl.keras.Input((2, 2, 1))
    model = asl.keras.Model(images, inside(images))
    inside.layers[1].moving_mean.assign([100.0] * 4)
    file = home / f"x{exported.SUFFIXES[format]}"
    convert.convert(model, file, format)
    values = convert.random_inputs(model)[0]
    expected = (values.reshape(3, 4) - 100) / np.sqrt(1 + inside.layers[1].epsilon)
    np.testing.assert_allclose(run(file, format, images=values), expected, rtol=1e-5)


def test_the_shipped_file_says_what_its_checkpoint_says(shipped, samples):
    model, metadata = load_model("letters-cnn")
    told = find_exported(shipped, metadata)
    assert told is not None
    expected = asl.predict(model, samples.images)
    np.testing.assert_allclose(
        np.concatenate([told.predict_on_batch(samples.images[k : k + 50]) for k in (0, 50, 100)]),
        expected[:150],
        atol=1e-4,
    )
    known = exported.read(shipped.with_suffix(".tflite"))
    assert known.class_names == metadata.class_names
    assert known.threshold == metadata.threshold
    assert known.inputs[0][:3] == ("images", (28, 28, 1), "float32")


# The command


@pytest.mark.parametrize("format", ["litert", pytest.param("onnx", marks=needs_onnx)])
def test_the_command_writes_file_and_metadata_and_an_example_that_works(
    format, stored, home, capsys
):
    before = set(contents(home))
    assert main(["export", "tiny-cnn", "--format", format]) == 0
    file = stored.with_suffix(exported.SUFFIXES[format])
    assert set(contents(home)) - before == {file, exported.file_of(file)}
    told = json.loads(exported.file_of(file).read_text())
    assert told["weights_sha256"] == files.sha256(stored)
    assert told["file_sha256"] == files.sha256(file)
    assert told["class_names"] == [*LETTERS]
    assert told["inputs"] == [
        {"name": "images", "shape": [28, 28, 1], "dtype": "float32", "about": "grey, 0 to 255"}
    ]
    assert told["threshold"] == {"precision": 0.99, "confidence": 0.5, "coverage": 0.9}
    printed, _, code = capsys.readouterr().out.partition("In Python:\n")
    assert f"kept in model/{file.name} (0." in printed
    assert len(code.splitlines()) == 3
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=True
    )
    expected = load_model("tiny-cnn")[0].predict_on_batch(np.zeros((1, 28, 28, 1)))
    numbers = [float(each) for each in done.stdout.replace("[", " ").replace("]", " ").split()]
    np.testing.assert_allclose(numbers, expected[0], atol=1e-4)


def test_int8_is_small_made_of_bytes_and_predicts_alike(shipped, home, samples, capsys):
    """Its ranges come from the training images of its own data set, here rendered ones."""
    network_, known = load_model("letters-cnn")
    parts = asl.split(asl.load("tiny"))
    values = {**vars(known), "dataset": "tiny", "class_names": LETTERS, "split": parts.recipe}
    save_model(network_, "tiny-cnn", Metadata(**values))
    capsys.readouterr()
    assert main(["export", "tiny-cnn", "--quantize", "int8"]) == 0
    file = files.MODEL / "tiny-cnn-int8.tflite"
    assert exported.read(file).quantized == "int8"
    assert 3 * file.stat().st_size <= (files.MODEL / "letters-cnn.tflite").stat().st_size
    alike, images = capsys.readouterr().out.split(" validation")[0].splitlines()[-1].split(" of ")
    assert int(images) > 20
    assert int(alike) >= 0.75 * int(images)  # strange hands, of which it is unsure
    told = ExportedNetwork(file.read_bytes())
    details = told._interpreter.get_tensor_details()
    large = [each["dtype"] for each in details if np.prod(each["shape"]) > 28 * 28]
    assert len(large) > 10 and set(large) == {np.int8}  # all that is larger than the image
    found = told.predict_on_batch(samples.images).argmax(axis=1)
    expected = asl.predict(network_, samples.images).argmax(axis=1)
    assert (found == expected).mean() > 0.75


@pytest.mark.fault("networks")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "coreml"], "no format 'coreml'. There are: litert, onnx."),
        (["--quantize", "int4"], "--quantize is 'int4'; it may be int8."),
        (["--quantize", "int8", "--format", "onnx"], "int8 is written for litert alone"),
        (["--output", "x.bin"], "a file of litert ends in .tflite"),
        (["--output", "file/x.tflite"], "cannot write file/x.tflite"),
        (["--output", "link.tflite"], "it is a link"),
        (["--output", "other.tflite"], "other.tflite is there already and is no export of tiny"),
        (["--output", "mine.tflite"], "mine.tflite.json is there already"),
    ],
)
def test_what_cannot_be_written_leaves_all_as_it_was(
    arguments, message, stored, home, capsys, monkeypatch
):
    monkeypatch.chdir(home)
    for name in ("file", "other.tflite", "mine.tflite.json"):
        (home / name).write_text("precious")
    (home / "link.tflite").symlink_to("other.tflite")
    before = contents(home)
    assert main(["export", "tiny-cnn", *arguments]) == 1
    assert message in capsys.readouterr().err.replace(f"{home}/", "")
    assert contents(home) == before


def test_no_checkpoint_and_no_single_data_set(home, capsys):
    assert main(["export", "tiny-cnn"]) == 1
    assert "tiny-cnn.keras is not there" in capsys.readouterr().err
    assert main(["export", "reader", "--quantize", "int8"]) == 1
    assert "trained on several data sets" in capsys.readouterr().err
    assert not list(home.iterdir())


def test_packages_of_onnx_that_are_missing_are_told(stored, home, monkeypatch, capsys):
    usual = importlib.util.find_spec
    monkeypatch.setattr(
        write.importlib.util, "find_spec", lambda name: None if "onnx" in name else usual(name)
    )
    before = contents(home)
    assert main(["export", "tiny-cnn", "--format", "onnx"]) == 1
    told = capsys.readouterr().err
    assert "(onnx, onnxruntime, tf2onnx): the extra `export`" in told
    assert "python -m pip install '.[export]'" in told
    assert contents(home) == before


@pytest.mark.fault("networks")
@pytest.mark.parametrize("fault", ["it cannot be converted", "it says something else"])
def test_a_network_that_a_format_cannot_hold(fault, stored, home, monkeypatch, capsys):
    stored.with_suffix(".tflite").write_bytes(b"of before")
    known = exported.read(REPOSITORY / "model/letters-cnn.tflite")
    exported.file_of(stored.with_suffix(".tflite")).write_text(
        exported.to_json(exported.ExportMetadata(**{**vars(known), "checkpoint": "tiny-cnn"}))
    )
    before = contents(home)

    def fail(*_):
        raise RuntimeError("loc(...): error: 'tf.Bessel' is neither\nmore")

    if fault == "it cannot be converted":
        monkeypatch.setattr(convert, "_litert", fail)
    else:
        monkeypatch.setattr(convert, "largest_difference", lambda *_: 0.3)
    assert main(["export", "tiny-cnn"]) == 1
    told = capsys.readouterr().err
    assert "tf.Bessel" in told or "tiny-cnn.tflite differs from the network by 0.3" in told
    assert "more" not in told.replace("or more", "")
    assert contents(home) == before


def test_an_export_of_the_same_checkpoint_is_written_anew(shipped, monkeypatch):
    """Damaged as it may be, the file that lies there is its own."""
    file = shipped.with_suffix(".tflite")
    whole = file.read_bytes()
    monkeypatch.setattr(convert, "_litert", lambda *_: whole)
    file.write_bytes(b"cut short")
    written = write.export("letters-cnn")
    assert written.file == file
    assert file.read_bytes() == whole
    assert exported.read(file).file_sha256 == files.sha256(file)


def test_where_exports_lie(home):
    """What came with the project is not written into: its exports go to the home folder."""
    came = REPOSITORY / "model/letters-cnn.keras"
    assert network.places(came, "onnx") == [
        home / "model/letters-cnn.onnx",
        REPOSITORY / "model/letters-cnn.onnx",
    ]
    other = home / "somewhere/x.keras"
    assert network.places(other, "litert") == [home / "somewhere/x.tflite"]
    reader = read_metadata(REPOSITORY / "model/reader.keras")
    beside = write._beside(REPOSITORY / "model/reader.keras", reader, "litert", "")
    assert beside == home / "model/reader-export.tflite"  # reader.tflite is of its training


# Predicting without TensorFlow


def test_predict_needs_no_tensorflow_and_gives_the_same_table(home, shipped, pictures):
    output, folder = str(home / "out.csv"), str(pictures)
    code = (
        "import sys\nfrom asl.__main__ import main\n"
        f"code = main(['predict', '--model', 'letters-cnn', '--output', {output!r}, {folder!r}])\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'scipy'} & set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = shell("-c", code, home=home, module=None)
    assert (done.returncode, done.stderr) == (0, "")
    network_, metadata = load_model("letters-cnn")
    expected, _ = asl.predict_files(network_, metadata.class_names, [pictures])
    found = pd.read_csv(home / "out.csv", keep_default_na=False)
    texts = ["image", "actual", "predicted", "second"]
    pd.testing.assert_frame_equal(found[texts], expected[texts], check_dtype=False)
    for name in ("confidence", "second_confidence"):
        np.testing.assert_allclose(found[name], expected[name], atol=1.5e-4)


def damage(fault, file):
    beside = exported.file_of(file)
    told = json.loads(beside.read_text())
    if fault == "cut short":
        file.write_bytes(file.read_bytes()[:100_000])
    elif fault == "cut short, with its own hash":
        file.write_bytes(file.read_bytes()[:100_000])
        told["file_sha256"] = files.sha256(file)
    elif fault == "no such file, with its own hash":
        file.write_bytes(b"x" * 1000)
        told["file_sha256"] = files.sha256(file)
    elif fault == "of another network":
        images = asl.keras.Input((20, 20, 1))
        flat = asl.keras.layers.Flatten()(images)
        convert.convert(asl.keras.Model(images, flat), file, "litert")
        told["file_sha256"] = files.sha256(file)
    elif fault == "of an earlier training":
        told["weights_sha256"] = "0" * 64
    elif fault == "int8 in its place":
        told["quantized"] = "int8"
    beside.write_text(json.dumps(told))
    if fault == "metadata missing":
        beside.unlink()
    elif fault == "metadata cut short":
        beside.write_text(beside.read_text()[:300])
    elif fault == "metadata that is a list":
        beside.write_text("[1]")
    elif fault == "metadata of numbers":
        beside.write_text(json.dumps({**told, "file_sha256": 7}))
    elif fault == "metadata that is no text":
        beside.write_bytes(b"\xff\xfe\x00")


@pytest.mark.fault("networks")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut short", "it is damaged"),
        ("cut short, with its own hash", ""),
        ("no such file, with its own hash", ""),
        ("of another network", "it takes or gives something else than the checkpoint"),
        ("of an earlier training", "it is of other weights"),
        ("int8 in its place", "it is of another format, or quantized"),
        ("metadata missing", "letters-cnn.tflite.json is missing"),
        ("metadata cut short", "letters-cnn.tflite.json is damaged"),
        ("metadata that is a list", "letters-cnn.tflite.json is damaged"),
        ("metadata of numbers", "letters-cnn.tflite.json is damaged"),
        ("metadata that is no text", "letters-cnn.tflite.json is damaged"),
    ],
)
def test_a_damaged_or_stale_file_is_passed_over_with_one_line(fault, reason, shipped, capfd):
    damage(fault, shipped.with_suffix(".tflite"))
    assert find_exported(shipped, read_metadata(shipped)) is None
    told = capfd.readouterr()
    assert told.err == ""
    (line,) = told.out.splitlines()
    assert line.startswith("model/letters-cnn.tflite is passed over (")
    assert f"{reason}): Keras reads" in line
    assert line.endswith("Write it anew: python -m asl export letters-cnn")


def test_keras_predicts_where_the_file_is_passed_over(shipped, pictures, home, capsys):
    damage("cut short", shipped.with_suffix(".tflite"))
    output = ["--output", str(home / "r.csv")]
    assert main(["predict", "--model", "letters-cnn", *output, str(pictures)]) == 0
    assert len(pd.read_csv(home / "r.csv")) == 5
    assert "is passed over" in capsys.readouterr().out


def test_a_checkpoint_without_an_export_is_not_talked_of(stored, capsys):
    assert find_exported(stored, read_metadata(stored)) is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["letters-cnn.tflite", "letters-cnn.onnx"])
def test_results_do_not_overwrite_an_export(name, shipped, pictures, capsys):
    file = files.MODEL / name
    file.touch()
    before = file.read_bytes()
    output = ["--output", str(file), "--model", "letters-cnn"]
    assert main(["predict", *output, str(pictures)]) == 1
    assert "is one of the inputs" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_network_of_joints_predicts_without_keras(home, network_of, parts, monkeypatch):
    """Pictures without a hand stay without a prediction."""
    from asl.models import inputs
    from asl.prediction import predict_inputs

    model = network_of("joints")
    convert.convert(model, home / "x.tflite", "litert")
    told = ExportedNetwork((home / "x.tflite").read_bytes())
    points = np.random.default_rng(0).uniform(0, 28, (3, 21, 3)).astype(np.float32)
    points[1] = 0
    monkeypatch.setattr(inputs, "_read_joints", lambda file: points[int(file.stem)])
    for row in range(3):
        Image.fromarray(parts.test.images[row, ..., 0]).save(home / f"{row}.png")
    found = [asl.data.images.find_inputs([home / f"{row}.png" for row in range(3)])] * 2
    table, _ = predict_inputs(told, "ABCDE", found[0])
    expected, _ = predict_inputs(model, "ABCDE", found[1])
    assert table["predicted"].tolist()[1] == ""
    pd.testing.assert_frame_equal(table, expected, atol=1e-4)
