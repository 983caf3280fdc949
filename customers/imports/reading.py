"""A file to rows of text: gzip, encoding, separator, and every way in which a file can be no table."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext as _

from customers.imports.problems import Problem
from customers.imports.sheets import sheet_rows
from customers.imports.specs import FileMapping
from foundation.jobs.running import BadInput
from foundation.policies.reading import policy
from foundation.ui.wording import join_words

BLOCK = 1 << 20
LONGEST_FIELD = 8 << 20  # characters: beyond it a quote was never closed
MOST_COLUMNS = 1_000
MB = 1 << 20
_SEPARATORS = ",;\t|"
SAMPLED = 20_000
_GB_SHARE = 0.7  # of the Chinese characters of a real GBK file at least so many are GB 2312 ones
_OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"\x7fELF", "ELF"),
)


@dataclass(frozen=True)
class Table:
    """An opened file: its header, its rows with their line numbers, how many lines it has about."""

    header: list[str]
    rows: Iterator[tuple[int, list[str] | Problem]]
    lines: int | None
    notes: list[str]


@contextmanager
def open_table(file: IO[bytes], mapping: FileMapping) -> Iterator[Table]:
    """Open a CSV or XLSX file, gzipped or not. Memory stays flat whatever its size.

    Raises BadInput with words for a file that is too large, binary, empty, in another encoding, or whose first
    line lacks columns or names one twice.
    """
    try:
        with _unpacked(file) as plain, ExitStack() as stack:
            start = plain.read(8)
            plain.seek(0)
            text: io.TextIOWrapper | None = None
            if start[:2] == b"PK":
                book = stack.enter_context(_seekable(plain))
                header, rows, notes = sheet_rows(book, limit_mb=policy("imports.max_unpacked_mb"))
                lines: int | None = None
            else:
                text, header, rows, lines, notes = _csv_rows(plain, start)
            header = _checked_header(header, mapping)
            known = {*mapping.columns(), *mapping.ignored}
            if unknown := [name for name in header if name and name not in known]:
                words = _("Columns the mapping does not know, left out: %(columns)s.")
                notes.append(words % {"columns": join_words(name[:40] for name in unknown[:20])})
            try:
                yield Table(header, rows, lines, notes)
            finally:
                if text is not None:
                    text.detach()  # else its end would close the caller's file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput("imports.broken_file", _("The packed file is damaged or cut off. Upload it again.")) from error


@contextmanager
def _unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    start = file.read(2)
    file.seek(0)
    if start != b"\x1f\x8b":
        yield file
        return
    with gzip.open(file, "rb") as plain:
        yield plain  # type: ignore[misc]


@contextmanager
def _seekable(plain: IO[bytes]) -> Iterator[IO[bytes]]:
    """A workbook is read from its end: one inside gzip is unpacked to disk first."""
    if not isinstance(plain, gzip.GzipFile):
        yield plain
        return
    limit = policy("imports.max_unpacked_mb") * MB
    with tempfile.TemporaryFile() as whole:
        while block := plain.read(BLOCK):
            whole.write(block)
            if whole.tell() > limit:
                raise _too_large(limit)
        whole.seek(0)
        yield whole


def _too_large(limit: int) -> BadInput:
    words = _("Unpacked, the file is larger than %(limit)s MB. Cut it into several files.")
    return BadInput("imports.too_large", words % {"limit": limit // MB})


def _csv_rows(
    plain: IO[bytes], start: bytes
) -> tuple[io.TextIOWrapper, list[str], Iterator[tuple[int, list[str] | Problem]], int, list[str]]:
    for magic, name in _OTHER_KINDS:
        if start.startswith(magic):
            words = _("This is a %(kind)s file. Save the table as CSV (UTF-8) or XLSX and upload that.")
            raise BadInput("imports.not_a_table", words % {"kind": name})
    encoding, lines = _look_through(plain)
    plain.seek(0)
    first = plain.read(BLOCK).split(b"\n", 1)[0].decode(encoding, "replace")
    plain.seek(0)
    text = io.TextIOWrapper(plain, encoding=encoding, newline="")
    separator = max(_SEPARATORS, key=first.count)
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(text, delimiter=separator, strict=False)
    try:
        header = next(reader)
    except csv.Error:
        header = []
    notes = [] if encoding.startswith("utf") else [_("Read as %(encoding)s.") % {"encoding": encoding.upper()}]
    return text, header, _numbered(reader), lines, notes


def _numbered(reader: Any) -> Iterator[tuple[int, list[str] | Problem]]:
    """Rows with the line each begins on; blank lines are left out."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            words = _("From line %(line)s on a quote is never closed. Close it and upload the file again.")
            raise BadInput("imports.open_quote", words % {"line": line}) from error
        if any(cell.strip() for cell in row):
            yield line, row


