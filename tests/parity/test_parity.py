"""Live against torch and keras-hub: what tests/reference holds is still what they compute."""

import keras_hub
import numpy as np
import pytest
import torch
from parity import make_reference
from torch_weights import REFERENCE, picture, shapes

from asl.keras_setup import keras
from asl.models import backbones
from asl.models.pretrained import load_weights
from asl.models.torch_files import read_tensors


def test_the_stored_answers_are_torchs():
    stored = np.load(REFERENCE / "torch_answers.npz")
    for name, expected in make_reference.answers().items():
        np.testing.assert_allclose(stored[name], expected, rtol=1e-4, atol=1e-4)
    for name, expected in make_reference.shapes().items():
        assert shapes(name) == expected


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_this_torch_are_read(tmp_path, zipped):
    states = [network().state_dict() for network in make_reference.NETWORKS.values()]
    for state in (make_reference.small_state(), *states):
        torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
        found = read_tensors(tmp_path / "x.pth")
        assert list(found) == list(state)
        for name, tensor in state.items():
            assert found[name].dtype == tensor.numpy().dtype
            np.testing.assert_array_equal(found[name], tensor.numpy())


def test_resnet18_is_keras_hubs_and_reads_its_weights(tmp_path):
    theirs = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(224, 224, 3),
    )
    random = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, each.shape) for each in layer.weights])
    theirs.save_weights(tmp_path / "hub.weights.h5")
    ours, _ = backbones.resnet18(224)
    load_weights(ours, tmp_path / "hub.weights.h5", "resnet18")
    x = picture() / np.float32(255)
    expected = theirs.predict_on_batch(x)
    assert expected.std() > 0.01
    np.testing.assert_allclose(ours.predict_on_batch(x), expected, rtol=1e-4, atol=1e-5)
