"""The PDUs of SMPP 3.4 that an ESME sends and receives, as bytes and back (SMPP 3.4 issue 1.2, chapters 4 and 5).

Reading is strict about lengths and lenient about the rest: command and status codes nobody knows, letters outside ASCII
and optional parameters of a vendor are everyday at real message centres.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

HEADER = struct.Struct("!IIII")
LONGEST = 70_000  # a message_payload of 64 KiB and its header
RESPONSE = 0x8000_0000


class Command(IntEnum):
    GENERIC_NACK = 0x8000_0000
    SUBMIT_SM = 0x0000_0004
    DELIVER_SM = 0x0000_0005
    UNBIND = 0x0000_0006
    BIND_TRANSCEIVER = 0x0000_0009
    ENQUIRE_LINK = 0x0000_0015
    ALERT_NOTIFICATION = 0x0000_0102


class Status(IntEnum):
    """The `command_status` values we act on; any other number is possible."""

    OK = 0x00
    BAD_COMMAND = 0x03
    SYSTEM_ERROR = 0x08
    QUEUE_FULL = 0x14
    SUBMIT_FAILED = 0x45
    THROTTLED = 0x58
    TAKE_IT_LATER = 0x64  # ESME_RX_T_APPN: the peer delivers it again
    NEVER_TAKEN = 0x65  # ESME_RX_P_APPN: it does not


class Tag(IntEnum):
    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


UDH = 0x40  # esm_class: the text begins with a user data header
RECEIPT = 0x04  # esm_class, in the bits of RECEIPT_BITS: a delivery receipt
ON_THE_WAY = 0x20  # and there: a word before the last one, which a receipt tells
RECEIPT_BITS = 0x3C


class BadPdu(ValueError):
    """Bytes that are no PDU of their kind; the frame around them may be sound."""


@dataclass(frozen=True)
class Address:
    """Type of number, numbering plan, digits or letters."""

    text: str
    ton: int = 0
    npi: int = 1


@dataclass(frozen=True)
class Pdu:
    """A whole frame. `command` and `status` are plain numbers: a peer may send any."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    @property
    def is_answer(self) -> bool:
        return bool(self.command & RESPONSE)

    def as_bytes(self) -> bytes:
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True)
class Deliver:
    """A deliver_sm: a receipt or somebody's message. `data` is the text as it came, its user data header included."""

    source: Address
    destination: Address
    esm_class: int
    data_coding: int
    data: bytes
    options: dict[int, bytes] = field(default_factory=dict)

    @property
    def is_receipt(self) -> bool:
        return self.esm_class & RECEIPT_BITS == RECEIPT

    @property
    def is_on_the_way(self) -> bool:
        return self.esm_class & RECEIPT_BITS == ON_THE_WAY


def frame_length(buffer: bytes | bytearray) -> int | None:
    """How long the first frame of a stream is; None while its length is not there. Raises BadPdu for an impossible
    one: where the next frame begins cannot be known then."""
    if len(buffer) < 4:
        return None
    length = int.from_bytes(buffer[:4], "big")
    if not HEADER.size <= length <= LONGEST:
        raise BadPdu(f"a frame of {length} bytes")
    return length


def read_frame(frame: bytes) -> Pdu:
    """A whole frame, its length already seen."""
    _length, command, status, sequence = HEADER.unpack_from(frame)
    return Pdu(command, status, sequence, frame[HEADER.size :])


def answer_to(pdu: Pdu, status: int = Status.OK) -> Pdu:
    """The response to a request of the peer."""
    if pdu.command not in {Command.DELIVER_SM, Command.ENQUIRE_LINK, Command.UNBIND}:
        return Pdu(Command.GENERIC_NACK, Status.BAD_COMMAND, pdu.sequence)
    body = b"\0" if pdu.command == Command.DELIVER_SM else b""
    return Pdu(pdu.command | RESPONSE, status, pdu.sequence, body)


def bind_transceiver(sequence: int, system_id: str, password: str, system_type: str) -> Pdu:
    body = _text(system_id) + _text(password) + _text(system_type) + b"\x34\0\0" + _text("")
    return Pdu(Command.BIND_TRANSCEIVER, 0, sequence, body)


def submit_sm(
    sequence: int, *, source: Address, destination: Address, esm_class: int, data_coding: int, data: bytes
) -> Pdu:
    """One part of a text, with the wish for a receipt. Raises BadPdu for more than 254 bytes and for odd addresses."""
    if len(data) > 254:
        raise BadPdu("a part of more than 254 bytes")
    body = b"".join(
        (
            _text(""),
            _address(source),
            _address(destination),
            bytes((esm_class, 0, 0)),
            _text(""),  # schedule_delivery_time: at once
            _text(""),  # validity_period: the message centre's own
            bytes((1, 0, data_coding, 0, len(data))),  # registered_delivery 1: a receipt either way
            data,
        )
    )
    return Pdu(Command.SUBMIT_SM, 0, sequence, body)


def given_id(answer: Pdu) -> str:
    """The message centre's id in a submit_sm_resp. Raises BadPdu when there is none: its receipt could not be told."""
    found = _Reader(answer.body).text(65)
    if not found:
        raise BadPdu("an answer without message_id")
    return found


def read_deliver(pdu: Pdu) -> Deliver:
    """The fields of a deliver_sm. Raises BadPdu."""
    reader = _Reader(pdu.body)
    reader.text(6)
    source, destination = reader.address(), reader.address()
    esm_class, _protocol, _priority = reader.byte(), reader.byte(), reader.byte()
    reader.text(17)
    reader.text(17)
    _registered, _replace, data_coding, _default = (reader.byte() for _ in range(4))
    data, options = reader.take(reader.byte()), reader.options()
    return Deliver(source, destination, esm_class, data_coding, data or options.get(Tag.MESSAGE_PAYLOAD, b""), options)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body, self.place = body, 0

    def take(self, count: int) -> bytes:
        found = self.body[self.place : self.place + count]
        if len(found) != count:
            raise BadPdu("cut short")
        self.place += count
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def text(self, longest: int) -> str:
        """A C-octet string of at most `longest` bytes with its NUL."""
        end = self.body.find(b"\0", self.place, self.place + longest)
        if end < 0:
            raise BadPdu("a text without its end")
        found = self.body[self.place : end]
        self.place = end + 1
        return found.decode("latin-1")

    def address(self) -> Address:
        ton, npi = self.byte(), self.byte()
        return Address(self.text(21), ton, npi)

    def options(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self.place < len(self.body):
            tag, length = struct.unpack("!HH", self.take(4))
            found[tag] = self.take(length)
        return found


def _text(text: str) -> bytes:
    try:
        plain = text.encode("ascii")
    except UnicodeEncodeError:
        raise BadPdu("letters outside ASCII") from None
    if b"\0" in plain:
        raise BadPdu("a NUL inside a text")
    return plain + b"\0"


def _address(address: Address) -> bytes:
    if len(address.text) > 20:
        raise BadPdu("an address of more than 20 letters")
    return bytes((address.ton, address.npi)) + _text(address.text)
