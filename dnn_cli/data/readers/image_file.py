"""One image file as an array of bytes (height, width, channels), decoded by Pillow.

Read       PNG, JPEG, BMP, GIF, WebP, TIFF, told by their content; of several frames the first.
           Turned as the EXIF orientation says; transparency is dropped
Channels   1 is grey, 3 is red, green, blue; palettes and CMYK are colour
Resized    bilinear over the area that a new pixel covers; the proportions are not kept
Memory     one decoded image, of at most `PIL.Image.MAX_IMAGE_PIXELS` pixels
Errors     a file that is cut short or damaged, so far as its format can tell (PNG has checksums),
           and one of more than 8 bits a channel, which would be clipped
"""

from __future__ import annotations

import warnings
from io import BufferedReader
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, TypeAlias

import numpy as np

from dnn_cli.base.errors import DataError, DnnError, LimitError, MissingExtraError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.bytes_in import file_size, looks_like, open_regular

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"))
Size: TypeAlias = tuple[int, int]  # height, width

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")  # others may start other programs
_CHANNELS = {"1": 1, "L": 1, "LA": 1} | dict.fromkeys(
    ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"), 3
)
_MODES = {1: "L", 3: "RGB"}
_BYTES = 4  # of a pixel: a file of more bytes than its largest image is none
_HEADERS = 1 << 24  # bytes that metadata may take


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


def read_image(path: Path, size: Size | None, channels: int | None) -> Array:
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


def _decoded(path: Path, file: IO[bytes], size: Size | None, channels: int | None) -> Array:
    from PIL import Image, ImageOps

    image: Image.Image = Image.open(file, formats=_FORMATS)
    if image.format == "PNG":
        image.verify()  # the checksums; decoding alone does not look at them
        file.seek(0)
        image = Image.open(file, formats=_FORMATS)
    if image.mode not in _CHANNELS:
        raise _bad(path, f"its pixels are of the kind {image.mode}, not 8 bits a channel")
    natural = _CHANNELS[image.mode]
    ImageOps.exif_transpose(image, in_place=True)
    image = image.convert(_MODES[channels or natural])
    if size is not None and (image.height, image.width) != size:
        image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return _array(image)


def _array(image: Image) -> Array:
    return np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, -1)


def _check_size(path: Path, found: int, module: ModuleType) -> None:
    pixels = module.MAX_IMAGE_PIXELS
    if pixels is not None and found > pixels * _BYTES + _HEADERS:
        raise _bad(path, f"it has {found:,} bytes, more than an image of {pixels:,} pixels")


def _no_image(path: Path, head: bytes) -> DataError:
    shown = safe_text(path)
    return DataError(
        f"`{shown}` is no image that can be read: it begins like {looks_like(head)}",
        where=shown,
        why="images are PNG, JPEG, BMP, GIF, WebP or TIFF files",
    )


def _bad(path: Path, reason: str) -> DataError:
    shown = safe_text(path)
    return DataError(f"cannot read the image `{shown}`: {reason}", where=shown)
