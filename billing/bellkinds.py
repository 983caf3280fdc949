"""What the bell says about billing."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import Command
from foundation.ui.wording import say_choice, say_moment
from outreach.bellkinds import BellKind, register_bell_kind
from outreach.models import Notification


def _refused(notice: Notification) -> str:
    words = {"kind": say_choice(Command.Kind, notice.params["kind"]), "account": notice.params["account"]}
    return _("Billing refused: %(kind)s, account %(account)s") % words


def _late(notice: Notification) -> str:
    words = {
        "account": notice.params["account"],
        "due": say_moment(datetime.fromisoformat(notice.params["due_at"])),
    }
    if notice.params["level"] > 1:
        return _("Not restored within 48 hours, against the law: account %(account)s, was due %(due)s") % words
    return _("Not restored within 24 hours: account %(account)s, was due %(due)s") % words


def _commands(notice: Notification) -> str:
    return reverse("billing:account-commands", args=[notice.subject_id])


def register() -> None:
    """Make the kinds known."""
    register_bell_kind(BellKind("billing.refused", "circle-x", "warn", _refused, _commands))
    register_bell_kind(BellKind("billing.restore_late", "phone-off", "danger", _late, _commands))
