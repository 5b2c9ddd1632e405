"""The real letters, Sign Language MNIST, where ASL_ARCHIVES has them: read once for all tests."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from conftest import ARCHIVES, needs_archives

from asl import DATASETS, files, load, load_model, replay_split, split
from asl.data import download

pytestmark = needs_archives


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home folder whose data/cache holds the letters and their near-duplicates, and the images
    as they came from the archive.
    """
    home = tmp_path_factory.mktemp("letters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASL_ARCHIVES", ARCHIVES)
        patch.setattr(files, "HOME", home)
        patch.setattr(files, "DATA", home / "data")
        samples = load("letters")
        split(samples)  # looks for near-duplicates
    return home, samples


@pytest.fixture
def letters(kept, monkeypatch):
    """The letters from the cache."""
    home, _ = kept
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    monkeypatch.setattr(files, "HOME", home)
    monkeypatch.setattr(files, "DATA", home / "data")
    return load("letters")


def test_the_archive(kept, letters, capsys):
    _, samples = kept
    assert samples.images.shape == (34_627, 28, 28, 1)
    with zipfile.ZipFile(download.find(DATASETS["letters"])) as archive:
        member = "sign_mnist_test/sign_mnist_test.csv"
        table = pd.read_csv(io.BytesIO(archive.read(member))).to_numpy()
    test = split(samples).test
    np.testing.assert_array_equal(test.images.reshape(7172, 784), table[:, 1:])
    np.testing.assert_array_equal(test.labels + (test.labels >= 9), table[:, 0])
    assert (files.DATA / "cache/letters.npz").exists()
    for column in ("images", "labels", "names", "is_test"):
        np.testing.assert_array_equal(getattr(letters, column), getattr(samples, column))


def test_they_are_made_of_photographs_of_21_images(letters):
    """Their groups, one photograph or a few moments of a film, are multiples of 21 images, of which
    some are missing; two of five official test images have a near-duplicate in training.
    """
    train, validation, test = split(letters)
    of_training = np.concatenate([train.groups, validation.groups])
    sizes = np.unique(of_training, return_counts=True)[1]
    photographs = np.ceil(sizes / 21)
    assert photographs.sum() == pytest.approx(1332, abs=15)
    assert (21 * photographs - sizes <= 4 * photographs).mean() > 0.98
    assert 0.3 < np.isin(test.groups, of_training).mean() < 0.5


def test_the_stored_checkpoint_is_tested_on_what_it_was_not_trained_on(letters, capsys):
    """The publisher's test of the real data set, and the very images of the training."""
    parts = replay_split(load_model("letters-cnn")[1])
    assert [len(part) for part in parts] == [24_604, 2_851, 7_172]
    assert not set(parts.test.names) & {*parts.train.names, *parts.validation.names}
    assert "CAUTION" not in capsys.readouterr().out
