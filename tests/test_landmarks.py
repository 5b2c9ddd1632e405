"""Hands in pictures: geometry, the search, files of weights; with the real files, real answers."""

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ARCHIVES

import asl
from asl import AslError, plots
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand, draw_hands
from asl.data.weights import WeightsFile, find_file
from asl.landmarks import hands as search
from asl.landmarks import interpreter, networks, palm_detection
from asl.landmarks.geometry import Square, overlap
from asl.landmarks.hand_landmarks import Landmarks
from asl.landmarks.hands import Hand, find_in_each
from asl.landmarks.palm_detection import ANCHORS, Palm, find_palms

TILTED = Square(30.5, 20.25, 17, 0.4)


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_anchors_are_those_of_the_paper():
    expected = []
    for stride, count in ((8, 2), (16, 6)):
        for row in range(192 // stride):
            for column in range(192 // stride):
                expected += [((column + 0.5) * stride / 192, (row + 0.5) * stride / 192)] * count
    assert len(expected) == 2016
    np.testing.assert_allclose(ANCHORS, expected, atol=1e-6)


def test_a_square_leads_there_and_back(random):
    points = random.uniform(0, 1, (5, 7, 2))
    np.testing.assert_allclose(TILTED.from_picture(TILTED.to_picture(points)), points, atol=1e-5)
    quarter = Square(10, 20, 4, np.pi / 2)  # its upper side lies to the right
    found = quarter.to_picture([[0.5, 0], [0, 0], [0.5, 0.5]])
    np.testing.assert_allclose(found, [[12, 20], [12, 18], [10, 20]], atol=1e-5)


def test_what_is_cut_out(random):
    picture = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Square(30, 20, 16).cut(picture, 16), picture[12:28, 22:38])
    turned = Square(30, 20, 16, np.pi / 2).cut(picture, 16)
    np.testing.assert_array_equal(turned, np.rot90(picture[12:28, 22:38]))
    means = picture[4:36, 14:46].reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    assert np.abs(Square(30, 20, 32).cut(picture, 8) - means).max() <= 1.01
    beyond = Square(60, 20, 16).cut(picture, 16)
    np.testing.assert_array_equal(beyond[:, :8], picture[12:28, 52:60])
    assert not beyond[:, 8:].any()


def test_a_tilted_cut_agrees_with_points(random):
    """A spot lies in the cut where `from_picture` says."""
    picture = np.zeros((60, 60, 3), np.uint8)
    picture[22, 33] = 255
    cut = TILTED.cut(picture, 68)[..., 0].astype(float)
    rows, columns = np.mgrid[:68, :68] + 0.5
    centre = np.array([(columns * cut).sum(), (rows * cut).sum()]) / cut.sum()
    np.testing.assert_allclose(centre, TILTED.from_picture([33.5, 22.5]) * 68, atol=0.05)


def test_overlap_by_hand():
    box = np.array([0, 0, 4, 4], float)
    others = [[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4], [1, 1, 3, 3], [9, 9, 9, 9]]
    expected = [1, 8 / 24, 0, 4 / 16, 0]
    np.testing.assert_allclose(overlap(box, np.array(others, float)), expected)
    expected = [1, 8 / 16, 0, 1, 0]
    np.testing.assert_allclose(overlap(box, np.array(others, float), smaller=True), expected)


def test_palms_that_overlap_are_one(monkeypatch):
    """Two anchors tell of one palm, a third of another, a fourth is not sure enough."""
    raw, logits = np.zeros((1, 2016, 18), np.float32), np.full((1, 2016, 1), -9, np.float32)
    rows = [0, 2, 1151, 700]
    logits[0, rows, 0] = [2, 1, 3, -0.1]
    raw[0, rows, 2:4] = 40  # width and height, in pixels of 192
    raw[0, rows, 4:] = 5
    monkeypatch.setattr(networks, "run", lambda name, pixels: [raw, logits])
    first, second = find_palms(np.zeros((192, 192, 3), np.uint8), Square(96, 96, 192))
    assert first.score == pytest.approx(1 / (1 + np.exp(-3)))
    np.testing.assert_allclose(first.box, [168, 168, 208, 208], atol=1e-3)
    one, other = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-1))
    x = (4 * one + 12 * other) / (one + other)  # the mean of both anchors, by their scores
    np.testing.assert_allclose(second.box, [x - 20, -16, x + 20, 24], atol=1e-3)
    np.testing.assert_allclose(second.points, [[x + 5, 9]] * 7, atol=1e-3)


