"""What a file is, by its bytes: taken, or refused politely."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest

from complaints.intake.files import DOCX, PDF, TEXT, XLSX, media_type_of, safe_name
from foundation.common.errors import RuleBroken


def packed(**entries: bytes) -> bytes:
    """A zip file with these entries; "Types" stands for the one every document has."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name.replace("Types", "[Content_Types].xml"), content)
    return stream.getvalue()


TAKEN = [
    (b"%PDF-1.7 x", PDF),
    (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
    (b"\0\0\0\x18ftypheic\0\0", "image/heic"),
    (b"ID3\x03\0", "audio/mpeg"),
    (b"\xff\xfb\x90", "audio/mpeg"),
    (b"#!AMR\n\x3c", "audio/amr"),
    ("信号弱\r\n".encode(), TEXT),
    ("信号弱".encode("gb18030"), TEXT),
    (b"<script>alert(1)</script>", TEXT),
    (packed(**{"Types": b"", "word/document.xml": b"x"}), DOCX),
    (packed(**{"Types": b"", "xl/workbook.xml": b"x"}), XLSX),
]
REFUSED = [
    (b"", "complaint.file_empty"),
    (b"MZ\x90\0", "complaint.file_program"),
    (b"\x7fELF\x02", "complaint.file_program"),
    (b"\xca\xfe\xba\xbe", "complaint.file_program"),
    (b"#!/bin/sh\nrm -rf /", "complaint.file_program"),
    (b"@echo off\r\n", "complaint.file_program"),
    (packed(**{"Types": b"", "word/document.xml": b"x", "word/vbaProject.bin": b"x"}), "complaint.file_program"),
    (packed(**{"AndroidManifest.xml": b"", "classes.dex": b"x"}), "complaint.file_program"),
    (packed(readme=b"any other archive"), "complaint.file_type"),
    (b"PK\x03\x04 cut off", "complaint.file_type"),
    (b"GIF89a\x01\0\x01\0", "complaint.file_type"),
    (b"\0\0\0\x18ftypisom", "complaint.file_type"),
    (b"text with a\0zero", "complaint.file_type"),
    (packed(**{"Types": b"", "word/document.xml": b"0" * (201 * 1024 * 1024)}), "complaint.file_type"),
]


def test_a_file_is_what_its_bytes_say() -> None:
    assert [(media_type_of(data), kind) for data, kind in TAKEN] == [(kind, kind) for _data, kind in TAKEN]
    for data, code in REFUSED:
        with pytest.raises(RuleBroken) as no:
            media_type_of(data)
        assert no.value.code == code, data[:20]


def test_the_name_it_gets_is_harmless_and_true() -> None:
    assert safe_name("账单 十月.pdf", PDF) == "账单 十月.pdf"
    assert safe_name("../../etc/passwd", TEXT) == "passwd.txt"
    assert safe_name("C:\\Users\\x\\photo.JPEG", "image/jpeg") == "photo.JPEG"
    assert safe_name("invoice.pdf.exe", PDF) == "invoice.pdf.exe.pdf"
    assert safe_name('a"b\r\nSet-Cookie: x.png', "image/png") == "a b Set-Cookie x.png"
    assert safe_name("gnp\u202egpj.png", "image/png") == "gnpgpj.png"
    assert safe_name("", "audio/amr") == "file.amr"
    assert len(safe_name("长" * 300 + ".pdf", PDF)) == 120 and safe_name("长" * 300, PDF).endswith(".pdf")
