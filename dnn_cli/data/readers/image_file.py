"""One image file as an array of bytes (height, width, channels), decoded by Pillow.

Read       PNG, JPEG, BMP, GIF, WebP, TIFF, told by their content; of several frames the first.
           Turned as the EXIF orientation says; transparency is dropped
Channels   1 is grey, 3 is red, green, blue; palettes and CMYK are colour
Depth      8 bits a channel; grey of 16 bits becomes x / 257, rounded, so that 65535 is 255
Resized    bilinear over the area that a new pixel covers; the proportions are not kept
Memory     one decoded image, of at most `PIL.Image.MAX_IMAGE_PIXELS` pixels
Errors     a file that is cut short or damaged, so far as its format can tell (PNG has checksums),
           and one of other numbers, such as fractions, whose range nobody knows
"""

from __future__ import annotations

import warnings
from io import BufferedReader
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from dnn_cli.base.errors import DataError, DnnError, LimitError, MissingExtraError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.bytes_in import beginning, file_size, open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"))
Size: TypeAlias = tuple[int, int]  # height, width

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # others may start other programs
_CHANNELS = {"1": 1, "L": 1, "LA": 1} | dict.fromkeys(
    ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"), 3
)
_MODES = {1: "L", 3: "RGB"}
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")  # grey of 16 bits
_PHOTOMETRIC = 262  # the tag of a TIFF file that says 0 where zero is white
_BYTES = 4  # of a pixel: a file of more bytes than its largest image is none
_HEADERS = 1 << 24  # bytes that metadata may take


class Decoded(NamedTuple):
    """An image as bytes (height, width, channels); `deep` if its file held 16 bits a pixel."""

    pixels: Array
    deep: bool


def pillow() -> ModuleType:
    """The module `PIL.Image`, imported when the first image is read.

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError(
            "reading images needs Pillow, which is not installed",
            fix="pip install 'dnn-cli[image]'",
        ) from None
    return PIL.Image


def read_image(path: Path, size: Size | None, channels: int | None) -> Decoded:
    """The image in the file at `path`, brought to `size` and `channels` where they are given.

    Raises:
        DataError: the file is missing, no image, damaged, or too large; names it.
        LimitError: there is no memory to decode it.
        MissingExtraError: Pillow is not installed.
    """
    module = pillow()
    raw = open_regular(path)
    with BufferedReader(raw) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata that change no pixel
        warnings.simplefilter("error", module.DecompressionBombWarning)
        try:
            _check_size(path, file_size(raw), module)
            return _decoded(path, file, size, channels)
        except DnnError:
            raise
        except MemoryError:
            raise LimitError(
                f"the image `{safe_text(path)}` does not fit into memory", where=safe_text(path)
            ) from None
        except (module.DecompressionBombWarning, module.DecompressionBombError) as error:
            raise _bad(path, f"it is too large: {error}") from None
        except module.UnidentifiedImageError:
            file.seek(0)
            raise _no_image(path, file.read(64)) from None
        except Exception as error:  # damaged bytes make decoders raise whatever they like
            reason = safe_text(error) or type(error).__name__
            raise _bad(path, f"it is damaged or cut short ({reason})") from None


def _decoded(path: Path, file: IO[bytes], size: Size | None, channels: int | None) -> Decoded:
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(file, formats=_FORMATS)
    if image.format == "PNG":
        image.verify()  # the checksums; decoding alone does not look at them
        file.seek(0)
        image = Image.open(file, formats=_FORMATS)
    # Before Pillow 11, PNG of 16 bits were opened as `I`; of other formats, that is 32 bits.
    deep = image.mode in _DEEP or (image.mode == "I" and image.format == "PNG")
    if image.mode not in _CHANNELS and not deep:
        raise _bad(
            path,
            f"its pixels are of the kind {image.mode}, neither 8 bits a channel nor grey of 16",
            "save it as a PNG file of 8 or 16 bits",
        )
    inverse = deep and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0
    ImageOps.exif_transpose(image, in_place=True)
    if deep:
        image = Image.fromarray(_shallow(np.asarray(image)))
    if inverse:  # of 8 bits Pillow turns them itself
        image = ImageOps.invert(image)
    natural = _CHANNELS[image.mode]
    image = image.convert(_MODES[channels or natural])
    if size is not None and (image.height, image.width) != size:
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, -1)
    return Decoded(pixels, deep)


def _shallow(pixels: Array) -> Array:
    """round(x / 257) of pixels from 0 to 65535: 257 is odd, so that no quotient ends in a half."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _check_size(path: Path, found: int, module: ModuleType) -> None:
    pixels = module.MAX_IMAGE_PIXELS
    if pixels is not None and found > pixels * _BYTES + _HEADERS:
        raise _bad(path, f"it has {found:,} bytes, more than an image of {pixels:,} pixels")


def _no_image(path: Path, head: bytes) -> DataError:
    shown = safe_text(path)
    return DataError(
        f"`{shown}` is no image that can be read: {beginning(head)}",
        where=shown,
        why="images are PNG, JPEG, BMP, GIF, WebP or TIFF files",
    )


def _bad(path: Path, reason: str, fix: str = "") -> DataError:
    shown = safe_text(path)
    return DataError(f"cannot read the image `{shown}`: {reason}", where=shown, fix=fix)
