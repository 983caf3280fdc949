"""How a message leaves the house. A carrier takes letters and says of each what became of it; it never raises.

`carrier_for(channel)` chooses: e-mail goes by SMTP when `CARELINE_SMTP_URL` is set, text messages by SMPP or to an HTTP
gateway when `CARELINE_SMS_URL` names one. Everything else goes into the outbox files, from which a gateway of the
operator may take it. Workers speak to all of them but the message centre: one process holds that line (outreach/sms).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from django.conf import settings

from outreach.channels.file import FileCarrier
from outreach.channels.letters import Fate, Letter, Outcome
from outreach.channels.smpp.address import is_smpp
from outreach.channels.smtp import SmtpCarrier
from outreach.lifecycle import Channel

__all__ = ["Carrier", "CarrierName", "Carriers", "Fate", "Letter", "Outcome", "carrier_for"]


class CarrierName(StrEnum):
    FILE = "file"
    SMTP = "smtp"
    SMPP = "smpp"
    HTTP = "http"


class Carrier(Protocol):
    """One way out. `batch`: how many letters it takes in one call at most."""

    batch: int

    def open(self) -> Outcome | None:
        """Make sure the other side is there; None when it is, UNREACHED otherwise. Never raises."""

    def send(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Hand over the letters; one outcome each, in their order. Never raises."""

    def close(self) -> None:
        """Let go of connections."""


def carrier_for(channel: str) -> CarrierName:
    """Which carrier serves a channel in this installation."""
    if channel == Channel.EMAIL and settings.EMAIL_URL:
        return CarrierName.SMTP
    if channel == Channel.SMS and settings.SMS_URL:
        return CarrierName.SMPP if is_smpp(settings.SMS_URL) else CarrierName.HTTP
    return CarrierName.FILE


class Carriers:
    """The carriers of one delivery run, made on first use and closed together."""

    def __init__(self) -> None:
        self._open: dict[str, Carrier] = {}

    def get(self, name: str) -> Carrier:
        if name not in self._open:
            self._open[name] = _make(name)
        return self._open[name]

    def close(self) -> None:
        for carrier in self._open.values():
            carrier.close()
        self._open.clear()


def _make(name: str) -> Carrier:
    if name == CarrierName.SMTP:
        return SmtpCarrier(settings.EMAIL_URL)
    if name == CarrierName.HTTP:
        from outreach.channels.http import HttpCarrier  # its client is 10 MB that most processes never need

        return HttpCarrier(settings.SMS_URL, settings.SMS_KEY)
    return FileCarrier()
