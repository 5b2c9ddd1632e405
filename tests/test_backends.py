"""TensorFlow or JAX: what one of them trained, the other reads, and says the same."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import BACKEND, REPOSITORY, needs_tensorflow

import asl
from asl import environment
from asl.checkpoints import save_model
from asl.models.metadata import Metadata
from asl.reader import train as reader_train

OTHER = "tensorflow" if BACKEND == "jax" else "jax"
SAME = 1e-5  # of probabilities
needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None, reason="JAX is not installed: make test-jax"
)
PREDICT = """
import sys, numpy as np, asl
model, metadata = asl.load_model(sys.argv[1])
images = np.load(sys.argv[2])
np.save(sys.argv[3], asl.predict(model, images))
"""


def python_of(backend: str) -> str | None:
    """A Python that has this backend: this one, or one that make made."""
    if importlib.util.find_spec(backend):
        return sys.executable
    for folder in (".venv", ".venv-jax"):
        python = REPOSITORY / folder / "bin/python"
        found = REPOSITORY.glob(f"{folder}/lib/python3*/site-packages/{backend}/__init__.py")
        if python.exists() and any(found):
            return str(python)
    return None


def run(python: str, backend: str, code: str, *arguments: object) -> str:
    done = subprocess.run(
        [python, "-c", code, *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", ["cnn", "conv1d_lstm", "mobilenetv2", "joints"])
@pytest.mark.skipif(python_of(OTHER) is None, reason=f"{OTHER} is not installed beside {BACKEND}")
def test_the_other_backend_reads_a_checkpoint_and_predicts_the_same(name, parts, home):
    few = parts.train.take(np.arange(64))
    few = asl.Split(few, few, few, parts.recipe)
    model = asl.build(name, few.train.images.shape[1:], 24, weights=None)
    images = few.train.images
    if name == "joints":
        images = np.random.default_rng(0).normal(40, 9, (64, 21, 3)).astype(np.float32)
        save_model(
            model,
            name,
            Metadata("tiny", name, few.train.class_names, seed=0, input_shape=(28, 28, 1)),
        )
    else:
        asl.train(model, few, name=name, epochs=1)
    np.save(home / "images.npy", images)
    code = (
        PREDICT
        if name != "joints"
        else PREDICT.replace("asl.predict(model, images)", "model.predict_on_batch(images)")
    )
    file, answers = home / f"model/{name}.keras", home / "answers.npy"
    run(str(python_of(OTHER)), OTHER, code, file, home / "images.npy", answers)
    known = asl.load_model(file)[0]
    own = known.predict_on_batch(images) if name == "joints" else asl.predict(known, images)
    assert own.std() > 1e-4
    np.testing.assert_allclose(np.load(answers), own, atol=SAME)


def test_metadata_says_what_computed(parts, home):
    model = asl.build("cnn", (28, 28, 1), 3)
    metadata = Metadata("tiny", "cnn", ("A", "B", "C"), seed=0, input_shape=(28, 28, 1))
    save_model(model, "x", metadata)
    assert set(asl.load_model("x")[1].versions) == {BACKEND, "keras", "numpy"}


@needs_jax
def test_with_jax_nothing_imports_tensorflow():
    code = (
        "import importlib, json, pkgutil, sys, asl\n"
        "names = [each.name for each in pkgutil.walk_packages(asl.__path__, 'asl.')]\n"
        "for name in names:\n"
        "    if name not in ('asl.__main__', 'asl.app.page', 'asl.app.server'):\n"
        "        importlib.import_module(name)\n"
        "model = asl.build('cnn', (28, 28, 1), 3)\n"
        "print(json.dumps([len(names), 'jax' in sys.modules, 'tensorflow' in sys.modules]))\n"
    )
    count, with_jax, with_tensorflow = json.loads(run(sys.executable, "jax", code))
    assert count > 80 and with_jax and not with_tensorflow


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow writes it")
@pytest.mark.parametrize("format", ["litert", "onnx"])
def test_what_tensorflow_alone_writes_says_so(format, home, monkeypatch):
    from asl.export import convert

    model = asl.build("cnn", (28, 28, 1), 3)
    with pytest.raises(asl.AslError, match=f"TensorFlow alone writes {format}.*KERAS_BACKEND=tens"):
        convert.convert(model, home / "x", format)
    assert not (home / "x").exists()


@needs_tensorflow
def test_the_setup_cell_asks_for_what_computes(monkeypatch):
    assert "tensorflow" in {each.name for each in environment.read_requirements()}
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    names = [each.name for each in environment.read_requirements()]
    assert names[0] == "jax" and "tensorflow" not in names and "keras" in names


def test_the_reader_is_finished_where_tensorflow_is(home, monkeypatch, capsys):
    """With JAX its networks are trained and kept; nothing half-made gets into model/."""
    known = {"drawn": reader_train.left_out.LeftOut(*(np.zeros((0, 1)) for _ in range(6)))}
    monkeypatch.setattr(reader_train, "BACKEND", "jax")
    monkeypatch.setattr(reader_train, "LEFT_OUT", {"drawn": ("tiny",)})
    monkeypatch.setattr(reader_train, "_without", lambda name, *_: known[name])
    monkeypatch.setattr(reader_train.left_out.LeftOut, "correct", lambda *_: np.ones(3, bool))
    monkeypatch.setattr(reader_train.left_out.LeftOut, "is_letter", np.zeros(0, bool))
    monkeypatch.setattr(reader_train, "describe_accuracy", lambda *_: "3/3")
    monkeypatch.setattr(reader_train.left_out, "choose_share", lambda sets: 0.5)
    monkeypatch.setattr(reader_train.left_out, "calibrate", lambda sets, share: (1.0, None))
    monkeypatch.setattr(reader_train, "_train_hidden_layers", lambda *_: None)
    monkeypatch.setattr(reader_train, "_train", lambda *_, **__: (None, None))
    monkeypatch.setattr(reader_train, "gather", dict)
    assert reader_train.train_reader() is None
    told = capsys.readouterr().out
    assert "KERAS_BACKEND=tensorflow. It takes these networks, and trains nothing again." in told
    assert not (home / "model").exists()