def test_the_region_of_a_palm_turns_with_it():
    points = np.zeros((7, 2))
    points[palm_detection.WRIST], points[palm_detection.MIDDLE_KNUCKLE] = (10, 30), (10, 10)
    box = np.array([0, 10, 20, 30])
    assert Palm(box, points, 1).region() == pytest.approx((10, 10, 52, 0))
    points[palm_detection.MIDDLE_KNUCKLE] = (30, 30)  # it points to the right
    assert Palm(box, points, 1).region() == pytest.approx((20, 20, 52, np.pi / 2))


def test_the_region_of_a_hand_turns_with_it(random):
    points = random.normal((50, 60, 0), 5, (21, 3))
    points[[0, 5, 9, 13, 17], :2] = [(50, 90), (44, 60), (50, 58), (56, 60), (60, 62)]
    upright = Landmarks(points, 1, 1).region()
    assert abs(upright.angle) < 0.1
    turned = points.copy()
    turned[:, :2] = Square(0, 0, 1, 0.7).to_picture(points[:, :2] + 0.5)
    expected = Square(0, 0, 1, 0.7).to_picture([upright.x + 0.5, upright.y + 0.5])
    found = Landmarks(turned, 1, 1).region()
    assert found.angle - upright.angle == pytest.approx(0.7, abs=1e-4)
    assert found.side == pytest.approx(upright.side, rel=1e-4)
    np.testing.assert_allclose([found.x, found.y], expected, rtol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(480, 640), (720, 1280), (1600, 300), (256, 256)])
def test_tiles_leave_nothing_out(height, width):
    side = max(height, width) / 4
    tiles = search._tiles(height, width, side)
    share = side / 3
    for y in np.arange(0, height - share, 7):
        for x in np.arange(0, width - share, 7):
            assert any(
                abs(x + share / 2 - each.x) <= (side - share) / 2 + 1e-3
                and abs(y + share / 2 - each.y) <= (side - share) / 2 + 1e-3
                for each in tiles
            ), (x, y)


# Pictures that are none, without the networks


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((5, 5, 3)), "the image is float64"),
        (np.zeros((0, 5, 3), np.uint8), r"shape \(0, 5, 3\)"),
        (np.zeros((5, 5, 2), np.uint8), r"shape \(5, 5, 2\)"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.zeros((2, 5, 5, 7), np.uint8), r"image 0 has the shape"),
        ([np.zeros((5, 5, 3), bool)], "image 0 is bool"),
        (["picture.jpg"], "image 0 is <U11"),
        ("picture.jpg", "'picture.jpg' is no image but a str"),
        (None, "None is no image but a NoneType"),
    ],
)
def test_what_is_no_image(image, reason):
    with pytest.raises(AslError, match=reason):
        asl.hands(image)


def test_an_unknown_model():
    with pytest.raises(AslError, match="There are: lite and full"):
        asl.hands(np.zeros((5, 5, 3), np.uint8), model="heavy")


def test_no_images_give_no_hands():
    assert asl.hands([]) == []
    assert asl.hands(np.zeros((0, 5, 5, 3), np.uint8)) == []


def test_few_images_are_held_at_a_time(monkeypatch):
    read, most = [], []
    monkeypatch.setattr(search, "find_hands", lambda image, *_, **__: [image])

    def images():
        for number in range(60):
            read.append(number)
            yield number

    for number, found in enumerate(find_in_each(images(), threads=2)):
        assert found == [number]
        most.append(len(read) - number)
    assert number == 59
    assert max(most) <= 2 * search.WAITING


# Files of weights


