"""The machines that people really have: older and newer versions, other names of the same packages,
hosted notebooks. What a newer Keras wrote is read, or the message says what would read it.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import REPOSITORY

from asl import AslError, build, environment, files, load_model
from asl.checkpoints import save_model
from asl.data.hand_poses import LETTERS
from asl.environment import Requirement, install_missing, is_older, read_requirements
from asl.keras_setup import keras
from asl.landmarks import interpreter
from asl.models.keras_files import _carries_code
from asl.models.metadata import Metadata

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run
versions = pytest.mark.fault("versions")
layers = keras.layers
SHAPE = (28, 28, 1)
OF_TOMORROW = {"written_with": None, "precision_of_tomorrow": 0.5, "renormed": False}


def metadata_of(model, network):
    names = LETTERS[: network.output_shape[-1]]
    return Metadata(dataset="tiny", model=model, class_names=names, seed=0)


def rewrite(file, change, version="99.1.0"):
    """Change the settings in a .keras file as a newer Keras would have written them."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    change(config)
    parts["config.json"] = json.dumps(config).encode()
    parts["metadata.json"] = json.dumps({"keras_version": version}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    belongs_to(file)
    return file


def belongs_to(file):
    """Let the metadata belong to the file as it is now."""
    beside = file.with_suffix(".json")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"weights_sha256": digest}))


def of_tomorrow(part):
    """Settings that no Keras knows, in every layer and in every initializer."""
    if isinstance(part, dict):
        for each in list(part.values()):
            of_tomorrow(each)
        if isinstance(part.get("config"), dict) and "layers" not in part["config"]:
            part["config"].update(OF_TOMORROW)
    if isinstance(part, list):
        for each in part:
            of_tomorrow(each)


def shaken(model):
    """Every weight another one, so that none is right by chance."""
    random = np.random.default_rng(1)
    for layer in [layer for layer in model.layers if layer.weights]:
        layer.set_weights(
            [each + random.uniform(0.01, 0.1, each.shape) for each in layer.get_weights()]
            if not isinstance(layer, keras.Model)
            else [abs(each) + random.uniform(0, 0.02, each.shape) for each in layer.get_weights()]
        )
    return model


def images_for(model):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (4, *model.input_shape[1:])).astype(np.float32)


NETWORKS = {
    "cnn": lambda: build("cnn", SHAPE, 24),
    "cnn in colour": lambda: build("cnn", (32, 40, 3), 5),
    "conv1d_lstm": lambda: build("conv1d_lstm", SHAPE, 24),
    "conv1d_lstm_tuned": lambda: build("conv1d_lstm_tuned", SHAPE, 3),
}


@versions
@pytest.mark.parametrize("name", NETWORKS)
def test_settings_of_a_newer_keras_do_not_matter_to_an_architecture_that_is_known(name, home):
    check_without_its_settings(NETWORKS[name](), name.split()[0])


def check_without_its_settings(model, name):
    shaken(model)
    file = save_model(model, "x-cnn", metadata_of(name, model))
    rewrite(file, of_tomorrow)
    with pytest.raises(Exception, match=r"written_with|precision_of_tomorrow|renormed"):
        keras.saving.load_model(file)
    loaded, _ = load_model("x-cnn")
    images = images_for(model)
    expected = model.predict_on_batch(images)
    assert expected.std() > 1e-4
    np.testing.assert_allclose(loaded.predict_on_batch(images), expected, atol=1e-6)


def copy_of_stored(name):
    files.MODEL.mkdir()
    for suffix in (".keras", ".json"):
        shutil.copy(REPOSITORY / f"model/{name}{suffix}", files.MODEL)
    return files.MODEL / f"{name}.keras"


@versions
def test_a_stored_network_gives_the_same_without_its_settings(home):
    expected, _ = load_model(REPOSITORY / "model/letters-cnn.keras")
    loaded, _ = load_model(rewrite(copy_of_stored("letters-cnn"), of_tomorrow))
    images = images_for(expected)
    np.testing.assert_allclose(
        loaded.predict_on_batch(images), expected.predict_on_batch(images), atol=1e-6
    )