def _look_through(plain: IO[bytes]) -> tuple[str, int]:
    """Read the whole file once (a GBK one twice): its encoding, the number of its lines. Refuses what is no text."""
    start = plain.read(2)
    if start in {b"\xff\xfe", b"\xfe\xff"}:
        raise BadInput("imports.encoding", _wrong_encoding("UTF-16"))
    plain.seek(0)
    lines = _lines_in(plain, "utf-8")
    if lines is not None:
        return "utf-8-sig", lines
    plain.seek(0)
    lines = _lines_in(plain, "gb18030")
    plain.seek(0)
    if lines is None or not _looks_chinese(plain):
        raise BadInput("imports.encoding", _wrong_encoding(""))
    return "gb18030", lines


def _lines_in(plain: IO[bytes], encoding: str) -> int | None:
    """The number of lines when the whole file is text in `encoding`, else None. Refuses binary and too large files."""
    limit = policy("imports.max_unpacked_mb") * MB
    decoder = codecs.getincrementaldecoder(encoding)()
    seen = lines = 0
    while block := plain.read(BLOCK):
        seen += len(block)
        if seen > limit:
            raise _too_large(limit)
        if b"\x00" in block:
            raise BadInput(
                "imports.not_a_table", _("This is a binary file, not a table. Save it as CSV (UTF-8) or XLSX.")
            )
        lines += block.count(b"\n")
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return None
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return lines


def _looks_chinese(plain: IO[bytes]) -> bool:
    """Whether the first characters beyond ASCII are common ones: Latin-1 read as GBK gives rare characters."""
    text = io.TextIOWrapper(plain, encoding="gb18030", newline="")
    high: list[str] = []
    while len(high) < SAMPLED and (part := text.read(BLOCK)):
        high += [character for character in part if character > "\x7f"]
    text.detach()
    sample = high[:SAMPLED]
    return bool(sample) and sum(map(_is_gb2312, sample)) / len(sample) >= _GB_SHARE


def _is_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _wrong_encoding(name: str) -> str:
    which = f" ({name})" if name else ""
    return _(
        "The encoding of the file%(which)s is not understood: UTF-8 and GBK/GB18030 are. In a spreadsheet choose "
        "“CSV UTF-8” when saving."
    ) % {"which": which}


def _checked_header(header: list[str], mapping: FileMapping) -> list[str]:
    names = [name.strip().lstrip("\ufeff") for name in header]
    if not any(names):
        raise BadInput("imports.empty", _("The file is empty: its first line must name the columns."))
    if len(names) > MOST_COLUMNS:
        raise BadInput(
            "imports.columns", _("The first line names more than %(most)s columns.") % {"most": MOST_COLUMNS}
        )
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        words = _("These columns stand in the first line twice: %(columns)s. Rename or remove one of each.")
        raise BadInput("imports.columns_twice", words % {"columns": join_words(name[:40] for name in twice)})
    missing = [name for name in mapping.required_columns() if name not in names]
    if missing:
        words = _("The mapping “%(mapping)s” needs these columns, which the file lacks: %(columns)s.")
        raise BadInput("imports.columns_missing", words % {"mapping": mapping.key, "columns": join_words(missing)})
    return names
