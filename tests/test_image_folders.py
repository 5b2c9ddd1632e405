"""Every layout in miniature, drawn with the renderer; folders of one's own; the real archives."""

import shutil
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import ARCHIVES, needs_archives

from asl import DATASETS, AslError, encode, files, input_size, load, split
from asl.checkpoints import checkpoint_name
from asl.data import image_folders, rendered_hands
from asl.data.hand_poses import SIGNS

LAYOUTS = {
    "digits": "ASL Digits Dataset/{c}/Input Images - Sign {c}/Sign {c} ({i}).jpeg",
    "student_digits": "Sign-Language-Digits-Dataset-master/Dataset/{c}/IMG_{n}.JPG",
    "abc": "{c}/{c}{i}.jpg",
    "alphabet": "asl_alphabet_train/asl_alphabet_train/{c}/{c}{i}.jpg",
    "signers": "asl_dataset/{c}/hand{s}_{c}_bot_seg_{i}_cropped.jpeg",
    "rooms": "train/{c}/{c}{i}.jpg",
}
COUNT = 5  # images a class


@pytest.fixture(scope="session")
def drawn():
    """A few rendered hands, JPEG as bytes: colour, of several sizes, some not square."""
    jpegs = []
    for seed, size in enumerate((40, 60, 100, 48, 64, 72, 80)):
        image = rendered_hands.draw_hand(SIGNS[seed], seed=seed, size=size)[: size - 5 * (seed % 3)]
        jpegs.append(cv2.imencode(".jpg", image[..., ::-1])[1].tobytes())
    return jpegs


def write(folder, name, drawn, skip=()):
    """A miniature copy of a data set's layout below a folder."""
    for k, c in enumerate(DATASETS[name].class_names):
        for i in range(1, COUNT + 1):
            number = 1000 + 10 * i + k  # one student after another, digits in turn
            file = folder / LAYOUTS[name].format(c=c, i=i, n=number, s=i)
            if c in skip:
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            # Some bytes after the end of a JPEG, so that no two files are equal
            file.write_bytes(drawn[(i + k) % len(drawn)] + f"{k}-{i}".encode())
    return folder


def pack(folder, archive):
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                opened.write(file, file.relative_to(folder))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_extracted_and_from_its_archive(name, home, drawn, capsys):
    known = DATASETS[name]
    write(home / "data" / name, name, drawn)
    (home / "data" / name / "LICENSE").write_text("text")
    extracted = load(name)
    assert extracted.images.shape == (COUNT * len(known.class_names), *known.image_shape)
    assert extracted.images.dtype == np.uint8
    assert np.bincount(extracted.labels).tolist() == [COUNT] * len(known.class_names)
    total = f"{sum(known.train_counts):,}"
    printed = capsys.readouterr().out
    assert f"of {total} images" in printed or not known.train_counts  # a part, and it says so

    shutil.rmtree(files.DATA / "cache")
    pack(home / "data" / name, home / "data" / known.archives[0])
    shutil.rmtree(home / "data" / name)
    packed = load(name)
    np.testing.assert_array_equal(packed.images, extracted.images)
    np.testing.assert_array_equal(packed.names, extracted.names)
    assert "extracted to" in capsys.readouterr().out

    shutil.rmtree(home / "data" / name)  # neither archive nor folder: the array file is enough
    (home / "data" / known.archives[0]).unlink()
    np.testing.assert_array_equal(load(name).images, extracted.images)


def test_pictures_come_at_the_size_that_a_network_works_at(home, drawn):
    """But no larger than they are, and each size has its own array file."""
    write(home / "data/abc", "abc", drawn)
    assert input_size("cnn") is None
    plain, small, large = (
        load("abc", input_size(model)) for model in ("cnn", "mobilenetv2", "vgg16")
    )
    assert plain.images.shape[1:] == DATASETS["abc"].image_shape
    assert small.images.shape[1:] == (96, 96, 3)
    assert large.images.shape[1:] == (100, 100, 3)  # not vgg16's 224
    assert (plain.names == large.names).all()
    assert len(list((home / "data/cache").glob("abc-*"))) == 3
    assert load("tiny", input_size("vgg16")).images.shape[1:] == (28, 28, 1)


def test_pictures_come_at_just_the_shape_that_is_asked_for(home, drawn):
    """In colour or in grey, and larger than they are."""
    write(home / "data/abc", "abc", drawn)
    for shape in ((28, 28, 1), (120, 120, 3), (32, 40, 3)):
        assert load("abc", image_shape=shape).images.shape[1:] == shape
    assert load("abc", 96, image_shape=(28, 28, 1)).images.shape[1:] == (28, 28, 1)


