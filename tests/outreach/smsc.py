"""A message centre to talk to: the SMPP server of the package smpp34, which shares no line with our client, behind a
relay that can cut the connection at any byte. Keeps what it took, sends receipts and people's messages, answers as it
is told."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import smpp34
from django.db import connections

from outreach.channels.smpp.address import read_line
from outreach.sms.gateway import Gateway
from tests.jobs.processes import ROOT

PATIENCE = 30
AGAIN_SECONDS = 0.1
GSM = {0x00: "@", 0x02: "$", 0x11: "_"}  # what differs from ASCII and our tests use


@dataclass(frozen=True)
class Got:
    """A part as it came: `place` is (reference, number, total) of its header."""

    ref: str
    to: str
    source: str
    coding: int
    text: str
    place: tuple[int, int, int] | None


class Smsc:
    """`on_submit(got)` may return a status that refuses the part. `receipt(got)`: the state a receipt tells, "" for
    none. `given(n)`: the id of the n-th part. `slow`: parts are answered for when it is told to `answer`. What is not
    answered for well is told again."""

    def __init__(self) -> None:
        self.parts: list[Got] = []
        self.asked = 0
        self.on_submit: Callable[[Got], int | None] = lambda _got: None
        self.receipt: Callable[[Got], str] = lambda _got: "DELIVRD"
        self.given: Callable[[int], str] = lambda n: f"m{n}"
        self.slow = False
        self._unanswered: list[tuple[Any, str]] = []
        self.sessions = 0
        self.port = 0
        self.statuses: list[int] = []
        self._told: list[dict[str, Any]] = []
        self._ids = itertools.count(1)
        self._esme: Any = None
        self._loop = asyncio.new_event_loop()
        self._cut_after: int | None = None
        self._through: set[asyncio.StreamWriter] = set()

    # What tests ask

    def texts(self) -> dict[tuple[str, str], int]:
        """The whole messages that arrived, (number, text) -> how often, parts put together by their headers."""
        found: dict[tuple[str, str], int] = defaultdict(int)
        pieces: dict[tuple[str, int, int], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for part in self.parts:
            if part.place is None:
                found[(part.to, part.text)] += 1
            else:
                reference, number, total = part.place
                pieces[(part.to, reference, total)][number].append(part.text)
        for (to, _reference, total), numbered in pieces.items():
            if set(numbered) == set(range(1, total + 1)):
                words = "".join(numbered[number][0] for number in range(1, total + 1))
                found[(to, words)] += max(len(copies) for copies in numbered.values())
        return dict(found)

    def say(self, number: str, data: bytes, *, coding: int = 0, esm_class: int = 0) -> None:
        """Somebody sends us a text message."""
        self._tell({"source_addr": number, "short_message": data, "data_coding": coding, "esm_class": esm_class})

    def tell(self, ref: str, state: str, error: str = "000", number: str = "1", esm_class: int = 4) -> None:
        """A receipt, in the words of appendix B."""
        text = f"id:{ref} sub:001 dlvrd:001 submit date:2611241000 done date:2611241001 stat:{state} err:{error} text:"
        self._tell({"source_addr": number, "short_message": text.encode(), "esm_class": esm_class})

    def answer(self) -> None:
        """Answer for the parts that were taken slowly."""
        waiting, self._unanswered = self._unanswered, []
        for event, ref in waiting:
            self._loop.call_soon_threadsafe(event.accept, ref)

    def cut_after(self, count: int) -> None:
        """Break the connection when so many more bytes have passed."""
        self._cut_after = count

    # Inside

    def _tell(self, pdu: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(self._deliver(pdu), self._loop)

    async def _deliver(self, pdu: dict[str, Any]) -> None:
        esme = self._esme
        try:
            answer = await esme.deliver_sm(destination_addr="10086", **pdu)
        except Exception:  # noqa: BLE001 (the session is gone: it is told again in the next)
            if self._esme is not esme:
                await self._deliver(pdu)
            else:
                self._told.append(pdu)
            return
        self.statuses.append(answer.command_status)
        if not answer.is_success:
            self._loop.call_later(AGAIN_SECONDS, self._tell, pdu)

    async def _serve(self, server: Any) -> None:
        while True:
            event = await server.next()
            if isinstance(event, smpp34.Esme):
                self.sessions += 1
                self._esme, again, self._told = event, self._told, []
                for pdu in again:
                    self._loop.create_task(self._deliver(pdu))
            elif isinstance(event, smpp34.SubmitSmEvent):
                self._submitted(event)

    def _submitted(self, event: Any) -> None:
        self.asked += 1
        got = _read(event, self.given(next(self._ids)))
        refusal = self.on_submit(got)
        if refusal is not None:
            event.reject(refusal)
            return
        self.parts.append(got)
        if self.slow:
            self._unanswered.append((event, got.ref))
        else:
            event.accept(got.ref)
        state = self.receipt(got)
        if state:
            self.tell(got.ref, state)

    async def _relay(self, inner: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", inner)
        self._through |= {writer, back}
        await asyncio.gather(self._copy(reader, back, writer), self._copy(there, writer, back))

    async def _copy(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, other: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while data := await source.read(4096):
                if self._cut_after is not None:
                    data, left = data[: self._cut_after], self._cut_after - len(data)
                    self._cut_after = left
                    to.write(data)
                    if left <= 0:
                        self._cut_after = None
                        with suppress(OSError):
                            await to.drain()
                        break
                else:
                    to.write(data)
                await to.drain()
        for writer in (to, other):
            if (sock := writer.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.close()

    def run(self, ready: threading.Event) -> None:
        async def main() -> None:
            inner, self.port = _free_port(), _free_port()
            server = smpp34.Server("127.0.0.1", inner)
            await server.start()
            relay = await asyncio.start_server(lambda r, w: self._relay(inner, r, w), "127.0.0.1", self.port)
            ready.set()
            try:
                await self._serve(server)
            finally:
                relay.close()
                await server.stop()

        self._main = self._loop.create_task(main())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)


class OwnCentre:
    """`bin/smsc` as a process: what it prints, line by line, and a way to tell it something."""

    def __init__(self, *options: str) -> None:
        argv = [sys.executable, str(ROOT / "bin" / "smsc"), "--port", "0", "--receipts", "0", *options]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.said: list[dict[str, Any]] = []
        self.port = json.loads(self.process.stdout.readline())["listening"]  # type: ignore[union-attr]  # a pipe
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.said.append(json.loads(line))

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    @property
    def messages(self) -> list[tuple[str, str]]:
        return [(line["to"], line["text"]) for line in self.said if "text" in line]

    @property
    def statuses(self) -> list[int]:
        return [line["status"] for line in self.said if "answered" in line]


@contextmanager
def own_centre(*options: str) -> Iterator[OwnCentre]:
    """`bin/smsc`, ended with the block."""
    centre = OwnCentre(*options)
    try:
        yield centre
    finally:
        assert centre.process.stdin is not None
        centre.process.stdin.close()  # the end of its orders ends it
        assert centre.process.wait(PATIENCE) == 0


def _read(event: Any, ref: str) -> Got:
    data, place = bytes(event.short_message), None
    if event.esm_class & 0x40:
        head, data = data[1 : data[0] + 1], data[data[0] + 1 :]
        assert head[0] in {0x00, 0x08}
        reference = int.from_bytes(head[2:-2], "big")
        assert len(head) == 2 + head[1]
        place = (reference, head[-1], head[-2])
    assert len(bytes(event.short_message)) <= (140 if event.data_coding == 8 else 160)
    plain = "".join(GSM.get(byte, chr(byte)) for byte in data)
    text = data.decode("utf-16-be") if event.data_coding == 8 else plain
    return Got(ref, event.destination_addr, event.source_addr, event.data_coding, text, place)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def message_centre() -> Iterator[Smsc]:
    """One that listens; its port stands in `Smsc.port`."""
    centre, ready = Smsc(), threading.Event()
    thread = threading.Thread(target=centre.run, args=(ready,))
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield centre
    finally:
        centre.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()


@contextmanager
def gateway(url: str) -> Iterator[Gateway]:
    """The gateway as a thread of this process, so that the clock may travel."""
    stop = threading.Event()
    running = Gateway(read_line(url), stop)

    def run() -> None:
        try:
            running.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
