"""The networks. Importing this package registers every architecture; none is built yet."""

from asl.models import cnn, conv1d_lstm, joints, backbones  # noqa: F401, I001  (as they are listed)
