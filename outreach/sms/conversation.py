"""One session with the message centre, from the bind to its end: messages out, receipts and replies in.

One thread does all of it in turn, and what came in goes first: a refusal of offers is written down before the next
part leaves. What the peer answered is written down before anything new is sent; what it told us is answered for when
it is written down, so that a kill at any moment loses neither.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from django.db import DatabaseError, InterfaceError, connection

from outreach.channels import CarrierName, Fate, Outcome
from outreach.channels.smpp.address import Line, destination_of, number_of
from outreach.channels.smpp.pdu import (
    RESPONSE,
    UDH,
    BadPdu,
    Command,
    Deliver,
    Pdu,
    Status,
    answer_to,
    given_id,
    read_deliver,
    submit_sm,
)
from outreach.channels.smpp.session import ANSWER_SECONDS, Broken, Session
from outreach.channels.smpp.texts import Part, ReceiptSaid, TooLong, parts_of, piece_of, receipt_of, reference_of
from outreach.delivery import CLAIM_LEASE, Ready, claim_due, finding_of, let_through, mark_in_flight, renew_leases
from outreach.lifecycle import Channel, MessageState
from outreach.results import Finding, patiently, record_findings
from outreach.sms.pace import Pace
from outreach.sms.parts import Taken, forget_parts, judge, left_whole, note_receipts, note_taken, taken_before
from outreach.sms.replies import Came, take_reply

log = structlog.get_logger(__name__)
LOOK_SECONDS = 0.5  # between two looks for due messages when there were none
CLAIM_SECONDS = 5.0  # what is claimed is what leaves in so many seconds: well inside the lease of a claim
MOST_CLAIMED = 50
STALE = CLAIM_LEASE - timedelta(seconds=5)
TIRED_SECONDS = 30.0  # a message that is throttled for so long waits outside, inside the lease of an attempt
RENEW_SECONDS = 20.0
EARLY_SECONDS = 2.0
LAST_WORDS_SECONDS = 5.0
_THROTTLED = frozenset({Status.THROTTLED, Status.QUEUE_FULL})
_FOR_NOW = frozenset({Status.SYSTEM_ERROR, Status.SUBMIT_FAILED})

Waiting = tuple[Ready, list[Part], float]  # what may leave, its parts, when it was claimed


@dataclass
class Job:
    """A message on its way: `left` still to be sent, `asked` sent and not answered for."""

    ready: Ready
    left: deque[Part]
    since: float
    leased: float
    asked: int = 0
    sent: int = 0
    verdict: Outcome | None = None

    @property
    def message_id(self) -> int:
        return self.ready.message.pk


@dataclass
class Conversation:
    """`waiting`: what was claimed and not begun, by this one or the one before. `busy()`: False ends it."""

    session: Session
    line: Line
    pace: Pace
    waiting: deque[Waiting]
    busy: Callable[[], bool]
    jobs: dict[int, Job] = field(default_factory=dict)
    asked: dict[int, tuple[Job, Part, float]] = field(default_factory=dict)
    early: list[tuple[list[tuple[Pdu, ReceiptSaid]], float]] = field(default_factory=list)
    look_at: float = 0.0
    useful: bool = False

    def run(self) -> None:
        """Go on until `busy` says no; raises Broken when the line fails, with everything written down either way."""
        try:
            while self.busy():
                self._turn()
            self._end()
        except Broken:
            self._cut()
            raise

    def _turn(self) -> None:
        self._take(self.session.receive(self._patience()))
        self._check_answers()
        self._renew()
        self._look()
        self._send()

    def _patience(self) -> float:
        now = time.monotonic()
        if self.early:
            return 0.1
        if self.waiting or any(job.left and job.verdict is None for job in self.jobs.values()):
            if len(self.asked) >= self.line.window:
                return LOOK_SECONDS
            return min(LOOK_SECONDS, self.pace.wait())
        return max(0.0, min(LOOK_SECONDS, self.look_at - now))

    # In

    def _take(self, pdus: list[Pdu]) -> None:
        answers = [pdu for pdu in pdus if pdu.is_answer]
        if answers:
            self._take_answers(answers)
        if self.early:
            self._take_early()
        delivered = [pdu for pdu in pdus if pdu.command == Command.DELIVER_SM]
        if delivered:
            self.useful = True
            self._take_delivered(delivered)
        for pdu in pdus:
            if pdu.command == Command.UNBIND:
                self.session.send(answer_to(pdu))
                raise Broken("the other side unbinds")
            if not pdu.is_answer and pdu.command not in {Command.DELIVER_SM, Command.ALERT_NOTIFICATION}:
                log.warning("sms_unknown_command", line=self.line.name, command=f"0x{pdu.command:08X}")
                self.session.send(answer_to(pdu))

    def _take_answers(self, answers: list[Pdu]) -> None:
        taken: list[Taken] = []
        for pdu in answers:
            job, part, _at = self.asked.pop(pdu.sequence, (None, None, 0.0))
            if job is None or part is None:
                continue
            job.asked -= 1
            reference = self._judge_answer(pdu, job, part)
            if reference:
                taken.append(Taken(job.message_id, part.number, part.total, reference))
        if taken:
            self.useful = True
            self.pace.accepted()
            patiently(lambda: note_taken(self.line.name, taken))
        self._finish()

    def _judge_answer(self, pdu: Pdu, job: Job, part: Part) -> str:
        """The id of a part that was taken; "" otherwise, with what it means noted at the job."""
        if pdu.command == Command.SUBMIT_SM | RESPONSE and pdu.status == Status.OK:
            try:
                return given_id(pdu)
            except BadPdu:  # taken, but no receipt will ever be told
                return "-"
        if pdu.status in _THROTTLED:
            self.pace.throttled()
            job.left.appendleft(part)
            if time.monotonic() - job.since > TIRED_SECONDS:
                job.verdict = job.verdict or Outcome(Fate.UNREACHED, "throttled")
        else:
            fate = Fate.LATER if pdu.status in _FOR_NOW else Fate.REFUSED
            job.verdict = job.verdict or Outcome(fate, f"smpp_{pdu.status:08X}")
        return ""

    def _finish(self) -> None:
        """Write down of which messages all is known: every part answered for, or one refused and none open."""
        findings = []
        for job in [job for job in self.jobs.values() if not job.asked and (job.verdict or not job.left)]:
            del self.jobs[job.message_id]
            findings.append(finding_of(job.ready.message, job.verdict or Outcome(Fate.TAKEN)))
        _record(findings)

    def _take_delivered(self, pdus: list[Pdu]) -> None:
        """Write down what we are told, then answer for it; what cannot be written down comes again."""
        receipts: list[tuple[Pdu, ReceiptSaid]] = []
        answers: list[Pdu] = []
        for pdu in pdus:
            try:
                deliver = read_deliver(pdu)
            except BadPdu as bad:
                log.warning("sms_unreadable", line=self.line.name, fault=str(bad))
                answers.append(answer_to(pdu, Status.NEVER_TAKEN))
                continue
            if deliver.is_on_the_way:
                answers.append(answer_to(pdu))
                continue
            said = receipt_of(deliver) if deliver.is_receipt else None
            if said is not None:
                receipts.append((pdu, said))
            elif deliver.is_receipt:
                log.warning("sms_receipt_of_nothing", line=self.line.name)
                answers.append(answer_to(pdu))
            else:
                answers.append(answer_to(pdu, self._take_reply(deliver)))
        if receipts:
            answers += self._take_receipts(receipts, time.monotonic())
        self.session.send(*answers)

    def _take_reply(self, deliver: Deliver) -> int:
        piece = piece_of(deliver)
        try:
            take_reply(Came(number_of(deliver.source), piece.text, piece.reference, piece.number, piece.total))
        except (DatabaseError, InterfaceError) as away:
            return self._away(away)
        except Exception:  # one reply nobody can take up must not end the line for all
            log.exception("sms_reply_failed", line=self.line.name)
            return Status.TAKE_IT_LATER
        return Status.OK

    def _take_receipts(self, receipts: list[tuple[Pdu, ReceiptSaid]], since: float) -> list[Pdu]:
        """The answers to receipts. One of a part that is not on record may be faster than the answer to that part: it
        is kept a moment without an answer, so that it is not lost with us, and then put off."""
        try:
            strange = note_receipts(self.line.name, (said for _pdu, said in receipts), self.line.nobody)
        except (DatabaseError, InterfaceError) as away:
            status = self._away(away)
            return [answer_to(pdu, status) for pdu, _said in receipts]
        except Exception:
            log.exception("sms_receipts_failed", line=self.line.name)
            return [answer_to(pdu, Status.TAKE_IT_LATER) for pdu, _said in receipts]
        early = [(pdu, said) for pdu, said in receipts if said.reference in strange]
        answers = [answer_to(pdu) for pdu, said in receipts if said.reference not in strange]
        if not early:
            return answers
        if self.asked and next(iter(self.asked.values()))[2] <= since:  # it may be about one of these
            if time.monotonic() - since < EARLY_SECONDS:
                self.early.append((early, since))
                return answers
            return answers + [answer_to(pdu, Status.TAKE_IT_LATER) for pdu, _said in early]
        log.info("sms_receipts_unmatched", line=self.line.name, count=len(early))
        return answers + [answer_to(pdu) for pdu, _said in early]

    def _take_early(self) -> None:
        """Receipts that were faster than their parts, once more."""
        early, self.early = self.early, []
        for receipts, since in early:
            self.session.send(*self._take_receipts(receipts, since))

    def _away(self, error: Exception) -> int:
        log.warning("sms_database_away", line=self.line.name, fault=type(error).__name__)
        connection.close()
        return Status.TAKE_IT_LATER

    def _check_answers(self) -> None:
        if self.asked and time.monotonic() - next(iter(self.asked.values()))[2] > ANSWER_SECONDS:
            raise Broken("no answer to submit_sm")

    def _renew(self) -> None:
        """Lengthen the leases of what is slow to leave; what was lost meanwhile goes no further."""
        now = time.monotonic()
        slow = [job for job in self.jobs.values() if now - job.leased > RENEW_SECONDS]
        if not slow:
            return
        try:
            mine = renew_leases([job.ready.message for job in slow])
        except (DatabaseError, InterfaceError) as away:
            self._away(away)
            return
        for job in slow:
            job.leased = now
            if job.message_id not in mine:
                job.verdict = Outcome(Fate.LATER, "lease lost")

    # Out

    def _look(self) -> None:
        """Claim what is due when little is left to send."""
        now = time.monotonic()
        fresh = now - STALE.total_seconds()
        while self.waiting and self.waiting[0][2] < fresh:
            self.waiting.popleft()  # the lease of the claim is nearly over: it comes up again
        if self.waiting or now < self.look_at:
            return
        most = min(MOST_CLAIMED, int(self.line.rate * CLAIM_SECONDS) or 1) if self.line.rate else MOST_CLAIMED
        try:
            claimed = claim_due(most, (Channel.SMS,))
            cut = [message.pk for message in claimed if message.in_flight_at is not None]
            gone = left_whole(cut) if cut else set()
            ready = let_through([message for message in claimed if message.pk not in gone]) if claimed else []
            if cut:
                judge(cut)  # its receipts may have come before it was called unknown
        except (DatabaseError, InterfaceError) as away:
            self._away(away)
            self.look_at = now + LOOK_SECONDS
            return
        except Exception:  # the claim comes up again; what is under way goes on
            log.exception("sms_look_failed", line=self.line.name)
            self.look_at = now + LOOK_SECONDS
            return
        self.look_at = now if claimed else now + LOOK_SECONDS
        known = [finding_of(message, Outcome(Fate.TAKEN)) for message in claimed if message.pk in gone]
        for entry in ready:
            try:
                self.waiting.append((entry, self._split(entry), now))
            except TooLong as long:
                known.append(finding_of(entry.message, Outcome(Fate.REFUSED, str(long))))
        _record(known)

    def _split(self, entry: Ready) -> list[Part]:
        letter, line = entry.letter, self.line
        reference = reference_of(letter.message_id, line.bits)
        return parts_of(letter.body.strip(), reference=reference, bits=line.bits, only_ucs2=line.only_ucs2)

    def _send(self) -> None:
        """Send as many parts as rate and window allow; a message is marked in the moment its first part may go."""
        self._send_begun()
        begun = []
        room = self._room()
        while self.waiting and room > 0:
            begun.append(self.waiting.popleft())
            room -= len(begun[-1][1])
        if not begun:
            return
        try:
            before = taken_before([entry.message.pk for entry, _parts, _at in begun])
            mine = mark_in_flight([entry for entry, _parts, _at in begun], CarrierName.SMPP)
        except (DatabaseError, InterfaceError) as away:
            self._away(away)
            return
        now = time.monotonic()
        for entry, parts, _at in begun:
            if entry.message.pk in mine:
                taken = before.get(entry.message.pk, set())
                left = deque(part for part in parts if part.number not in taken)
                self.jobs[entry.message.pk] = Job(entry, left, now, now)
        self._send_begun()

    def _send_begun(self) -> None:
        for job in self.jobs.values():
            while job.left and job.verdict is None and self._room() > 0:
                self._send_part(job)
        self._finish()

    def _room(self) -> int:
        return min(self.line.window - len(self.asked), self.pace.room())

    def _send_part(self, job: Job) -> None:
        part = job.left.popleft()
        sequence = self.session.next_sequence()
        try:
            pdu = submit_sm(
                sequence,
                source=self.line.source,
                destination=destination_of(job.ready.letter.address),
                esm_class=part.esm_class & UDH,
                data_coding=part.data_coding,
                data=part.data,
            )
        except BadPdu as bad:  # an address no message centre takes
            job.verdict = Outcome(Fate.REFUSED, str(bad))
            return
        self.asked[sequence] = (job, part, time.monotonic())
        job.asked += 1
        job.sent += 1
        self.pace.spend()
        self.session.send(pdu)

    # End

    def _end(self) -> None:
        """Nothing new begins; what was asked may still be answered."""
        until = time.monotonic() + LAST_WORDS_SECONDS
        while self.asked and (left := until - time.monotonic()) > 0:
            self._take(self.session.receive(left))
        self._cut()
        self.session.close()

    def _cut(self) -> None:
        """Write down of each message under way how far it came; answers that still lie here count."""
        answers = [pdu for pdu in self.session.rest() if pdu.is_answer]
        if answers:
            self._take_answers(answers)
        findings = []
        for job in self.jobs.values():
            if job.verdict is None:
                fate = Fate.UNSURE if job.asked else Fate.LATER if job.sent else Fate.UNREACHED
                job.verdict = Outcome(fate, "connection lost")
            findings.append(finding_of(job.ready.message, job.verdict))
        self.jobs.clear()
        self.asked.clear()
        _record(findings)


def _record(findings: list[Finding]) -> None:
    record_findings(findings)
    left = [finding.message.pk for finding in findings if finding.state == MessageState.SENT]
    if left:
        patiently(lambda: judge(left))
    failed = [finding.message.pk for finding in findings if finding.state == MessageState.FAILED]
    if failed:
        patiently(lambda: forget_parts(failed))
