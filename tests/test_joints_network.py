"""`joints` as a network of the catalogue: from images to hands, to a checkpoint, to predictions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ARCHIVES, needs_archives

import asl
from asl import AslError, checkpoints, files, plots
from asl.data.image_formats import PictureError
from asl.data.rendered_hands import draw_hands, hand_points
from asl.data.samples import Samples, Split
from asl.data.split import split
from asl.evaluation import comparison, cross_dataset, explain
from asl.evaluation.confidence import calibrate, reliability
from asl.landmarks import joint_store, joints, networks
from asl.landmarks.hands import Hand
from asl.models import inputs, keras_files, registry
from asl.models.build import build
from asl.models.joints import known_head, mix_head, save_hidden
from asl.models.layers import layer_table
from asl.prediction import predict, predict_files, predict_fitted
from asl.results import read_results, results_table, write_results
from asl.training.batches import Batches
from asl.training.fit import find_or_train, train, train_split
from asl.training.known_signs import begin_with_known, keep_known

CLASSES = ("B", "L", "Y")
SIZE, MANY = 32, 14  # pixels of a side, images of a class
EMPTY = (0, 20)  # rows of images without a hand


def hands_of(labels, seed=0):
    """Joints of rendered hands, one for each label, in pixels of the images."""
    signers = 7 + np.arange(len(labels))
    return SIZE * hand_points([CLASSES[each] for each in labels], signers=signers, seed=seed)


@pytest.fixture(scope="session")
def samples():
    """Images of noise; the rows of EMPTY show no hand. The hands of the others are in `known`."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(3), MANY)
    images = random.integers(1, 255, (len(labels), SIZE, SIZE, 3), dtype=np.uint8)
    images[list(EMPTY)] = 0
    names = np.array([f"{CLASSES[label]}/{row:03d}.png" for row, label in enumerate(labels)])
    groups = np.arange(len(labels))
    is_test = groups >= len(labels) - 9
    is_test[EMPTY[0]] = True
    return Samples("tiny", CLASSES, images, labels, names, groups, is_test, "hand")


@pytest.fixture(autouse=True)
def looked(monkeypatch, samples):
    """Hands are not looked for but known; gives how many images were asked for at a time."""
    known = {
        image.tobytes(): points
        for image, points in zip(samples.images, hands_of(samples.labels), strict=True)
    }
    asked = []

    def find_hands(image):
        points = known.get(image.tobytes())
        if points is None or not image.any():
            return []
        flat = points[:, :2]
        box = np.concatenate([flat.min(axis=0), flat.max(axis=0)])
        return [Hand(box, points.astype(np.float32), 0.9, 0.95)]

    def find_in_each(images):
        images = [*images]
        asked.append(len(images))
        return map(find_hands, images)

    monkeypatch.setattr(joints, "find_in_each", find_in_each)
    monkeypatch.setattr(inputs, "find_hands", find_hands)
    monkeypatch.setattr(networks, "network_file", lambda network: None)
    return asked


@pytest.fixture(autouse=True)
def landmarks(home, monkeypatch):
    """Weights of the hidden layers, as `python -m asl reader` leaves them, in a clone without."""
    monkeypatch.setattr(files, "REPOSITORY", home / "clone")
    file = home / "clone/model" / registry.find("joints").hidden
    file.parent.mkdir(parents=True)
    arrays = build("joints", (SIZE, SIZE, 3), 2, seed=3, weights=None).get_weights()[:-2]
    np.savez(file, **{str(number): array for number, array in enumerate(arrays)})
    return file


@pytest.fixture
def parts(samples):
    return split(samples)


