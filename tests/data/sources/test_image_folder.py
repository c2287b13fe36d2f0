import io
import os
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from dnn_cli.base.errors import DataError, LimitError, MissingExtraError
from dnn_cli.data.readers import bytes_in, image_paths
from dnn_cli.data.sources import image_folder
from dnn_cli.data.sources.image_folder import ImageFolderSpec
from dnn_cli.data.table import Columns

RNG = np.random.default_rng(0)
PREDICT = {"target_required": False}


def encoded(pixels, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def grey(h=4, w=3):
    return RNG.integers(0, 256, (h, w), dtype=np.uint8)


def colour(h=4, w=3):
    return RNG.integers(0, 256, (h, w, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    def make(files):
        for name, content in files.items():
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else encoded(content))
        return tmp_path / "set"

    return make


def test_one_folder_a_class_in_the_order_of_names(folder, whole, streamed, same):
    names = ["dog/b.png", "cat/a.PNG", "cat/B.png", "cat/10.png", "cat/9.png"]
    pixels = {name: grey() for name in names}
    spec = ImageFolderSpec(path=folder(pixels))
    table = whole(spec)
    order = ["cat/9.png", "cat/10.png", "cat/B.png", "cat/a.PNG", "dog/b.png"]
    assert table.targets.tolist() == ["cat"] * 4 + ["dog"]
    assert table.inputs.dtype == np.uint8 and table.inputs.shape == (5, 4, 3, 1)
    assert np.array_equal(table.inputs[..., 0], np.stack([pixels[name] for name in order]))
    for rows in (1, 2, 5, 100):
        same(table, streamed(spec, rows))
    assert table.feature_names is None and table.origin == str(spec.path)
    assert table.files == tuple(order)


def test_images_without_labels(folder, whole, streamed, same):
    pixels = {"b.png": colour(), "a.png": colour()}
    spec = ImageFolderSpec(path=folder(pixels))
    table = whole(spec, **PREDICT)
    assert table.targets is None
    assert np.array_equal(table.inputs, np.stack([pixels["a.png"], pixels["b.png"]]))
    same(table, streamed(spec, 1, **PREDICT))
    one = whole(ImageFolderSpec(path=spec.path / "b.png"), **PREDICT)
    assert np.array_equal(one.inputs[0], pixels["b.png"]) and one.rows == 1


@pytest.mark.parametrize("path", ["", "a.png"])
def test_labels_are_missed_where_they_are_needed(folder, refused, path):
    root = folder({"a.png": grey()})
    assert "have no labels" in refused(ImageFolderSpec(path=root / path))


def test_there_are_no_target_columns(folder, refused, whole):
    spec = ImageFolderSpec(path=folder({"x/a.png": grey()}))
    assert "remove `target`" in refused(spec, target=("kind",))
    assert whole(spec, target=("kind",), target_required=False).rows == 1


LOSSLESS = [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {}),
            ("TIFF", {"compression": "tiff_lzw"})]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_formats_that_keep_pixels(folder, whole, kind, options):
    pixels = colour()
    root = folder({f"a.{kind.lower()[:4]}": encoded(pixels, kind, **options)})
    assert np.array_equal(whole(ImageFolderSpec(path=root), **PREDICT).inputs[0], pixels)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG"])
def test_jpeg(folder, whole, suffix):
    pixels = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    root = folder({f"a.{suffix}": encoded(pixels, "JPEG", quality=95)})
    found = whole(ImageFolderSpec(path=root), **PREDICT).inputs[0]
    assert np.abs(found.astype(int) - pixels).max() < 6


def test_the_first_frame_of_several(folder, whole):
    frames = [Image.new("P", (3, 2), i) for i in (0, 1)]
    for frame in frames:
        frame.putpalette([10, 20, 30, 200, 210, 220])
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    found = whole(ImageFolderSpec(path=folder({"a.gif": out.getvalue()})), **PREDICT).inputs
    assert found.shape == (1, 2, 3, 3) and (found == (10, 20, 30)).all()


@pytest.mark.parametrize(
    ("mode", "channels"),
    [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGB", 3), ("RGBA", 3), ("CMYK", 3)],
)
def test_channels_are_those_of_the_file(folder, whole, mode, channels):
    image = Image.fromarray(colour()).convert(mode)
    out = io.BytesIO()
    image.save(out, "TIFF" if mode == "CMYK" else "PNG")
    root = folder({"a.png": out.getvalue()})
    found = whole(ImageFolderSpec(path=root), **PREDICT).inputs[0]
    assert found.shape == (4, 3, channels)
    expected = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    assert np.array_equal(found, expected.reshape(found.shape))


def test_channels_as_configured(folder, whole):
    pixels = colour()
    root = folder({"a.png": pixels, "b.png": pixels[..., 0]})
    both = whole(ImageFolderSpec(path=root, channels=3), **PREDICT).inputs
    assert np.array_equal(both[0], pixels)
    assert np.array_equal(both[1], np.repeat(pixels[..., :1], 3, axis=2))
    light = whole(ImageFolderSpec(path=root, channels=1), **PREDICT).inputs[0, ..., 0]
    weights = np.array([0.299, 0.587, 0.114])  # ITU-R 601
    assert np.abs(light - pixels @ weights).max() <= 1


def test_all_images_are_alike_or_it_is_said_how_to_make_them(folder, refused):
    root = folder({"a.png": grey(4, 3), "b.png": grey(3, 4)})
    message = refused(ImageFolderSpec(path=root), **PREDICT)
    assert "grey of 3x4 pixels" in message and "a.png" in message and "set `size" in message
    root = folder({"a.png": grey(4, 3), "b.png": colour(4, 3)})
    message = refused(ImageFolderSpec(path=root), **PREDICT)
    assert "colour of 4x3 pixels" in message and "set `channels`" in message


def test_resized_bilinearly(folder, whole):
    ramp = np.tile(np.arange(0, 200, 20, dtype=np.uint8), (6, 1))
    root = folder({"a.png": ramp, "b.png": grey(3, 4)})
    found = whole(ImageFolderSpec(path=root, size=(3, 5)), **PREDICT).inputs
    assert found.shape == (2, 3, 5, 1)
    # each new pixel covers two old ones, weighted by a tent of twice their width
    assert np.abs(found[0, :, 1:4, 0] - np.array([50, 90, 130])).max() <= 1
    doubled = whole(ImageFolderSpec(path=root / "a.png", size=(6, 20)), **PREDICT).inputs
    assert np.abs(doubled[0, :, 1:19, 0] - (np.arange(1, 19) * 10 - 5)).max() <= 1
    assert whole(ImageFolderSpec(path=root, size=(1, 1), channels=3), **PREDICT).rows == 2


def test_a_model_says_what_it_takes(folder, whole, refused):
    root = folder({"a.png": colour(8, 6), "b.png": grey(5, 5)})
    found = whole(ImageFolderSpec(path=root), **PREDICT, image=(4, 3, 1))
    assert found.inputs.shape == (2, 4, 3, 1)
    chosen = ImageFolderSpec(path=root, size=(2, 2), channels=3)
    assert whole(chosen, **PREDICT, image=(4, 3, 1)).inputs.shape == (2, 2, 2, 3)
    message = refused(ImageFolderSpec(path=root), **PREDICT, image=(4, 3, 5))
    assert "takes images of 5 channels" in message


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(folder, whole, orientation):
    """The eight orientations, from the EXIF standard: where row 0 and column 0 are seen."""
    seen = colour(4, 3)
    stored = {
        1: seen, 2: seen[:, ::-1], 3: seen[::-1, ::-1], 4: seen[::-1],
        5: seen.swapaxes(0, 1), 6: np.rot90(seen, 1), 7: np.rot90(seen, 2).swapaxes(0, 1),
        8: np.rot90(seen, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    root = folder({"a.png": encoded(np.ascontiguousarray(stored), exif=exif)})
    assert np.array_equal(whole(ImageFolderSpec(path=root), **PREDICT).inputs[0], seen)


CUT = [("PNG", 4), ("JPEG", 0), ("BMP", 2), ("GIF", 2), ("WEBP", 0), ("TIFF", 0)]


@pytest.mark.parametrize(("kind", "spare"), CUT)
def test_truncated_at_many_lengths(folder, whole, kind, spare):
    """`spare` bytes at the end hold no pixel: without them the image is whole, and the same."""
    content = encoded(colour(7, 6), kind)
    root = folder({"x.png": content})
    expected = whole(ImageFolderSpec(path=root), **PREDICT).inputs
    lengths = [*range(0, len(content), 7), *range(len(content) - 20, len(content))]
    for length in lengths:
        (root / "x.png").write_bytes(content[:length])
        if length >= len(content) - spare:
            assert np.array_equal(whole(ImageFolderSpec(path=root), **PREDICT).inputs, expected)
            continue
        with pytest.raises(DataError, match=r"x\.png"):
            whole(ImageFolderSpec(path=root), **PREDICT)


def test_damaged_png_is_told_by_its_checksums(folder, refused, whole):
    content = bytearray(encoded(grey(9, 9)))
    start = content.index(b"IDAT")
    for place in range(start, len(content) - 12):
        content[place] ^= 0x10
        message = refused(ImageFolderSpec(path=folder({"x.png": bytes(content)})), **PREDICT)
        assert "x.png" in message
        content[place] ^= 0x10


@pytest.mark.parametrize("columns", [{}, PREDICT], ids=["train", "predict"])
def test_I01_all_damaged_images_are_named_at_once(folder, columns):
    """Whole and in pieces, of whichever piece they are; a missing and a strange file too."""
    bad = {
        "a/02.png": encoded(grey())[:-30],
        "a/05.png": b"hello",
        "b/09.png": encoded(grey())[:50],
    }
    good = {f"{'ab'[i % 2]}/{i:02}.png": grey() for i in range(10) if i not in (2, 5, 9)}
    root = folder({**good, **bad})
    for rows in (None, 1, 4):
        with pytest.raises(DataError) as caught:
            list(ImageFolderSpec(path=root).tables(Columns(**columns), rows))
        assert [p.where for p in caught.value.problems] == [str(root / name) for name in bad]
        assert "damaged or cut short" in caught.value.problems[0].what


def test_I01_at_most_twenty_damaged_images_are_shown(folder):
    from dnn_cli.console.errors import render

    root = folder({f"x/{i}.png": encoded(grey())[:-30] for i in range(27)})
    with pytest.raises(DataError) as caught:
        list(ImageFolderSpec(path=root).tables(Columns()))
    text = render(caught.value)
    assert text.count("cannot read the image") == 20 and "and 7 more" in text
    assert "x/19.png" in text and "x/20.png" not in text


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"", "the file is empty"),
        (b"hello\n", "text"),
        (b"%PDF-1.4", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "text"),  # Pillow would start Ghostscript
        (b"P6\n1 1\n255\nabc", "text"),  # PPM: Pillow would read it
        (b"\x93NUMPY\x01\x00", "NumPy"),
        (b"\x00\x01\x02\xff" * 30, "unknown kind"),
    ],
)
def test_wrong_content_is_named(folder, refused, content, looks):
    message = refused(ImageFolderSpec(path=folder({"a.png": content})), **PREDICT)
    assert "no image that can be read" in message and looks in message


def test_the_content_decides_not_the_name(folder, whole):
    pixels = colour()
    root = folder({"a.jpg": encoded(pixels, "PNG")})
    assert np.array_equal(whole(ImageFolderSpec(path=root), **PREDICT).inputs[0], pixels)


def tiff16(pixels, order="<", photometric=1):
    """A TIFF file of 16-bit grey, written by hand from the TIFF 6.0 specification."""
    data = pixels.astype(f"{order}u2").tobytes()
    height, width = pixels.shape
    short, long = 3, 4
    tags = [(256, short, width), (257, short, height), (258, short, 16), (259, short, 1),
            (262, short, photometric), (273, long, 8), (277, short, 1), (278, short, height),
            (279, long, len(data))]  # fmt: skip
    out = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(data)) + data
    out += struct.pack(f"{order}H", len(tags))
    for tag, kind, value in tags:
        packed = struct.pack(f"{order}HH", value, 0) if kind == short else None
        out += struct.pack(f"{order}HHI", tag, kind, 1)
        out += packed or struct.pack(f"{order}I", value)
    return out + struct.pack(f"{order}I", 0)


