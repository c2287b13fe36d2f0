"""Encodings are told from text that Python wrote in them, or refused where nothing tells."""

from __future__ import annotations

import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.readers.csv_encoding import FoundEncoding, find_encoding

WESTERN = [
    "Köln", "Größe; Übermaß; schön; Ärger „Straße“", "é uma canção, não são, É à você",
    "à Genève, élève créée français où là déjà «cœur» l’été 25 €", "Ærø søen år Århus", "Þór það",
    "don’t – “quote” 25 °C ±3 m² naïve café ½ µm © 2024", "Málaga\nÁvila\n", "niño ¿qué?",
]  # fmt: skip
OTHERS = {
    "cp1251": ["Москва", "Привет мир", "м", "город"], "koi8-r": ["Казань", "м", "Псков"],
    "shift_jis": ["東京", "大阪", "アイウエオ", "テスト"], "gb18030": ["北京", "男", "你好"],
    "euc_kr": ["서울"], "cp1250": ["łódź żaba gęś źdźbło"], "cp1253": ["Αθήνα"],
    "cp850": ["Köln Größe März"], "cp1255": ["שלום"], "cp1256": ["مرحبا"], "big5": ["臺北市政府"],
}  # fmt: skip


def found(text: str, encoding: str, delimiter: str = ",") -> FoundEncoding:
    rows = "".join(f"{i}{delimiter}{text}\n" for i in range(3))
    return find_encoding(f"a{delimiter}b\n{rows}".encode(encoding), True, "x.csv", delimiter)


@pytest.mark.parametrize("text", WESTERN)
def test_western_text_is_cp1252_and_said(text: str) -> None:
    one = found(text, "cp1252")
    assert one.name == "cp1252"
    assert found(text, "utf-8") == FoundEncoding() and found(text, "utf-16") == FoundEncoding()
    first = next(c for c in text if not c.isascii()).encode("cp1252")[0]
    assert f"is 0x{first:02x} (line " in one.why


@pytest.mark.parametrize(("encoding", "text"), [(e, t) for e, ts in OTHERS.items() for t in ts])
def test_what_is_not_western_is_refused_and_shown(encoding: str, text: str) -> None:
    with pytest.raises(DataError) as caught:
        found(text, encoding)
    (problem,) = caught.value.problems
    assert problem.where == "x.csv:2:2" and "--encoding" in problem.fix
    assert f"`{text[:20]}` in {encoding}" in problem.why or encoding in ("cp1256", "gb18030")
    assert found(text, "utf-8") == FoundEncoding()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_one_bad_byte_in_utf8_is_named_with_its_cell(end: str) -> None:
    rows = [f'"a;{i}";Köln' for i in range(50)]
    data = bytearray(end.join(["x;y", *rows, ""]).encode())
    place = data.index("ö".encode(), data.index(b"a;30"))
    data[place : place + 2] = b"\xf6"
    with pytest.raises(DataError) as caught:
        find_encoding(bytes(data), True, "x.csv", ";")
    (problem,) = caught.value.problems
    assert f"byte {place:,} is 0xf6" in problem.what and problem.where == "x.csv:32:2"
    assert "but for 1 byte: 49 other" in problem.why and "correct the cell" in problem.fix


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_bytes_that_cp1252_lacks_are_refused(byte: int) -> None:
    data = b"a,b\n1,K" + bytes([byte]) + b"ln\n"
    with pytest.raises(DataError, match=f"0x{byte:02x}"):
        find_encoding(data, True, "x.csv", ",")


def test_a_head_that_ends_within_a_character_is_utf8() -> None:
    data = "a,b\n1,ö".encode()[:-1]
    assert find_encoding(data, False, "x.csv", ",") == FoundEncoding()
    with pytest.raises(DataError):
        find_encoding(data, True, "x.csv", ",")
