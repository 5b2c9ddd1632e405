"""Larger networks with settings that this Keras does not know: see tests/test_old_stacks.py."""

import pytest
from test_old_stacks import check_without_its_settings

from asl import build, random_weights

pytestmark = pytest.mark.fault("versions")


def test_settings_of_a_newer_keras_in_a_backbone(home):
    weights = random_weights("mobilenetv2")
    check_without_its_settings(build("mobilenetv2", (96, 96, 3), 5, weights=weights), "mobilenetv2")
