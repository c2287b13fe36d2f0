"""Seeds of data: arrays, archives, tables, images, and names."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image


def _npy(array: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    found = io.BytesIO()
    np.lib.format.write_array(found, array, version, allow_pickle=False)
    return found.getvalue()


_NPY_TYPES = "<f4 >f8 <f2 u1 i1 >i2 <i4 <i8 <u8 ? S3 <U2 >U2"


def npys() -> Iterable[bytes]:
    """Every type, both orders, several ranks, and headers that no writer makes."""
    for code in [
        "<f4",
        ">f8",
        "<f2",
        "u1",
        "i1",
        ">i2",
        "<i4",
        "<i8",
        "<u8",
        "?",
        "S3",
        "<U2",
        ">U2",
    ]:
        yield _npy(np.arange(6).reshape(3, 2).astype(code))
    yield _npy(np.asfortranarray(np.arange(12, dtype="<f4").reshape(3, 4)))
    yield _npy(np.zeros((2, 2, 2), "u1"), (2, 0))
    yield _npy(np.zeros((0, 3), "<f4"), (3, 0))
    yield _npy(np.array(1.0))
    yield _npy(np.zeros(3, "<i8"))
    yield _npy(np.array([[np.nan, -0.0], [np.inf, 1e300]]))
    yield _npy(np.zeros(2, [("a", "<f4")]))
    good = _npy(np.zeros((2, 2), "<f4"))
    yield good.replace(b"<f4", b"|O8")
    yield good.replace(b"(2, 2)", b"(2L,2)")
    yield good.replace(b"False", b"True ")
    yield good[:-1]
    yield good + b"\0"


def _npz(method: int = 0, **arrays: Any) -> bytes:
    return _zip({f"{key}.npy": _npy(array) for key, array in arrays.items()}, method)


def _zip(members: Mapping[str, bytes], method: int = 0) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return found.getvalue()


def npzs() -> Iterable[bytes]:
    """Archives, stored and deflated, with the keys that are looked for and others."""
    x, y = np.arange(6, dtype="<f4").reshape(3, 2), np.arange(3)
    for method in (0, 8):
        yield _npz(method, x=x, y=y)
        yield _npz(method, a=np.asfortranarray(x))
        yield _npz(method, inputs=x.astype("u1"), targets=np.array(["a", "b", "c"]))
    yield _npz(8, X=np.zeros((40, 30), "u1"))
    yield _npz(x=x, X=x)
    yield _npz(b=x)
    yield _npz(8, features=x, labels=y)
    yield _npz(X=x, Y=y)
    yield _zip({})
    yield _zip({"x.npy": b"", "readme.txt": b"a"})
    yield _zip({"../x.npy": _npy(x)})
    yield _npz(x=x)[:-8]
    yield _npz(x=x).replace(b"\x93NUMPY", b"\x94NUMPY")
    yield b"PK\x05\x06" + bytes(18)


def idxs() -> Iterable[bytes]:
    """Each type code, plain and packed."""
    for code, kind in {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}.items():
        content = struct.pack(">HBB2I", 0, code, 2, 3, 2) + np.arange(6).astype(kind).tobytes()
        yield content
        yield gzip.compress(content, mtime=0)
    yield struct.pack(">HBB3I", 0, 8, 3, 2, 2, 2) + bytes(range(8))
    yield struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 4)
    yield struct.pack(">HBBI", 0, 8, 1, 5) + b"\1\2\3\4"
    yield gzip.compress(struct.pack(">HBBI", 0, 8, 1, 9000) + bytes(9000), mtime=0)
    yield gzip.compress(b"", mtime=0) * 2
    yield b"\0\0\x0a\1\0\0\0\0"


def csvs() -> Iterable[bytes]:
    """Tables, plain and quoted, and the faults that tables have."""
    yield b"a,b,y\n1,2,cat\n3,4,dog\n"
    yield b"a,b\n1,2.5\n-3e4,+.5\n"
    yield b"a;b\n1;2\n3;4\n"
    yield b'"a","b ""c""",y\r\n1,2,"x, y"\r\n"3",4,"two\r\nlines"\r\n'
    yield b"\xef\xbb\xbfa,b\n1,2\n"
    yield b"a,y\r1,007\r2,8\r"
    yield "größe,ölfarbe\n1,rot\n2,grün\n".encode()
    yield b"a,y\n1,9223372036854775808\n2,1\n"
    yield b"a,y\n1e39,1\n"
    yield b"a,b\n1\n2,3,4\n"
    yield b"a,b\n1,\n,2\n"
    yield b"a,b\nnan,inf\n1_0,0x1F\n"
    yield b"a,b\n1,2\n\n3,4\n"
    yield b"a,a\n1,2\n"
    yield b"1,2\n3,4\n"
    yield b"a,b\n1,\xff\n"
    yield b'a,b\n1,"2\n'
    yield b"a,b\n1,2\0\n"
    yield b"a,b"
    yield b""
    yield b"sep=;\na;b\n1;2\n"
    yield "a,y\n\u22121,\u22122.5\n3,4\n".encode()
    yield b"a,b\n0,1,2\n1,3,4\n"