@versions
def test_the_stored_reader_gives_the_same_without_its_settings(home):
    """The same as its other file, whichever Keras is here."""
    loaded, _ = load_model(rewrite(copy_of_stored("reader"), of_tomorrow))
    random = np.random.default_rng(0)
    points, crops = (
        random.uniform(0, 255, (4, *each.shape[1:])).astype(np.float32) for each in loaded.inputs
    )
    (expected,) = interpreter.run(REPOSITORY / "model/reader.tflite", joints=points, pixels=crops)
    assert expected.std() > 1e-2
    np.testing.assert_allclose(loaded.predict_on_batch([points, crops]), expected, atol=1e-4)


@versions
@pytest.mark.parametrize(
    "known", [{"pixels_share": 0.55}, {"pixels_share": None}, {"temperature": 1.0}]
)
def test_a_reader_of_a_newer_keras_and_metadata_of_another_are_refused(known, home):
    file = rewrite(copy_of_stored("reader"), of_tomorrow)
    beside = file.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | known))
    with pytest.raises(AslError, match=r"written by Keras 99\.1\.0 and cannot be read by Keras"):
        load_model("reader")


def test_a_checkpoint_to_begin_with_may_be_of_a_newer_keras(home):
    model = shaken(build("cnn", SHAPE, 24))
    file = rewrite(save_model(model, "x-cnn", metadata_of("cnn", model)), of_tomorrow)
    begun = build("cnn", SHAPE, 24, weights=file)
    for one, two in zip(begun.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def settings(kind, **changed):
    """Change the first layer of a kind."""

    def change(config):
        layer = next(each for each in config["config"]["layers"] if each["class_name"] == kind)
        layer["config"].update(changed)

    return change


# What the registry builds is another network: its layers must not take these weights
OTHERS = {
    "another activation": settings("Conv2D", activation="gelu"),
    "another dropout": settings("Dropout", rate=0.9),
    "another scale": settings("Rescaling", scale=1 / 127.5),
    "another pooling": settings("AveragePooling2D", padding="valid"),
    "another epsilon": settings("BatchNormalization", epsilon=0.1),
    "another kind": lambda config: config["config"]["layers"][4].update(class_name="MaxPooling2D"),
    "another name": settings("Dense", name="letters"),
    "a layer less": lambda config: config["config"]["layers"].pop(-2),
    "no layers": lambda config: config["config"].pop("layers"),
    "no settings": lambda config: config.pop("config"),
}


@versions
@pytest.mark.parametrize("change", OTHERS)
def test_a_network_of_ones_own_that_only_a_newer_keras_reads(change, saved):
    rewrite(saved, lambda config: (of_tomorrow(config), OTHERS[change](config)))
    with pytest.raises(AslError) as raised:
        load_model("x-cnn")
    message = str(raised.value)
    assert "x-cnn.keras was written by Keras 99.1.0" in message
    assert f"cannot be read by Keras {keras.__version__}" in message
    assert 'python -m pip install "keras>=99.1.0"' in message
    assert "code" not in message and message.count("\n") == 0


@versions
@pytest.mark.parametrize(
    "known",
    [{"model": "mine"}, {"input_shape": [64, 64, 3]}, {"class_names": ["A", "B"]}],
    ids=["architecture", "shape", "classes"],
)
def test_metadata_that_gives_another_architecture(known, saved):
    file = rewrite(saved, of_tomorrow)
    beside = file.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | known))
    with pytest.raises(AslError, match=r"written by Keras 99\.1\.0 and cannot be read by Keras"):
        load_model("x-cnn")


