"""What the pages of cases share: whose case it is, and the form of a verb."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery
from django.shortcuts import get_object_or_404

from complaints.acts.forms import ActForm
from complaints.acts.verb_shape import Verb
from complaints.models import Complaint
from complaints.team.signing import stood_for
from customers.models import ContactPoint
from staff.models import User
from staff.requests import StaffRequest

PHONES = ("MOBILE", "FIXED")
DRAFT = "complaints.act"  # where the text of a verb is kept while it is typed


def seen_case(request: StaffRequest, pk: int) -> Complaint:
    """The case with the number to call (`phone`), if the person may see it; 404 otherwise."""
    rows = Complaint.objects.visible_to(request.user).select_related(
        "customer__facts",
        "owner__unit",
        "handler__unit",
        "work_unit",
        "topic__parent",
        "registered_by",
        "cause",
        "responsible_unit",
        "parent",
        "merged_into",
        "escalated_to",
    )
    points = ContactPoint.objects.filter(customer=OuterRef("customer_id"), kind__in=PHONES, valid_to=None)
    number = Subquery(points.order_by("-is_primary", "pk").values("value")[:1])
    return get_object_or_404(rows.annotate(phone=number), pk=pk)


def is_own(case: Complaint, user: User) -> bool:
    """Whether the customer is clear to the user here: an open case they answer for or work on, also for somebody absent
    (D§3.1)."""
    return case.is_open and bool({case.owner_id, case.handler_id} & stood_for(case, user))


def act_form(verb: Verb, request: StaffRequest, case: Complaint, data: Any = None, **more: Any) -> ActForm:
    """The form of a verb for a person and a case; its ids are its own, for several stand on one page."""
    return verb.form(data, user=request.user, case=case, auto_id=f"{verb.name}-%s", **more)
