"""Who has a case and who has a part in it: hand-overs, parts, promises, orders, cases that are one; a page beside the
case, with one POST per verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from complaints.lifecycle import HandoverRole, State
from complaints.models import CaseMerge, Complaint, Handover, Order, Part, Promise
from complaints.services import grouping, handing, joining, mediating, ordering, parts, promising, responsible
from complaints.services.ground import ASSIGN_RIGHT, COORDINATE_RIGHT, WORK_RIGHT, leads
from complaints.sharing import forms as shapes
from complaints.sharing.part_queries import support_units
from complaints.sharing.queries import sharing_of
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.ids import from_text
from foundation.ui.parts.lists import Tab
from interactions.people_queries import colleagues_offered
from interactions.views.acting import done
from staff.models import User
from staff.requests import StaffRequest


@dataclass(frozen=True)
class Verb:
    """One thing done on the page: the shape of its input, and what is asked of a service with the case's id, who asks,
    the row it is about (0: none) and what was typed. `of`: the model of that row."""

    form: type[forms.Form]
    act: Callable[[int, User, int, dict[str, Any]], object]
    of: Any = None


VERBS: dict[str, Verb] = {
    "offer": Verb(shapes.OfferForm, lambda pk, user, _row, d: handing.offer_case(pk, actor=user, **d)),
    "accept": Verb(forms.Form, lambda _pk, user, row, _d: handing.accept_offer(row, actor=user), Handover),
    "refuse": Verb(
        shapes.RefuseOfferForm, lambda _pk, user, row, d: handing.refuse_offer(row, actor=user, **d), Handover
    ),
    "withdraw": Verb(forms.Form, lambda _pk, user, row, _d: handing.withdraw_handover(row, actor=user), Handover),
    "order": Verb(shapes.OrderCaseForm, lambda pk, user, _row, d: handing.order_case(pk, actor=user, **d)),
    "decide-unit": Verb(
        shapes.DecideUnitForm, lambda _pk, user, row, d: responsible.decide_unit(row, actor=user, **d), Handover
    ),
    "give-part": Verb(shapes.GivePartForm, lambda pk, user, _row, d: parts.give_part(pk, actor=user, **d)),
    "cancel-part": Verb(forms.Form, lambda _pk, user, row, _d: parts.cancel_part(row, actor=user), Part),
    "promise": Verb(shapes.PromiseForm, lambda pk, user, _row, d: promising.make_promise(pk, actor=user, **d)),
    "keep-promise": Verb(forms.Form, lambda _pk, user, row, _d: promising.keep_promise(row, actor=user), Promise),
    "drop-promise": Verb(
        shapes.DropPromiseForm, lambda _pk, user, row, d: promising.drop_promise(row, actor=user, **d), Promise
    ),
    "order-reply": Verb(shapes.OrderReplyForm, lambda pk, user, _row, d: ordering.order_reply(pk, actor=user, **d)),
    "reply": Verb(shapes.ReplyForm, lambda _pk, user, row, d: ordering.reply_to_order(row, actor=user, **d), Order),
    "merge": Verb(shapes.MergeForm, lambda pk, user, _row, d: joining.merge_complaints(pk, d["master"].pk, actor=user)),
    "undo-merge": Verb(forms.Form, lambda _pk, user, row, _d: joining.undo_case_merge(row, actor=user), CaseMerge),
    "split": Verb(shapes.SplitForm, lambda pk, user, _row, d: joining.split_complaint(pk, actor=user, **d)),
    "link": Verb(
        shapes.LinkForm,
        lambda pk, user, _row, d: joining.link_complaints(pk, d["other"].pk, actor=user, kind=d["kind"]),
    ),
    "join-group": Verb(shapes.GroupForm, lambda pk, user, _row, d: grouping.join_group(pk, d["parent"].pk, actor=user)),
    "mediate": Verb(shapes.MediationForm, lambda pk, user, _row, d: mediating.request_mediation(pk, actor=user, **d)),
    "leave-group": Verb(shapes.LeaveGroupForm, lambda pk, user, _row, d: grouping.leave_group(pk, actor=user, **d)),
}

# What may be begun on the page, as its menu says it.
WORDS: dict[str, Any] = {
    "offer": _("Offer the case"),
    "order": _("Give the case by order"),
    "give-part": _("Give a unit a part"),
    "promise": _("Write down a promise"),
    "order-reply": _("Order a reply"),
    "mediate": _("Ask for mediation"),
    "merge": _("Merge into another case"),
    "split": _("Split off another matter"),
    "link": _("Link to another case"),
    "join-group": _("Join a group"),
    "leave-group": _("Leave the group"),
}


@require_GET
@requires("complaints.view")
def case_hand(request: StaffRequest, pk: int) -> HttpResponse:
    """The page."""
    return _page(request, _visible(request, pk))


@require_POST
@requires("complaints.take")
def hand_act(request: StaffRequest, pk: int, verb: str) -> HttpResponseBase:
    """One verb; `row` in the body names what it is about. 422 with what was typed when refused, 403 when not theirs."""
    case = _visible(request, pk)
    if verb not in VERBS:
        raise Http404
    found = VERBS[verb]
    row = _row(request, case, found)
    form = _form(request, case, verb, row, request.POST)
    if done(form, lambda data: found.act(case.pk, request.user, row, data)):
        if not Complaint.objects.visible_to(request.user).filter(pk=pk).exists():
            return redirect("workspace:home")
        return redirect("complaints:hand", pk)
    return _page(request, case, status=422, bound=(verb, row, form))


def _row(request: StaffRequest, case: Complaint, verb: Verb) -> int:
    """The id of the row the verb is about; 404 unless it belongs to the case."""
    if verb.of is None:
        return 0
    try:
        key = from_text(request.POST.get("row", ""))
    except ValueError as error:
        raise Http404 from error
    of = {"master": case} if verb.of is CaseMerge else {"complaint": case}
    get_object_or_404(verb.of, pk=key, **of)
    return key


def _visible(request: StaffRequest, pk: int) -> Complaint:
    rows = Complaint.objects.visible_to(request.user).select_related(
        "owner__unit", "handler__unit", "work_unit", "customer", "topic", "parent", "merged_into", "escalated_to"
    )
    return get_object_or_404(rows, pk=pk)


def _form(request: StaffRequest, case: Complaint, verb: str, row: int, data: Any = None) -> forms.Form:
    kind, ids = VERBS[verb].form, f"{verb}-{row or case.pk}-%s"
    if not issubclass(kind, shapes.ChosenForm):
        return kind(data, auto_id=ids)
    people = colleagues_offered(request.user, but=case.about_staff_id)
    if verb == "order-reply" and case.handler is not None and case.handler_id != request.user.pk:
        people = [(str(case.handler_id), case.handler.name), *people]
    return kind(data, people=people, units=support_units({case.work_unit_id}), auto_id=ids)


def _verbs(case: Complaint, user: User) -> list[str]:
    """What may be begun here now, in the order of the page."""
    if not case.is_open or not user.has_perm("complaints.take"):
        return []
    verbs = ["promise", "link"]
    if any(handing.may_offer(case, user, role) for role in (HandoverRole.HANDLER, HandoverRole.OWNER)):
        verbs.append("offer")
    if leads(case, user):
        verbs.append("order")
    if user.has_perm(ASSIGN_RIGHT) or user.has_perm(COORDINATE_RIGHT):
        verbs.append("order-reply")
    if user.has_perm(WORK_RIGHT):
        verbs.append("give-part")
        verbs += ["mediate"] if case.state == State.DISPUTED else []
    if user.has_perm("complaints.assess"):
        verbs.append("split")
        verbs += ["merge"] if case.state in (State.REGISTERED, State.ASSESSED) and case.customer_id else []
        verbs += ["leave-group"] if case.parent_id else [] if case.is_parent else ["join-group"]
    return verbs


def _page(
    request: StaffRequest,
    case: Complaint,
    status: int = 200,
    bound: tuple[str, int, forms.Form] | None = None,
) -> HttpResponse:
    now, user = clock.now(), request.user
    hangs = sharing_of(case, user, now)
    verbs, found, refusal = _verbs(case, user), {}, ""
    asked = request.GET.get("do", "")
    if bound is None and asked in verbs:  # one form at a time: the lists of people and units are long
        found[asked.replace("-", "_")] = _form(request, case, asked, 0)
    if bound is not None:
        verb, row, form = bound
        if row == 0 and verb in verbs:
            found[verb.replace("-", "_")] = form
        else:
            errors = [str(error) for kept in form.errors.values() for error in kept]
            refusal = " ".join(errors)
    context = {
        "case": case,
        "hangs": hangs,
        "refusal": refusal,
        "refuse_form": shapes.RefuseOfferForm(auto_id="refuse-%s"),
        "decide_form": shapes.DecideUnitForm(units=support_units(), auto_id="decide-%s") if hangs.to_decide else None,
        "verbs": [Tab(WORDS[verb], f"?do={verb}", current=verb == asked) for verb in verbs],
        "may_act": bool(verbs),
        "drop_form": shapes.DropPromiseForm(auto_id="drop-%s"),
        "reply_form": shapes.ReplyForm(auto_id="reply-%s"),
        "now": now,
        **{f"{name}_form": form for name, form in found.items()},
    }
    return render(request, "complaints/case_hand.html", context, status=status)
