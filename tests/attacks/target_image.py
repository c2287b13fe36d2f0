"""Images, decoded by Pillow: its decoders may raise what they like, but it must not leave us.

Images of more than a million pixels are refused here, as larger ones are in earnest: a small file
may hold a very large image, and decoding it takes as long as that.
"""

from __future__ import annotations

import zlib
from functools import cache
from random import Random

import mutate
import numpy as np
import PIL.Image
from oracle import Target, attempt, require, scratch

from dnn_cli.data.readers.image_file import read_image

_PIXELS = 1 << 19  # of which Pillow lets twice as many pass with a warning, which is our error


@cache
def _prepare() -> None:
    PIL.Image.init()  # imports every decoder
    for name in ("PIL.ExifTags", "PIL.ImageOps", "PIL.ImageSequence"):
        __import__(name)


def feed_image(data: bytes) -> bool:
    """An image as it is; then brought to a size, in grey."""
    _prepare()
    path = scratch("x.png", data)
    before, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, _PIXELS
    try:
        found = attempt(lambda: read_image(path, None, None).pixels)
        small = attempt(lambda: read_image(path, (4, 3), 1).pixels)
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = before
    require((found is None) == (small is None), "accepted in one size only")
    if found is not None and small is not None:
        require(found.dtype == small.dtype == np.uint8 and small.shape == (4, 3, 1), "other pixels")
        require(found.ndim == 3 and found.shape[2] in (1, 3) and found.size, "no image")
    return found is not None


def _mutate_png(data: bytes, random: Random) -> bytes:
    """Change what the chunks of a PNG hold, and put their checksums right."""
    chunks, at = [], 8
    while data[:4] == b"\x89PNG" and at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return mutate.of_bytes(data, random, WORDS)
    changed = random.randrange(len(chunks))
    kind, content = chunks[changed]
    if kind == b"IDAT" and random.random() < 0.5:
        try:
            content = zlib.compress(mutate.of_bytes(zlib.decompress(content), random))
        except zlib.error:
            content = b""
    else:
        content = mutate.of_bytes(content, random)
    chunks[changed] = (random.choice((kind, kind, kind, b"eXIf", b"tRNS", b"PLTE")), content)
    return data[:8] + b"".join(_chunk(*one) for one in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + checksum


WORDS = (
    b"\x89PNG\r\n\x1a\n",
    b"IHDR",
    b"IDAT",
    b"IEND",
    b"PLTE",
    b"tRNS",
    b"eXIf",
    b"acTL",
    b"fcTL",
)
WORDS += (b"\xff\xd8", b"\xff\xc0", b"\xff\xda", b"\xff\xe1", b"Exif\0\0", b"GIF89a", b"BM")
WORDS += (b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"II*\0", b"MM\0*", b"ANIM")
TARGETS = (Target("image", feed_image, WORDS, _mutate_png, longest=2048),)