class CutShort(BaseHTTPRequestHandler):
    """A server that promises more than it sends."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"the be")

    def log_message(self, *_):
        pass


class Counting(SimpleHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Counting.asked += 1
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(tmp_path_factory, monkeypatch):
    """Make the palm detector a small file of this server, or of one that cuts it short."""
    servers = []
    content = b"the weights of a palm detector"
    folder = tmp_path_factory.mktemp("server")
    (folder / "there.tflite").write_bytes(content)

    def start(handler=None, content=content, name="there.tflite"):
        handler = handler or partial(Counting, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(networks.NETWORKS, "palm", WeightsFile("palm.tflite", digest, url))
        return content

    Counting.asked = 0
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_fetched_once_for_all_threads(serve, home, capsys):
    content = serve()
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(networks.network_file("palm")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [home / "data/weights/palm.tflite"] * 4
    assert found[0].read_bytes() == content
    assert Counting.asked == 1
    assert capsys.readouterr().out.count("Fetching the networks that find hands") == 1


@pytest.mark.parametrize("damage", ["cut short", "replaced"])
def test_a_damaged_file_is_fetched_again(damage, serve, home, capsys):
    content = serve()
    file = home / "data/weights/palm.tflite"
    file.parent.mkdir(parents=True)
    file.write_bytes(content[:9] if damage == "cut short" else b"another network altogether")
    assert networks.network_file("palm").read_bytes() == content
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("data/weights/palm.tflite is damaged, or not what its name says")
    assert [each.name for each in file.parent.iterdir() if each.name[0] != "."] == [file.name]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/palm.tflite", "Connection refused"),
        ("http://127.0.0.1:{port}/nothing.tflite", "404"),
        ("http://no.such.host.invalid/x", "not known|resolution|No address"),
        ("", "no address is known"),
    ],
)
def test_without_a_network_a_message_says_where_to_put_the_file(
    url, reason, serve, home, monkeypatch
):
    serve()
    known = networks.NETWORKS["palm"]
    port = known.url.split(":")[2].split("/")[0]
    absent = WeightsFile(known.name, known.digest, url.format(port=port))
    monkeypatch.setitem(networks.NETWORKS, "palm", absent)
    file = home / "data/weights/palm.tflite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cut")
    with pytest.raises(AslError, match=reason) as raised:
        asl.hands(np.zeros((9, 9, 3), np.uint8))
    message = str(raised.value)
    assert "data/weights/palm.tflite is damaged" in message
    assert "The networks that find hands are not on this machine and cannot be fetched" in message
    assert "Put palm.tflite into data/weights, or into a folder that ASL_ARCHIVES" in message
    assert file.read_bytes() == b"cut"


def test_many_images_without_a_network_ask_for_it_once(serve, home):
    serve(name="nothing.tflite")
    with pytest.raises(AslError, match="404"):
        asl.hands(np.zeros((20, 9, 9, 3), np.uint8))
    assert Counting.asked == 1


def test_a_download_that_ends_early_is_not_kept(serve, home):
    serve(CutShort)
    with pytest.raises(AslError, match="6 of 100 bytes"):
        networks.network_file("palm")
    assert not [each for each in (home / "data/weights").iterdir() if each.name[0] != "."]


def test_another_file_than_promised_is_not_kept(serve, home):
    serve(content=b"what was promised")
    with pytest.raises(AslError, match=r"what came from http.* is damaged, or not"):
        networks.network_file("palm")
    assert not [each for each in (home / "data/weights").iterdir() if each.name[0] != "."]


def test_a_bad_file_in_an_archive_folder_is_passed_over(home, tmp_path, monkeypatch, capsys):
    known = WeightsFile("w.bin", "sha256:" + hashlib.sha256(b"good").hexdigest())
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder, content in zip(folders, (b"bad", None, b"good"), strict=True):
        folder.mkdir()
        if content:
            (folder / "w.bin").write_bytes(content)
    monkeypatch.setenv("ASL_ARCHIVES", ":".join(map(str, folders)))
    assert find_file([known], "weights") == tmp_path / "third/w.bin"
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("third/w.bin is used; passed over: first/w.bin is damaged")


# With Google's files, where ASL_ARCHIVES names them


@pytest.fixture
def real(home, monkeypatch):
    folders = [Path(folder) for folder in (ARCHIVES or "").split(":") if folder]
    for known in (networks.NETWORKS["palm"], networks.NETWORKS["lite"]):
        if not any((folder / known.name).is_file() for folder in folders):
            pytest.skip("no folder of ASL_ARCHIVES has the networks that find hands")
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)


@pytest.fixture(scope="module")
def three():
    return [draw_hand(letter, signer=3, seed=5, size=240) for letter in "VYL"]


@pytest.fixture(scope="module")
def drawn(three):
    return three[0]


def centre_of(hand):
    return (hand.box[:2] + hand.box[2:]) / 2


def test_rendered_hands_are_found(real):
    found = asl.hands(draw_hands(LETTERS, signers=[4] * 24, seed=1, size=200))
    assert sum(map(bool, found)) >= 19
    hands = [each[0] for each in found if each]
    for hand in hands:
        assert hand.box.dtype == hand.points.dtype == np.float32
        np.testing.assert_array_equal(hand.box[:2], hand.points[:, :2].min(axis=0))
        np.testing.assert_array_equal(hand.box[2:], hand.points[:, :2].max(axis=0))
        assert hand.presence >= 0.5
    assert np.mean([hand.right > 0.5 for hand in hands]) > 0.8  # they are drawn as right hands


def test_one_image_in_any_form_gives_the_same(real, drawn):
    one = asl.hands(drawn)
    assert len(one) == 1
    opaque = np.dstack([drawn, np.full(drawn.shape[:2], 255, np.uint8)])
    behind = np.ascontiguousarray(drawn[:, ::-1])[:, ::-1]  # not in the order of the memory
    for many in (drawn[None], [drawn], (opaque,), iter([behind])):
        (again,) = asl.hands(many)
        np.testing.assert_array_equal(again[0].points, one[0].points)
    grey = cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)
    two = [asl.hands(grey)[0].points, asl.hands(grey[..., None])[0].points]
    np.testing.assert_array_equal(*two)
    assert np.abs(two[0] - one[0].points)[:, :2].mean() < 10


def test_points_turn_with_the_picture(real, three):
    matrices = [cv2.getRotationMatrix2D((119.5, 119.5), each, 0.8) for each in (-30, 30, 180)]
    far = []
    for picture, (upright, *_) in zip(three, asl.hands(three), strict=True):
        for matrix in matrices:
            border = cv2.BORDER_REPLICATE
            turned = asl.hands(cv2.warpAffine(picture, matrix, (240, 240), borderMode=border))[0]
            expected = (upright.points[:, :2] - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
            palm = np.linalg.norm(expected[9] - expected[0])
            moved = np.linalg.norm(turned.points[:, :2] - expected, axis=1).mean() / palm
            far.append(moved)
    assert np.median(far) < 0.06
    assert np.max(far) < 0.5


def test_a_mirrored_right_hand_is_a_left_one(real, three):
    right, left = asl.hands(three), asl.hands([*np.array(three)[:, :, ::-1]])
    for one, other in zip(right, left, strict=True):
        assert one[0].right > 0.5 > other[0].right
    moved = [
        np.abs(other[0].points[:, :2] * [-1, 1] + [240, 0] - one[0].points[:, :2]).mean()
        for one, other in zip(right, left, strict=True)
    ]
    assert np.median(moved) < 5


@pytest.mark.parametrize(("width", "side"), [(64, 64), (1000, 700), (8000, 2000)])
def test_points_are_given_in_the_pixels_of_the_picture(width, side, real, three):
    pictures = np.full((3, side, width, 3), 200, np.uint8)
    for picture, hand in zip(pictures, three, strict=True):
        picture[:, width - side :] = cv2.resize(hand, (side, side), interpolation=cv2.INTER_AREA)
    moved, deeper = [], []
    for found, expected in zip(asl.hands(pictures), asl.hands(three), strict=True):
        shares = (found[0].points - [width - side, 0, 0]) / side - expected[0].points / 240
        moved.append(np.abs(shares[:, :2]).mean())
        deeper.append(np.abs(shares[:, 2]).mean())
    assert np.median(moved) < 0.02
    assert np.median(deeper) < 0.03


def pasted(letters, height, size=(720, 1280), at=None):
    """Rendered hands in a rendered room, and their middles."""
    room = draw_hand("nothing", seed=2, size=160)
    room = cv2.resize(room, size[::-1], interpolation=cv2.INTER_CUBIC)
    cut_outs = draw_hands(letters, signers=[4] * len(letters), seed=1, size=height, cutout=True)
    middles = []
    for number, hand in enumerate(cut_outs):
        x, y = at or (60 + number * (size[1] - 100 - height) // max(len(letters) - 1, 1), 200)
        share = hand[..., 3:] / 255
        place = room[y : y + height, x : x + height]
        hand = hand[: len(place), : place.shape[1]]
        share = share[: len(place), : place.shape[1]]
        place[:] = (place * (1 - share) + hand[..., :3] * share).astype(np.uint8)
        middles.append((x + height / 2, y + height / 2))
    return room, np.array(middles)


def test_a_hand_of_a_twelfth_of_the_picture_is_found(real):
    near = []
    for letter, at in (("L", (900, 500)), ("Y", (37, 61)), ("B", (1100, 300))):
        room, middles = pasted([letter], 90, at=at)  # with its arm; the hand alone has 60
        found = asl.hands(room)
        near.append(bool(found) and np.linalg.norm(centre_of(found[0]) - middles[0]) < 40)
    assert sum(near) >= 2


def test_a_hand_at_the_edge(real, drawn):
    (whole,) = asl.hands(drawn)
    cut = int(whole.box[0] + 0.25 * (whole.box[2] - whole.box[0]))
    (hand,) = asl.hands(drawn[:, cut:])
    assert np.linalg.norm(centre_of(hand) - centre_of(whole) + (cut, 0)) < 40


def test_the_largest_hand_comes_first(real):
    small, large = (
        draw_hand("Y", signer=3, seed=5, size=240),
        draw_hand("Y", signer=3, seed=5, size=360),
    )
    both = np.zeros((360, 600, 3), np.uint8)
    both[:240, :240], both[:, 240:] = small, large
    found = asl.hands(both, every=True)
    assert len(found) == 2
    assert centre_of(found[0])[0] > 240 > centre_of(found[1])[0]


def test_ten_hands(real):
    room, middles = pasted("LYBLYBLYBL", 120)
    assert asl.hands(room)
    found = asl.hands(room, every=True)
    assert 5 <= len(found) <= 10
    for hand in found:
        assert np.linalg.norm(middles - centre_of(hand), axis=1).min() < 60


def no_hands(random):
    text = cv2.putText(np.full((300, 400, 3), 255, np.uint8), "No hand", (20, 150), 0, 3, 0, 5)
    return {
        "a plain wall": np.full((240, 320, 3), 200, np.uint8),
        "black": np.zeros((224, 224), np.uint8),
        "noise": random.integers(0, 256, (240, 320, 3), dtype=np.uint8),
        "text": text,
        "one pixel": np.full((1, 1, 3), 90, np.uint8),
        "a line": np.full((1, 5000), 90, np.uint8),
        "a wide wall": np.full((20, 40_000, 3), 120, np.uint8),
    }


@pytest.mark.parametrize("name", no_hands(np.random.default_rng(0)))
def test_no_hand_is_an_answer(name, real, random):
    assert asl.hands(no_hands(random)[name]) == []


def test_nothing_is_printed(real, drawn, capfd):
    interpreter._here.__dict__.clear()
    assert asl.hands(drawn)
    assert capfd.readouterr() == ("", "")


# Figures


def shaped_hand(random):
    points = random.uniform(10, 50, (21, 3)).astype(np.float32)
    flat = points[:, :2]
    return Hand(np.concatenate([flat.min(axis=0), flat.max(axis=0)]), points, 0.9, 0.8)


def test_a_hand_is_drawn_over_its_picture(random):
    hand = shaped_hand(random)
    figure = plots.hand(np.zeros((60, 80, 3), np.uint8), hand)
    axes = figure.axes[0]
    tips = {line.get_label(): line.get_xydata()[-1] for line in axes.lines}
    np.testing.assert_allclose(tips["index"], hand.points[8, :2] - 0.5, rtol=1e-5)
    np.testing.assert_allclose(tips["thumb"], hand.points[4, :2] - 0.5, rtol=1e-5)
    assert [text.get_text() for text in axes.texts] == ["right hand"]
    assert len({line.get_color() for line in axes.lines}) == 6


def test_several_hands_none_and_joints_alone(random):
    image = np.zeros((60, 80, 3), np.uint8)
    two = plots.hand(image, [shaped_hand(random), shaped_hand(random)._replace(right=0.1)], "Two")
    axes = two.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1: right hand", "2: left hand"]
    assert axes.get_title() == "Two"
    assert len(two.legends[0].get_texts()) == 5
    assert plots.hand(image, []).axes[0].get_title() == "no hand found"
    rows = plots.skeletons(random.uniform(0, 1, (9, 21, 2)), [*"ABCDEFGHI"])
    assert [axes.get_title() for axes in rows.axes[:9]] == [*"ABCDEFGHI"]
    assert all(len(axes.lines) == 6 for axes in rows.axes[:9])
