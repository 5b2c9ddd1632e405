"""The parts of the benchmark: each is a function of its name in a module of this folder."""

from typing import NamedTuple


class Part(NamedTuple):
    """A function without arguments, which gives rows: name → `common.figure` or `common.text`."""

    module: str
    title: str
    about: str
    minutes: int  # about, on two cores, with no checkpoint of an earlier run


PARTS = {
    "notebooks": Part(
        "basics",
        "Notebooks",
        "`make run`: notebooks 01 to 08 on `sample`, from an empty folder.",
        2,
    ),
    "loading": Part(
        "basics",
        "Loading",
        "Sign Language MNIST to arrays: from the archive, from the CSVs, from the cache.",
        1,
    ),
    "drawing": Part("basics", "Drawing", "The 4,800 hands of `sample`, rendered.", 1),
    "predict": Part(
        "basics",
        "Prediction",
        "Images a second, from the data set or from PNG files, to results.csv.",
        4,
    ),
    "export": Part(
        "export",
        "Networks for other programs",
        "letters-cnn by Keras, LiteRT, LiteRT in int8 and ONNX Runtime; what int8 costs on the "
        "test splits; `predict` on Sign Language MNIST's test images as PNG files, in a process of "
        "its own; every network of the catalogue with random weights, exported and compared.",
        8,
    ),
    "photographs": Part(
        "photographs",
        "Prediction of photographs",
        "`predict` with the reader, in a process of its own each time: one photograph and a folder "
        "of them, rendered hands in rendered rooms, 640×480; the memory at its peak.",
        3,
    ),
    "cluster": Part(
        "cluster",
        "Prediction on many processors",
        "`predict --engine ray`: rendered hands of 28×28 as PNG files, letters-cnn; photographs of "
        "640×480, the reader. Speed by workers in turns in the same minutes, the start apart; "
        "memory by pictures, of which those beyond 20,000 are hard links; a worker and a node "
        "killed. Needs the extra `cluster`.",
        30,
    ),
    "letters": Part(
        "letters",
        "Letters",
        "The cnn on Sign Language MNIST: each seed's mistakes on the official test split, and how "
        "many are in photographs or moments that this seed's split holds out for validation.",
        20,
    ),
    "transfer": Part(
        "transfer",
        "Transfer between letters and sample",
        "What a network trained on one of `letters` and `sample` alone predicts of the other "
        "(chance: 4.2 %): the cnn as notebook 05 trains it, and a network with more layers trained "
        "on images that are augmented much more. Seed 0.",
        10,
    ),
    "speed": Part(
        "speed",
        "Training speed",
        "Training time against the best-known public recipe, in turns in the same minutes.",
        4,
    ),
    "sets": Part(
        "sets",
        "Data sets",
        "The cnn on each set of pictures, seeds 0 to 4; on `signers`, with each signer left out.",
        40,
    ),
    "large": Part(
        "large",
        "A large data set",
        "87,000 pictures of 200×200, as many as the whole of `alphabet` has, drawn and varied.",
        15,
    ),
    "growth": Part(
        "growth",
        "How everything grows",
        "Each stage on 1,000, 10,000, 100,000 and 1,000,000 small rendered pictures: seconds of "
        "the processor, and exponents; near-duplicates by the index against every pair.",
        60,
    ),
    "memory": Part(
        "memory",
        "Memory in training",
        "The most resident memory beyond the libraries' in training each network on 87,000 "
        "pictures that stay on the disk, at 48 to 224 pixels; an epoch of a few steps.",
        20,
    ),
    "lstm": Part(
        "networks",
        "Networks: conv1d_lstm",
        "conv1d_lstm, as published and tuned, on the official test split of `letters`; what its "
        "recurrent dropout costs.",
        45,
    ),
    "mobilenet": Part(
        "networks",
        "Networks: mobilenetv2",
        "mobilenetv2 initialised from ImageNet, on the sets of pictures, seeds 0 to 4.",
        15,
    ),
    "imagenet": Part(
        "networks",
        "Networks: what ImageNet brings",
        "The same network initialised from ImageNet and at random, on `signers` with one left out "
        "and on `alphabet`, as many epochs for both. Seed 0.",
        25,
    ),
    "passes": Part(
        "passes",
        "Networks: speed and memory",
        "One pass through each backbone, random weights at its own size: images a second, share of "
        "the rate of the machine's matrix products, memory; and a whole training of mobilenetv2, "
        "imports and all.",
        8,
    ),
    "near-duplicates": Part(
        "near_duplicates",
        "Near-duplicates",
        "Near-duplicates in Sign Language MNIST, and planted ones in it and among rendered hands.",
        6,
    ),
    "intervals": Part(
        "intervals",
        "Intervals by groups",
        "Coverage and width of the 95 % interval by groups, in simulations.",
        6,
    ),
    "faults": Part(
        "faults",
        "Faults",
        "Bad input, faults and interruptions: the cases of each class that were tried, and how "
        "many were answered well (`make faults`).",
        15,
    ),
    "validation": Part(
        "trust",
        "Validation",
        "What validation promises on `letters`, split by group and by row; what the test keeps.",
        17,
    ),
    "calibration": Part(
        "trust",
        "Calibration",
        "Expected calibration error on the test split, before and after temperature scaling. "
        "Seed 0.",
        14,
    ),
    "hands": Part(
        "hands",
        "Hands",
        "Hands found in each set, at most 500 pictures of it; pictures a second; how far the 21 "
        "points move when the picture is turned, scaled, blurred, darkened.",
        4,
    ),
    "digits": Part(
        "digits",
        "Digits",
        "Whether the digits of `student_digits`, photographed at a school in Turkey, are signed as "
        "in ASL: read by a network of joints of the digits of `signers` and of rendered hands.",
        3,
    ),
    "spelling": Part(
        "spelling",
        "Spelling",
        "Films of ten rendered signers who spell 40 words in rendered rooms (about half of the "
        "letters in a second way, which the reader was not trained on), read by `spell`. An "
        "earlier list of words exposed a false J, and was replaced; five of these films were seen "
        "before one change of the tracking. What is added where nobody spells; J and Z; images a "
        "second.",
        12,
    ),
    "page": Part(
        "page",
        "The page",
        "The same films through the page, in Chromium, whose camera plays them in real time: what "
        "is written, at the dwell that the page begins with and at a shorter one; what is added "
        "where nobody spells; milliseconds from a frame to its letter, and frames a second. Needs "
        "what `make test-browser` installs, and a machine that does nothing else.",
        30,
    ),
    "choices": Part(
        "choices",
        "What the reader's training is made of",
        "Each set left out in turn, the network of joints alone, without one thing at a time. A "
        "thing is used for a set if it is better in the mean of the other three.",
        15,
    ),
    "reader": Part(
        "trust",
        "Reader",
        "The reader: each set left out in turn, then trained on all. The poses of its rendered "
        "hands come from landmark rows alone; what else was chosen: part `choices`.",
        45,
    ),
    "matrix": Part(
        "trust",
        "Cross-dataset matrix",
        "Networks trained on one data set, and the reader, tested on all the others; kept in "
        "model/matrix.csv. Seed 0.",
        16,
    ),
    "robustness": Part(
        "trust",
        "Robustness",
        "Accuracy on corrupted test images, the mean over all corruptions and severities.",
        8,
    ),
}
