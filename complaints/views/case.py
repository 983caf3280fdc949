"""The page of one case: its clocks, what was said and done, what is to be done next (ui-guide §5 Case)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from complaints import presence
from complaints.acts.verb_shape import Verb
from complaints.acts.verbs import next_of, to_decide, verbs_for
from complaints.answer_templates import filled
from complaints.case_queries import GROUPS, Beside, Stream, beside, stream_of, with_people
from complaints.filters import CaseFilter
from complaints.forms import NoteForm, ReplyForm
from complaints.intake.told_facts import facts_told
from complaints.lifecycle import OWNER_KIND, ClockKind, label_of
from complaints.models import Complaint, Entry
from complaints.queries import Around, around, view_of
from complaints.services.changing import FIELDS, as_text, in_words
from complaints.services.handing import may_answer
from complaints.services.talking import TAKE_RIGHT, WRITTEN
from complaints.sharing.holders import holders_of
from complaints.team.signing import stood_for
from complaints.views.pages import act_form, is_own, seen_case
from complaints.views.queue import asked_of, view_key
from customers.labels import TIERS
from foundation.calendars.clock_queries import clocks_of
from foundation.calendars.clock_words import explain_clock
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.ids import from_text
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Check, Tab
from foundation.ui.wording import say_date
from interactions.lifecycle import Channel
from staff.masking import masked
from staff.models import User
from staff.requests import StaffRequest

LIMITS = (ClockKind.SERVICE, ClockKind.STATUTORY)


@dataclass(frozen=True)
class Dial:
    """One clock as the head shows it."""

    label: str
    kind: str
    due: Any
    start: Any
    state: str = ""


@require_GET
@never_cache
@requires("complaints.view")
def case_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """The case. `?told=` narrows the stream, `?before=` gives its earlier part, `?do=` opens the form of a verb; the
    rest of the address names the view it was opened from, in which J and K go on."""
    case = seen_case(request, pk)
    if wants_fragment(request) and {"do", "why", "held"} & set(request.GET):
        return render(request, "complaints/_act.html", {"case": case, **panel_of(request, case, beside(case))})
    if wants_fragment(request) and ("before" in request.GET or request.GET.get("part") == "stream"):
        return render(request, "complaints/case_detail.html#stream", stream_context(request, case))
    return render_case(request, case)


def render_case(request: StaffRequest, case: Complaint, *, status: int = 200, **more: Any) -> HttpResponse:
    """The whole page of a case; `more` replaces parts of what it shows (a form that was refused)."""
    user = request.user
    hanging = beside(case)
    context = stream_context(request, case, hanging)
    present = presence.mark(user, case.pk, presence.VIEW)
    asked, checks = asked_of(request.GET), checks_of(case, hanging)
    verbs = verbs_for(case, user, hanging)
    buttons = 3 if verbs and verbs[0].name in next_of(case, hanging) else 0
    decides, stood = to_decide(case, user, hanging), stood_for(case, user)
    context |= panel_of(request, case, hanging, verbs)
    context |= {
        "primary": verbs[0] if buttons else None,
        "buttons": verbs[1:buttons] if buttons else verbs[:2],
        "menu": verbs[buttons or 2 :],
        "gives": next((verb.name for verb in verbs if verb.key == "a"), ""),
        "decides": decides,
        "may_approve": decides is not None and hanging.asked is not None,
        "may_reject": decides is not None and hanging.asked is None,
        "owes": stood,
        "answerable": {one.pk for one in hanging.offers if may_answer(one, user, clock.now())},
        "works": case.is_open and case.handler_id in stood,
        "hanging": hanging,
        "dials": dials_of(case, hanging),
        "present": present,
        "present_words": presence.sentences(present),
        "doing": presence.VIEW,
        "may_change": (case.is_open or case.is_imported) and user.has_perm(TAKE_RIGHT),
        "properties": {field: in_words(field, as_text(getattr(case, field))) for field in FIELDS if field != "topic_id"}
        | {"topic_id": str(case.topic) if case.topic is not None else ""},
        "fields": [field for field in FIELDS if field != "subject"],
        "facts": facts_told(case),
        "checks": checks,
        "checks_done": f"{sum(check.done for check in checks)} / {len(checks)}",
        "back": asked.urlencode(),
        "around": around_of(user, case, asked) if asked else None,
        "reply_form": reply_form(case),
        "note_form": NoteForm(auto_id="note-%s"),
        "may_note": True,
        "phone": getattr(case, "phone", None) or case.contact_phone,
        "may_reply": may_write(case, user),
        "answers": answers_of(case, hanging),
    }
    return render(request, "complaints/case_detail.html", context | more, status=status)


def panel_of(
    request: StaffRequest, case: Complaint, hanging: Beside, verbs: list[Verb] | None = None
) -> dict[str, Any]:
    """What is open above the stream: the form of a verb (`?do=`) if it may be done now, why a deadline is what it is
    (`?why=`), or who had the case how long (`?held=1`)."""
    if request.GET.get("held"):
        moves = case.moves.select_related("handler", "unit").order_by("pk")
        return {"held": holders_of(case, moves)}
    if (kind := request.GET.get("why", "")) in ClockKind.values:
        found = [one for one in clocks_of(OWNER_KIND, [case.pk]) if one.kind == kind]
        words = explain_clock(found[-1], clock.now()).in_words() if found else []
        return {"why": words, "why_label": label_of(ClockKind, kind)}
    asked = request.GET.get("do", "")
    for verb in verbs if verbs is not None else verbs_for(case, request.user, hanging):
        if verb.name == asked and verb.asks:
            return {"acting": verb, "act_form": act_form(verb, request, case)}
    return {}


def may_write(case: Complaint, user: User) -> bool:
    """Whether a reply can be written here at all."""
    reachable = case.customer_id is not None or bool(case.contact_phone or case.contact_email)
    return case.is_open and not case.is_imported and reachable and user.has_perm(TAKE_RIGHT)


def reply_form(case: Complaint, data: Any = None) -> ReplyForm:
    """The form of a reply; it begins with the channel the customer came by, where one can write by it."""
    channel = case.channel if case.channel in WRITTEN else Channel.SMS
    return ReplyForm(data, auto_id="reply-%s", initial={"channel": channel})


def stream_context(request: StaffRequest, case: Complaint, hanging: Beside | None = None) -> dict[str, Any]:
    """What the stream needs: its part, its pills, and whom it is about."""
    group = request.GET.get("told", "")
    group = group if group in GROUPS else ""
    stream: Stream = stream_of(case.pk, group, _before(request))
    with_people([*stream.told, *(hanging.all if hanging is not None else [])])
    own = is_own(case, request.user)
    return {
        "case": case,
        "own": own,
        "tier": _tier(case),
        "name": complainant(case, clear=own),
        "stream": stream,
        "pills": _pills(group),
        "told": group,
        "waits": any(isinstance(one, Entry) and one.waits for one in stream.told),
        "from_start": stream.earlier is None and group in ("", "customer"),
        "now": clock.now(),
    }


def _before(request: StaffRequest) -> int | None:
    try:
        return from_text(request.GET["before"])
    except (KeyError, ValueError):
        return None


def _pills(group: str) -> list[Tab]:
    words = {"": _("All"), "customer": _("Customer"), "internal": _("Internal"), "changes": _("Changes")}
    return [Tab(label, f"?told={key}", current=key == group) for key, label in words.items()]


def complainant(case: Complaint, *, clear: bool) -> str:
    """How who complained is called on this page."""
    customer = case.customer
    kind = "company" if customer is not None and customer.customer_type == "ENTERPRISE" else "name"
    name = customer.name if customer is not None else case.contact_name
    return masked(kind, name, clear=clear) or _("Unknown caller")


def _tier(case: Complaint) -> str:
    facts = getattr(case.customer, "facts", None)
    return str(TIERS.get(facts.tier, facts.tier)) if facts is not None else ""


def dials_of(case: Complaint, hanging: Beside) -> list[Dial]:
    """The clocks of the head: the next duty, the service limit, the statutory date."""
    if not case.is_open:
        return []
    running = {one.kind: one for one in hanging.clocks}
    duties = [one for one in running.values() if one.kind not in LIMITS and one.due_at is not None]
    dials = []
    if duties:
        first = min(duties, key=lambda one: one.due_at or one.started_at)
        dials.append(Dial(label_of(ClockKind, first.kind), first.kind, first.due_at, first.started_at))
    for kind, due in ((ClockKind.SERVICE, case.service_due_at), (ClockKind.STATUTORY, case.statutory_due_at)):
        there = running.get(kind)
        start = there.started_at if there is not None else case.received_at
        if there is not None and there.state == Clock.State.PAUSED:
            dials.append(Dial(str(kind.label), kind, start, start, "paused"))
        elif due is not None:
            dials.append(Dial(str(kind.label), kind, due, start))
    return dials


def checks_of(case: Complaint, hanging: Beside) -> list[Check]:
    """What closing needs (D§10.3), each with the place where it is done."""
    measures = hanging.measures
    solution = hanging.solution
    return [
        Check(_("Customer contacted"), case.first_contact_at is not None, "#composer"),
        Check(_("Topic chosen"), case.topic_id is not None, "#inline-topic_id"),
        Check(_("Solution with its approval"), solution is not None and hanging.asked is None, "#solution"),
        Check(_("Customer has the answer"), case.decided_at is not None, "#act"),
        Check(_("All parts finished"), not hanging.open_parts, "#parts"),
        Check(_("All measures done"), bool(measures) and all(one.done_at for one in measures), "#solution"),
        Check(_("All promises kept"), not hanging.open_promises, "#promises"),
        Check(_("Callback made"), hanging.callback is not None and hanging.callback.done_at is not None, "#act"),
        Check(_("Cause, unit and lesson recorded"), case.cause_id is not None, "#act"),
    ]


def around_of(user: User, case: Complaint, asked: QueryDict) -> Around | None:
    """The place of the case in the view its page was opened from."""
    view = view_of(user, view_key(user, asked))
    found = CaseFilter(asked, view.seen)
    found.filters["handler"].extra["choices"] = [(asked.get("handler", ""), "")]
    found.filters["unit"].extra["choices"] = [(asked.get("unit", ""), "")]
    if not found.is_valid():
        return None
    return around(found.qs, case)


def answers_of(case: Complaint, hanging: Beside) -> list[tuple[str, str]]:
    """Wordings a reply may begin with: name and words, those of the topic of the case first."""
    near = {case.topic_id, case.topic.parent_id if case.topic is not None else None} - {None}
    found = sorted(hanging.answers, key=lambda one: (one.order, one.pk))
    due = case.service_due_at or case.statutory_due_at
    with translation.override(case.language):  # the words are read by who complained
        told = {"{number}": case.number, "{due}": say_date(due) if due is not None else ""}
    rows = sorted(found, key=lambda one: one.topic_id not in near)
    return [
        (str(one), filled(one.text_in(case.language), told))
        for one in rows
        if one.topic_id is None or one.topic_id in near
    ]


@require_POST
@never_cache
@requires("complaints.view")
def case_presence(request: StaffRequest, pk: int) -> HttpResponse:
    """Every 30 s: `doing` (view, edit) goes on. Answers who else is there; 204 when the page says so already."""
    case = seen_case(request, pk)
    doing = presence.REPLY if request.POST.get("doing") == presence.REPLY else presence.VIEW
    present = presence.mark(request.user, case.pk, doing)
    if request.POST.get("said") == present.digest:
        return HttpResponse(status=204)
    words = presence.sentences(present)
    return render(
        request, "complaints/_presence.html", {"case": case, "present": present, "present_words": words, "doing": doing}
    )