def png16(pixels):
    """A PNG file of 16-bit grey, written by hand from the specification: big-endian samples."""

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = pixels.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    header = struct.pack(">2I5B", width, height, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    )


DEEP = np.arange(1 << 16, dtype=np.uint16).reshape(256, 256)
SHALLOW = np.rint(DEEP / 257).astype(np.uint8)  # in float64, where every quotient is exact enough


@pytest.mark.parametrize(
    "content",
    [
        png16(DEEP),
        tiff16(DEEP, "<"),
        pytest.param(tiff16(DEEP, ">"), id="big-endian"),
        pytest.param(encoded(DEEP, "TIFF", compression="tiff_lzw"), id="lzw"),
        pytest.param(encoded(DEEP, "PNG"), id="pillow"),
        pytest.param(tiff16(65535 - DEEP, photometric=0), id="zero-is-white"),
    ],
)
def test_16_bits_of_grey_become_8(folder, whole, streamed, same, content):
    """Every one of the 65,536 values, and said once; the name tells nothing."""
    spec = ImageFolderSpec(path=folder({"a.png": content}))
    table = whole(spec, **PREDICT)
    assert table.inputs.shape == (1, 256, 256, 1) and table.inputs.dtype == np.uint8
    assert np.array_equal(table.inputs[0, ..., 0], SHALLOW)
    [note] = table.notes
    assert "16 bits" in note and "x / 257" in note
    same(table, streamed(spec, 1, **PREDICT))


