"""The process that holds the line: one of several leads, binds, speaks, and binds again when the line fails."""

from __future__ import annotations

import threading
import time
from collections import deque

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outreach.channels.smpp.address import Line
from outreach.channels.smpp.session import Broken, Refused, Session
from outreach.models import SmsLine
from outreach.sms.conversation import Conversation, Waiting
from outreach.sms.lead import Lead
from outreach.sms.lines import note_line
from outreach.sms.pace import Pace

log = structlog.get_logger(__name__)
STAND_BY_SECONDS = 0.5
FIRST_WAIT = 0.1
LONGEST_WAIT = 60.0
NOTE_SECONDS = 60.0


class Gateway:
    """`run` ends when `stop` is set. Two of them are safe: one stands by."""

    def __init__(self, line: Line, stop: threading.Event) -> None:
        self.line, self.stop = line, stop
        self.pace = Pace(line.rate)
        self.waiting: deque[Waiting] = deque()
        self._noted = 0.0

    def run(self) -> None:
        """Until `stop`."""
        self.lead = Lead()
        log.info("sms_gateway_stands_by", line=self.line.name)
        try:
            while not self.stop.is_set():
                if self.lead.take():
                    log.info("sms_gateway_leads", line=self.line.name)
                    self._hold()
                self.stop.wait(STAND_BY_SECONDS)
        finally:
            self.lead.release()
            connection.close()

    def _hold(self) -> None:
        """Bind again and again while we lead, waiting longer each time until a session was of use."""
        wait = FIRST_WAIT
        while self._goes_on():
            useful = self._speak()
            wait = FIRST_WAIT if useful else min(LONGEST_WAIT, wait * 2)
            until = time.monotonic() + wait
            while self._goes_on() and (left := until - time.monotonic()) > 0:
                self.stop.wait(min(left, 1.0))

    def _goes_on(self) -> bool:
        return not self.stop.is_set() and self.lead.holds()

    def _speak(self) -> bool:
        """One session; whether anything was sent or came in it, or it lasted."""
        conversation, began = None, time.monotonic()
        try:
            session = Session(self.line)
            log.info("sms_line_bound", line=self.line.name)
            self._note(SmsLine.State.BOUND)
            conversation = Conversation(session, self.line, self.pace, self.waiting, self._busy)
            try:
                conversation.run()
            finally:
                session.close(politely=False)
        except Refused as no:
            log.error("sms_bind_refused", line=self.line.name, fault=str(no))
            self._note(SmsLine.State.REFUSED, str(no))
        except Broken as broken:
            log.warning("sms_line_lost", line=self.line.name, fault=str(broken))
            self._note(SmsLine.State.DOWN, str(broken))
        except (DatabaseError, InterfaceError) as away:  # longer than we could wait: what is under way has a lease
            log.error("sms_database_away", line=self.line.name, fault=type(away).__name__)
            connection.close()
        except Exception:  # a defect: what was under way has a lease, the line comes up again
            log.exception("sms_gateway_failed", line=self.line.name)
        return conversation is not None and (conversation.useful or time.monotonic() - began > LONGEST_WAIT)

    def _busy(self) -> bool:
        if time.monotonic() - self._noted > NOTE_SECONDS:
            self._note(SmsLine.State.BOUND)
        return self._goes_on()

    def _note(self, state: str, detail: str = "") -> None:
        self._noted = time.monotonic()
        try:
            note_line(self.line.name, state, detail)
        except (DatabaseError, InterfaceError):
            connection.close()