def test_pictures_with_landmarks_painted_on_are_left_out(home, drawn):
    root = write(home / "data/digits", "digits", drawn)
    for d in range(10):
        painted = root / f"ASL Digits Dataset/{d}/Output Images - Sign {d}"
        painted.mkdir()
        (painted / f"Sign {d} (1).jpeg").write_bytes(drawn[0])
    samples = load("digits")
    assert len(samples) == 10 * COUNT
    assert not any("Output" in name for name in samples.names)


def test_students_and_signers_stand_on_one_side(home, drawn):
    for name in ("student_digits", "signers"):
        write(home / "data" / name, name, drawn)
        samples = load(name)
        # Number i of each class is by person i
        people = [int("".join(filter(str.isdigit, n.split("/")[-1]))[-2]) for n in samples.names]
        if name == "signers":
            people = [int(n.split("hand")[1][0]) for n in samples.names]
        table = pd.crosstab(samples.groups, people)
        assert (np.count_nonzero(table, axis=1) == 1).all()
        assert (np.count_nonzero(table, axis=0) == 1).all()
        sides = [set(part.groups) for part in split(samples)]
        assert not (sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2])


def test_each_signer_left_out_in_turn(home, drawn):
    write(home / "data/signers", "signers", drawn)
    samples = load("signers")
    for signer in range(1, 6):
        train, validation, test = split(samples, test_group=signer)
        assert set(test.groups) == {signer}
        assert signer not in {*train.groups, *validation.groups}
    with pytest.raises(AslError, match=r"no group 9; it has: .?1, 2, 3, 4, 5"):
        split(samples, test_group=9)


def test_people_in_sequence_by_hand():
    names = np.array(
        ["D/0/I_10.JPG", "D/1/I_11.JPG", "D/0/I_12.JPG", "D/2/I_14.JPG", "D/1/I_15.JPG"]
    )
    assert image_folders.people_in_sequence(names[[4, 0, 3, 1, 2]]).tolist() == [3, 1, 2, 1, 2]


def test_film_segments_by_hand():
    """Twenty frames make ten segments of two, in the order of their numbers, not of names."""
    names = np.array([f"x/{c}/{c}{number}.jpg" for c in "AB" for number in range(95, 115)])
    shuffled = np.random.default_rng(0).permutation(40)
    found = image_folders.film_segments(names[shuffled])
    expected = np.repeat(np.arange(20), 2)
    np.testing.assert_array_equal(found, expected[shuffled])


def test_film_segments_takes_a_frame_without_a_number_as_the_first():
    names = np.array([f"A/A{number}.jpg" for number in range(1, 20)] + ["A/copy.jpg"])
    groups = image_folders.film_segments(names)
    assert groups[-1] == groups[0] == 0 and groups[18] == 9


def test_a_film_is_split_by_time(home, drawn):
    """Each class has neighbouring frames on one side, and every class is on all three."""
    root = home / "data/abc"
    for letter in "ABC":
        (root / letter).mkdir(parents=True)
        for number in range(1, 41):
            (root / letter / f"{letter}{number}.jpg").write_bytes(drawn[number % 7])
    parts = split(load("abc"))
    for part, count in zip(parts, (96, 12, 12), strict=True):
        assert len(part) == count
        numbers = np.array([int(name.split("/")[-1][1:-4]) for name in part.names])
        for label in range(3):
            steps = np.diff(np.sort(numbers[part.labels == label]))
            assert (steps > 1).sum() <= (2 if count == 96 else 0)


def test_what_is_left_out_is_counted_and_the_rest_is_read(home, drawn, capsys):
    root = write(home / "data/abc", "abc", drawn)
    (root / "A/A9.jpg").write_text("text")
    (root / "stray.jpg").write_bytes(drawn[0])
    (root / "notes.txt").write_text("no picture")
    outside = home / "secret.jpg"
    outside.write_bytes(drawn[0])
    (root / "B/B77.jpg").symlink_to(outside)
    (root / ".DS_Store").touch()
    samples = load("abc")
    assert len(samples) == 3 * COUNT
    told = capsys.readouterr().out
    assert "15 of 3,000 images" in told
    for reason in (
        "1 cannot be read (A/A9.jpg is no picture",
        "1 in no class folder (stray.jpg)",
        "1 no picture (notes.txt)",
        "1 a link that leads out of the folder (B/B77.jpg)",
    ):
        assert reason in told