def test_16_bits_are_turned_resized_and_coloured_as_8_bits_are(folder, whole):
    deep = np.arange(0, 12 * 257 * 20, 257 * 20, dtype=np.uint16).reshape(3, 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "a.png": encoded(deep, exif=exif),
        "b.png": encoded((deep // 257).astype(np.uint8), exif=exif),
    }
    for options in ({}, {"size": (2, 5)}, {"channels": 3}):
        table = whole(ImageFolderSpec(path=folder(files), **options), **PREDICT)
        assert np.array_equal(table.inputs[0], table.inputs[1])
    assert table.inputs.shape == (2, 4, 3, 3)


def test_8_bits_are_not_said_to_be_16(folder, whole):
    assert whole(ImageFolderSpec(path=folder({"a.png": grey()})), **PREDICT).notes == ()


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_known_range_are_refused(folder, refused, mode):
    image, out = Image.new(mode, (3, 3)), io.BytesIO()
    image.save(out, "TIFF")
    message = refused(ImageFolderSpec(path=folder({"a.tif": out.getvalue()})), **PREDICT)
    assert f"kind {mode}" in message and "neither 8 bits a channel nor grey of 16" in message


def test_wrong_levels(folder, refused):
    root = folder({"cats/x/a.png": grey(), "dogs/x/a.png": grey()})
    message = refused(ImageFolderSpec(path=root))
    assert "set/cats`" in message and "holds folders (x)" in message
    root = folder({"b.png": grey()})
    message = refused(ImageFolderSpec(path=root))
    assert "holds folders (cats, dogs) and images (b.png)" in message


def test_missing(tmp_path, refused):
    (tmp_path / "photo.png").write_bytes(b"")
    message = refused(ImageFolderSpec(path=tmp_path / "foto.png"), **PREDICT)
    assert "no such file" in message and "did you mean" in message


def test_a_folder_that_cannot_be_read(folder, refused, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    spec = ImageFolderSpec(path=folder({"a.png": grey()}))
    monkeypatch.setattr(image_paths.os, "scandir", denied)  # root may read everything
    assert "cannot be read: Permission denied" in refused(spec, **PREDICT)


def test_an_image_that_cannot_be_read(folder, refused, monkeypatch):
    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    spec = ImageFolderSpec(path=folder({"a.png": grey()}))
    monkeypatch.setattr(bytes_in.os, "open", denied)
    message = refused(spec, **PREDICT)
    assert "a.png" in message and "Permission denied" in message


@pytest.mark.parametrize("kind", ["file", "folder", "loop"])
def test_links_are_not_followed_out_of_the_folder(folder, refused, tmp_path, kind):
    root = folder({"x/a.png": grey(), "y/b.png": grey()})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "c.png").write_bytes(encoded(grey()))
    goal, link, word = {
        "file": (tmp_path / "other" / "c.png", root / "x" / "c.png", "leads out"),
        "folder": (tmp_path / "other", root / "z", "leads out"),
        "loop": (root, root / "z", "holds folders"),
    }[kind]
    link.symlink_to(goal)
    message = refused(ImageFolderSpec(path=root))
    assert str(link.relative_to(tmp_path)) in message and word in message


def test_links_inside_the_folder(folder, whole, tmp_path):
    root = folder({"x/a.png": grey(), "y/b.png": grey()})
    (root / "y" / "c.png").symlink_to("../x/a.png")
    (tmp_path / "link").symlink_to(root)
    table = whole(ImageFolderSpec(path=tmp_path / "link"))
    assert table.targets.tolist() == ["x", "y", "y"]
    assert np.array_equal(table.inputs[0], table.inputs[2])


@pytest.mark.parametrize("where", ["set/x/pipe.png", "set/pipe.png"])
def test_pipes_are_not_waited_for(folder, refused, tmp_path, where):
    folder({"x/a.png": grey()})
    os.mkfifo(tmp_path / where)
    message = refused(ImageFolderSpec(path=tmp_path / "set"))
    assert "neither a file nor a folder" in message
    assert "a named pipe" in refused(ImageFolderSpec(path=tmp_path / where), **PREDICT)
    assert "a device" in refused(ImageFolderSpec(path="/dev/zero"), **PREDICT)


def test_names_are_shown_safely(folder, refused):
    root = folder({"\x1b[31m/a.png": b""})
    assert "\x1b" not in refused(ImageFolderSpec(path=root))
    os.mkdir(os.fsencode(root) + b"/\xff")
    (root / os.fsdecode(b"\xff") / "a.png").write_bytes(encoded(grey()))
    assert "not UTF-8" in refused(ImageFolderSpec(path=root))


def bomb(h, w):
    """A PNG that declares h x w pixels and holds none."""
    content = bytearray(encoded(grey(1, 1)))
    content[16:24] = struct.pack(">II", w, h)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(("h", "w"), [(10_000, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_images_beyond_the_limit_are_refused_unread(folder, refused, h, w):
    tracemalloc.start()
    try:
        message = refused(ImageFolderSpec(path=folder({"big.png": bomb(h, w)})), **PREDICT)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert "big.png" in message and "too large" in message


def test_the_limit_is_that_of_pillow(folder, refused, whole, monkeypatch):
    spec = ImageFolderSpec(path=folder({"a.png": grey(10, 10)}))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert whole(spec, **PREDICT).rows == 1
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 99)
    assert "too large" in refused(spec, **PREDICT)


def test_a_file_larger_than_any_image_is_not_read(folder, refused):
    root = folder({"a.webp": encoded(grey(), "WEBP")})
    with (root / "a.webp").open("ab") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    assert "more than an image of" in refused(ImageFolderSpec(path=root), **PREDICT)


def test_memory_is_asked_for_once_the_size_is_known(folder, refused, monkeypatch):
    def none(needed, origin):
        raise LimitError(f"{needed} bytes")

    monkeypatch.setattr(image_folder, "require_memory", none)
    root = folder({"a.png": colour(), "b.png": colour(), "c.png": colour()})
    assert "108 bytes" in refused(ImageFolderSpec(path=root), LimitError, **PREDICT)


def test_pieces_take_the_memory_of_a_piece(folder):
    root = folder({f"{i:03}.png": np.full((200, 200), i, np.uint8) for i in range(60)})
    seen = []
    tracemalloc.start()
    try:
        for table in ImageFolderSpec(path=root).tables(Columns(**PREDICT), 4):
            seen += table.inputs[:, 0, 0, 0].tolist()
            del table
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == list(range(60))
    assert peak < 1 << 20  # all are 2.4 MB


@pytest.mark.parametrize("how", [lambda s, c: list(s.tables(c)), lambda s, c: list(s.tables(c, 1))])
def test_without_pillow_the_command_that_installs_it_is_named(folder, monkeypatch, how):
    spec = ImageFolderSpec(path=folder({"x/a.png": grey()}))
    for name in [name for name in sys.modules if name.partition(".")[0] == "PIL"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError) as caught:
        how(spec, Columns())
    assert caught.value.exit_code == 12
    assert caught.value.problems[0].fix == "pip install 'dnn-cli[image]'"


def test_no_descriptor_is_left_open(folder, refused, whole):
    before = len(os.listdir("/proc/self/fd"))
    root = folder({"a.png": encoded(grey())[:-20], "b.png": grey()})
    refused(ImageFolderSpec(path=root), **PREDICT)
    whole(ImageFolderSpec(path=root / "b.png"), **PREDICT)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_folder_that_is_not_there_is_called_so(tmp_path):
    spec = ImageFolderSpec(path=tmp_path / "photos")
    with pytest.raises(DataError, match="no such file"):
        next(spec.tables(Columns()))