@pytest.fixture
def network():
    return build("joints", (SIZE, SIZE, 3), 3)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Where a training of one checkpoint left its files."""
    return tmp_path_factory.mktemp("joints")


@pytest.fixture
def checkpoint(trained, home, parts, monkeypatch):
    """The name of a checkpoint, trained once."""
    monkeypatch.setattr(files, "MODEL", trained)
    name = "tiny-joints"
    if not (trained / f"{name}.keras").exists():
        train_split(parts, "joints", epochs=40)
    return name


# The entry, and what is built


def test_the_entry_says_that_it_takes_joints(network):
    entry = registry.find("joints")
    assert entry.takes_joints and entry.input_size >= 192 and entry.augmented
    assert [name for name, each in asl.MODELS.items() if each.takes_joints] == ["joints"]
    assert network.input_shape == (None, 21, 3) and network.output_shape == (None, 3)
    other = build("joints", (48, 48, 1), 3)  # the size of the images changes nothing
    assert all(map(np.array_equal, other.get_weights(), network.get_weights()))


def test_all_but_the_head_begins_with_what_landmark_rows_taught(network, landmarks):
    assert [layer.name for layer in network.layers if layer.trainable and layer.weights] == [
        network.layers[-1].name
    ]
    with np.load(landmarks) as stored:
        for number, array in enumerate(network.get_weights()[:-2]):
            np.testing.assert_array_equal(array, stored[str(number)])
    random = build("joints", (SIZE, SIZE, 3), 3, weights=None)
    assert len(random.trainable_weights) == 12
    assert (random.get_weights()[4] != network.get_weights()[4]).any()
    again = build("joints", (SIZE, SIZE, 3), 3, seed=3, weights=str(landmarks))
    np.testing.assert_array_equal(again.get_weights()[4], network.get_weights()[4])


def test_weights_that_are_missing_or_do_not_fit(landmarks, home):
    np.savez(home / "other.npz", **{"0": np.zeros(3)})
    (home / "damaged.npz").write_bytes(b"PK" + landmarks.read_bytes()[2:5000])
    for name in ("other", "damaged"):
        with pytest.raises(AslError, match=rf"{name}\.npz cannot be read .*weights none"):
            build("joints", (SIZE, SIZE, 3), 3, weights=home / f"{name}.npz")
    landmarks.unlink()
    with pytest.raises(AslError, match=r"python -m asl reader makes it.*--weights none"):
        build("joints", (SIZE, SIZE, 3), 3)
    build("joints", (SIZE, SIZE, 3), 3, weights=None)


def with_head(landmarks, signs, kernel, bias):
    """The file of weights with a head as well, which knows these signs."""
    with np.load(landmarks) as stored:
        arrays = dict(stored)
    np.savez(landmarks, **arrays, signs=np.array(signs), kernel=kernel, bias=bias)


def test_what_the_head_knows_is_found_by_name(network, landmarks, home):
    assert len(known_head(landmarks, CLASSES).rows) == 0  # it holds no head
    save_hidden(network, home / "own.npz", {"L": 1, "y": 2, "0": 0})
    kernel, bias = network.layers[-1].get_weights()
    head = known_head(home / "own.npz", ("Y", "hello", "l", "A"))
    assert head.rows.tolist() == [0, 2]
    np.testing.assert_array_equal(head.kernel, kernel[:, [2, 1]])
    other = build("joints", (SIZE, SIZE, 3), 4, seed=9, weights=home / "own.npz")
    before = other.layers[-1].get_weights()[0]
    mix_head(other, head, 0.25)
    mixed = other.layers[-1].get_weights()[0]
    np.testing.assert_array_equal(mixed[:, [1, 3]], before[:, [1, 3]])
    np.testing.assert_allclose(mixed[:, 2], 0.25 * kernel[:, 1] + 0.75 * before[:, 2], atol=1e-6)
    np.testing.assert_array_equal(bias, network.layers[-1].get_weights()[1])


def test_a_head_that_knows_the_signs_keeps_a_share_of_that(
    checkpoint, parts, landmarks, capsys, eager
):
    """Trained on as many hands as are there, it ends between what it knew and what it learned."""
    kernel, bias = asl.load_model(checkpoint)[0].layers[-1].get_weights()
    with_head(landmarks, [*CLASSES[:2], "Q"], kernel, bias)
    model = build("joints", (SIZE, SIZE, 3), 3, weights=landmarks)
    head = begin_with_known(model, registry.find("joints"), CLASSES, landmarks)
    began = model.layers[-1].get_weights()[0]
    np.testing.assert_array_equal(began[:, :2], kernel[:, :2])  # the Y is no Q
    train(model, parts, name="kept", epochs=3, weights=landmarks)
    told = capsys.readouterr().out
    assert "of 2 signs that were known before, the head keeps 0.5 of what it knew" in told
    loaded, metadata = asl.load_model("kept")
    ended = loaded.layers[-1].get_weights()[0] * metadata.temperature
    trained = 2 * ended[:, head.rows] - head.kernel  # as it was before the mean was taken
    assert 0 < np.abs(trained - head.kernel).max() < 1
    correct = asl.most_likely(predict(loaded, parts.validation.images)) == parts.validation.labels
    assert metadata.validation["val_accuracy"] == pytest.approx(correct.mean(), abs=1e-5)


def test_what_a_head_knows_wrongly_is_not_kept(checkpoint, parts, landmarks, capsys):
    """Signs of these names that look otherwise: half of such a head would cost too much."""
    model, metadata = asl.load_model(checkpoint)
    kernel, bias = model.layers[-1].get_weights()
    with_head(landmarks, CLASSES, 50 * kernel[:, ::-1], bias[::-1])
    head = known_head(landmarks, CLASSES)
    seen = inputs.training_input(model, parts)[0].validation
    batches = Batches(seen.images, asl.encode(seen.labels, 3), 8, augmented=False, shuffled=False)
    before = model.layers[-1].get_weights()
    model.compile(loss="categorical_crossentropy", weighted_metrics=["accuracy"])
    figures = keep_known(model, head, batches)
    for one, two in zip(before, model.layers[-1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert figures["val_accuracy"] == pytest.approx(metadata.validation["val_accuracy"], abs=0.01)
    assert "known before" not in capsys.readouterr().out


def test_its_cost_is_that_of_its_dense_layers(network):
    table = layer_table(network)
    dense = table[table["layer"] == "Dense"]
    assert dense["multiply-adds"].tolist() == [292 * 384, 384 * 384, 384 * 3]
    assert table["multiply-adds"].sum() == dense["multiply-adds"].sum()
    assert table["parameters"].sum() == network.count_params()


def test_without_the_networks_that_find_hands_it_is_said_before_any_work(home, monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv("ASL_ARCHIVES", raising=False)
    for name, place in (("HOME", "."), ("DATA", "data")):
        monkeypatch.setattr(files, name, home / place)

    def no_network(*_, **__):
        raise OSError("no connection")

    monkeypatch.setattr("asl.data.weights.download", no_network)
    monkeypatch.setattr(networks, "_failures", {})
    with pytest.raises(AslError, match=r"cannot be fetched[\s\S]*Put palm_detection_full\.tflite"):
        asl.find_weights("joints")


# What it takes of images


def test_images_become_joints_and_other_networks_get_images(network, samples):
    seen = inputs.network_input(network, samples.images)
    assert seen.values.shape == (42, 21, 3) and seen.values.dtype == np.float32
    assert np.flatnonzero(~seen.found).tolist() == list(EMPTY)
    np.testing.assert_allclose(seen.joints[5], hands_of(samples.labels)[5], rtol=1e-5)
    assert not seen.joints[list(EMPTY)].any()
    pixels = inputs.network_input(build("cnn", (SIZE, SIZE, 3), 3), samples.images)
    assert pixels.values is samples.images and pixels.found.all() and pixels.joints is None


def test_hands_are_looked_for_once_for_each_image(network, samples, looked):
    images = samples.images
    inputs.network_input(network, images[:30])
    assert sum(looked) == 29  # two are equal
    shuffled = np.random.default_rng(1).permutation(42)
    found = inputs.network_input(network, images[shuffled])
    assert sum(looked) == 41  # another part, another order: only those that are new
    np.testing.assert_allclose(
        found.values, hands_of(samples.labels)[shuffled] * found.found[:, None, None], rtol=1e-5
    )
    inputs.network_input(network, images, stored=False)
    assert sum(looked) == 41 + 42


def test_equal_images_are_looked_for_once(samples, looked):
    found, _ = joint_store.stored_joints(np.repeat(samples.images[1:2], 20, axis=0))
    assert sum(looked) == 1 and found.found.all()


def test_a_search_that_was_interrupted_goes_on(samples, looked, monkeypatch):
    monkeypatch.setattr(joints, "BATCH", 10)
    usual = joints.look

    def stops(images):
        if sum(looked) == 20:
            raise KeyboardInterrupt
        return usual(images)

    monkeypatch.setattr(joints, "look", stops)
    with pytest.raises(KeyboardInterrupt):
        joint_store.stored_joints(samples.images)
    (file,) = (files.DATA / "cache/joints").glob("*.rows")
    with file.open("ab") as out:
        out.write(b"half a record")  # what a kill may leave
    monkeypatch.setattr(joints, "look", usual)
    found, seconds = joint_store.stored_joints(samples.images)
    assert looked == [10, 10, 10, 10, 1]  # two are equal
    assert found.found.sum() == 40 and seconds >= 0
    assert file.stat().st_size == 41 * joint_store.RECORD.itemsize


def test_a_damaged_record_is_looked_for_again(samples, looked, capsys):
    first, _ = joint_store.stored_joints(samples.images)
    (file,) = (files.DATA / "cache/joints").glob("*.rows")
    content = bytearray(file.read_bytes())
    content[5 * joint_store.RECORD.itemsize + 40] ^= 0xFF
    file.write_bytes(content)
    again, _ = joint_store.stored_joints(samples.images)
    assert looked == [41, 1]
    np.testing.assert_array_equal(again.points, first.points)
    assert capsys.readouterr().out.count("damaged") == 1
    assert file.stat().st_size == 41 * joint_store.RECORD.itemsize
    joint_store.stored_joints(samples.images[:30])
    assert looked == [41, 1] and "damaged" not in capsys.readouterr().out  # it was mended


def test_joints_are_augmented_and_images_as_ever(network, samples):
    seen = inputs.network_input(network, samples.images[1:9])
    varied = inputs.augment_input(seen.values, [0, 1, 2])
    assert varied.shape == (8, 21, 3)
    np.testing.assert_array_equal(varied, inputs.augment_input(seen.values, [0, 1, 2]))
    assert np.abs(varied[..., :2]).max() < 10  # in sizes of the hand
    np.testing.assert_array_equal(
        inputs.augment_input(samples.images[:2], [3]), asl.augment(samples.images[:2], [3])
    )


# Training


def test_images_without_a_hand_are_told_and_left_out_of_training(network, parts, capsys):
    taken, _ = inputs.training_input(network, parts)
    told = capsys.readouterr().out
    without = [name for name in (*parts.train.names, *parts.validation.names) if "020" in name]
    assert len(without) == 1 and without[0] in told
    count = len(parts.train) + len(parts.validation)
    assert f"no hand was found in 1 of {count} images" in told
    assert len(taken.train) + len(taken.validation) == count - 1
    assert without[0] not in {*taken.train.names, *taken.validation.names}
    assert taken.test is parts.test and taken.recipe == parts.recipe
    assert taken.train.images.shape == (len(taken.train), 21, 3)


def test_validation_figures_count_images_without_a_hand_as_wrong(network, parts, capsys, eager):
    """Whoever chooses by validation accuracy compares networks on the same images."""
    validation = parts.train.take(np.arange(1, 13))
    images = validation.images.copy()
    images[:2] = 0
    validation = replace(validation, images=images)
    parts = Split(parts.train, validation, parts.test, parts.recipe)
    train(network, parts, name="few", epochs=6)
    model, metadata = asl.load_model("few")
    predicted = asl.most_likely(predict(model, images))
    assert (predicted[:2] == -1).all() and (predicted == validation.labels).any()
    share = (predicted == validation.labels).mean()
    assert metadata.validation["val_accuracy"] == pytest.approx(share, abs=1e-5)
    assert max(metadata.history["val_accuracy"]) <= 1 - 2 / len(images) + 1e-4
    if metadata.threshold.coverage:
        assert metadata.threshold.coverage <= 1 - 2 / len(images)
    told = capsys.readouterr().out
    assert "count as wrong" in told
    assert "known before" not in told  # the hidden layers came without a head


def test_a_class_without_any_hand_is_named(network, parts):
    images = parts.train.images.copy()
    images[parts.train.labels == 1] = 0
    train_part = Samples("tiny", CLASSES, images, parts.train.labels, parts.train.names)
    with pytest.raises(AslError, match=r"in any training image of L, so that"):
        train(network, Split(train_part, parts.validation, parts.test, parts.recipe), epochs=1)
    assert not list(files.MODEL.glob("*"))
    named = Samples("tiny", ("B", "Nothing", "Y"), images, train_part.labels, train_part.names)
    inputs.training_input(network, Split(named, parts.validation, parts.test, parts.recipe))


def test_validation_without_any_hand(network, parts):
    empty = np.zeros_like(parts.validation.images)
    part = Samples("tiny", CLASSES, empty, parts.validation.labels, parts.validation.names)
    with pytest.raises(AslError, match="no hand was found in any validation image"):
        inputs.training_input(network, Split(parts.train, part, parts.test, parts.recipe))


def test_the_checkpoint_knows_the_shape_of_the_images_and_learned(checkpoint, parts):
    model, metadata = asl.load_model(checkpoint)
    assert metadata.input_shape == (SIZE, SIZE, 3) and metadata.model == "joints"
    assert metadata.weights == "joints-landmarks.npz"
    assert model.input_shape == (None, 21, 3)
    assert metadata.split == parts.recipe and metadata.threshold is not None
    assert metadata.training_seconds >= metadata.features_seconds >= 0
    predicted = asl.most_likely(predict(model, parts.train.images))
    seen = parts.train.images.any(axis=(1, 2, 3))
    assert (predicted == parts.train.labels)[seen].mean() > 0.9
    assert (predicted[~seen] == -1).all()


def test_a_training_goes_on_after_a_kill(parts, monkeypatch, capsys, landmarks, eager):
    with_head(landmarks, CLASSES, np.eye(384, 3, dtype=np.float32), np.zeros(3, np.float32))
    known = {"epochs": 2, "weights": "imagenet"}
    history = train(build("joints", (SIZE, SIZE, 3), 3), parts, name="whole", **known)
    from asl.training import resume

    usual, ended = resume.KeepProgress.on_epoch_end, []

    def stops(self, epoch, logs=None):
        usual(self, epoch, logs)
        if epoch == 0 and not ended:
            ended.append(epoch)
            raise KeyboardInterrupt

    monkeypatch.setattr(resume.KeepProgress, "on_epoch_end", stops)
    with pytest.raises(KeyboardInterrupt):
        train(build("joints", (SIZE, SIZE, 3), 3), parts, name="killed", **known)
    again = train(build("joints", (SIZE, SIZE, 3), 3), parts, name="killed", **known)
    assert "going on after epoch 1 of 2" in capsys.readouterr().out
    whole, killed = (asl.load_model(name)[1].validation for name in ("whole", "killed"))
    assert killed["val_accuracy"] == whole["val_accuracy"]  # of the head that keeps what it knew
    figures = ["loss", "val_loss", "val_accuracy"]
    np.testing.assert_allclose(again[figures], history[figures], rtol=1e-5)


def test_an_older_keras_takes_the_weights_of_the_file(checkpoint, monkeypatch, parts):
    expected = predict(asl.load_model(checkpoint)[0], parts.test.images)
    keras = asl.keras

    def unknown(*_, **__):
        raise ValueError("Unrecognized keyword arguments: ['new']")

    monkeypatch.setattr(keras.saving, "load_model", unknown)
    monkeypatch.setattr(keras_files, "is_older", lambda *_: True)
    model, _ = asl.load_model(checkpoint)
    np.testing.assert_allclose(predict(model, parts.test.images), expected, atol=1e-6)


# Prediction


def test_without_a_hand_nothing_is_predicted(checkpoint, samples, home):
    model, _ = asl.load_model(checkpoint)
    images = samples.images[[0, 1, 20]]
    probabilities = predict(model, images)
    np.testing.assert_allclose(probabilities.sum(axis=1), [0, 1, 0], atol=1e-5)
    assert asl.most_likely(probabilities).tolist()[::2] == [-1, -1]
    assert asl.decode(probabilities, CLASSES).tolist()[::2] == ["", ""]
    np.testing.assert_array_equal(predict_fitted(model, images), probabilities)
    table = results_table(["a", "b", "c"], probabilities, CLASSES, ["B", "L", "Y"])
    assert table["predicted"].tolist()[::2] == table["second"].tolist()[::2] == ["", ""]
    assert table["confidence"].tolist()[::2] == [0, 0] and table["predicted"][1] in CLASSES
    again = read_results(write_results(table))
    pd.testing.assert_frame_equal(again, table, atol=1e-4, check_dtype=False)


def test_pictures_of_any_size_are_read_at_their_own_size(checkpoint, samples, home, monkeypatch):
    model, _ = asl.load_model(checkpoint)
    folder = home / "pictures" / "L"
    folder.mkdir(parents=True)
    import cv2

    for row, name in ((1, "hand"), (0, "empty")):
        cv2.imwrite(str(folder / f"{name}.png"), samples.images[row][..., ::-1])
    (folder / "broken.png").write_bytes(b"no picture")
    table, messages = predict_files(model, CLASSES, [folder.parent])
    assert table["image"].tolist() == ["L/empty.png", "L/hand.png"]
    assert table["predicted"].tolist() == [
        "",
        asl.decode(predict(model, samples.images[1:2]), CLASSES)[0],
    ]
    assert table["confidence"][0] == 0 and table["actual"].tolist() == ["L", "L"]
    assert table["note"].tolist() == ["no hand was found", ""]
    assert len(messages) == 1 and "broken.png" in messages[0]
    (error,) = inputs.read_inputs(model, [folder / "broken.png"], (1, 1, 3))
    assert isinstance(error, PictureError)


# Evaluation: a row of zeros is no class


def test_no_figure_takes_a_row_of_zeros_for_a_class():
    probabilities = np.float32([[0, 0], [0.9, 0.1], [0.2, 0.8]])
    labels = np.array([0, 0, 0])
    np.testing.assert_allclose(calibrate(probabilities, 2.0).sum(axis=1), [0, 1, 1])
    table = reliability(labels, probabilities)
    assert table["images"].sum() == 2 and table["accuracy"].tolist() == [0, 1]
    assert asl.calibration_error(reliability(labels[:1], probabilities[:1])) == 0
    threshold = asl.evaluation.confidence.confidence_threshold(
        np.repeat(probabilities[:2], 20, axis=0), np.zeros(40, int), 0.9
    )
    assert threshold.coverage == 0.5  # those without a hand are below any threshold,
    many = np.concatenate([np.repeat(probabilities[1:2], 39, axis=0), probabilities[:1]])
    threshold = asl.evaluation.confidence.confidence_threshold(many, np.zeros(40, int), 0.9)
    assert threshold.coverage == 39 / 40 and threshold.confidence > 0  # however few they are
    mistakes = asl.mistakes(labels, probabilities)
    assert mistakes["row"].tolist() == [2, 0] and mistakes["predicted"].tolist() == [1, -1]
    assert mistakes["loss"][1] == pytest.approx(np.log(2)) and mistakes["confidence"][1] == 0
    assert asl.least_confident(labels, probabilities)["row"].tolist() == [1]
    captions, _ = plots.verdicts(mistakes, ("A", "B"))
    assert captions[1] == "A\nno hand found"
    predicted = asl.most_likely(probabilities)
    assert asl.per_class(labels, predicted, ("A", "B"))["recall"].tolist() == [1 / 3, 0]
    assert asl.confusion(labels, predicted, 2).sum() == 2


def test_compare_and_evaluate(checkpoint, parts, monkeypatch, capsys, home):
    monkeypatch.setattr(checkpoints, "replay_split", lambda metadata: parts)
    row, results = comparison.measure(checkpoint, parts.test)
    without = int((~parts.test.images.any(axis=(1, 2, 3))).sum())
    assert without == 1 and (results["predicted"] == "").sum() == without
    assert row["correct"] == (results["actual"] == results["predicted"]).sum()
    assert row["test_images"] == len(parts.test)
    assert row["parameters"] == build("joints", (8, 8, 3), 3).count_params()
    assert row["multiply_adds"] == 292 * 384 + 384 * 384 + 384 * 3
    told = cross_dataset.evaluate(checkpoint, "tiny")
    assert f"no hand was found in 1 of {len(parts.test)} images" in told
    assert find_or_train(parts, "joints") == checkpoint


def test_the_speed_includes_finding_hands(checkpoint, parts, looked):
    comparison.measure(checkpoint, parts.test)
    count = len(parts.test)
    assert sum(looked[1:]) >= comparison.REPEATS * count  # each time anew


def test_another_data_set_is_loaded_at_the_size_for_hands(network, monkeypatch):
    asked = {}
    monkeypatch.setattr("asl.prediction.load", lambda name, **how: asked.update(how))
    asl.prediction.load_for(network, "rooms")
    assert asked == {"size": registry.input_size("joints")}


def test_robustness(checkpoint, parts):
    model, _ = asl.load_model(checkpoint)
    seen = parts.train.take(np.arange(6))
    curves = asl.robustness(model, seen.images, seen.labels, ["brightness"])
    plain, *changed = curves["accuracy"]
    assert plain >= 0.8 and changed == [0] * 4  # the stand-in finds no hand in changed images


# Explanation


def test_the_joint_that_decides_matters_most(monkeypatch):
    """A network that looks at one joint alone."""
    keras = asl.keras
    points = keras.Input((21, 3))
    tip = keras.ops.stack([points[:, 8, 0], -points[:, 8, 0]], axis=1)
    outputs = keras.layers.Dense(2, activation="softmax")(keras.layers.Identity()(tip))
    model = keras.Model(points, outputs)
    model.layers[-1].set_weights([np.eye(2), np.zeros(2)])
    seen = inputs.NetworkInput(hands_of([0, 1, 2]), np.array([True, True, False]))
    weights = explain.joint_weights(model, seen, np.array([0, 1, 0]))
    assert weights.shape == (3, 21)
    np.testing.assert_allclose(weights[:2, 8], 1)
    assert np.delete(weights, 8, axis=1).max() == 0 and not weights[2].any()


def test_grad_cam_of_joints_and_its_figure(checkpoint, parts):
    model, _ = asl.load_model(checkpoint)
    images = parts.test.images[:3]
    joints_of = inputs.network_input(model, images).joints
    heat = asl.grad_cam(model, images, np.array([0, 1, 2]))
    assert heat.shape == (3, 21) and heat.min() >= 0
    assert ((heat.max(axis=1) == 1) == joints_of.any(axis=(1, 2))).all()
    both = asl.grad_cam(model, images, np.array([[0, 1], [1, 2], [2, 0]]))
    assert both.shape == (3, 2, 21)
    assert ((both.max(axis=(1, 2)) == 1) == joints_of.any(axis=(1, 2))).all()
    cases = {"actual": [1, 2, 0], "predicted": [0, 1, 2], "taken_for": [0, 1, 2]}
    cases = pd.DataFrame(cases).assign(confidence=0.5)
    figure = plots.evidence(images, cases, CLASSES, both, joints_of)
    assert [len(axes.collections) for axes in figure.axes[3:9]] == [1] * 6
    none = images[:0]
    assert asl.grad_cam(model, none, np.zeros((0, 2), int)).shape == (0, 2, 21)
    assert asl.nearest(model, none, images).shape == (0, 3)


def test_neighbours_are_hands(checkpoint, parts):
    model, _ = asl.load_model(checkpoint)
    train_images = parts.train.images.copy()
    train_images[:5] = 0
    found = asl.nearest(model, parts.train.images[5:8], train_images, count=3)
    assert found[:, 0].tolist() == [5, 6, 7] and found.min() >= 5


def test_what_the_network_sees_is_drawn(network, samples):
    seen = inputs.network_input(network, samples.images[:3])
    figure = plots.network_input(seen.values, ["none", "one", "two"])
    assert [bool(axes.lines) for axes in figure.axes] == [False, True, True]
    assert plots.network_input(samples.images[:2]).axes[0].images
    answer = plots.answer(samples.images[1], "L", np.ones(3) / 3, CLASSES, seen.joints[1])
    assert answer.axes[0].lines


@needs_archives
def test_rendered_hands_from_pictures_to_letters(home, monkeypatch):
    """Everything as it is, on 36 rendered hands in a folder of one's own."""
    monkeypatch.undo()
    for name, place in (("HOME", "."), ("DATA", "data"), ("MODEL", "model"), ("RUNS", "runs")):
        monkeypatch.setattr(files, name, home / place)
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    import cv2

    for letter in "BLY":
        (home / "signs" / letter).mkdir(parents=True)
        images = draw_hands(letter * 12, signers=range(12), seed=ord(letter), size=96)
        for number, image in enumerate(images):
            cv2.imwrite(str(home / f"signs/{letter}/{number:02d}.png"), image[..., ::-1])
    dataset = f"folder:{home / 'signs'}"
    parts = split(asl.load(dataset, asl.input_size("joints")))
    train_split(parts, "joints", epochs=15)
    model, metadata = asl.load_model(checkpoints.checkpoint_name(dataset, "joints"))
    assert metadata.input_shape == (asl.input_size("joints"),) * 2 + (3,)
    table, _ = predict_files(model, metadata.class_names, [home / "signs"])
    assert (table["predicted"] == table["actual"]).mean() > 0.9
