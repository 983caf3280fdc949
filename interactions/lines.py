"""What interactions writes on the customer's timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from customers.models import TimelineLine
from customers.timeline import LineKind, register_kind
from customers.value.contacts import count_as_contact
from interactions.lifecycle import Caller, Channel, Kind, Result
from interactions.models import Interaction


def _label(choices: Any, code: str) -> str:
    return str(choices(code).label) if code in choices.values else code


def load_contacts(ids: Iterable[int]) -> dict[int, Any]:
    """The contacts lines refer to, with their topics."""
    return Interaction.objects.select_related("topic").in_bulk(list(ids))


def _started(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = {
        "channel": _label(Channel, line.params.get("channel", "")),
        "caller": _label(Caller, line.params.get("caller", "")),
    }
    return _("Contact by %(channel)s: %(caller)s") % words, ""


def _logged(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = {
        "kind": _label(Kind, line.params.get("kind", "")),
        "result": _label(Result, line.params.get("result", "")),
        "topic": str(ref.topic) if ref and ref.topic else "",
    }
    title = _("%(kind)s, %(topic)s: %(result)s") if words["topic"] else _("%(kind)s: %(result)s")
    return title % words, ref.summary if ref else ""


def register() -> None:
    """Make the kinds known to the timeline."""
    register_kind(LineKind("contact.started", "phone-incoming", "info", "contacts", _started))
    register_kind(LineKind("contact.logged", "message-square-text", "", "contacts", _logged, load_contacts))
    count_as_contact("contact.logged", complaint={"kind": Kind.COMPLAINT.value})
