"""One bound connection to a message centre: whole frames in and out, on the thread of the caller."""

from __future__ import annotations

import select
import socket
import ssl
import time

from outreach.channels.smpp.address import Line
from outreach.channels.smpp.pdu import (
    RESPONSE,
    BadPdu,
    Command,
    Pdu,
    Status,
    bind_transceiver,
    frame_length,
    read_frame,
)

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 10.0
QUIET_SECONDS = 30.0  # then the peer is asked whether it is there
ANSWER_SECONDS = 15.0
_READ = 65_536
_HIGHEST = 0x7FFF_FFFF


class Broken(Exception):
    """The connection cannot be used any more; what was sent and not answered may have arrived."""


class Refused(Exception):
    """The peer did not let us in: `status` of its answer to the bind."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind refused, status 0x{status:08X}{BIND_WORDS.get(status, '')}")
        self.status = status


BIND_WORDS = {0x05: " (already bound)", 0x0D: " (bind failed)", 0x0E: " (wrong password)", 0x0F: " (unknown user)"}


class Session:
    """Connects and binds when made. Raises Refused, Broken."""

    def __init__(self, line: Line) -> None:
        self._buffer = bytearray()
        self._early: list[Pdu] = []
        self._sequence = 0
        self._heard = time.monotonic()
        self._asked: tuple[int, float] | None = None
        self._socket = _connect(line)
        try:
            self._bind(line)
        except BaseException:
            self.close(politely=False)
            raise

    def next_sequence(self) -> int:
        self._sequence = self._sequence % _HIGHEST + 1
        return self._sequence

    def send(self, *pdus: Pdu) -> None:
        """Hand frames to the network. Raises Broken."""
        try:
            self._socket.sendall(b"".join(pdu.as_bytes() for pdu in pdus))
        except OSError as error:
            raise Broken(f"writing: {type(error).__name__}") from error

    def receive(self, seconds: float) -> list[Pdu]:
        """The whole frames that are there, after waiting at most `seconds` for the first byte. Asks a quiet peer
        whether it lives. Raises Broken when it is gone, does not answer, or sends what cannot be cut into frames."""
        early, self._early = self._early, []
        if early:
            return early
        if self._wait(seconds):
            self._read()
        self._keep_alive()
        return [pdu for pdu in self._frames() if not self._is_life_sign(pdu)]

    def rest(self) -> list[Pdu]:
        """Whole frames that had come before the connection broke. Never raises."""
        found, self._early = self._early, []
        try:
            while self._wait(0):
                self._read()
        except (Broken, OSError, ValueError):  # at its end, or closed
            pass
        try:
            return found + self._frames()
        except Broken:
            return found

    def _read(self) -> None:
        self._socket.setblocking(False)  # readable may mean half a record of TLS
        try:
            data = self._socket.recv(_READ)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            return
        except OSError as error:
            raise Broken(f"reading: {type(error).__name__}") from error
        finally:
            self._socket.settimeout(WRITE_SECONDS)
        if not data:
            raise Broken("closed by the other side")
        self._buffer += data
        self._heard = time.monotonic()

    def close(self, *, politely: bool = True) -> None:
        """Unbind, when there is still somebody to tell, and let go."""
        try:
            if politely:
                self.send(Pdu(Command.UNBIND, 0, self.next_sequence()))
        except Broken:
            pass
        finally:
            self._socket.close()

    def _wait(self, seconds: float) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _frames(self) -> list[Pdu]:
        found = []
        try:
            while (length := frame_length(self._buffer)) is not None and len(self._buffer) >= length:
                found.append(read_frame(bytes(self._buffer[:length])))
                del self._buffer[:length]
        except BadPdu as bad:
            if found:
                return found  # the sound ones first; the rest is found again at the next look
            raise Broken(f"unreadable: {bad}") from bad
        return found

    def _is_life_sign(self, pdu: Pdu) -> bool:
        if pdu.command == Command.ENQUIRE_LINK:
            self.send(Pdu(Command.ENQUIRE_LINK | RESPONSE, Status.OK, pdu.sequence))
            return True
        return pdu.command == Command.ENQUIRE_LINK | RESPONSE

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if self._asked is not None:
            if self._heard > self._asked[1]:
                self._asked = None
            elif now - self._asked[1] > ANSWER_SECONDS:
                raise Broken("no answer to enquire_link")
        elif now - self._heard > QUIET_SECONDS:
            self._asked = (self.next_sequence(), now)
            self.send(Pdu(Command.ENQUIRE_LINK, 0, self._asked[0]))

    def _bind(self, line: Line) -> None:
        request = bind_transceiver(self.next_sequence(), line.user, line.password, line.system_type)
        self.send(request)
        until = time.monotonic() + ANSWER_SECONDS
        while (left := until - time.monotonic()) > 0:
            came = self.receive(left)
            if not came:
                continue
            first, self._early = came[0], came[1:]
            if first.sequence != request.sequence or not first.is_answer:
                raise Broken("something else before the answer to the bind")
            if first.status != Status.OK:
                raise Refused(first.status)
            if first.command != request.command | RESPONSE:
                raise Broken("another answer than that to the bind")
            return
        raise Broken("no answer to the bind")


def _connect(line: Line) -> socket.socket:
    try:
        plain = socket.create_connection((line.host, line.port), timeout=CONNECT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(WRITE_SECONDS)
        if not line.tls:
            return plain
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=line.host)
        except OSError:
            plain.close()
            raise
    except OSError as error:
        raise Broken(f"connecting: {type(error).__name__}") from error
