"""Bytes of a mail to text, whatever its head says about them."""

from __future__ import annotations

import codecs
import re
from email.header import decode_header

LONGEST_HEAD = 4_000
CHINESE = "gb18030"  # holds gb2312 and gbk
# Names in use for what gb18030 reads.
_CHINESE_NAMES = {"gb2312", "gbk", "gb18030", "x-gbk", "gb_2312-80", "gb2312-80", "csgb2312", "chinese", "cp936"}
_WESTERN = {"us-ascii", "ascii", "iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "iso-8859-15", ""}
# Their readers take time that grows with the square, or do more than decode.
_NOT_FOR_MAIL = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "utf_7"}
_HAN = re.compile("[\u4e00-\u9fff]")
_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Marks that turn the direction of what follows, and letters without width: nobody reads them, some are deceived.
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad]")


def text_of(data: bytes, declared: str = "") -> str:
    """The text, and never a failure: what is declared where it fits, else what the bytes look like."""
    name = declared.strip().strip("\"'").lower()
    if data.isascii() and name in _CHINESE_NAMES | _WESTERN | {"utf-8", "utf8"}:
        return data.decode("ascii")
    utf8 = _strict(data, "utf-8")
    if name in _CHINESE_NAMES:
        # Bytes of one or two signs may read as both; three-byte signs of UTF-8 are no accident.
        return utf8 if utf8 is not None and _HAN.search(utf8) else _strict(data, CHINESE) or _any(data, utf8)
    if name in _WESTERN:
        if utf8 is not None:
            return utf8
        chinese = _strict(data, CHINESE)  # Latin letters with accents stand alone: few pairs of high bytes
        return chinese if chinese is not None and _is_chinese(chinese) else data.decode("cp1252", "replace")
    return _strict(data, name) or _any(data, utf8)


def words_of(raw: str) -> str:
    """A head line as it came (`email` keeps bytes that are no ASCII as surrogates), in words on one line."""
    value = raw[:LONGEST_HEAD].encode("utf-8", "surrogateescape")
    if b"=?" not in value:
        return clean(" ".join(text_of(value).split()))
    try:
        pieces = decode_header(value.decode("latin-1"))
    except (ValueError, LookupError, UnicodeError):  # a broken encoded word
        return clean(" ".join(text_of(value).split()))
    # Neighbours of one charset are read together: some programs cut a sign in two.
    joined: list[tuple[bytes, str]] = []
    for data, charset in pieces:
        part, name = data if isinstance(data, bytes) else data.encode("latin-1", "replace"), (charset or "").lower()
        if joined and joined[-1][1] == name:
            joined[-1] = (joined[-1][0] + part, name)
        else:
            joined.append((part, name))
    return clean(" ".join("".join(text_of(data, name) for data, name in joined).split()))


def clean(text: str) -> str:
    """Without letters no database takes and nobody sees."""
    return _UNSEEN.sub("", _BAD.sub("", text))


def _is_chinese(text: str) -> bool:
    """Whether most of what is no ASCII are common signs, which bytes of another set do not make by chance."""
    beyond = [letter for letter in text[:2_000] if ord(letter) > 127]
    common = sum(1 for letter in beyond if len(letter.encode("gb2312", "ignore")) == 2)
    return common * 10 >= len(beyond) * 7


def _any(data: bytes, utf8: str | None) -> str:
    if utf8 is not None:
        return utf8
    return _strict(data, CHINESE) or _strict(data, "big5") or data.decode("utf-8", "replace")


def _strict(data: bytes, name: str) -> str | None:
    try:
        if codecs.lookup(name).name in _NOT_FOR_MAIL:
            return None
        return data.decode(name)
    except (LookupError, ValueError, UnicodeError):
        return None
