import keras
import numpy as np
import pytest

from asl import AslError, decode, encode
from asl.data.hand_poses import LETTERS


def test_encode_equals_keras():
    labels = np.random.default_rng(0).integers(0, 24, 7172)
    rows = encode(labels, 24)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, keras.utils.to_categorical(labels, 24))


def test_there_and_back():
    labels = np.arange(24)[::-1]
    assert "".join(decode(encode(labels, 24), LETTERS)) == "YXWVUTSRQPONMLKIHGFEDCBA"


def test_decode_reads_probabilities():
    assert list(decode(np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]]), "ABC")) == ["B", "A"]


@pytest.mark.parametrize("bad", [[0, 3], [-1, 0]])
def test_a_label_outside_the_classes_is_named(bad):
    with pytest.raises(AslError, match=r"label (3 in row 1|-1 in row 0) is outside 0 to 2"):
        encode(np.array(bad), 3)


def test_labels_that_are_no_integers_are_refused():
    with pytest.raises(AslError, match="integers"):
        encode(np.array([0.0, 1.0]), 3)
    with pytest.raises(AslError, match="integers"):
        encode(np.zeros((2, 2), int), 3)


def test_rows_that_do_not_fit_the_names_are_refused():
    with pytest.raises(AslError, match="do not fit 2 class names"):
        decode(np.zeros((5, 3)), "AB")
