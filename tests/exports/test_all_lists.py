"""Every list there is to take out, by everybody who may: the file holds what the page shows this person, no more."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from complaints.models import Callback, Part, Solution
from customers import quality
from customers.models import ChangeRequest, ContactPoint, Customer, CustomerFacts, DuplicatePair, Need
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.queries import title_of
from interactions.models import ContactVerdict, Interaction, Matter
from staff.exports.registry import columns_for, exportables, may_export
from staff.models import Team, User
from staff.roles import ROLES
from tests.doors.world import Place, make_place
from tests.exports.making import ask, table_of, work
from tests.factories import CustomerFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NAME, PHONE, FORMULA = "=\u738b\u5c0f\u660e", "13807551234", "=HYPERLINK(1)"
# The list -> the address asked for, the column that tells its rows apart, the same thing of a row of the page.
LISTS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "customers": ("", "number", lambda row: row.number),
    "my-customers": ("manager={manager}", "number", lambda row: row.number),
    "quality": ("", "customer", lambda row: row.customer.number),
    "needs": ("view=all", "need", lambda row: row.text),
    "change-requests": ("view=all", "number", lambda row: row.number),
    "pairs": ("", "newer", lambda row: row.high.number),
    "merges": ("state=ALL", "number", lambda row: row.number),
    "contacts": ("view=all", "number", lambda row: row.number),
    "matters": ("view=all", "number", lambda row: row.number),
    "suggestions": ("view=all", "number", lambda row: row.number),
    "rights-requests": ("", "number", lambda row: row.number),
    "verdicts": ("first={today}&last={today}", "number", lambda row: row.interaction.number),
    "late-matters": ("first={today}&last={today}", "number", lambda row: row.number),
    "followups": ("view=all", "number", lambda row: row.number),
    "complaints": ("view=all", "number", lambda row: row.number),
    "complaint-library": ("in=open", "number", lambda row: row.number),
    "complaint-figure": ("figure=complaints&month={today:%Y-%m}", "number", lambda row: row.number),
    "complaint-callbacks": ("month={today:%Y-%m}", "number", lambda row: row.complaint.number),
    "complaint-support": ("month={today:%Y-%m}", "number", lambda row: row.complaint.number),
    "messages": ("", "customer", lambda row: row.customer.number),
    "transfers": ("", "customer", lambda row: row.customer.number),
    "people": ("", "staff_no", lambda row: row.staff_no),
    "teams": ("", "team", lambda row: row.name),
    "shifts": ("week={soon}", "staff_no", lambda row: row.user.staff_no),
    "absences": ("", "staff_no", lambda row: row.user.staff_no),
    "imports": ("", "number", lambda row: row.number),
    "audit": ("verb=contact.", "code", lambda row: row.verb),
    "runs": ("job=jobs.drop_old_files", "work", title_of),
}
# Columns whose cells stand on the page as they stand in the file.
ON_PAGE = {"customer_name", "name", "older_name", "newer_name", "stays_name", "goes_name", "who", "roles"}


def fill(place: Place, owner: User) -> None:
    """What hangs on a place in every list, with a name and texts that look like formulas."""
    double = CustomerFactory(unit=owner.unit, manager=owner, name=NAME)
    for row in (place.customer, place.merge.absorbed):
        Customer.objects.filter(pk=row.pk).update(name=NAME)
    ContactPoint.objects.filter(customer=place.customer).update(value=PHONE)
    CustomerFacts.objects.update_or_create(pk=place.customer.pk, defaults={"manager_id": owner.pk})
    low, high = sorted([place.customer.pk, double.pk])
    DuplicatePair.objects.create(low_id=low, high_id=high, score=95, band="AUTO")
    Need.objects.create(customer=place.customer, text=FORMULA, owner=owner)
    ChangeRequest.objects.create(
        number=f"CR{place.customer.pk}"[-20:],
        customer=place.customer,
        channel="HALL",
        asked_by="x",
        verified="DOCUMENT",
        field="name",
        due_at=clock.now() + timedelta(days=1),
        taken_by=owner,
    )
    quality.refresh_one(place.customer.pk)
    Matter.objects.filter(pk=place.matter.pk).update(due_at=clock.now() - timedelta(minutes=1), subject=FORMULA)
    Part.objects.filter(pk=place.part.pk).update(due_at=clock.now() - timedelta(minutes=1))
    told = Solution.objects.create(complaint=place.complaint, finding=FORMULA, by=owner)
    ended = {"due_at": clock.now(), "done_at": clock.now(), "reached_at": clock.now(), "solved": "YES"}
    Callback.objects.create(complaint=place.complaint, solution=told, by=owner, **ended)
    contact = Interaction.objects.get(pk=place.contact.pk)
    ContactVerdict.objects.create(
        interaction=contact,
        day=clock.today(),
        unit_no=contact.unit_no,
        channel="HOTLINE",
        kind="CONSULT",
        staff=owner,
        state="NOT_SOLVED",
        reasons=["CAME_AGAIN"],
        within_days=7,
        judged_at=clock.now(),
    )


def person_of(role: str, near: Place, owner: User) -> User:
    """Somebody with this role where the near things are; a lead of its people."""
    if role == "ACCOUNT_MANAGER":
        return owner
    user = UserFactory(role=role, unit=owner.unit)
    if role == "TEAM_LEAD":
        Team.objects.filter(pk=near.team.pk).update(lead=user)
    return user


@pytest.mark.covers("CLS-20", "ARC-16")
def test_every_file_is_what_its_page_shows_whoever_asks(client_for: ClientFor) -> None:
    owner = UserFactory(role="ACCOUNT_MANAGER", unit=UnitFactory(no=10, last_no=19))
    stranger = UserFactory(role="ACCOUNT_MANAGER", name="Far Away", unit=UnitFactory(no=50, last_no=59))
    near, far = make_place(owner), make_place(stranger)
    for place, whose in ((near, owner), (far, stranger)):
        fill(place, whose)
    today, soon = clock.today(), clock.today() + timedelta(days=3)
    known = {one.name: one for one in exportables()}
    assert set(known) == set(LISTS)
    filled: set[str] = set()
    for role in ROLES:
        user = person_of(role, near, owner)
        client = client_for(user)
        for name, (address, key, of_row) in LISTS.items():
            if role == "DIRECTOR" and name != "rights-requests":  # everything else as a department head
                continue
            exportable = known[name]
            query = QueryDict(address.format(manager=owner.pk, today=today, soon=soon))
            if not may_export(user, exportable):
                with pytest.raises(NotAllowed):
                    ask(user, name, columns=[key], query=query.dict())
                if role in {"AGENT", "QA"} and user.has_perm(exportable.right):
                    page = client.get(reverse(exportable.url_name), query)
                    assert f"/exports/new/{name}/" not in page.content.decode(), (role, name)
                continue
            page = client.get(reverse(exportable.url_name), query)
            if page.status_code == 404:  # the customers of a manager this person does not lead
                with pytest.raises(RuleBroken, match="do not look after"):
                    ask(user, name, columns=[key], query=query.dict())
                continue
            assert page.status_code == 200, (role, name)
            text = html.unescape(page.content.decode())
            wanted = f"/exports/new/{name}/" + (f"?{query.urlencode()}" if query else "")
            assert f'href="{wanted}"' in text, (role, name)
            shown = [of_row(row) for row in page.context["page"].items]
            if not shown:
                continue
            columns = [column.key for column in columns_for(user, exportable)]
            export = work(ask(user, name, columns=columns, query=query.dict()))
            heads, *rows = table_of(export)
            assert len(heads) == len(set(heads)) == len(columns), heads
            cells = [dict(zip(columns, row, strict=True)) for row in rows]
            assert [row[key].removeprefix("'") for row in cells] == [one or "" for one in shown], (role, name)
            for column in ON_PAGE & set(columns):
                for row in cells:
                    assert row[column].removeprefix("'") in text, (role, name, row)
            whole = "\n".join(cell for row in rows for cell in row)
            assert NAME[1:] not in whole and PHONE not in whole, (role, name)
            if role not in {"GM", "SYS_ADMIN", "POLICY_ADMIN", "DPO"}:  # who see the whole operator there
                assert far.customer.number not in whole and stranger.name not in whole, (role, name)
            assert not [cell for row in rows for cell in row if cell[:1] in set("=+-@")], (role, name)
            entry = AuditEntry.objects.get(verb="export.written", target_id=str(export.pk))
            assert (entry.actor_id, entry.detail["list"], entry.detail["rows"]) == (user.pk, name, len(rows))
            filled.add(name)
    assert set(LISTS) - filled == set()