def test_a_class_that_is_missing_is_told(home, drawn):
    write(home / "data/abc", "abc", drawn, skip="B")
    with pytest.raises(
        AslError, match=r"data/abc holds no pictures of 1 of 3 classes \(B\); 10 of"
    ):
        load("abc")


def test_files_under_two_labels_are_listed_and_the_run_goes_on(home, drawn, capsys):
    root = write(home / "data/abc", "abc", drawn)
    shutil.copy(root / "A/A1.jpg", root / "C/C1.jpg")
    assert len(load("abc")) == 15
    assert "1 files lie under two classes: A/A1.jpg = C/C1.jpg" in capsys.readouterr().out


def test_a_set_that_holds_a_copy_of_itself_is_read_once(home, drawn):
    root = write(home / "data/signers", "signers", drawn)
    shutil.copytree(root / "asl_dataset", root / "copy/asl_dataset")
    (root / "copy").rename(root / "asl_dataset/asl_dataset_copy")
    shutil.copytree(root / "asl_dataset/a", root / "asl_dataset/asl_dataset/a")
    samples = load("signers")
    assert np.bincount(samples.labels)[10] == COUNT


@pytest.fixture
def own(home, drawn):
    for k, name in enumerate(("10", "9", "wave")):
        for i in range(6):
            file = home / "own" / name / "deeper" / f"{i}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(drawn[i] + f"{k}-{i}".encode())
    return home / "own"


def test_a_folder_of_your_own(own):
    samples = load(f"folder:{own}")
    assert samples.class_names == ("9", "10", "wave")  # numbers in their order
    assert len(samples) == 18
    assert samples.names[0] == "10/deeper/0.jpg"
    np.testing.assert_array_equal(
        [samples.class_names[k] for k in samples.labels], [n.split("/")[0] for n in samples.names]
    )
    name = checkpoint_name(f"folder:{own}", "cnn")
    assert name.startswith("own-")
    assert "/" not in name


@pytest.mark.parametrize("name", ["WAVE", "wave ", "09"])
def test_two_spellings_of_one_class(own, name):
    (own / name).mkdir()
    with pytest.raises(AslError, match="two spellings of one class"):
        load(f"folder:{own}")


def test_own_folders_that_will_not_do(own, home):
    (own / "empty").mkdir()
    with pytest.raises(
        AslError, match=r"no pictures of 1 of 4 classes \(empty\); 18 of the others"
    ):
        load(f"folder:{own}")
    for name in ("empty", "wave", "9"):
        shutil.rmtree(own / name)
    with pytest.raises(AslError, match=r"holds 1 folder \(10\); a network needs at least two"):
        load(f"folder:{own}")
    with pytest.raises(AslError, match=r"nowhere does not exist"):
        load(f"folder:{home}/nowhere")


def test_too_few_images_of_a_class_to_split(own):
    for file in list((own / "wave/deeper").iterdir())[1:]:
        file.unlink()
    with pytest.raises(AslError, match=r"13 images are too few .* wave has the fewest, 1"):
        split(load(f"folder:{own}"))


@needs_archives
@pytest.mark.parametrize(
    ("name", "count", "groups"),
    [
        ("student_digits", 2062, 220),
        ("abc", 3000, 30),
        ("alphabet", 2900, 290),
        ("signers", 2515, 5),
        ("rooms", 6000, 290),
    ],
)
def test_the_real_archives(name, count, groups, home, monkeypatch):
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    samples = load(name)
    assert len(samples) == count
    known = DATASETS[name]
    if name not in ("alphabet", "rooms"):  # parts of the whole
        assert np.bincount(samples.labels).tolist() == list(known.train_counts)
    assert groups == len(np.unique(samples.groups))


def test_abc_is_encoded_as_in_the_published_project(home, drawn):
    write(home / "data/abc", "abc", drawn)
    samples = load("abc")
    letters = [name[0] for name in samples.names]
    assert dict(zip(letters, samples.labels.tolist(), strict=True)) == {"A": 0, "B": 1, "C": 2}
    one_hot = encode(samples.labels, 3)
    assert one_hot[letters.index("A")].tolist() == [1, 0, 0]
    assert one_hot[letters.index("C")].tolist() == [0, 0, 1]
    assert samples.images.shape[1:] == (50, 50, 3)
