"""What the notebooks work on. Change it here, once, and every notebook follows.

`make run DATASET=letters` and `python -m asl run --dataset letters` override it for one run,
through the environment variables named below.
"""

import os

DATASET = os.environ.get("ASL_DATASET") or "sample"  # from `python -m asl datasets`
MODEL = os.environ.get("ASL_MODEL") or "cnn"  # a name from `python -m asl models`
EPOCHS = os.environ.get("ASL_EPOCHS") or None  # a number; None: what the data set asks for
SEED = 0  # one seed for the split, the first weights and the order of training

# Of networks initialised from ImageNet: a file of weights in place of those fetched, or none; and
# how many blocks of the backbone are fine-tuned (None: what the architecture's entry says)
WEIGHTS: str | None = os.environ.get("ASL_WEIGHTS") or "imagenet"
WEIGHTS = None if WEIGHTS == "none" else WEIGHTS
FINE_TUNE = os.environ.get("ASL_FINE_TUNE") or None
