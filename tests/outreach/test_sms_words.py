"""Texts, parts and PDUs as bytes, held against a codec that is not ours; the line's address; what a peer gets wrong."""

from __future__ import annotations

from typing import Any

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from foundation.common.errors import BadSetting
from outreach.channels.smpp.address import Line, destination_of, number_of, read_line
from outreach.channels.smpp.pdu import Address, BadPdu, Deliver, Pdu, frame_length, read_deliver, read_frame, submit_sm
from outreach.channels.smpp.texts import BASIC, EXTENDED, TooLong, parts_of, piece_of, receipt_of, reference_of
from outreach.sms.replies import is_refusal

LETTERS = st.one_of(
    st.sampled_from(BASIC.replace("\x1b", "") + "".join(EXTENDED)),
    st.sampled_from("\u4f60\u597d\u60a8\u7684\u6295\u8bc9\U0001f600\U00020000"),
)


def through_their_codec(part: Any) -> Any:
    """The part as another codec reads it from the wire."""
    line = Address("10086"), destination_of("13900001111")
    frame = submit_sm(
        7,
        source=line[0],
        destination=line[1],
        esm_class=part.esm_class,
        data_coding=part.data_coding,
        data=part.data,
    ).as_bytes()
    assert frame_length(frame) == len(frame)
    return smpp34.decode(frame)


def read_back(text: str, bits: int, only_ucs2: bool) -> str:
    parts = parts_of(text, reference=reference_of(99, bits), bits=bits, only_ucs2=only_ucs2)
    words = []
    for number, part in enumerate(parts, start=1):
        seen = through_their_codec(part)
        assert (seen.source_addr, seen.destination_addr, seen.registered_delivery) == ("10086", "13900001111", 1)
        assert len(seen.short_message) <= (140 if seen.data_coding == 8 else 160)
        assert (seen.data_coding == 8) == (only_ucs2 or any(letter not in BASIC + "".join(EXTENDED) for letter in text))
        # The same bytes coming in from somebody's telephone.
        ours = smpp34.DeliverSm(
            source_addr="13900001111",
            destination_addr="10086",
            short_message=seen.short_message,
            esm_class=seen.esm_class,
            data_coding=seen.data_coding,
        ).encode()
        piece = piece_of(read_deliver(read_frame(ours)))
        wanted = (reference_of(99, bits), number, len(parts)) if len(parts) > 1 else (0, 1, 1)
        assert (piece.reference, piece.number, piece.total) == wanted
        words.append(piece.text)
    return "".join(words)


@given(st.text(LETTERS, min_size=1, max_size=700), st.sampled_from([8, 16]), st.booleans())
def test_any_text_comes_whole_through_another_codec_and_back(text: str, bits: int, only_ucs2: bool) -> None:
    assert read_back(text, bits, only_ucs2) == text


@pytest.mark.parametrize(
    ("text", "bits", "sizes"),
    [
        ("a" * 160, 16, [160]),
        ("a" * 161, 16, [7 + 152, 7 + 9]),
        ("a" * 161, 8, [6 + 153, 6 + 8]),
        ("\u4f60" * 70, 16, [140]),
        ("\u4f60" * 71, 16, [7 + 132, 7 + 10]),
        ("\u4f60" * 71, 8, [6 + 134, 6 + 8]),
        ("a" * 151 + "[" + "b" * 20, 16, [7 + 151, 7 + 22]),  # an escaped letter is not torn
        ("\u4f60" * 65 + "\U0001f600" + "\u4f60" * 9, 16, [7 + 130, 7 + 22]),  # nor one of two units
    ],
)
def test_where_a_text_is_cut(text: str, bits: int, sizes: list[int]) -> None:
    assert [len(part.data) for part in parts_of(text, reference=1, bits=bits)] == sizes


def test_too_long_a_text_and_odd_addresses_are_refused() -> None:
    with pytest.raises(TooLong):
        parts_of("\u4f60" * 66 * 256, reference=1)
    for number in ("1" * 21, "\u4f60", "1\x002"):
        with pytest.raises(BadPdu):
            submit_sm(1, source=Address("1"), destination=Address(number), esm_class=0, data_coding=0, data=b"x")
    assert destination_of("+8613900001111") == Address("8613900001111", 1, 1)
    assert number_of(Address("8613900001111", 1, 1)) == "+8613900001111"


@given(st.binary(max_size=80))
def test_no_bytes_of_a_peer_do_more_than_a_bad_pdu(body: bytes) -> None:
    try:
        found = read_deliver(Pdu(5, 0, 1, body))
    except BadPdu:
        return
    assert piece_of(found).text is not None
    receipt_of(found)


@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 255))
def test_no_text_that_comes_in_is_too_odd_to_read(data: bytes, esm_class: int, coding: int) -> None:
    piece = piece_of(Deliver(Address("1"), Address("2"), esm_class, coding, data))
    assert 1 <= piece.number <= piece.total


def test_receipts_are_read_by_their_parameters_or_by_their_words() -> None:
    def said(text: bytes, **options: bytes) -> Any:
        tags = {"ref": 0x1E, "state": 0x427, "network": 0x423}
        tlvs = [smpp34.Tlv(tags[name], value) for name, value in options.items()]
        frame = smpp34.DeliverSm(
            source_addr="1", destination_addr="2", short_message=text, esm_class=4, tlvs=tlvs
        ).encode()
        return receipt_of(read_deliver(read_frame(frame)))

    plain = said(b"id:0A1 sub:001 dlvrd:001 submit date:1 done date:2 stat:UNDELIV err:011 text:id:9 stat:DELIVRD")
    assert (plain.reference, plain.state, plain.error, plain.no_subscriber) == ("0A1", "UNDELIV", "011", False)
    tagged = said(b"", ref=b"77\0", state=b"\x05", network=b"\x03\x00\x01")
    assert (tagged.reference, tagged.state, tagged.no_subscriber) == ("77", "UNDELIV", True)
    assert said(b"nothing of the kind") is None


def test_the_address_of_a_line() -> None:
    line = read_line("smpp://me:p%40ss@sms.example:2776?from=Careline&rate=50&window=5&reference=8&nobody=001,005")
    assert line == Line(
        "sms.example",
        2776,
        False,
        "me",
        "p@ss",
        Address("Careline", 5, 0),
        "",
        50,
        5,
        8,
        False,
        frozenset({"001", "005"}),
    )
    assert "p@ss" not in line.name
    assert read_line("smpps://me:p@host").port == 3550
    for bad in (
        "http://me:p@host", "smpp://host", "smpp://me:p@", "smpp://me:p@host/way", "smpp://me:p@host:99999",
        "smpp://me:p@host?speed=3", "smpp://me:p@host?rate=fast", "smpp://me:p@host?rate=-1",
        "smpp://me:p@host?window=0", "smpp://me:p@host?reference=12", "smpp://me:p@host?rate=1&rate=2",
        "smpp://averyveryverylongname:p@host", "smpp://me:p@host?from=%E4%BD%A0",
    ):  # fmt: skip
        with pytest.raises(BadSetting):
            read_line(bad)


@pytest.mark.parametrize("text", ["TD", "td", " Td. ", "\uff34\uff24", "\u9000\u8ba2", "TD\n"])
def test_words_of_refusal(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize("text", ["", "STD", "TD please call me", "T D", "ok"])
def test_other_words_are_no_refusal(text: str) -> None:
    assert not is_refusal(text)