@versions
@pytest.mark.parametrize("version", [keras.__version__, "3.0.0", "", "unknown"])
def test_of_the_same_or_an_older_keras_the_reason_is_told(version, home):
    model = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(24, "softmax")])
    file = save_model(model, "x-cnn", metadata_of("cnn", model))
    rewrite(file, of_tomorrow, version)
    with pytest.raises(AslError) as raised:
        load_model("x-cnn")
    assert "cannot be read (" in str(raised.value)
    assert "unexpected keyword argument" in str(raised.value) or "Unrecognized" in str(raised.value)
    assert "code" not in str(raised.value) and "pip" not in str(raised.value)


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory):
    """The folder of an untrained network."""
    folder, model = tmp_path_factory.mktemp("saved"), build("cnn", SHAPE, 24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MODEL", folder)
        save_model(model, "x-cnn", metadata_of("cnn", model))
    return folder


@pytest.fixture
def saved(saved_once, home):
    shutil.copytree(saved_once, files.MODEL)
    return files.MODEL / "x-cnn.keras"


CODE = {
    "lambda": {"module": "keras.layers", "class_name": "Lambda", "config": {}},
    "a lambda inside": {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}},
    "a saved model": {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}},
    "torch": {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}},
    "jax": {"module": "keras.layers", "class_name": "JaxLayer", "config": {}},
    "os": {"module": "os", "class_name": "system", "config": "true"},
    "subprocess": {"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}},
    "builtins": {"module": "builtins", "class_name": "eval", "config": "1"},
    "a function of keras": {
        "module": "keras.utils",
        "class_name": "function",
        "config": "get_file",
    },
    "a layer's function": {"module": "keras.layers", "class_name": "function", "config": "add"},
    "files of keras": {"module": "keras.src.utils.file_utils", "class_name": "Path", "config": {}},
    "settings of keras": {"module": "keras.config", "class_name": "X", "config": {}},
    "one's own module": {"module": "my_layers", "class_name": "Mine", "config": {}},
    "almost keras": {"module": "keras_evil.layers", "class_name": "Dense", "config": {}},
    "registered": {
        "module": None,
        "class_name": "Mine",
        "config": {},
        "registered_name": "Custom>Mine",
    },
}


@versions
@pytest.mark.parametrize("version", ["99.1.0", keras.__version__], ids=["newer", "this"])
@pytest.mark.parametrize("kind", CODE)
def test_code_is_refused_and_called_code_whatever_the_version(kind, version, saved, monkeypatch):
    rewrite(saved, lambda config: config["config"]["layers"].insert(2, CODE[kind]), version)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(AslError, match=r"carries code of its own, which is not run"):
        load_model("x-cnn")


def test_code_deep_inside_is_found():
    layer = {"module": "keras.layers", "class_name": "Dense", "config": {"activation": CODE["os"]}}
    assert _carries_code({"class_name": "Functional", "config": {"layers": [[layer]]}})


def test_what_keras_writes_of_its_own_is_no_code(home):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation=keras.activations.mish, kernel_regularizer="l2")(inputs)
    x = keras.ops.flip(layers.Activation(keras.ops.tanh)(x), axis=2)[:, 1:, ...]
    x = layers.Dense(2, "softmax", kernel_constraint="non_neg")(layers.Flatten()(x * 2 + 1))
    model = keras.Model(inputs, x)
    model.compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 3)), "mse")
    assert not _carries_code(json.loads(model.to_json()))
    model.save(home / "mine.keras")
    with zipfile.ZipFile(home / "mine.keras") as archive:
        assert not _carries_code(json.loads(archive.read("config.json")))


def cut(file):
    file.write_bytes(file.read_bytes()[:-2000])


