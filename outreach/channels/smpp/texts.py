"""Texts as short messages carry them: alphabets, parts of a long one, and back (GSM 03.38, 03.40 §9.2.3.24.1).

Seven-bit texts travel one septet a byte, as SMPP has them; everything else goes as UCS-2. Parts are cut so that no
letter of two units is torn, and all carry one reference, the same at every repeat of the message.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from outreach.channels.smpp.pdu import UDH, Deliver, Tag

BASIC = (
    "@\u00a3$\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\n\u00d8\u00f8\r\u00c5\u00e5"
    "\u0394_\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\x1b\u00c6\u00e6\u00df\u00c9"
    " !\"#\u00a4%&'()*+,-./0123456789:;<=>?"
    "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7"
    "\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0"
)
ESCAPE = 0x1B
EXTENDED = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "\u20ac": 0x65,
}  # fmt: skip
_SEPTETS = {letter: bytes((code,)) for code, letter in enumerate(BASIC) if code != ESCAPE} | {
    letter: bytes((ESCAPE, code)) for letter, code in EXTENDED.items()
}
_LETTERS = {code: letter for letter, code in EXTENDED.items()}
DEFAULT_CODING, LATIN_1_CODING, UCS2_CODING = 0x00, 0x03, 0x08
MOST_PARTS = 255
_FIELD = re.compile(r"(id|stat|err):\s*([^\s]*)", re.IGNORECASE)


class TooLong(ValueError):
    """More than 255 parts."""


@dataclass(frozen=True)
class Part:
    """One short message: `number` of `total`, as submit_sm takes it."""

    number: int
    total: int
    data: bytes
    data_coding: int
    esm_class: int


@dataclass(frozen=True)
class Piece:
    """What came in: its text and which part of what it is (`total` 1: a whole one)."""

    text: str
    reference: int = 0
    number: int = 1
    total: int = 1


def reference_of(message_id: int, bits: int) -> int:
    """The reference the parts of a message share: the same at every repeat, spread over all values."""
    return int.from_bytes(hashlib.sha256(message_id.to_bytes(8, "big")).digest()[: bits // 8], "big")


def parts_of(text: str, *, reference: int, bits: int = 16, only_ucs2: bool = False) -> list[Part]:
    """The parts a text is sent in. `bits`: of the reference, 8 or 16. Raises TooLong."""
    plain = not only_ucs2 and all(letter in _SEPTETS for letter in text)
    units = [_SEPTETS[letter] for letter in text] if plain else [letter.encode("utf-16-be") for letter in text]
    coding, room = (DEFAULT_CODING, 160) if plain else (UCS2_CODING, 140)
    if sum(map(len, units)) <= room:
        return [Part(1, 1, b"".join(units), coding, 0)]
    header = 6 if bits == 8 else 7
    # A header of 6 or 7 bytes takes the place of 7 or 8 septets; letters of UCS-2 are two bytes.
    pieces = _fill(units, room - header - 1 if plain else (room - header) // 2 * 2)
    if len(pieces) > MOST_PARTS:
        raise TooLong(f"{len(pieces)} parts")
    shape = b"\x05\x00\x03" if bits == 8 else b"\x06\x08\x04"
    head = shape + reference.to_bytes(bits // 8, "big") + bytes((len(pieces),))
    return [
        Part(number, len(pieces), head + bytes((number,)) + piece, coding, UDH)
        for number, piece in enumerate(pieces, start=1)
    ]


def _fill(units: list[bytes], room: int) -> list[bytes]:
    pieces, piece = [], bytearray()
    for unit in units:
        if len(piece) + len(unit) > room:
            pieces.append(bytes(piece))
            piece = bytearray()
        piece += unit
    return [*pieces, bytes(piece)]


def piece_of(deliver: Deliver) -> Piece:
    """The text of a message that came in, and its place when it is a part: by its header or by SAR parameters."""
    data, place = deliver.data, (0, 1, 1)
    if deliver.esm_class & UDH and data:
        header, data = data[1 : 1 + data[0]], data[1 + data[0] :]
        place = _place_in(header)
    elif Tag.SAR_MSG_REF_NUM in deliver.options:
        option = deliver.options
        number, total = option.get(Tag.SAR_SEGMENT_SEQNUM, b""), option.get(Tag.SAR_TOTAL_SEGMENTS, b"")
        place = (int.from_bytes(option[Tag.SAR_MSG_REF_NUM], "big"), number[-1] if number else 1, (total or b"\1")[-1])
    reference, number_, total_ = place
    if not 1 <= number_ <= total_:
        reference, number_, total_ = 0, 1, 1
    return Piece(decoded(data, deliver.data_coding), reference, number_, total_)


def _place_in(header: bytes) -> tuple[int, int, int]:
    place = 0
    while place + 2 <= len(header):
        kind, length = header[place], header[place + 1]
        value = header[place + 2 : place + 2 + length]
        if kind == 0x00 and len(value) == 3:
            return value[0], value[2], value[1]
        if kind == 0x08 and len(value) == 4:
            return int.from_bytes(value[:2], "big"), value[3], value[2]
        place += 2 + length
    return 0, 1, 1


def decoded(data: bytes, coding: int) -> str:
    """The letters of a text; what cannot be read becomes a replacement mark, nothing is refused."""
    if coding == UCS2_CODING:
        return data.decode("utf-16-be", "replace")
    if coding in {DEFAULT_CODING, 0x01}:
        found, escaped = [], False
        for byte in data:
            if escaped:
                found.append(_LETTERS.get(byte, " "))
                escaped = False
            elif byte == ESCAPE:
                escaped = True
            else:
                found.append(BASIC[byte] if byte < len(BASIC) else "\ufffd")
        return "".join(found)
    return data.decode("latin-1")


@dataclass(frozen=True)
class ReceiptSaid:
    """A receipt: the message centre's id, its word for the state (DELIVRD …) and its error code, "" when not said.

    `no_subscriber`: the network itself says that nobody has this number (GSM error 1). `numbers`: the telephone
    numbers it names; the one the message went to is among them."""

    reference: str
    state: str
    error: str = ""
    no_subscriber: bool = False
    numbers: tuple[str, ...] = ()


STATES = {
    1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD",
}  # fmt: skip
ARRIVED = frozenset({"DELIVRD"})
LOST = frozenset({"EXPIRED", "DELETED", "UNDELIV", "REJECTD"})


def receipt_of(deliver: Deliver) -> ReceiptSaid | None:
    """What a receipt says, by its parameters or else by its text (appendix B); None when it names no message."""
    said = {key.lower(): value for key, value in reversed(_FIELD.findall(deliver.data.decode("latin-1")))}
    option = deliver.options
    reference = option.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1") or said.get("id", "")
    state = STATES.get(int.from_bytes(option.get(Tag.MESSAGE_STATE, b""), "big"), "") or said.get("stat", "").upper()
    if not reference or len(reference) > 65:
        return None
    network = option.get(Tag.NETWORK_ERROR_CODE, b"")
    numbers = (deliver.source.text, deliver.destination.text)
    return ReceiptSaid(reference, state, said.get("err", "")[:10], network == b"\x03\x00\x01", numbers)
