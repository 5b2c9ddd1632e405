"""Weights from ImageNet: found, fetched from a server on this machine, checked, refused."""

import dataclasses
import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from conftest import ARCHIVES, needs_archives

from asl import AslError, build, find_weights, random_weights
from asl.data.weights import WeightsFile
from asl.keras_setup import keras
from asl.models import backbones, pretrained
from asl.models.pretrained import WEIGHTS
from asl.models.transfer import backbone_of

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run
NAME = "mobilenetv2"
SHAPE = (28, 28, 1)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Weights of a backbone, random, as Keras writes them."""
    keras.utils.set_random_seed(7)
    backbone, _ = backbones.mobilenetv2(96)
    path = tmp_path_factory.mktemp("weights") / "backbone.weights.h5"
    backbone.save_weights(path)
    return path


@pytest.fixture
def served(file, tmp_path_factory, monkeypatch):
    """The files of mobilenetv2, with the address of a server that has this file."""
    folder = tmp_path_factory.mktemp("server")
    known = WEIGHTS[NAME][0]
    (folder / "there.weights.h5").write_bytes(file.read_bytes())
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def entry(name="there.weights.h5", digest=""):
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        known_here = WeightsFile(known.name.replace(".h5", ".weights.h5"), digest, url)
        monkeypatch.setitem(WEIGHTS, NAME, (known_here,))
        return known_here

    yield entry
    server.shutdown()


def test_architectures_that_are_initialised_at_random_need_no_file(home):
    assert find_weights("cnn") is None
    assert find_weights("vgg16", None) is None
    assert not list(home.iterdir())


def test_fetched_once_checked_and_kept(served, home, file, capsys):
    known = served(digest="sha256:" + hashlib.sha256(file.read_bytes()).hexdigest())
    kept = find_weights(NAME)
    assert kept == home / "data/weights" / known.name
    assert kept.read_bytes() == file.read_bytes()
    said = capsys.readouterr().out
    assert f"Fetching the ImageNet weights of {NAME}, http://127.0.0.1" in said
    assert find_weights(NAME) == kept
    assert "etching" not in capsys.readouterr().out
    assert [each.name for each in kept.parent.iterdir() if each.name[0] != "."] == [known.name]


def test_another_file_than_promised_is_not_kept(served, home):
    served(digest="md5:0123456789abcdef")
    with pytest.raises(AslError, match="damaged, or not what its name says"):
        find_weights(NAME)
    assert not [each for each in (home / "data/weights").iterdir() if each.name[0] != "."]


@pytest.mark.parametrize("where", ["not there", "no server"])
def test_without_a_network_one_message_says_where_to_put_the_file(where, served, home, monkeypatch):
    known = served("nothing.h5")
    if where == "no server":
        known = dataclasses.replace(known, url="http://127.0.0.1:1/x.h5")
        monkeypatch.setitem(WEIGHTS, NAME, (known,))
    with pytest.raises(AslError) as raised:
        build(NAME, SHAPE, 3)
    message = str(raised.value)
    assert "The ImageNet weights of mobilenetv2 are not on this machine" in message
    assert f"Put {known.name} into data/weights" in message
    assert "weights=PATH" in message


def test_put_there_by_hand_or_in_an_archive_folder(
    served, home, file, tmp_path, monkeypatch, capsys
):
    known = served("nothing.h5", "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest())
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    monkeypatch.setenv("ASL_ARCHIVES", f"{first}{os.pathsep}{second}")
    (first / known.name).write_bytes(b"not the weights")
    with pytest.raises(AslError, match=r"first/mobilenet.* is damaged"):
        find_weights(NAME)
    (second / known.name).write_bytes(file.read_bytes())
    assert find_weights(NAME) == second / known.name
    assert "passed over: first/mobilenet" in capsys.readouterr().out
    by_hand = home / "data/weights" / known.name
    by_hand.write_bytes(file.read_bytes())
    assert find_weights(NAME) == by_hand


def test_a_path_is_taken_as_it_is(file, home):
    assert find_weights(NAME, file) == file
    with pytest.raises(AslError, match=r"nowhere\.h5 does not exist"):
        find_weights(NAME, "nowhere.h5")


def test_the_backbone_has_the_weights_of_the_file(file, home):
    model = build(NAME, SHAPE, 3, weights=file)
    keras.utils.set_random_seed(7)
    expected, _ = backbones.mobilenetv2(96)
    for one, two in zip(backbone_of(model).get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_random_weights_to_try_the_way(home):
    file = random_weights(NAME)
    assert file == home / "data/weights/random-mobilenetv2.weights.h5"
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    first, second = (build(NAME, SHAPE, 3, seed=seed, weights=file) for seed in (0, 1))
    kernels = [backbone_of(model).get_weights()[0] for model in (first, second)]
    np.testing.assert_array_equal(*kernels)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("other", "mobilenetv2"), ("cut", "cannot be read"), ("text", "cannot be read")],
)
def test_weights_of_another_network_and_damaged_files(content, reason, file, home, tmp_path):
    path = tmp_path / "given.weights.h5"
    if content == "other":
        backbones.vgg16(32)[0].save_weights(path)
    else:
        path.write_bytes(file.read_bytes()[:100_000] if content == "cut" else b"hello")
    with pytest.raises(AslError, match=rf"given\.weights\.h5 .*{reason}"):
        build(NAME, SHAPE, 3, weights=path)


def test_a_torch_file_that_is_none(home, tmp_path):
    (tmp_path / "alexnet.pth").write_bytes(b"hello")
    with pytest.raises(AslError, match=r"alexnet\.pth cannot be read"):
        build("alexnet", SHAPE, 3, weights=tmp_path / "alexnet.pth")


@needs_archives
def test_real_weights_give_the_features_that_keras_gives(home, monkeypatch):
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    try:
        file = find_weights(NAME)
    except AslError:
        pytest.skip("no folder of ASL_ARCHIVES has the weights of mobilenetv2")
    backbone, preprocessing = backbones.mobilenetv2(96)
    pretrained.load_weights(backbone, file, NAME)
    theirs = keras.applications.MobileNetV2(
        (96, 96, 3), alpha=0.35, include_top=False, weights=str(file), pooling="avg"
    )
    model = backbones.add_head(backbone, preprocessing, (96, 96, 3), 3, frozen=True, name=NAME)
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)
    features = keras.Model(model.inputs, model.get_layer(backbones.FEATURES).output)
    prepared = keras.applications.mobilenet_v2.preprocess_input(images.astype(np.float32))
    found, expected = features.predict_on_batch(images), theirs.predict_on_batch(prepared)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)
