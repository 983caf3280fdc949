"""The first-ask board and the page of one matter, with one POST per verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.explain import Explanation
from interactions import matter_forms as shapes
from interactions import services
from interactions.exporting import MATTER_WORDS
from interactions.lifecycle import Result
from interactions.matter_queries import matters_in_view
from interactions.models import Interaction, Matter, MatterOffer
from interactions.people_queries import colleagues_offered, with_person
from interactions.services.matter_ground import answers_for, may_lead, may_work
from interactions.stages import MatterState
from interactions.views.acting import done, tabbed_list
from staff.drafts import Place, forget_draft
from staff.models import User
from staff.requests import StaffRequest
from staff.rights import acted_for

ANSWER = "interactions.matter"  # where its text is kept while it is typed


@require_GET
@requires("interactions.view")
def matter_list(request: StaffRequest) -> HttpResponseBase:
    """The board: what I have to do, offered to me, answered for, worked on; what the team leaves overdue."""
    return tabbed_list(
        request, "interactions/matter_list.html", MATTER_WORDS, lambda view: matters_in_view(request.user, view)
    )


@require_GET
@requires("interactions.view")
def matter_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One matter with its record, its offers and its history."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("interactions.handle")
def matter_answer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The answer is known, and perhaps told."""
    return _act(request, pk, "answer", lambda d: services.answer_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def matter_tell(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The customer has the answer."""
    return _act(request, pk, "tell", lambda d: services.tell_customer(pk, actor=request.user, **d))


@require_POST
@requires("interactions.handle")
def matter_pass_on(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A colleague works on it."""
    return _act(request, pk, "pass_on", lambda d: services.pass_on_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def matter_offer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Offer it to another owner."""
    return _act(request, pk, "offer", lambda d: services.offer_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def matter_withdraw(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take the offer back."""
    return _act(request, pk, "withdraw", lambda _d: services.withdraw_offer(pk, actor=request.user))


@require_POST
@requires("interactions.take")
def matter_accept(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Answer for it from now on."""
    return _act(request, pk, "accept", lambda _d: services.accept_matter(pk, actor=request.user))


@require_POST
@requires("interactions.take")
def matter_refuse(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Refuse the offer with a reason."""
    return _act(request, pk, "refuse", lambda d: services.refuse_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def matter_refer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Another company's matter: the right contact was given."""
    return _act(request, pk, "refer", lambda d: services.refer_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def matter_secure(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Security has the threat or crime."""
    return _act(request, pk, "secure", lambda d: services.secure_matter(pk, actor=request.user, **d))


@require_POST
@requires("interactions.assign")
def matter_order(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A lead gives it to another owner."""
    return _act(request, pk, "order", lambda d: services.order_matter(pk, actor=request.user, **d))


_PLAIN: dict[str, type[forms.Form]] = {
    "answer": shapes.AnswerForm,
    "tell": shapes.TellForm,
    "refuse": shapes.RefuseForm,
    "refer": shapes.ReferForm,
    "secure": shapes.SecureForm,
    "withdraw": forms.Form,
    "accept": forms.Form,
}
_WITH_COLLEAGUES = {"pass_on": shapes.PassOnForm, "offer": shapes.OfferForm, "order": shapes.OrderForm}


def _form(name: str, matter: Matter, user: User, people: list[Any], data: Any = None) -> forms.Form:
    """The form of a verb; its ids are its own, for several stand on one page."""
    ids = f"{name}-{matter.ref}-%s"
    if name == "pass_on":  # also back to its owner, who may work in another department
        people = with_person(people, matter.owner)
    if name in _WITH_COLLEAGUES:
        return _WITH_COLLEAGUES[name](data, people=people, auto_id=ids)
    form = _PLAIN[name](data, auto_id=ids)
    if name == "answer" and not user.has_perm("interactions.take"):
        del form.fields["told_how"]
    return form


def _people(request: StaffRequest, matter: Matter) -> list[Any]:
    """Who may have a part in it: not the one complained of (D§3.2)."""
    return colleagues_offered(request.user, but=matter.contact.about_staff_id)


def _act(request: StaffRequest, pk: int, name: str, act: Callable[[dict[str, Any]], object]) -> HttpResponseBase:
    """One verb: shape, service, and the page again; 422 with what was typed when refused, 403 when not theirs."""
    matter = _visible(request, pk)
    form = _form(name, matter, request.user, _people(request, matter) if name in _WITH_COLLEAGUES else [], request.POST)
    if done(form, act):
        if name == "answer":
            forget_draft(request.user, Place(ANSWER, matter.customer_id, matter.ref))
        # Who handed it on may not see it any more.
        if not Matter.objects.visible_to(request.user).filter(pk=pk).exists():
            return redirect("interactions:matter-list")
        return redirect("interactions:matter-detail", pk)
    return _detail(request, matter, status=422, bound=(name, form))


def _visible(request: StaffRequest, pk: int) -> Matter:
    rows = Matter.objects.visible_to(request.user).select_related(
        "owner__unit",
        "handler__unit",
        "returns_to",
        "escalated_to",
        "customer",
        "topic",
        "contact__staff",
        "contact__topic",
        "follow_up",
        "done_by",
    )
    return get_object_or_404(rows, pk=pk)


def _verbs(request: StaffRequest, matter: Matter, offer: MatterOffer | None) -> list[str]:
    """What this person may do with it now, in the order of the page."""
    user = request.user
    if not matter.is_open or matter.contact.about_staff_id == user.pk or not user.has_perm("interactions.handle"):
        return []
    verbs: list[str] = []
    if offer is not None and offer.to_id in {user.pk, *acted_for(user)} and offer.until > clock.now():
        verbs += ["accept", "refuse"]
    leads = may_lead(matter, user)
    owns = leads or answers_for(matter, user)
    if owns or may_work(matter, user):
        if matter.state != MatterState.ANSWERED:
            verbs += ["answer"]
        elif user.has_perm("interactions.take"):
            verbs += ["tell"]
        verbs += ["pass_on"] if matter.state == MatterState.OPEN else []
    if owns:
        verbs += ["withdraw"] if offer is not None else ["offer"]
        if matter.state == MatterState.OPEN:
            verbs += ["refer"]
            verbs += ["secure"] if matter.contact.result == Result.SECURITY else []
    return verbs + (["order"] if leads else [])


def _detail(
    request: StaffRequest, matter: Matter, status: int = 200, bound: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    offers = list(matter.offers.select_related("to", "by").order_by("-pk"))
    offer = next((one for one in offers if one.state == "OPEN"), None)
    verbs = _verbs(request, matter, offer)
    people = _people(request, matter) if set(verbs) & set(_WITH_COLLEAGUES) else []
    found = {name: _form(name, matter, request.user, people) for name in verbs}
    refusal = ""
    if bound is not None:
        name, form = bound
        found[name] = form
        refusal = "" if name in verbs and form.fields else " ".join(str(error) for error in form.non_field_errors())
    own = may_work(matter, request.user)
    context: dict[str, Any] = {
        "matter": matter,
        "customer": matter.customer,
        "sees_customers": request.user.has_perm("customers.view"),
        "contact": matter.contact,
        "clear": own and matter.is_open,
        "owns": own and (may_lead(matter, request.user) or answers_for(matter, request.user)),
        "sees_contact": Interaction.objects.visible_to(request.user).filter(pk=matter.contact_id).exists(),
        "offer": offer,
        "offers": offers,
        "moves": list(
            matter.moves.select_related("actor", "on_behalf_of", "old_owner", "new_owner", "handler").order_by("-pk")
        ),
        "why_due": Explanation.from_json(matter.explanation).in_words(),
        "verbs": verbs,
        "refusal": refusal,
        "now": clock.now(),
        **{f"{name}_form": form for name, form in found.items()},
    }
    return render(request, "interactions/matter_detail.html", context, status=status)
