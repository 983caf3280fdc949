"""The first-ask board and the suggestion pages through the door: what each person may do, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import NotAllowed
from interactions.models import Interaction, Matter, MatterMove, Suggestion
from interactions.services import answer_matter, offer_matter, pass_on_matter, quick_log
from outreach.models import OutMessage
from staff.models import User
from tests.factories import TeamFactory, UserFactory
from tests.interactions.first_ask_making import Hall, leave_open, make_hall, refused
from tests.interactions.test_pages import local
from tests.outreach.making import queries

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
BOARD = "/interactions/matters/"


@pytest.fixture
def hall() -> Hall:
    return make_hall(language="en")


def listed(client: Client, view: str) -> list[str]:
    page = client.get(f"{BOARD}?view={view}")
    assert page.status_code == 200
    return [row.number for row in page.context["page"].items]


def words(response: Any) -> str:
    return response.content.decode()


@pytest.mark.covers("HND-05")
def test_a_matter_goes_from_the_note_over_the_board_to_its_answer(hall: Hall, client_for: ClientFor) -> None:
    client = client_for(hall.agent)
    sent = {
        "summary": "asks about roaming",
        "result": "PASSED_ON",
        "next_kind": "CALLBACK",
        "next_owner": hall.mate.pk,
        "next_due": local(240),
        "next_subject": "roaming fee",
    }
    assert client.post(f"/interactions/note/{hall.customer.ref}/", sent).status_code == 302
    matter = Matter.objects.get()
    assert (matter.owner, matter.handler) == (hall.agent, hall.mate)
    assert listed(client, "mine") == [matter.number]
    mate = client_for(hall.mate)
    assert listed(mate, "handling") == [matter.number] and listed(mate, "mine") == []
    page = words(mate.get(f"{BOARD}{matter.ref}/"))
    assert "Save answer" in page and "Offer to another owner" not in page
    empty = mate.post(f"{BOARD}{matter.ref}/answer/", {"answer": "", "told_how": "CALL"})
    assert empty.status_code == 422
    assert mate.post(f"{BOARD}{matter.ref}/answer/", {"answer": "3 yuan a minute"}).status_code == 302
    page = words(client.get(f"{BOARD}{matter.ref}/"))
    assert "3 yuan a minute" in page and "Customer told" in page
    assert client.post(f"{BOARD}{matter.ref}/tell/", {"told_how": "CALL"}).status_code == 302
    assert listed(client, "mine") == [] and listed(client, "closed") == [matter.number]
    late = client.post(f"{BOARD}{matter.ref}/answer/", {"answer": "more"})
    assert late.status_code == 422 and "this matter is closed" in words(late)


def test_offered_accepted_refused_and_ordered_on_the_page(hall: Hall, client_for: ClientFor) -> None:
    agent, mate, lead = (client_for(person) for person in (hall.agent, hall.mate, hall.lead))
    first, second = leave_open(hall), leave_open(hall)
    for matter in (first, second):
        sent = {"to": hall.mate.pk, "note": "you know it"}
        assert agent.post(f"{BOARD}{matter.ref}/offer/", sent).status_code == 302
    assert listed(mate, "offered") == [first.number, second.number]
    assert "asks you to answer for this matter" in words(mate.get(f"{BOARD}{first.ref}/"))
    assert mate.post(f"{BOARD}{first.ref}/accept/").status_code == 302
    no_reason = mate.post(f"{BOARD}{second.ref}/refuse/", {"reason": ""})
    assert no_reason.status_code == 422
    assert mate.post(f"{BOARD}{second.ref}/refuse/", {"reason": "off at three"}).status_code == 302
    assert listed(mate, "mine") == [first.number] and listed(agent, "mine") == [second.number]
    assert "off at three" in words(agent.get(f"{BOARD}{second.ref}/"))
    assert agent.post(f"{BOARD}{second.ref}/order/", {"to": hall.mate.pk}).status_code == 403
    assert lead.post(f"{BOARD}{second.ref}/order/", {"to": hall.mate.pk, "reason": "desk"}).status_code == 302
    assert listed(mate, "mine") == [first.number, second.number]
    assert agent.post(f"{BOARD}{first.ref}/accept/").status_code == 403
    assert OutMessage.objects.filter(template="matter_new_owner").count() == 2


def test_who_does_not_belong_to_the_unit_sees_no_matter(hall: Hall, client_for: ClientFor) -> None:
    matter = leave_open(hall)
    stranger = client_for(UserFactory(role="TEAM_LEAD"))
    assert stranger.get(f"{BOARD}{matter.ref}/").status_code == 404
    assert stranger.post(f"{BOARD}{matter.ref}/answer/", {"answer": "x"}).status_code == 404
    assert listed(stranger, "all") == listed(stranger, "overdue") == []
    qa = client_for(UserFactory(role="QA", language="en"))
    page = words(qa.get(f"{BOARD}{matter.ref}/"))
    assert matter.number in page and "Save answer" not in page
    assert MatterMove.objects.count() == 1


def test_the_customers_name_is_masked_on_the_board_and_clear_to_who_works_on_it(
    hall: Hall, client_for: ClientFor
) -> None:
    hall.customer.name = "\u738b\u5c0f\u5a1f"
    hall.customer.save(update_fields=["name"])
    matter = leave_open(hall)
    client = client_for(hall.agent)
    assert "\u738b\u5c0f\u5a1f" not in words(client.get(BOARD))
    assert "\u738b\u5c0f\u5a1f" in words(client.get(f"{BOARD}{matter.ref}/"))
    qa = client_for(UserFactory(role="QA"))
    assert "\u738b\u5c0f\u5a1f" not in words(qa.get(f"{BOARD}{matter.ref}/"))
    # A company wears the mask of companies, wherever its name stands.
    firm = "\u676d\u5dde\u661f\u6cb3\u4fe1\u606f\u6280\u672f\u6709\u9650\u516c\u53f8"
    Customer.objects.update(name=firm, customer_type="ENTERPRISE")
    contact = Interaction.objects.get()
    for page in (
        client.get(BOARD),
        client.get("/interactions/"),
        client.get(f"/interactions/start/?customer={hall.customer.ref}"),
        client.get("/follow-ups/"),
        client.get("/"),
        qa.get(f"{BOARD}{matter.ref}/"),
        qa.get(f"/interactions/{contact.ref}/"),
        client_for(hall.lead).get("/follow-ups/?view=all"),
    ):
        shown = words(page)
        assert page.status_code == 200, page.request["PATH_INFO"]
        assert firm not in shown and "\u676d\u5dde****\u516c\u53f8" in shown, page.request["PATH_INFO"]


def test_board_page_and_desk_cost_the_same_for_ten_and_for_many(hall: Hall, client_for: ClientFor) -> None:
    client, lead = client_for(hall.agent), client_for(hall.lead)
    matter = leave_open(hall)
    offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    views = ("mine", "offered", "handling", "overdue", "all", "closed")
    few = [queries(client, f"{BOARD}?view={view}") for view in views]
    detail = queries(lead, f"{BOARD}{matter.ref}/")
    for _n in range(60):
        leave_open(hall)
    assert [queries(client, f"{BOARD}?view={view}") for view in views] == few
    assert max(few) <= 7
    assert queries(lead, f"{BOARD}{matter.ref}/") == detail <= 15
    after = client.get(f"{BOARD}?view=mine").context["page"].next_cursor
    assert len(client.get(f"{BOARD}?view=mine&after={after}").context["page"].items) == 11
    assert client.get(f"{BOARD}?after=rubbish").status_code == 302


def test_the_desk_counts_what_the_board_lists(hall: Hall, client_for: ClientFor) -> None:
    client = client_for(hall.agent)
    leave_open(hall)
    leave_open(hall)
    offer_matter(leave_open(hall, by=hall.mate).pk, actor=hall.mate, to=hall.agent)
    leave_open(hall, by=hall.mate, handler=hall.agent)
    quick_log(actor=hall.agent, customer=hall.customer, summary="open earlier", kind="SUGGESTION")
    figures = client.get("/").context["first_ask"]
    assert [(figure.key, figure.number) for figure in figures] == [
        ("offered", 1),
        ("mine", 2),
        ("handling", 1),
        ("suggestions", 1),
    ]
    for figure in figures:
        assert len(client.get(figure.url).context["page"].items) == figure.number


@pytest.mark.covers("INT-10")
def test_a_suggestion_from_the_list_to_its_answer(hall: Hall, client_for: ClientFor) -> None:
    agent, lead = client_for(hall.agent), client_for(hall.lead)
    sent = {"summary": "Open at eight", "kind": "SUGGESTION"}
    assert agent.post(f"/interactions/note/{hall.customer.ref}/", sent).status_code == 302
    suggestion = Suggestion.objects.get()
    url = f"/interactions/suggestions/{suggestion.ref}/"
    assert "A lead reviews and decides." in words(agent.get(url))
    assert agent.post(f"{url}review/").status_code == 403
    assert lead.post(f"{url}review/").status_code == 302
    wrong = lead.post(f"{url}decide/", {"verdict": "NOT_ADOPTED", "reason": "the rent is high"})
    assert wrong.status_code == 422
    assert "Say why it is not adopted." in words(wrong) and "the rent is high" in words(wrong)
    assert lead.post(f"{url}decide/", {"verdict": "ADOPTED", "wish": "Hall opens at eight"}).status_code == 302
    assert agent.post(f"{url}answer/", {"told_how": "MESSAGE"}).status_code == 302
    listed = lead.get("/interactions/suggestions/?view=to-do").context["page"].items
    assert listed == [suggestion]
    assert lead.post(f"{url}finish/").status_code == 302
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.done_at) == ("ANSWERED", clock.now())
    few = [queries(lead, f"/interactions/suggestions/?view={view}") for view in ("open", "overdue", "to-do", "all")]
    for _n in range(20):
        quick_log(actor=hall.agent, customer=hall.customer, summary="x", kind="SUGGESTION")
    assert [
        queries(lead, f"/interactions/suggestions/?view={view}") for view in ("open", "overdue", "to-do", "all")
    ] == few
    assert max(few) <= 7


def test_the_note_with_everything_told_and_what_it_refuses(hall: Hall, client_for: ClientFor) -> None:
    client, url = client_for(hall.agent), f"/interactions/note/{hall.customer.ref}/"
    everything = {
        "summary": "power cut in the street",
        "kind": "COMPLAINT",
        "result": "REFERRED",
        "referral": "State Grid 95598",
        "phase": "PRE",
        "agreed": "yes",
        "settled": "12.50",
        "handle": "wx_li",
        "asked_with": hall.mate.pk,
        "about": hall.agent.pk,
    }
    for wrong, said in (
        ({"referral": ""}, "Name the right contact you gave the customer."),
        ({"settled": "51"}, "You may settle 50 CNY"),
        ({"settled": "abc"}, "Enter a number."),
        ({"asked_with": "999999"}, "Select a valid choice."),
    ):
        answer = client.post(url, everything | wrong)
        assert answer.status_code == 422 and said in words(answer)
        assert "power cut in the street" in words(answer)
    assert not Interaction.objects.exists()
    assert client.post(url, everything).status_code == 302
    contact = Interaction.objects.get()
    assert (contact.referral, contact.phase, contact.agreed, str(contact.settled)) == (
        "State Grid 95598",
        "PRE",
        True,
        "12.50",
    )
    assert (contact.handle, contact.asked_with, contact.about_staff) == ("wx_li", hall.mate, hall.agent)
    page = words(client.get(f"/interactions/{contact.ref}/"))
    assert "State Grid 95598" in page and "wx_li" in page


def test_the_unfolded_note_costs_no_more_queries_for_its_lists_of_colleagues(hall: Hall, client_for: ClientFor) -> None:
    client, url = client_for(hall.agent), f"/interactions/note/{hall.customer.ref}/"
    few = queries(client, url)
    for _n in range(10):
        UserFactory(role="AGENT", unit=hall.lead.unit)
    assert queries(client, url) == few <= 10


@pytest.mark.covers("HND-05")
def test_a_support_unit_answers_what_it_is_handed_and_does_no_more(hall: Hall, client_for: ClientFor) -> None:
    head = UserFactory(role="UNIT_HANDLER", language="en")
    TeamFactory(lead=head)
    agent, support, matter = client_for(hall.agent), client_for(head), leave_open(hall)
    url = f"{BOARD}{matter.ref}/"
    assert f"{head.unit.name} · {head.name}" in words(agent.get(url))
    assert listed(support, "to-do") == [] and support.get(url).status_code == 404
    assert agent.post(f"{url}offer/", {"to": head.pk}).status_code == 422  # it answers, the hall stays accountable
    assert agent.post(f"{url}pass-on/", {"handler": head.pk}).status_code == 302
    assert listed(support, "to-do") == [matter.number]
    page = words(support.get(url))
    assert "Save answer" in page and 'name="told_how"' not in page and f"/customers/{hall.customer.ref}/" not in page
    assert queries(support, url) <= 15
    for address in (
        f"/customers/{hall.customer.ref}/",
        "/interactions/start/",
        f"/interactions/note/{hall.customer.ref}/",
    ):
        assert support.get(address).status_code == 403, address
    assert support.post(f"{url}tell/", {"told_how": "CALL"}).status_code == 403
    with pytest.raises(NotAllowed, match="tells the customer"):
        answer_matter(matter.pk, actor=head, answer="3 yuan", told_how="CALL")
    assert support.post(f"{url}answer/", {"answer": "3 yuan a minute"}).status_code == 302
    assert "3 yuan a minute" in words(agent.get(url)) and "Customer told" not in words(support.get(url))
    assert agent.post(f"{url}tell/", {"told_how": "CALL"}).status_code == 302
    back = leave_open(hall, handler=hall.mate)
    pass_on_matter(back.pk, actor=hall.agent, handler=head)
    sent = {"handler": hall.agent.pk, "note": "billing, not us"}
    assert support.post(f"{BOARD}{back.ref}/pass-on/", sent).status_code == 302
    assert support.get(f"{BOARD}{back.ref}/").status_code == 404


def test_another_department_works_on_it_hands_it_back_with_a_reason_and_the_hall_still_sees_it(
    hall: Hall, client_for: ClientFor
) -> None:
    elsewhere = UserFactory(role="TEAM_LEAD", language="en")
    TeamFactory(lead=elsewhere)
    quiet = UserFactory(role="AGENT")
    agent, other = client_for(hall.agent), client_for(elsewhere)
    matter = leave_open(hall)
    url = f"{BOARD}{matter.ref}/"
    form = words(agent.get(url))
    assert f"{elsewhere.unit.name} · {elsewhere.name}" in form and quiet.name not in form
    assert other.get(f"/customers/{hall.customer.ref}/").status_code == 404
    assert agent.post(f"{url}pass-on/", {"handler": elsewhere.pk}).status_code == 302
    assert listed(other, "to-do") == [matter.number] and listed(other, "mine") == []
    assert other.get(f"/customers/{hall.customer.ref}/").status_code == 200
    page = words(other.get(url))
    assert "stays answerable" in page and matter.contact.number not in page and 'name="due_at"' not in page
    for sent, said in (
        ({"handler": hall.agent.pk, "note": " "}, "Say why"),
        ({"handler": elsewhere.pk}, "Select a valid choice"),
    ):
        refusal = other.post(f"{url}pass-on/", sent)
        assert refusal.status_code == 422 and said in words(refusal)
    later = clock.now() + timedelta(days=9)
    refused("matter.owners_due", pass_on_matter, matter.pk, actor=elsewhere, handler=hall.mate, due_at=later)
    sent = {"handler": hall.agent.pk, "note": "ask the shop in Wenshi road"}
    gone = other.post(f"{url}pass-on/", sent)
    assert (gone.status_code, gone.headers["Location"]) == (302, BOARD)  # it is theirs no more, nor to be seen
    matter.refresh_from_db()
    assert (matter.owner, matter.handler) == (hall.agent, hall.agent)
    assert "ask the shop in Wenshi road" in words(agent.get(url))
    assert other.get(url).status_code == other.get(f"/customers/{hall.customer.ref}/").status_code == 404
    # Whoever answers for it now: who was asked first is asked again, and sees how it stands.
    offer_matter(matter.pk, actor=hall.agent, to=elsewhere)
    assert other.post(f"{url}accept/").status_code == 302
    assert "Save answer" not in words(agent.get(url)) and agent.get(url).status_code == 200
    assert listed(agent, "to-do") == [] and listed(agent, "all") == [matter.number]
