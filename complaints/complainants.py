"""Complainants who are no customers: how messages find them, and how they are forgotten when the file's time is over
(D§5.12, 26). Those of customers go with the customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.keeping import forget_old
from complaints.models import AppealCase, Complaint, MediationCase
from complaints.services.ground import OUTSIDERS
from customers.erasure.keeping import Hold, register_hold
from foundation.common import clock
from foundation.common.personal import of_customers
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.policies.reading import policy
from outreach.outsiders import Outsider, reference, register_outsiders
from outreach.services.answering import head_above
from outreach.services.followups import WORK_RIGHT
from outreach.services.outsiders import forget_outsiders
from staff.absence import acting_for
from staff.models import User

FORGET = "complaints.forget_complainants"
GONE = "gone-"  # how the code of the status page begins once the rest is forgotten
AT_ONCE = 200
# Who complains is owed an answer first.
_OPEN = """SELECT DISTINCT customer_id, NULL::date FROM complaints_complaint
  WHERE customer_id = ANY(%(ids)s) AND closed_at IS NULL AND (source = '' OR handler_id IS NOT NULL)"""

# What others still decide on is evidence.
_DISPUTES = " UNION ".join(
    f"""SELECT c.customer_id, NULL::date FROM complaints_complaint c JOIN {table} d ON d.complaint_id = c.id
  WHERE c.customer_id = ANY(%(ids)s) AND d.closed_at IS NULL"""
    for table in ("complaints_appealcase", "complaints_mediationcase")
)


def find(ids: list[int]) -> dict[int, Outsider]:
    """Who complained in these cases without being the customer, of those that name a way to answer."""
    rows = Complaint.objects.filter(Q(customer=None) | ~Q(contact_name=""), pk__in=ids).only(
        "contact_name", "language", "contact_phone", "contact_email"
    )
    return {
        row.pk: Outsider(row.contact_name, row.language, row.contact_phone, row.contact_email)
        for row in rows
        if row.contact_phone or row.contact_email
    }


def who_tells_them(case_id: int, at: datetime) -> User | None:
    """Who has to reach who complained when a message did not: who works on the case, else who answers for it, or those
    who act for them; else the head of its unit."""
    case = Complaint.objects.select_related("handler", "owner").filter(pk=case_id).first()
    if case is None:
        return None
    acting = [acting_for(one, at, right=WORK_RIGHT) for one in (case.handler, case.owner) if one is not None]
    may = (one for one in acting if one.is_active and one.has_perm(WORK_RIGHT))
    return next(may, None) or head_above(case.work_unit_id, at)


def due_to_forget() -> list[int]:
    """Ended cases of people who are no customers whose file's time is over. Of records of the past those that name
    somebody, by when they were recorded: when they ended is often not known, and nobody is owed an answer."""
    ended = clock.now() - policy("complaints.files_kept")
    named = ~Q(contact_name="", contact_phone="", contact_email="")
    past = Q(registered_at__lt=ended, handler=None) & ~Q(source="") & named
    rows = Complaint.objects.filter(Q(source="", closed_at__lt=ended) | past, customer=None)
    rows = rows.exclude(appeals__in=AppealCase.objects.filter(closed_at=None))
    rows = rows.exclude(mediations__in=MediationCase.objects.filter(closed_at=None))
    return list(rows.exclude(public_code__startswith=GONE).order_by("pk").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def forget_complainants(ids: list[int]) -> int:
    """Take everything personal out of these cases of people who are no customers, by the register of personal columns,
    and out of the messages to them; how many cases. Repeatable."""
    held = Complaint.objects.filter(pk__in=ids, customer=None).select_for_update(no_key=True).order_by("pk")
    keys = list(held.values_list("pk", flat=True))
    for model, said in of_customers():
        way = str(said.of)
        if model is Complaint:
            rows: models.QuerySet[Any] = model._default_manager.filter(pk__in=keys)
        elif way == "complaint__customer" or way.endswith("__complaint__customer"):
            rows = model._default_manager.filter(**{f"{way.removesuffix('__customer')}__in": keys})
        else:
            continue
        if said.delete:
            rows.delete()
            continue
        blank: dict[str, Any] = {name: _nothing(model, name) for name in said.empty}
        blank |= dict.fromkeys(said.null) | said.fixed
        if blank:
            rows.update(**blank)
        for key in rows.values_list("pk", flat=True) if said.token else ():
            model._default_manager.filter(pk=key).update(**dict.fromkeys(said.token, f"{GONE}{key}"[:24]))
    forget_outsiders([reference(OUTSIDERS, key) for key in keys])
    return len(keys)


def _nothing(model: type[models.Model], name: str) -> Any:
    column = model._meta.get_field(name)
    if isinstance(column, ArrayField):
        return []
    return {} if isinstance(column, models.JSONField) else ""


def forget_due(job: RunningJob) -> None:
    """Forget whose file's time is over, and mails kept aside nobody decided about."""
    done = forget_old()
    while ids := due_to_forget():
        done += forget_complainants(ids)
        job.progress(done, done, forgotten=done)


def register() -> None:
    """Make them known to outreach, the job, and what forbids to erase a customer."""
    register_outsiders(OUTSIDERS, find, who_tells_them)
    register_hold(Hold("DISPUTE", _("An authority or a mediator still deals with a complaint"), "R2", _DISPUTES))
    register_hold(Hold("COMPLAINT", _("A complaint is open: an answer is owed"), "D", _OPEN))
    register_job(
        JobKind(
            FORGET,
            _("Forget complainants who are no customers"),
            forget_due,
            "jobs.control",
            counts={"forgotten": _("cases")},
            files_of=NO_CUSTOMERS,
        )
    )
