"""What a file is, told from its bytes and never from its name; what is taken and what is refused (D§10.2: evidence)."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from io import BytesIO

from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken

PDF, TEXT = "application/pdf", "text/plain"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# By the type: the ending a file gets when it is fetched.
ENDINGS: dict[str, str] = {
    PDF: ".pdf",
    TEXT: ".txt",
    DOCX: ".docx",
    XLSX: ".xlsx",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "audio/mpeg": ".mp3",
    "audio/amr": ".amr",
    "audio/wav": ".wav",
}
# What a browser offers to choose from; what counts are the bytes.
ACCEPT = ",".join([*ENDINGS.values(), ".jpeg"])
LONGEST_NAME = 120
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"dex\n",
    b"#!/",
    b"#! /",
)
_HEIC = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
_UNPACKED_MOST = 200 * 1024 * 1024
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


def media_type_of(data: bytes) -> str:
    """The type of a file by its content. Raises RuleBroken "complaint.file_program" for a program, a script or a
    document with macros, "complaint.file_type" for what else is not taken, "complaint.file_empty"."""
    if not data:
        raise RuleBroken("complaint.file_empty", _("This file is empty. Choose it again, or send another one."))
    if data.startswith(b"#!AMR"):
        return "audio/amr"
    if data.startswith(_PROGRAMS) or data[:5].lower() == b"@echo":
        raise _program()
    if data.startswith(b"PK\x03\x04"):
        return _packed(data)
    found = _by_magic(data)
    if found is None and _is_text(data):
        found = TEXT
    if found is None:
        raise _other()
    return found


def _by_magic(data: bytes) -> str | None:
    if b"%PDF-" in data[:1024]:
        return PDF
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return "image/heic"
    if data.startswith(b"ID3") or (len(data) > 1 and data[0] == 0xFF and data[1] in (0xFB, 0xF3, 0xF2, 0xFA)):
        return "audio/mpeg"
    return None


def _packed(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as packed:
            entries = packed.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _other() from error
    names = {entry.filename for entry in entries}
    if any(name.lower().endswith(("vbaproject.bin", ".dex", ".class", ".exe")) for name in names):
        raise _program()
    if "[Content_Types].xml" not in names or sum(entry.file_size for entry in entries) > _UNPACKED_MOST:
        raise _other()
    if "word/document.xml" in names:
        return DOCX
    if "xl/workbook.xml" in names:
        return XLSX
    raise _other()


def _is_text(data: bytes) -> bool:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(unicodedata.category(letter) == "Cc" and letter not in "\t\r\n\f" for letter in set(text))
    return False


def _program() -> RuleBroken:
    words = _("Programs, scripts and documents with macros are not taken. Send a picture (a screenshot) or a PDF.")
    return RuleBroken("complaint.file_program", words)


def _other() -> RuleBroken:
    words = _(
        "This kind of file is not taken. Send PDF, a picture (JPG, PNG, WebP, HEIC), a recording (MP3, AMR, WAV), text,"
        " or a Word or Excel file; a photograph of the paper will do."
    )
    return RuleBroken("complaint.file_type", words)


def safe_name(name: str, media_type: str) -> str:
    """A name to show and to save under: its last part, without what no file system wants, with the ending of what the
    file really is."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    plain = "".join(letter for letter in plain if unicodedata.category(letter) not in {"Cf", "Cs", "Co", "Cn"})
    stem = " ".join(_UNSAFE.sub(" ", plain).split()).strip(" .")
    ending = ENDINGS[media_type]
    lower = stem.lower()
    if not lower.endswith(ending) and not (ending == ".jpg" and lower.endswith(".jpeg")):
        stem = f"{stem or 'file'}{ending}"
    if len(stem) <= LONGEST_NAME:
        return stem
    return stem[: LONGEST_NAME - len(ending)].rstrip(" .") + ending