def flipped(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def without(name, content=None):
    def change(file):
        with zipfile.ZipFile(file) as archive:
            parts = {each: archive.read(each) for each in archive.namelist()} | {name: content}
        with zipfile.ZipFile(file, "w") as archive:
            for each in parts:
                if parts[each] is not None:
                    archive.writestr(each, parts[each])

    return change


DAMAGED = {
    "cut short": cut,
    "a flipped byte": flipped,
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_bytes(b"not a model"),
    "no settings": without("config.json"),
    "no weights": without("model.weights.h5"),
    "no version": without("metadata.json"),
    "settings that are no JSON": without("config.json", b"{"),
    "settings that are a list": without("config.json", b"[]"),
    "settings too deep": without("config.json", b"[" * 100_000),
    "weights that are none": without("model.weights.h5", b"hello"),
    "weights cut short": without("model.weights.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 500),
}


@versions
@pytest.mark.parametrize("newer", [False, True], ids=["this Keras", "a newer one"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_not_used(damage, newer, saved):
    if newer:
        rewrite(saved, of_tomorrow)
    DAMAGED[damage](saved)
    belongs_to(saved)
    with pytest.raises(AslError, match=r"x-cnn\.keras (cannot be read|was written by Keras 99)"):
        load_model("x-cnn")


@versions
@pytest.mark.parametrize("name", ["tensorflow", "keras", "numpy"])
def test_saving_needs_no_package_of_just_this_name(name, home, monkeypatch):
    def gone(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr("importlib.metadata.version", gone)
    model = build("cnn", SHAPE, 24)
    save_model(model, "x-cnn", metadata_of("cnn", model))
    assert load_model("x-cnn")[1].versions[name] == sys.modules[name].__version__


# The setup cell

REQUIRED = "# a note\ntensorflow>=2.19\nopencv-python-headless>=4.12\njupyter>=1.0\nfilelock>=3.18"
COMPLETE = {
    "tensorflow": "2.19.0",
    "keras": "3.10.0",
    "numpy": "2.0.2",
    "opencv-python-headless": "4.12.0.88",
    "jupyter": "1.1.1",
    "filelock": "3.18.0",
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with these packages and a pip that brings what it is asked for."""
    asked: list[list[str]] = []

    def prepare(
        installed, *, venv=False, hosted=True, brings=(), fails="", imported=(), modules=()
    ):
        installed = dict(installed)
        for name in environment.HOSTED:
            monkeypatch.delenv(name, raising=False)
        if hosted:
            monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-external")

        def version(name):
            if name not in installed:
                raise PackageNotFoundError(name)
            return installed[name]

        def pip(command, **_):
            assert command[:4] == [sys.executable, "-m", "pip", "install"]
            asked.append([each for each in command[4:] if each[0] != "-"])
            if not fails:
                installed.update({each.split(">=")[0]: each.split(">=")[1] for each in asked[-1]})
                installed.update(brings)
            return subprocess.CompletedProcess(command, bool(fails), "", fails)

        (tmp_path / "requirements.txt").write_text(REQUIRED)
        monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
        monkeypatch.setattr(environment, "version", version)
        monkeypatch.setattr(environment, "find_spec", lambda name: name in modules or None)
        monkeypatch.setattr(environment, "_versions", lambda: dict(installed))
        packages = {environment.MODULES.get(name, name): [name] for name in installed}
        monkeypatch.setattr(environment, "packages_distributions", lambda: packages)
        monkeypatch.setattr(environment.importlib, "reload", lambda module: None)
        monkeypatch.setattr(environment.subprocess, "run", pip)
        monkeypatch.setattr(environment.sys, "prefix", "/venv" if venv else sys.base_prefix)
        for name in {*packages} - {*imported}:
            monkeypatch.delitem(sys.modules, name, raising=False)
        for name in imported:
            monkeypatch.setitem(sys.modules, name, None)
        return asked

    return prepare


def without_package(*names, **others):
    kept = {name: found for name, found in COMPLETE.items() if name not in names}
    return kept | {name.replace("_", "-"): found for name, found in others.items()}


FOUND = {
    "all": COMPLETE,
    "newer": COMPLETE | {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6"},
    "a release candidate": COMPLETE | {"tensorflow": "2.20.0rc1"},
    "a build of one's own": COMPLETE | {"tensorflow": "2.19.0+nv25.4"},
    "tensorflow-cpu": without_package("tensorflow", tensorflow_cpu="2.19.1"),
    "tensorflow-macos": without_package("tensorflow", tensorflow_macos="2.19.0"),
    "tf-nightly": without_package("tensorflow", tf_nightly="2.22.0.dev20260101"),
    "opencv-python": without_package("opencv-python-headless", opencv_python="4.12.0.88"),
    "contrib": without_package("opencv-python-headless", opencv_contrib_python="4.13.0"),
    "a notebook server": without_package("jupyter", notebook="6.5.7"),
    "a kernel alone": without_package("jupyter", ipykernel="6.17.1"),
}


@versions
@pytest.mark.parametrize("venv", [False, True], ids=["hosted", "venv"])
@pytest.mark.parametrize("found", FOUND)
def test_where_nothing_is_missing_nothing_is_done(found, venv, machine, capsys):
    asked = machine(FOUND[found], venv=venv)
    install_missing()
    assert asked == []
    printed = capsys.readouterr().out
    if venv:
        assert printed == ""
    else:
        assert printed.count("\n") == 1
        assert "Nothing is missing" in printed and FOUND[found]["keras"] in printed
        assert "estart" not in printed


LACKING = {
    "one": (without_package("filelock"), ["filelock>=3.18"]),
    "too old": (COMPLETE | {"filelock": "3.9.0"}, ["filelock>=3.18"]),
    "3.9 is older than 3.18": (COMPLETE | {"filelock": "3.9"}, ["filelock>=3.18"]),
    "two": (without_package("filelock", "jupyter"), ["jupyter>=1.0", "filelock>=3.18"]),
    "tensorflow": (without_package("tensorflow"), ["tensorflow>=2.19"]),
    "an old tensorflow-cpu": (
        without_package("tensorflow", tensorflow_cpu="2.15.0"),
        ["tensorflow-cpu>=2.19"],
    ),
    "an old opencv-python": (
        without_package("opencv-python-headless", opencv_python="4.8.0.76"),
        ["opencv-python>=4.12"],
    ),
    "nothing at all": ({}, [line for line in REQUIRED.split("\n") if line[0] != "#"]),
}


@versions
@pytest.mark.parametrize("case", LACKING)
def test_only_what_is_missing_or_too_old_is_installed(case, machine, capsys):
    installed, expected = LACKING[case]
    asked = machine(installed)
    install_missing()
    assert asked == [expected]
    printed = capsys.readouterr().out
    assert f"Missing or too old here: {', '.join(expected)}" in printed
    assert "no restart is needed" in printed
    install_missing()
    assert asked == [expected]  # once


@versions
@pytest.mark.parametrize("venv", [False, True], ids=["system", "venv"])
@pytest.mark.parametrize("case", LACKING)
def test_in_ones_own_environment_nothing_old_is_replaced(case, venv, machine, capsys):
    """What is missing is brought there, too; but not beside what is too old."""
    installed, wanted = LACKING[case]
    asked = machine(installed, hosted=False, venv=venv)
    if case in ("one", "two", "tensorflow", "nothing at all"):
        install_missing()
        assert asked == [wanted]
        return
    with pytest.raises(AslError) as raised:
        install_missing()
    assert asked == [] and capsys.readouterr().out == ""
    (needed,) = wanted
    name, oldest = needed.split(">=")
    told = str(raised.value)
    assert told.startswith(f"too old here: {name} {installed[name]} (needed: {oldest}).")
    assert f'{sys.executable} -m pip install "{needed}"' in told


@versions
def test_what_is_too_old_and_what_is_missing_are_told_together(machine):
    asked = machine({"tensorflow": "2.15.0", "keras": "2.15.0", "jupyter": "1.0.0"}, hosted=False)
    with pytest.raises(AslError, match=r"too old here: tensorflow 2\.15\.0 \(needed: 2\.19\)\. "):
        install_missing()
    with pytest.raises(AslError) as raised:
        install_missing()
    assert '"tensorflow>=2.19" "opencv-python-headless>=4.12" "filelock>=3.18".' in str(
        raised.value
    )
    assert asked == []


@versions
@pytest.mark.parametrize("name", environment.HOSTED)
def test_a_hosted_notebook_replaces_what_is_too_old(name, machine, monkeypatch):
    asked = machine(COMPLETE | {"filelock": "3.9.0"}, hosted=False)
    monkeypatch.setenv(name, "x")
    install_missing()
    assert asked == [["filelock>=3.18"]]


@versions
@pytest.mark.parametrize(
    ("imported", "brings", "restart"),
    [
        ((), {"numpy": "2.4.6"}, None),
        (("numpy",), {"numpy": "2.4.6"}, "numpy"),
        (("numpy",), {}, None),
        (("keras",), {"numpy": "2.4.6"}, None),
        (("filelock",), {}, "filelock"),  # what was asked for itself
        (("keras", "numpy"), {"numpy": "2.4.6", "keras": "3.15.1"}, "keras, numpy"),
    ],
)
def test_a_restart_is_asked_for_only_where_something_in_use_was_replaced(
    imported, brings, restart, machine, capsys
):
    machine(COMPLETE | {"filelock": "3.9.0"}, imported=imported, brings=brings)
    install_missing()
    printed = capsys.readouterr().out
    if restart:
        assert f"Restart the kernel, then run this cell again: {restart} was in use." in printed
    else:
        assert "no restart is needed" in printed and "Restart" not in printed


@versions
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("WARNING: x\nERROR: No matching distribution found for filelock>=3.18\nhint", "No match"),
        ("error: externally-managed-environment\n\nhint: See PEP 668", "externally-managed"),
        ("/usr/bin/python3: No module named pip", "No module named pip"),
    ],
)
def test_where_pip_fails_the_message_says_why_and_what_to_do(told, reason, machine):
    machine(without_package("filelock"), fails=told)
    with pytest.raises(AslError, match=reason) as raised:
        install_missing()
    assert '-m pip install "filelock>=3.18"' in str(raised.value)


def test_modules_that_are_there_without_saying_so_are_left(machine):
    asked = machine(without_package("opencv-python-headless"), modules=["cv2"])
    install_missing()
    assert asked == []


def test_without_a_list_nothing_is_asked_for(machine, tmp_path, capsys):
    asked = machine({})
    (tmp_path / "requirements.txt").unlink()
    install_missing()
    assert asked == []


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [
        ("3.9", "3.10", True),
        ("3.10", "3.9", False),
        ("2.19", "2.19.0", False),
        ("2.19.0", "2.19", False),
        ("4.12.0.87", "4.12.0.88", True),
        ("2.18.9", "2.19", True),
        ("", "1", True),
    ],
)
def test_versions_are_compared_as_numbers(one, other, older):
    assert is_older(one, other) == older


def test_a_python_without_any_package_runs_the_setup_cell(tmp_path):
    """The cell itself, in an environment that is empty but for a pip that plays."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare/bin/python"
    (site,) = (tmp_path / "bare/lib").glob("python*/site-packages")
    import lazy_loader

    (site / "pip").mkdir()
    (site / "pip/__main__.py").write_text(
        "import pathlib, shutil, sys\n"
        f"shutil.copytree({str(Path(lazy_loader.__file__).parent)!r}, "
        f"{str(site / 'lazy_loader')!r})\n"
        "for each in sys.argv[1:]:\n"
        "    if each[0] != '-' and each != 'install':\n"
        "        name, version = each.split('>=')\n"
        "        folder = name.replace('-', '_') + '-' + version + '.dist-info'\n"
        f"        place = pathlib.Path({str(site)!r}, folder)\n"
        "        place.mkdir()\n"
        "        (place / 'METADATA').write_text(f'Name: {name}\\nVersion: {version}\\n')\n"
    )
    notebook = nbformat.read(REPOSITORY / "notebooks/01_load.ipynb", as_version=4)
    setup = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    script = tmp_path / "setup.py"
    script.write_text(f"{setup}\nprint(asl.AslError.__name__, DATASET)")
    run = [python, "-I", script]
    first, second = (
        subprocess.run(run, cwd=REPOSITORY / "notebooks", capture_output=True, text=True)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Missing or too old here: tensorflow>=")
    assert first.stdout.endswith("no restart is needed.\nAslError sample\n")
    assert second.stdout == "AslError sample\n"  # in an environment of its own, nothing to say


# requirements.txt


def test_every_requirement_has_a_lower_bound_and_is_here():
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    named = [line for line in lines if line and line[0] != "#"]
    found = read_requirements()
    assert [f"{each.name}>={each.oldest}" for each in found] == named
    assert {"tensorflow", "keras", "numpy"} <= {each.name for each in found}
    assert [each for each in found if not environment._is_here(each)] == []


def test_the_module_of_a_requirement():
    assert Requirement("opencv-python-headless", "4.12").module == "cv2"
    assert Requirement("lazy_loader", "0.4").module == "lazy_loader"
    assert Requirement("some-thing", "1").module == "some_thing"
