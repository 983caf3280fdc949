"""The topic tree on its page: added, renamed, retired, brought back; what was logged keeps its topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.forms import LogForm
from interactions.models import Interaction, Topic
from interactions.queries import topic_choices
from interactions.services import quick_log
from interactions.services.topics import add_topic, rename_topic, retire_topic
from staff.models import User
from tests.factories import CustomerFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
LIST = "/admin/topics/"


@pytest.fixture
def admin() -> User:
    return UserFactory(role="POLICY_ADMIN", language="en")


def page_of(topic: Topic) -> str:
    return reverse("workspace:topic-detail", args=[topic.pk])


def words(response: Any) -> str:
    return response.content.decode()


def offered() -> set[str]:
    """Codes that may be chosen for a new contact."""
    codes = set()
    for value, rest in topic_choices():
        codes |= {value} if isinstance(rest, str) else {code for code, _name in rest}
    return codes - {""}


def told() -> QuerySet[AuditEntry]:
    """What the audit says about topics."""
    return AuditEntry.objects.filter(verb__startswith="topic.")


def unchanged(before: list[Any]) -> bool:
    return before == list(Topic.objects.order_by("pk").values()) and not told().exists()


def test_a_topic_is_added_below_another_and_offered_in_both_languages(admin: User, client_for: ClientFor) -> None:
    billing = Topic.objects.get(code="BILLING")
    answer = client_for(admin).post(
        LIST, {"parent": billing.pk, "name_zh": " 发票 ", "name_en": "Invoice  paper"}, follow=True
    )
    assert answer.redirect_chain == [(LIST, 302)]
    assert "The topic was added." in words(answer) and "Invoice paper" in words(answer)
    topic = Topic.objects.get(parent=billing, name_zh="发票")
    assert (topic.code, topic.name_en, topic.order, topic.active) == ("BILLING.INVOICE_PAPER", "Invoice paper", 5, True)
    assert "BILLING.INVOICE_PAPER" in offered()
    entry = told().get()
    assert (entry.verb, entry.actor_id, entry.target_id) == ("topic.added", admin.pk, str(topic.pk))
    assert entry.detail == {"code": topic.code, "name_zh": "发票", "name_en": "Invoice paper"}


def test_a_topic_of_the_first_level_needs_no_parent(admin: User, client_for: ClientFor) -> None:
    assert client_for(admin).post(LIST, {"name_zh": "碳排放", "name_en": "!?"}).status_code == 302
    topic = Topic.objects.get(name_zh="碳排放")
    assert (topic.parent, topic.code) == (None, "TOPIC")
    assert add_topic(actor=admin, name_zh="别的", name_en="??").code == "TOPIC_2"


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ({"name_zh": "", "name_en": "Invoice"}, "This field is required."),
        ({"name_zh": "发票", "name_en": "   "}, "This field is required."),
        ({"name_zh": "票" * 61, "name_en": "Invoice"}, "at most 60 characters"),
        ({"name_zh": "发\u200b票", "name_en": "Invoice"}, "invisible characters"),
        ({"name_zh": "费用", "name_en": "Fees"}, "Another topic beside it has this name."),
        ({"name_zh": "别的", "name_en": "bILLING"}, "Another topic beside it has this name."),
        ({"name_zh": "发票", "name_en": "Invoice", "parent": "0"}, "Select a valid choice."),
        ({"name_zh": "发票", "name_en": "Invoice", "parent": "BILLING.AMOUNT"}, "Select a valid choice."),
    ],
)
def test_bad_input_adds_nothing_and_loses_nothing(
    admin: User, client_for: ClientFor, typed: dict[str, str], refusal: str
) -> None:
    before = list(Topic.objects.order_by("pk").values())
    if typed.get("parent", "").isupper():
        typed = typed | {"parent": str(Topic.objects.get(code=typed["parent"]).pk)}
    answer = client_for(admin).post(LIST, typed)
    assert answer.status_code == 422
    assert refusal in words(answer)
    assert f'value="{typed["name_en"].strip()}"' in words(answer) or not typed["name_en"].strip()
    assert unchanged(before)


def test_a_third_level_and_a_retired_parent_are_refused(admin: User) -> None:
    leaf = Topic.objects.get(code="BILLING.AMOUNT")
    retire_topic(Topic.objects.get(code="NETWORK").pk, actor=admin)
    for parent in (leaf, Topic.objects.get(code="NETWORK")):
        with pytest.raises(RuleBroken) as no:
            add_topic(actor=admin, name_zh="新", name_en="New", parent_id=parent.pk)
        assert no.value.code == "topics.no_parent"
    assert not Topic.objects.filter(name_en="New").exists()


def test_a_renamed_topic_shows_its_new_name_everywhere(admin: User, client_for: ClientFor) -> None:
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    answer = client_for(admin).post(
        page_of(topic), {"act": "rename", "name_zh": "账单金额", "name_en": "Bill amount"}, follow=True
    )
    assert "The topic was renamed." in words(answer) and "Bill amount" in words(answer)
    topic.refresh_from_db()
    assert (topic.code, topic.name_zh, str(topic)) == ("BILLING.AMOUNT", "账单金额", "Bill amount")
    entry = told().get()
    assert entry.verb == "topic.renamed"
    assert entry.detail["name_en"] == ["Amount", "Bill amount"]
    rename_topic(topic.pk, actor=admin, name_zh="账单金额", name_en="Bill amount")
    assert told().count() == 1


def test_a_name_beside_it_is_refused_and_what_was_typed_stays(admin: User, client_for: ClientFor) -> None:
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    before = list(Topic.objects.order_by("pk").values())
    answer = client_for(admin).post(page_of(topic), {"act": "rename", "name_zh": "退费", "name_en": "Money back"})
    assert answer.status_code == 422
    assert "Another topic beside it has this name." in words(answer) and 'value="Money back"' in words(answer)
    assert unchanged(before)


def test_a_retired_topic_stays_on_old_contacts_and_is_not_offered(admin: User, client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT", language="en")
    customer = CustomerFactory(unit=agent.unit)
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    logged = quick_log(actor=agent, customer=customer, summary="too much", topic=topic)
    client = client_for(admin)
    answer = client.post(page_of(topic), {"act": "retire"}, follow=True)
    assert "The topic is no longer offered. Old contacts keep it." in words(answer)
    assert "BILLING.AMOUNT" not in offered() and "BILLING.REFUND" in offered()
    logged.refresh_from_db()
    assert logged.topic == topic
    page = words(client_for(agent).get(reverse("interactions:contact-detail", args=[logged.pk])))
    assert "Amount" in page
    form = LogForm({"summary": "again", "topic": topic.code}, user=agent)
    assert not form.is_valid() and list(form.errors) == ["topic"]
    topic.refresh_from_db()
    with pytest.raises(RuleBroken) as no:
        quick_log(actor=agent, customer=customer, summary="again", topic=topic)
    assert no.value.code == "contact.topic_retired"
    assert Interaction.objects.get() == logged
    assert AuditEntry.objects.filter(verb="topic.retired", actor_id=admin.pk).count() == 1
    client.post(page_of(topic), {"act": "restore"})
    assert "BILLING.AMOUNT" in offered()
    assert AuditEntry.objects.filter(verb="topic.restored").count() == 1


def test_what_lies_below_a_retired_topic_is_not_offered_either(admin: User, client_for: ClientFor) -> None:
    agent = UserFactory(role="AGENT")
    client_for(admin).post(page_of(Topic.objects.get(code="BILLING")), {"act": "retire"})
    assert not [code for code in offered() if code.startswith("BILLING")]
    with pytest.raises(RuleBroken):
        quick_log(
            actor=agent,
            customer=CustomerFactory(unit=agent.unit),
            summary="x",
            topic=Topic.objects.get(code="BILLING.REFUND"),
        )
    assert words(client_for(admin).get(LIST)).count("retired above") == 5


def test_a_retired_name_is_free_until_its_topic_comes_back(admin: User, client_for: ClientFor) -> None:
    topic = Topic.objects.get(code="BILLING.REFUND")
    retire_topic(topic.pk, actor=admin)
    again = add_topic(actor=admin, name_zh="退费", name_en="Refund", parent_id=topic.parent_id)
    assert again.code == "BILLING.REFUND_2"
    answer = client_for(admin).post(page_of(topic), {"act": "restore"})
    assert answer.status_code == 422 and "Another topic beside it has this name." in words(answer)
    topic.refresh_from_db()
    assert not topic.active


def test_the_last_topic_in_use_is_not_retired(admin: User, client_for: ClientFor) -> None:
    last = Topic.objects.get(code="BILLING")
    Topic.objects.filter(parent__isnull=True).exclude(pk=last.pk).update(active=False)
    answer = client_for(admin).post(page_of(last), {"act": "retire"})
    assert answer.status_code == 422 and "This is the last topic in use" in words(answer)
    last.refresh_from_db()
    assert last.active and not told().exists()


@pytest.mark.django_db(transaction=True)
def test_of_the_last_two_retired_at_once_one_stays(admin: User) -> None:
    states = dict(Topic.objects.values_list("pk", "active"))
    one, other = Topic.objects.filter(code__in=["BILLING", "NETWORK"]).values_list("pk", flat=True)
    Topic.objects.filter(parent__isnull=True).exclude(pk__in=[one, other]).update(active=False)
    try:
        outcomes = race(lambda: retire_topic(one, actor=admin), lambda: retire_topic(other, actor=admin))
        assert [no.code for no in outcomes if isinstance(no, RuleBroken)] == ["topics.last"]
        assert Topic.objects.filter(pk__in=[one, other], active=True).count() == 1
    finally:  # rows of a migration are not cleaned up
        Topic.objects.filter(pk__in=[pk for pk, active in states.items() if active]).update(active=True)


def test_the_database_refuses_nameless_and_doubled_topics() -> None:
    for fields in (
        {"name_zh": "", "name_en": "X"},
        {"name_zh": "X", "name_en": ""},
        {"name_zh": "费用", "name_en": "X"},
        {"name_zh": "X", "name_en": "BILLING"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Topic.objects.create(code="X", **fields)


@pytest.mark.parametrize("role", ["SYS_ADMIN", "AGENT", "QA"])
def test_only_the_policy_administrator_changes_topics(role: str, client_for: ClientFor) -> None:
    person = UserFactory(role=role, language="en")
    client, topic = client_for(person), Topic.objects.get(code="BILLING")
    before = list(Topic.objects.order_by("pk").values())
    names = {"name_zh": "发票", "name_en": "Invoice"}
    sees = role == "SYS_ADMIN"
    for page in (client.get(LIST), client.get(page_of(topic))):
        assert page.status_code == (200 if sees else 403)
        assert not sees or "<form class" not in words(page).split("<main")[1].split("</main")[0]
    assert client.post(LIST, names).status_code == 403
    assert client.post(page_of(topic), {"act": "retire"}).status_code == 403
    with pytest.raises(NotAllowed):
        add_topic(actor=person, **names)
    assert unchanged(before)


def test_an_unknown_act_and_an_unknown_topic(admin: User, client_for: ClientFor) -> None:
    client = client_for(admin)
    assert client.post(page_of(Topic.objects.get(code="BILLING")), {"act": "burn"}).status_code == 400
    assert client.get("/admin/topics/0/").status_code == 404


def test_a_large_tree_costs_as_many_queries_as_a_small_one(admin: User, client_for: ClientFor) -> None:
    client, counts = client_for(admin), []
    client.get(LIST)
    billing = Topic.objects.get(code="BILLING")
    for more in (0, 60):
        Topic.objects.bulk_create(
            Topic(code=f"BILLING.X{n}", parent=billing, name_zh=f"题{n}", name_en=f"Topic {n}") for n in range(more)
        )
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 10
