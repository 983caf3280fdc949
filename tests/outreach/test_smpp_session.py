"""One session on a socket: frames in pieces, a silent peer, answers that lie there when the line breaks, TLS."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from outreach.channels.smpp import session as sessions
from outreach.channels.smpp.address import Line, read_line
from outreach.channels.smpp.session import Broken, Refused, Session

BOUND = bytes.fromhex("00000015800000090000000000000001") + b"smsc\0"
DELIVER = bytes.fromhex("00000010000000050000000000000007")
TAKEN = bytes.fromhex("00000012800000040000000000000002") + b"1\0"
Peer = Callable[[socket.socket], None]


@contextmanager
def peer(talk: Peer, wrap: ssl.SSLContext | None = None) -> Iterator[Line]:
    """Somebody who listens and treats the one who comes as `talk` says."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening:
            found, _from = listening.accept()
            with wrap.wrap_socket(found, server_side=True) if wrap else found as one:
                one.settimeout(10)
                one.recv(200)  # the bind
                talk(one)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield read_line(f"smpp{'s' if wrap else ''}://me:p@127.0.0.1:{listening.getsockname()[1]}")
    finally:
        thread.join(10)
        assert not thread.is_alive()


def until_closed(one: socket.socket) -> None:
    while one.recv(1000):
        pass


def test_frames_come_in_any_pieces_and_none_is_lost_behind_the_bind() -> None:
    def talk(one: socket.socket) -> None:
        one.sendall(BOUND + DELIVER + DELIVER[:5])
        for byte in DELIVER[5:]:
            one.sendall(bytes((byte,)))
        until_closed(one)

    with peer(talk) as line:
        session = Session(line)
        found = []
        while len(found) < 2:
            found += session.receive(5)
        assert [(pdu.command, pdu.sequence) for pdu in found] == [(5, 7), (5, 7)]
        session.close()


def test_answers_that_had_come_count_although_the_line_is_gone() -> None:
    def talk(one: socket.socket) -> None:
        one.sendall(BOUND + TAKEN)
        one.sendall(TAKEN[:7])

    with peer(talk) as line:
        session = Session(line)
        assert [pdu.sequence for pdu in session.rest()] == [2]
        with pytest.raises(Broken, match="closed by the other side"):
            session.receive(5)
        session.close()


def test_a_peer_that_falls_silent_is_asked_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "QUIET_SECONDS", 0.05)
    asked: list[bytes] = []

    def talk(one: socket.socket) -> None:
        one.sendall(BOUND)
        for answered in (True, False):
            question = one.recv(16)
            asked.append(question[4:8])
            if answered:
                one.sendall(question[:4] + b"\x80" + question[5:])
            else:
                monkeypatch.setattr(sessions, "ANSWER_SECONDS", 0.05)
        until_closed(one)

    with peer(talk) as line:
        session = Session(line)
        with pytest.raises(Broken, match="no answer to enquire_link"):  # noqa: PT012 (it must not come at once)
            while True:
                assert session.receive(0.05) == []
        session.close(politely=False)
    assert asked == [b"\0\0\0\x15"] * 2


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (bytes.fromhex("00000010800000090000000e00000001"), Refused, "wrong password"),
        (bytes.fromhex("00000010800000090000041100000001"), Refused, "0x00000411"),
        (DELIVER, Broken, "something else"),
        (bytes.fromhex("00000010800000040000000000000001"), Broken, "another answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Broken, "unreadable"),
        (b"", Broken, "closed"),
    ],
)
def test_a_bind_that_does_not_succeed_is_told(answer: bytes, error: type[Exception], words: str) -> None:
    with peer(lambda one: one.sendall(answer)) as line, pytest.raises(error, match=words):
        Session(line)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Broken, match="connecting: ConnectionRefusedError"):
            Session(read_line(f"smpp://me:p@127.0.0.1:{taken.getsockname()[1]}"))


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context for 127.0.0.1; its certificate stands in `own.pem`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smsc")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    shape = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "own.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *shape))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "key.pem")
    return context


def test_over_tls_and_only_with_a_certificate_we_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = certificate(tmp_path)

    def talk(one: socket.socket) -> None:
        one.sendall(BOUND + DELIVER)
        until_closed(one)

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    with peer(talk, context) as line:
        session = Session(line)
        assert [pdu.command for pdu in session.receive(5)] == [5]
        session.close()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    listening = socket.create_server(("127.0.0.1", 0))

    def refused() -> None:
        found, _from = listening.accept()
        with found, pytest.raises(ssl.SSLError):
            context.wrap_socket(found, server_side=True)

    thread = threading.Thread(target=refused)
    thread.start()
    with pytest.raises(Broken, match="SSLCertVerificationError"):
        Session(read_line(f"smpps://me:p@127.0.0.1:{listening.getsockname()[1]}"))
    thread.join(10)
    listening.close()
