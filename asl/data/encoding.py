"""Letters, integers, one-hot rows, and back."""

from collections.abc import Sequence

import numpy as np

from asl.errors import AslError


def encode(labels: np.ndarray, class_count: int) -> np.ndarray:
    """Integer labels (n,) as one-hot rows, float32 (n, class_count).

    A label outside 0 to class_count - 1 raises AslError.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise AslError(f"labels must be integers (n,), not {labels.dtype} {labels.shape}.")
    outside = np.flatnonzero((labels < 0) | (labels >= class_count))
    if len(outside):
        row = outside[0]
        raise AslError(f"label {labels[row]} in row {row} is outside 0 to {class_count - 1}.")
    return np.eye(class_count, dtype=np.float32)[labels]


def most_likely(probabilities: np.ndarray) -> np.ndarray:
    """The class of each row's largest value, int64 (n,); -1 where a row of probabilities
    (n, classes) is all zeros: nothing is predicted there, since no hand was found.
    """
    probabilities = np.asarray(probabilities)
    return np.where(probabilities.any(axis=1), probabilities.argmax(axis=1), -1)


def decode(one_hot: np.ndarray, class_names: Sequence[str]) -> np.ndarray:
    """The class name of each row's largest value, "" for a row of zeros; one_hot (n, classes) →
    str (n,).
    """
    one_hot = np.asarray(one_hot)
    if one_hot.ndim != 2 or one_hot.shape[1] != len(class_names):
        raise AslError(f"rows {one_hot.shape} do not fit {len(class_names)} class names.")
    return np.array([*class_names, ""])[most_likely(one_hot)]
