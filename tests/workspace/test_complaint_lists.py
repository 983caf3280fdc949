"""The lists of complaints the operator keeps: causes, questions, answer wordings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from complaints.acts.forms import CloseForm
from complaints.intake.forms import facts_for
from complaints.intake.told_facts import facts_told
from complaints.lifecycle import State
from complaints.models import AnswerTemplate, Cause, RequiredFact
from complaints.services.answer_wordings import change_wording
from complaints.services.cause_tree import add_cause, change_cause, delete_cause, retire_cause
from complaints.services.questions import add_question
from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.kept_lists import stamp_of
from interactions.models import Topic
from interactions.services.topics import delete_topic
from staff.models import User
from tests.complaints.cases import case, office
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


@pytest.fixture
def admin() -> User:
    return UserFactory(role="POLICY_ADMIN", language="en")


def words(response: Any) -> str:
    return response.content.decode()


def verbs(kind: str) -> list[str]:
    return list(AuditEntry.objects.filter(verb__startswith=f"{kind}.").order_by("pk").values_list("verb", flat=True))


@pytest.mark.covers("CMP-15", "CMP-25")
def test_causes_are_added_changed_retired_and_deleted_only_when_nobody_used_them(
    admin: User, client_for: ClientFor
) -> None:
    client, top = client_for(admin), Cause.objects.filter(parent=None, network=True).order_by("order")[0]
    page = words(client.get("/admin/causes/"))
    assert str(top) in page and "Answer wordings" in page
    added = client.post(
        "/admin/causes/", {"parent": top.pk, "name_zh": "塔倒了", "name_en": "Mast fell <b>"}, follow=True
    )
    cause = Cause.objects.get(name_zh="塔倒了")
    assert (cause.code, cause.network, cause.parent) == (f"{top.code}.MAST_FELL_B", True, top)
    assert "The cause was added." in words(added) and "Mast fell &lt;b&gt;" in words(added)
    twice = client.post("/admin/causes/", {"parent": top.pk, "name_zh": "另", "name_en": "mast fell <B>"})
    assert twice.status_code == 422 and "Another cause beside it has this name." in words(twice)

    url = reverse("workspace:cause-detail", args=[cause.pk])
    names = {"act": "change", "name_zh": "塔倒塌", "name_en": "Mast fell", "stamp": stamp_of(cause)}
    assert client.post(url, names).status_code == 302
    stale = client.post(url, names | {"name_en": "Mast broke"})  # the page is older than what stands there
    assert stale.status_code == 422 and "Somebody changed this meanwhile" in words(stale)
    again = stale.context["form"]["stamp"].value()
    assert client.post(url, names | {"name_en": "Mast broke", "stamp": again}).status_code == 302
    assert Cause.objects.get(pk=cause.pk).name_en == "Mast broke"

    at = office()
    one = case(at, State.CLOSED, cause=cause)
    refused = client.post(url, {"act": "delete"})
    assert refused.status_code == 422
    assert "1 complaint has this cause and keeps it: retire it" in words(refused)
    assert client.post(url, {"act": "retire"}).status_code == 302
    assert cause not in CloseForm(case=one, user=at.handler).fields["cause"].queryset  # type: ignore[call-arg]
    one.refresh_from_db()
    assert one.cause == cause  # the old case keeps it
    top_page = reverse("workspace:cause-detail", args=[top.pk])
    assert client.post(top_page, {"act": "retire"}).status_code == 302
    assert not Cause.objects.offered().filter(parent=top).exists()
    assert client.post(top_page, {"act": "delete"}).status_code == 422
    assert client.post(top_page, {"act": "restore"}).status_code == 302
    assert client.post(url, {"act": "burn"}).status_code == 400
    slip = add_cause(actor=admin, name_zh="错", name_en="Slip")
    assert client.post(reverse("workspace:cause-detail", args=[slip.pk]), {"act": "delete"}).status_code == 302
    assert not Cause.objects.filter(pk=slip.pk).exists()
    assert verbs("cause") == [
        "cause.added", "cause.changed", "cause.changed", "cause.retired", "cause.retired", "cause.restored",
        "cause.added", "cause.deleted",
    ]  # fmt: skip


def test_the_last_cause_stays_and_nobody_without_the_right_changes_one(admin: User) -> None:
    for cause in Cause.objects.filter(parent=None).order_by("pk")[1:]:
        retire_cause(cause.pk, actor=admin)
    left = Cause.objects.filter(parent=None, active=True).get()
    with pytest.raises(RuleBroken) as no:
        retire_cause(left.pk, actor=admin)
    assert no.value.code == "causes.last"
    agent, before = UserFactory(role="AGENT"), list(Cause.objects.order_by("pk").values())
    for act in (
        lambda: add_cause(actor=agent, name_zh="甲", name_en="A"),
        lambda: change_cause(left.pk, actor=agent, name_zh="甲", name_en="A"),
        lambda: delete_cause(left.pk, actor=agent),
    ):
        with pytest.raises(NotAllowed):
            act()
    for name, code in (("", "lists.no_words"), ("x" * 61, "lists.too_long"), ("a\u200bb", "lists.bad_words")):
        with pytest.raises(RuleBroken) as no:
            add_cause(actor=admin, name_zh="甲", name_en=name)
        assert no.value.code == code
    assert list(Cause.objects.order_by("pk").values()) == before


@pytest.mark.covers("CMP-30", "CMP-01")
def test_questions_of_a_topic_are_asked_in_their_order_and_retired_ones_no_more(
    admin: User, client_for: ClientFor
) -> None:
    client, topic = client_for(admin), Topic.objects.get(code="NETWORK.SPEED")
    parent = [fact.code for fact in facts_for(topic.parent)]
    own = [fact.code for fact in facts_for(topic)][len(parent) :]
    url = reverse("workspace:topic-questions", args=[topic.pk])
    for zh, en in (("下午快吗", "Is it fast in the afternoon?"), ("几台设备", "How many devices?")):
        assert client.post(url, {"act": "add", "ask_zh": zh, "ask_en": en, "required": "on"}).status_code == 302
    afternoon, devices = RequiredFact.objects.filter(topic=topic).order_by("-pk")[:2][::-1]
    assert [fact.code for fact in facts_for(topic)] == [*parent, *own, afternoon.code, devices.code]
    again = client.post(url, {"act": "add", "ask_zh": "又", "ask_en": "how many devices?"})
    assert again.status_code == 422 and "This is asked already" in words(again)
    assert client.post(url, {"act": "up", "fact": devices.pk}).status_code == 302
    assert [fact.code for fact in facts_for(topic)][-2:] == [devices.code, afternoon.code]

    edit = reverse("workspace:question-detail", args=[devices.pk])
    devices.refresh_from_db()
    said = {"ask_zh": "几台设备", "ask_en": "How many machines?", "stamp": stamp_of(devices)}
    assert client.post(edit, said).status_code == 302
    assert client.post(edit, said | {"ask_en": "How many?"}).status_code == 422  # somebody changed it meanwhile
    devices.refresh_from_db()
    assert (devices.ask_en, devices.required) == ("How many machines?", False)
    one = case(office(), State.ASSESSED, topic=topic, facts_given={devices.code: "<i>3</i>"})
    assert client.post(url, {"act": "retire", "fact": devices.pk}).status_code == 302
    assert devices.code not in [fact.code for fact in facts_for(topic)]
    assert facts_told(one) == [(str(devices), "<i>3</i>")]  # what was answered keeps its question
    assert client.post(url, {"act": "retire", "fact": 999_999}).status_code == 404
    assert "How many machines?" in words(client.get(url)) and "How many machines?" not in words(
        client.get("/admin/questions/")
    )
    free = 12 - RequiredFact.objects.filter(topic=topic, active=True).count()
    for number in range(free):
        add_question(topic.pk, actor=admin, ask_zh=f"问{number}", ask_en=f"Ask {number}")
    with pytest.raises(RuleBroken, match="At most 12 questions"):
        add_question(topic.pk, actor=admin, ask_zh="再问", ask_en="Ask more")
    assert RequiredFact.objects.filter(topic=topic, active=True).count() == 12
    topic.active = False
    topic.save()
    with pytest.raises(RuleBroken, match="retired"):
        add_question(topic.pk, actor=admin, ask_zh="再", ask_en="More")


@pytest.mark.covers("CMP-25")
def test_wordings_name_only_what_can_be_filled_in_and_read_as_they_will(admin: User, client_for: ClientFor) -> None:
    at = office()
    boss = client_for(at.boss)  # a coordinator, who sees cases
    given = {
        "topic": "BILLING",
        "name_zh": "退费",
        "name_en": "Refund",
        "text_zh": "您好，{number}：",
        "text_en": "On {number}:",
    }
    wrong = boss.post("/admin/wordings/new/", given | {"text_en": "By {date} on {number}"})
    assert wrong.status_code == 422 and "“{date}” cannot be filled in. There are: {number}, {due}." in words(wrong)
    assert boss.post("/admin/wordings/new/", given | {"text_zh": "a } b"}).status_code == 422
    assert boss.post("/admin/wordings/new/", given | {"text_zh": " "}).status_code == 422
    assert not AnswerTemplate.objects.filter(name_en="Refund").exists()
    assert (
        boss.post("/admin/wordings/new/", given | {"text_en": "<script>{number}</script>\nby {due}"}).status_code == 302
    )
    row = AnswerTemplate.objects.get(name_en="Refund")
    url = reverse("workspace:wording-detail", args=[row.pk])
    one = case(at, State.ASSIGNED)
    page = words(boss.get(url, {"case": one.number}))
    assert f"&lt;script&gt;{one.number}&lt;/script&gt;" in page and f"您好，{one.number}：" in page
    at.boss.language = "zh-hans"
    at.boss.save()  # the day is said in the language of the wording, whoever looks
    assert re.search(r"by (Today|Tomorrow|[A-Z][a-z]{2}, [A-Z][a-z]{2} \d)", words(client_for(at.boss).get(url)))
    # Who does not see the case reads an example.
    other = words(client_for(admin).get(url, {"case": one.number}))
    assert f"您好，{one.number}：" not in other and "There is no such complaint" in other
    assert one.number in words(client_for(at.handler).get(f"/complaints/{one.ref}/"))
    change = {name: getattr(row, name) for name in ("name_zh", "name_en", "text_zh", "text_en")}
    stamp = stamp_of(row)
    change_wording(row.pk, actor=admin, **change | {"text_en": "Other"}, topic=row.topic, stamp=stamp)
    with pytest.raises(RuleBroken) as no:
        change_wording(row.pk, actor=admin, **change, topic=row.topic, stamp=stamp)
    assert no.value.code == "lists.stale"
    assert boss.post(url, {"act": "retire"}).status_code == 302
    assert "Other" not in words(client_for(at.handler).get(f"/complaints/{one.ref}/"))
    assert boss.post(url, {"act": "restore"}).status_code == 302
    assert verbs("wording") == ["wording.added", "wording.changed", "wording.retired", "wording.restored"]


def test_a_topic_deleted_in_use_is_refused_with_what_has_it(admin: User, client_for: ClientFor) -> None:
    at, topic = office(), Topic.objects.get(code="BILLING.AMOUNT")
    case(at, State.ASSESSED, topic=topic)
    case(at, State.CLOSED, topic=topic)
    url = reverse("workspace:topic-detail", args=[topic.pk])
    refused = client_for(admin).post(url, {"act": "delete"})
    assert refused.status_code == 422
    assert "It is in use and stays for what has it (Complaint 2). Retire it" in words(refused)
    with pytest.raises(RuleBroken, match="Other topics lie below"):
        delete_topic(topic.parent_id, actor=admin)
    unused = Topic.objects.create(code="SLIP", name_zh="错", name_en="Slip")
    assert (
        client_for(admin).post(reverse("workspace:topic-detail", args=[unused.pk]), {"act": "delete"}).status_code
        == 302
    )
    assert Topic.objects.filter(pk=topic.pk).exists() and not Topic.objects.filter(code="SLIP").exists()