def examined() -> Iterable[bytes]:
    """Tables of which something has to be found out."""
    yield from (one for one in csvs() if one)
    yield b"a;b;y\n1.234,50;x;u\n2.345,60;z;v\n"
    yield b'a,y\n"1,234",u\n"2,345",v\n'
    yield "a\ty\n1\u202f234,5\tu\n12\u202f345,6\tv\n".encode()
    yield b"5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n"
    yield b"country,2019,2020\nde,1.5,2\nfr,3,4\n"
    yield "größe,stadt\n1,Köln\n2,Málaga\n".encode("cp1252")
    yield "a,город\n1,Москва\n2,Казань\n".encode("cp1251")
    yield "a,町\n1,東京\n2,大阪\n".encode("shift_jis")
    yield "a,b\n1,ö\n2,ä\n".encode() + b"3,\xf6\n"
    yield "a,b\n1,2\n".encode("utf-16")
    yield b"day,time\n2024-01-01,12:30\n2024-01-02,13:45\n"


def images() -> Iterable[bytes]:
    """Every format and kind of pixels, one turned by its EXIF data, and some that are cut short."""
    ramp = (np.arange(60) * 4).astype(np.uint8)
    grey = Image.fromarray(ramp.reshape(10, 6))
    colour = Image.fromarray(ramp.reshape(5, 4, 3))
    for kind in ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"):
        yield _image(colour, kind)
        yield _image(grey, kind)
    for mode in ("1", "P", "LA", "RGBA", "I;16"):
        yield _image(grey.convert(mode), "PNG")
    yield _image(grey.convert("I;16"), "TIFF")
    yield _image(grey.convert("I;16B"), "TIFF")
    yield _image(colour.convert("CMYK"), "JPEG")
    turned = Image.Exif()
    turned[0x0112] = 6
    yield _image(colour, "JPEG", exif=turned)
    yield _image(colour, "PNG", exif=turned)
    yield _image(grey, "GIF", save_all=True, append_images=[grey])
    yield _image(colour, "PNG")[:-20]
    yield _image(colour, "JPEG")[:-20]
    yield b"<svg/>"


def _image(image: Image.Image, kind: str, **options: Any) -> bytes:
    found = io.BytesIO()
    image.save(found, kind, **options)
    return found.getvalue()


def texts() -> Iterable[bytes]:
    """Names, divided by U+001E."""
    for names in (
        ("cat", "dog"),
        ("=1+1", "+1", "-x", "@a", "\tb", "\rc"),
        ("\x1b[31mred\x1b[0m", "\x9b2J", "bell\x07"),
        ("\u202eevil", "\u2066a\u2069", "\u200f", "\ufeff"),
        ("a,b", 'say "hi"', "two\nlines", "two\r\nlines", "'=1"),
        ("é", "e\u0301", "漢字", "\U0001f600", "\U000e0041"),
        ("\ud800", "\udfff"),
        ("a\0b", "\0", " ", "x" * 300),
        ("1e5", "-1", "+inf", "nan"),
        ("\u2028", "\u2029", "\x85"),
    ):
        yield "\x1e".join(names).encode("utf-8", "surrogatepass")
    yield b"\xff\xfe\x1e\x80"
