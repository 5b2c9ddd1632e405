import cv2
import numpy as np
import pytest
from PIL import Image

from asl import AslError
from asl.data import images

RED, BLUE = (200, 50, 20), (20, 60, 220)


@pytest.fixture
def picture() -> Image.Image:
    """Red on the left, blue on the right, 60 wide and 40 high."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30], pixels[:, 30:] = RED, BLUE
    return Image.fromarray(pixels)


def assert_red_then_blue(image, tolerance=3, shape=(40, 60, 3)):
    assert image.shape == shape
    assert image.dtype == np.uint8
    height, width = shape[:2]
    assert image[height // 2, width // 4].tolist() == pytest.approx(RED, abs=tolerance)
    assert image[height // 2, -width // 4].tolist() == pytest.approx(BLUE, abs=tolerance)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tif", "JPG"])
def test_colour_in_every_format(tmp_path, picture, suffix):
    file = tmp_path / f"picture.{suffix}"
    picture.save(file, quality=95)
    assert_red_then_blue(images.read_image(file), tolerance=6)


@pytest.mark.parametrize(
    ("mode", "name", "tolerance"),
    [("P", "p.png", 60), ("P", "p.gif", 60), ("CMYK", "cmyk.jpg", 6), ("CMYK", "cmyk.tif", 3)],
)
def test_palette_and_cmyk_become_rgb(tmp_path, picture, mode, name, tolerance):
    picture.convert(mode).save(tmp_path / name, quality=95)
    assert_red_then_blue(images.read_image(tmp_path / name), tolerance)


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_grey_becomes_rgb(tmp_path, mode):
    ramp = np.repeat(np.linspace(0, 255, 60).astype(np.uint8)[None], 40, axis=0)
    if mode == "I;16":
        cv2.imwrite(str(tmp_path / "grey.png"), ramp.astype(np.uint16) * 257)
    else:
        Image.fromarray(ramp).convert(mode).save(tmp_path / "grey.png")
    image = images.read_image(tmp_path / "grey.png")
    assert image.shape == (40, 60, 3)
    assert (image[..., 0] == image[..., 2]).all()
    if mode != "1":
        np.testing.assert_allclose(image[..., 0], ramp, atol=1)


def test_sixteen_bits_become_eight(tmp_path, picture):
    wide = np.asarray(picture)[..., ::-1].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep.png"), wide)
    assert_red_then_blue(images.read_image(tmp_path / "deep.png"))


def test_transparency_lies_on_white(tmp_path, picture):
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:, 30:] = 128
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "clear.png")
    image = images.read_image(tmp_path / "clear.png")
    assert image[20, 10].tolist() == [255, 255, 255]
    half = [round(value * 128 / 255 + 255 * 127 / 255) for value in BLUE]
    assert image[20, 50].tolist() == pytest.approx(half, abs=1)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_the_cameras_turn_is_undone(tmp_path, picture, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90° clockwise: red on top, blue below
    picture.save(tmp_path / f"turned.{suffix}", exif=exif, quality=95)
    image = images.read_image(tmp_path / f"turned.{suffix}")
    assert image.shape == (60, 40, 3)
    assert image[15, 20].tolist() == pytest.approx(RED, abs=6)
    assert image[45, 20].tolist() == pytest.approx(BLUE, abs=6)


def test_very_small_and_very_large(tmp_path):
    Image.new("RGB", (1, 1), RED).save(tmp_path / "dot.png")
    fitted = images.fit(images.read_image(tmp_path / "dot.png"), (28, 28, 3))
    assert (fitted == RED).all()
    Image.new("RGB", (8000, 6000), RED).save(tmp_path / "large.jpg")
    fitted = images.fit(images.read_image(tmp_path / "large.jpg"), (28, 28, 3))
    np.testing.assert_allclose(fitted, np.broadcast_to(RED, (28, 28, 3)), atol=3)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(AslError, match=r"bomb\.png has more than 100 million pixels"):
        images.read_image(tmp_path / "bomb.png")


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    with pytest.raises(AslError, match=r"text\.jpg is no picture"):
        images.read_image(tmp_path / "text.jpg")
    with pytest.raises(AslError, match=r"empty\.png is empty"):
        images.read_image(tmp_path / "empty.png")
    with pytest.raises(AslError, match=r"cannot read .*missing\.png"):
        images.read_image(tmp_path / "missing.png")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "gif"])
def test_a_picture_cut_short_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    file = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(AslError, match="cut short"):
        images.read_image(file)


def test_fit_pads_and_does_not_squash():
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :, 0] = 255
    wide[2:8, 15:25] = (0, 255, 0)
    fitted = images.fit(wide, (80, 80, 3))
    green = np.argwhere(fitted[..., 1] > 127)
    size = np.ptp(green, axis=0) + 1
    assert size.tolist() == pytest.approx([12, 20], abs=1)  # twice as large in both directions
    assert (fitted[0] == (255, 0, 0)).all()  # padded with the border, not with black


def test_fit_changes_channels():
    grey = np.full((28, 28, 1), 77, np.uint8)
    assert (images.fit(grey, (28, 28, 3)) == 77).all()
    assert images.fit(np.zeros((50, 40, 3), np.uint8), (28, 28, 1)).shape == (28, 28, 1)
    assert images.fit(grey, (28, 28, 1)) is not None
    np.testing.assert_array_equal(images.fit(grey, (28, 28, 1)), grey)


def test_find_images_leaves_out_what_is_hidden_or_no_picture(tmp_path, picture):
    for name in ("b.PNG", "a/c.jpg", ".hidden.png", ".folder/d.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture.save(tmp_path / name, format="png")
    found = [path.relative_to(tmp_path).as_posix() for path in images.find_images(tmp_path)]
    assert found == ["a/c.jpg", "b.PNG"]


def test_find_inputs_says_what_is_missing(tmp_path):
    with pytest.raises(AslError, match="does not exist"):
        images.find_inputs([tmp_path / "nowhere"])
    with pytest.raises(AslError, match="holds no pictures"):
        images.find_inputs([tmp_path])
    with pytest.raises(AslError, match="no pictures were given"):
        images.find_inputs([])
