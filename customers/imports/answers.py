"""What a file says of an answer of the customer: checked as on the pages (D§5.2, D§5.6). No database."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from customers.ages import GROWN_UP, OWN_WORD, years_between
from customers.models import ConsentState, EvidenceKind, Purpose
from customers.models.consent import CONTACTS


def check_consent(found: dict[str, Any], *, latest: date, born: date | None) -> list[tuple[str, str]]:
    """What is wrong with an answer: (field, words). `latest`: the day the file describes; `born`: when the row says
    so. A yes needs what shows it, and every answer its day: without it nobody knows which of two is the newer."""
    wrong = [(name, _("must be filled for an answer.")) for name in ("purpose", "state", "on") if name not in found]
    if wrong:
        return wrong
    agrees = found["state"] == ConsentState.GRANTED
    if found["purpose"] in CONTACTS and "channel" not in found:
        wrong.append(("channel", _("must be filled: on which channel was it answered?")))
    if found["purpose"] not in CONTACTS and "channel" in found:
        wrong.append(("channel", _("must be empty: this purpose is no contact.")))
    if found["on"] > latest:
        wrong.append(("on", _("lies after %(day)s.") % {"day": latest.isoformat()}))
    if agrees:
        shown = ("evidence_kind", "evidence")
        wrong += [(name, _("must be filled: what shows it?")) for name in shown if name not in found]
        if "expires_on" in found and found["expires_on"] <= found["on"]:
            wrong.append(("expires_on", _("must lie after the day of the answer.")))
        wrong += _too_young(found, born, latest)
    return wrong


def _too_young(found: dict[str, Any], born: date | None, day: date) -> list[tuple[str, str]]:
    if born is None or born > day:
        return []
    if found["purpose"] == Purpose.MARKETING and years_between(born, day) < GROWN_UP:
        return [("purpose", _("No marketing to a minor."))]
    if years_between(born, day) < OWN_WORD and found.get("evidence_kind") != EvidenceKind.GUARDIAN:
        words = _("Under the age of %(age)s the guardian agrees: a form signed by the guardian is needed.")
        return [("evidence_kind", words % {"age": OWN_WORD})]
    return []
