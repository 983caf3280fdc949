"""What the customer agreed to: the states of now, how each came, and noting an answer (D§5.6, ui-guide §12.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.forms import ConsentForm, consent_pairs
from customers.models import Consent, ConsentChannel, ConsentEvent, ConsentEvidence, ConsentState, Purpose
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.wording import join_words
from staff.models import User

TONES: dict[str, str] = {
    ConsentState.GRANTED: "ok",
    ConsentState.DENIED: "danger",
    ConsentState.WITHDRAWN: "danger",
    ConsentState.UNKNOWN: "mute",
}
OVER = pgettext_lazy("consent state", "Over")
PAGE = 30
# Which field a refusal belongs to; the others stand on top of the form.
ANSWERING = {
    "customers.bad_code": "what",
    "consent.minor": "what",
    "consent.guardian": "evidence_kind",
    "consent.no_evidence": "evidence",
    "customers.impossible_date": "expires_on",
}


@dataclass(frozen=True)
class Agreed:
    """One purpose on the customer's page: where it may be used, or that it may not."""

    purpose: str
    words: str
    tone: str


def agreed_by_purpose(consents: list[Consent]) -> list[Agreed]:
    """Every purpose with the channels it is agreed to on; else "refused" or "not asked"."""
    day, found = clock.today(), []
    for purpose in Purpose:
        own = [row for row in consents if row.purpose == purpose]
        held = [row for row in own if row.holds(day)]
        if held:
            channels = [str(ConsentChannel(row.channel).label) for row in held if row.channel]
            words, tone = join_words(channels) or str(ConsentState.GRANTED.label), "ok"
        elif any(row.state != ConsentState.GRANTED for row in own):
            words, tone = _("no"), "danger"
        else:
            words, tone = str(OVER if own else ConsentState.UNKNOWN.label), "mute"
        found.append(Agreed(str(purpose.label), words, tone))
    return found


@require_GET
@never_cache
@requires("customers.view")
def customer_consent(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The states of now and the history of answers."""
    return _page(request, pk)


@require_POST
@never_cache
@requires("customers.edit")
def consent_give(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer agrees, and this shows it."""
    return _note(request, pk, ConsentForm(request.POST, agrees=True), services.give_consent, _("The consent is noted."))


@require_POST
@never_cache
@requires("customers.edit")
def consent_refuse(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer was asked and says no."""
    done = _("The refusal is noted; nothing of it leaves any more.")
    return _note(request, pk, ConsentForm(request.POST, agrees=False), services.refuse_consent, done)


@require_POST
@never_cache
@requires("customers.edit")
def consent_withdraw(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer takes it back: one click, no reason."""
    done = _("Withdrawn; nothing of it leaves any more.")
    return _note(request, pk, ConsentForm(request.POST, agrees=False), services.withdraw_consent, done)


def _note(request: HttpRequest, pk: int, form: ConsentForm, act: Callable[..., Any], done: str) -> HttpResponseBase:
    """Check the shape, call the service, come back; what was refused stands in the form again."""
    seen(request, pk)
    if form.is_valid():
        try:
            act(pk, actor=request.user, **form.answer())
            messages.success(request, done)
            return redirect("customers:customer-consent", pk=pk)
        except RuleBroken as no:
            refuse(form, no, ANSWERING)
    return _page(request, pk, form)


def _page(request: HttpRequest, pk: int, bound: ConsentForm | None = None) -> HttpResponseBase:
    view, refusal = View(request, pk), ""
    rows = ConsentEvent.objects.filter(customer_id__in=[pk, *view.page.absorbed]).order_by("-pk")
    try:
        history = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken as no:
        refusal, history = no.message, keyset_page(rows, after=None, size=PAGE)
    consents = sorted(view.page.consents, key=lambda row: (Purpose.values.index(row.purpose), row.channel))
    current = {event.pk: event for event in rows.filter(pk__in=[row.event_id for row in consents])}
    _complete([*history.items, *current.values()])
    context = {
        "view": view,
        "customer": view.customer,
        "consents": [_shown(row, current[row.event_id]) for row in consents],
        "unasked": _unasked(consents),
        "history": history,
        "refusal": refusal,
        "form": bound or ConsentForm(agrees=True),
    }
    return render(request, "customers/customer_consent.html", context, status=422 if bound else 200)


def _shown(row: Consent, event: ConsentEvent) -> dict[str, Any]:
    day = clock.today()
    over = row.has_lapsed(day)
    return {
        "row": row,
        "event": event,
        "what": f"{row.purpose}:{row.channel}",
        "state": OVER if over else row.get_state_display(),
        "tone": "mute" if over else TONES[row.state],
        "given": row.state == ConsentState.GRANTED,
    }


def _unasked(consents: list[Consent]) -> list[dict[str, str]]:
    """Purposes and channels nobody has asked about, in words."""
    asked = {(row.purpose, row.channel) for row in consents}
    open_: dict[str, list[str]] = {}
    for purpose, channel in consent_pairs():
        if (purpose, channel) not in asked:
            open_.setdefault(purpose, []).append(str(ConsentChannel(channel).label) if channel else "")
    return [
        {"purpose": str(Purpose(purpose).label), "channels": join_words(filter(None, channels))}
        for purpose, channels in open_.items()
    ]


def _complete(events: list[ConsentEvent]) -> None:
    """Give the events their evidence in words, and the name of who noted them."""
    wanted = {event.pk for event in events}
    texts = dict(ConsentEvidence.objects.filter(pk__in=wanted).values_list("event_id", "text")) if wanted else {}
    people = {event.actor_id for event in events if event.actor_id}
    names = dict(User.objects.filter(pk__in=people).values_list("pk", "name")) if people else {}
    for event in events:
        event.evidence = texts.get(event.pk, "")  # type: ignore[attr-defined]
        event.who = names.get(event.actor_id, _("System")) if event.actor_id else _("System")  # type: ignore[attr-defined]
        event.tone = TONES[event.new]  # type: ignore[attr-defined]
