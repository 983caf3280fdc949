"""The library through its page: words of cases and solutions, filters, cases like one, and what it costs (D§10.16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints import tasks
from complaints.complainants import forget_complainants
from complaints.library.words import asked_words, fill_chunk, library_words, read_cases, read_lately
from complaints.lifecycle import State
from complaints.models import Complaint, LibraryEntry, LibraryWord, Measure, Solution
from complaints.services.changing import change_case
from customers.models import SearchLink
from foundation.common import clock
from foundation.common.ids import to_text
from interactions.models import Topic
from staff.models import User
from tests.complaints.cases import cause
from tests.complaints.making import case_in
from tests.factories import UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
LIBRARY = "/complaints/library/"


def closed(me: User, subject: str, finding: str = "", **columns: Any) -> Complaint:
    """A closed case with a solution."""
    case = case_in(State.CLOSED, owner=me, handler=me, subject=subject, text=columns.pop("text", subject), **columns)
    if finding:
        solution = Solution.objects.create(complaint=case, finding=finding, by=me, told_at=clock.now())
        Measure.objects.create(solution=solution, kind="FIX", text="换光猫", owner=me, due_at=clock.now())
    return case


def found(client: Client, words: str, query: str = "in=closed") -> list[str]:
    """The numbers a search for the words lists."""
    answer = client.post(f"{LIBRARY}search/", {"q": words, "query": query})
    assert answer.status_code == 302, answer.content
    assert words not in answer["Location"]
    return listed(client, answer["Location"])


def listed(client: Client, url: str) -> list[str]:
    page = client.get(url)
    assert page.status_code == 200
    return [row.case.number for row in page.context["shelf"]]


def test_words_are_those_people_search_by() -> None:
    assert library_words("小区内5G信号弱，营业厅服务态度差 13812345678") == [
        "区内", "5g", "信号", "营业", "营业厅", "服务", "态度", "服务态度",
    ]  # fmt: skip
    assert asked_words("营业厅 WiFi6 bills") == ["营业厅", "wifi6", "bill"]
    assert asked_words("13812345678 <b> ！") == []
    assert len(library_words(" ".join(f"word{n}x" for n in range(1_000)))) == 300


@pytest.mark.covers("CMP-15")
def test_closed_cases_are_found_by_what_was_said_found_and_done(client_for: ClientFor) -> None:
    me = UserFactory(role="COORDINATOR", language="en")
    slow = closed(me, "宽带网速慢", "光猫老化，局端端口正常", lesson="先查光猫")
    weak = closed(me, "小区5G信号弱", "基站退服")
    still = case_in(State.INVESTIGATING, owner=me, handler=me, subject="光猫坏了", text="光猫坏了")
    assert tasks.read_library() == 3
    assert read_lately() == 0
    client = client_for(me)
    assert listed(client, LIBRARY) == [weak.number, slow.number]
    assert found(client, "光猫") == [slow.number]
    assert found(client, "光猫", "in=open") == [still.number]
    assert found(client, "网速 光猫") == [slow.number]
    assert found(client, "5g") == [weak.number]
    assert found(client, "换光猫") == [weak.number, slow.number]  # what was done
    assert found(client, "基站 光猫") == []
    page = client.get(LIBRARY).content.decode()
    assert "光猫老化，局端端口正常" in page and "先查光猫" in page
    assert slow.customer is not None and slow.customer.name not in page
    # Words alone, a number, a full case number; a link of somebody else or of yesterday.
    refused = client.post(f"{LIBRARY}search/", {"q": "13812345678", "query": ""})
    assert refused.status_code == 422 and "numbers alone are not searched" in refused.content.decode()
    straight = client.post(f"{LIBRARY}search/", {"q": slow.number, "query": ""})
    assert straight["Location"] == f"/complaints/{to_text(slow.pk)}/"
    link = SearchLink.objects.filter(user_id=me.pk).order_by("created_at").first()
    assert link is not None
    other = client_for(UserFactory(role="COORDINATOR")).get(f"{LIBRARY}?words={link.token}")
    assert "This search is no longer kept" in other.content.decode() and "shelf" not in other.context
    assert client.get(f"{LIBRARY}?after=damaged").status_code == 302


@pytest.mark.covers("CMP-15", "CMP-20")
def test_filters_and_own_scope(client_for: ClientFor) -> None:
    unit = UnitFactory(no=10, last_no=19)
    me = UserFactory(role="DEPT_HEAD", unit=unit, language="en")
    far = UserFactory(role="COORDINATOR", unit=UnitFactory(no=50, last_no=59))
    now = clock.now()
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    bill = closed(me, "账单多收", topic=topic, brand="GoTone", area="Wenzhou", satisfaction=5, cause=cause())
    line = closed(
        me, "断线", product_line="BROADBAND", channel="WEB", satisfaction=2, cause=cause("COVERAGE_GAP"),
        closed_at=now - timedelta(days=40), received_at=now - timedelta(days=41),
    )  # fmt: skip
    closed(far, "账单")
    read_lately()
    read_cases([line.pk])
    client = client_for(me)
    both = [bill.number, line.number]
    assert listed(client, LIBRARY) == both
    assert found(client, "账单") == [bill.number]
    asked = {
        "topic=BILLING": bill, "topic=BILLING.AMOUNT": bill, "cause=WRONG_BILL": bill, "cause=COVERAGE_GAP": line,
        "brand=GoTone": bill, "area=Wenzhou": bill, "satisfaction=5": bill, "satisfaction=2": line,
        "product_line=BROADBAND": line, "channel=WEB": line, f"last={clock.today(now) - timedelta(days=39)}": line,
        f"first={clock.today(now)}": bill, f"unit={unit.no}&grade=ORDINARY&brand=GoTone": bill,
    }  # fmt: skip
    for query, one in asked.items():
        assert listed(client, f"{LIBRARY}?{query}") == [one.number], query
    assert listed(client, f"{LIBRARY}?unit=50") == both  # no unit of one's own: the filter does not hold
    page = client.get(f"{LIBRARY}?brand=GoTone&satisfaction=5")
    assert [label for label, _url in page.context["chips"]] == ["Satisfaction: 5", "Brand: GoTone"]
    assert client_for(UserFactory(role="MARKETING")).get(LIBRARY).status_code == 403


def test_what_changes_is_read_again_and_what_is_erased_is_gone() -> None:
    me = UserFactory(role="COMPLAINT_HANDLER")
    case = case_in(State.INVESTIGATING, owner=me, handler=me, subject="信号弱", text="信号弱")
    assert read_lately() == 1
    change_case(case.pk, actor=me, version=case.version, changes={"subject": "网速慢"})
    assert not LibraryEntry.objects.filter(complaint=case).exists()
    assert read_lately() == 1
    assert "网速" in set(LibraryWord.objects.filter(complaint=case).values_list("word", flat=True))
    # Closed: read again, also by the nightly job when the tick was down for days.
    Complaint.objects.filter(pk=case.pk).update(
        state="CLOSED", closed_at=clock.now(), cause=cause(), responsible_unit=me.unit, solved="YES", lesson="先查光猫"
    )
    with clock.travel(clock.now() + timedelta(days=9)), connection.cursor() as cursor:
        assert read_lately() == 0
        assert fill_chunk(cursor, None, case.pk, case.pk + 1) == 1
        assert fill_chunk(cursor, None, case.pk, case.pk + 1) == 0
    assert LibraryWord.objects.filter(complaint=case, word="光猫").exists()
    stranger = closed(me, "王小明来投诉", customer=None, contact_name="王小明")
    read_cases([stranger.pk])
    assert LibraryWord.objects.filter(complaint=stranger).exists()
    assert forget_complainants([stranger.pk]) == 1
    assert not LibraryWord.objects.filter(complaint=stranger).exists()
    read_cases([stranger.pk])
    assert not LibraryWord.objects.filter(complaint=stranger).exists()


@pytest.mark.covers("CMP-15")
def test_similar_solved_cases_from_a_case(client_for: ClientFor) -> None:
    me = UserFactory(role="COMPLAINT_HANDLER", language="en")
    topic, other = Topic.objects.get(code="NETWORK.COVERAGE"), Topic.objects.get(code="BILLING.AMOUNT")
    most = closed(me, "地下车库信号弱，电话打不通", "加装室分", topic=topic)
    some = closed(me, "电梯信号弱", topic=topic)
    closed(me, "地下车库信号弱", topic=other)
    closed(me, "投诉账单", topic=topic)
    case = case_in(owner=me, handler=me, subject="地下车库信号弱", text="电话打不通", topic=topic)
    read_lately()
    client = client_for(me)
    page = client.get(f"/complaints/{to_text(case.pk)}/")
    link = f"{LIBRARY}?like={to_text(case.pk)}"
    assert link in page.content.decode()
    page = client.get(link)
    assert [row.case.pk for row in page.context["shelf"]] == [most.pk, some.pk]
    assert "加装室分" in page.content.decode()
    hidden = case_in(owner=UserFactory(role="COMPLAINT_HANDLER"), subject="x")
    assert client.get(f"{LIBRARY}?like={to_text(hidden.pk)}").status_code == 404
    assert client.get(f"{LIBRARY}?like=nonsense").status_code == 404


def test_the_cost_does_not_grow(client_for: ClientFor) -> None:
    me = UserFactory(role="DEPT_HEAD")
    first = [closed(me, f"信号弱 {n}", "基站退服", topic=Topic.objects.get(code="NETWORK.COVERAGE")) for n in range(3)]
    read_lately()
    client = client_for(me)
    url = client.post(f"{LIBRARY}search/", {"q": "信号", "query": "topic=NETWORK"})["Location"]

    def cost() -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert len(client.get(url).context["shelf"]) in (3, 25)
        return len(seen.captured_queries)

    few = cost()
    for n in range(60):
        closed(me, f"信号弱 {n}", "基站退服", topic=first[0].topic)
    read_lately()
    assert cost() == few <= 15
    page = client.get(url)
    seen = [row.case.pk for row in page.context["shelf"]]
    while cursor := page.context["page"].next_cursor:
        page = client.get(f"{url}&after={cursor}")
        seen += [row.case.pk for row in page.context["shelf"]]
    assert len(seen) == len(set(seen)) == 63
