"""Two staff change one customer: every form of the archive shows the difference field by field and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from customers import copies, services
from customers.models import Address, Customer, FieldChange, Need, ProfileField
from customers.services import StaleCopy
from foundation.common import clock
from interactions.services import start_contact
from staff.models import User
from tests.customers.people import Operator, customer
from tests.customers.test_pages import edit_form, url

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
FACT = {"key": "INTERESTS", "source": "desk", "purpose": "Advice", "consent_evidence": "F12"}


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000", home_city="杭州", birth_date=date(1990, 3, 7))


def told(answer: Any) -> list[tuple[str, str, str, str, bool]]:
    return [(one.label, one.was, one.theirs, one.mine, one.keeps_mine) for one in answer.context["conflict"]]


def carried(answer: Any) -> dict[str, Any]:
    form = answer.context["form"]
    return {"version": form["version"].value(), "copy": form["copy"].value()}


def test_an_archive_shows_was_theirs_and_mine_and_saves_what_is_chosen(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client, edit = client_for(op.clerk), url(row, "customer-edit")
    mine = edit_form(row, home_city="宁波", short_name="小王", **carried(client.get(edit)))
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "温州", "area_type": "RURAL"})
    stale = client.post(edit, mine)
    assert stale.status_code == 422
    assert told(stale) == [
        ("Short name", "", "", "小王", True),
        ("City", "杭州", "温州", "宁波", True),
        ("Area", "", "Rural", "", False),  # only the colleague changed it
    ]
    page = stale.content.decode()
    assert 'value="宁波"' in page and 'value="小王"' in page
    row.refresh_from_db()
    assert (row.home_city, row.version) == ("温州", 2)
    again = {**mine, **carried(stale), "choose_home_city": "theirs", "choose_area_type": "theirs"}
    assert client.post(edit, again).status_code == 302
    row.refresh_from_db()
    assert (row.home_city, row.area_type, row.short_name) == ("温州", "RURAL", "小王")
    assert FieldChange.objects.filter(actor_id=op.clerk.pk).values_list("field", flat=True).get() == "short_name"


def test_a_third_change_during_the_choice_is_shown_again(op: Operator, row: Customer, client_for: ClientFor) -> None:
    client, edit = client_for(op.clerk), url(row, "customer-edit")
    mine = edit_form(row, home_city="宁波", **carried(client.get(edit)))
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "温州"})
    stale = client.post(edit, mine)
    services.change_customer(row.pk, actor=op.gm, version=2, changes={"home_city": "绍兴"})
    again = client.post(edit, {**mine, **carried(stale), "choose_home_city": "mine"})
    assert told(again) == [("City", "温州", "绍兴", "宁波", True)]
    assert client.post(edit, {**mine, **carried(again)}).status_code == 302
    row.refresh_from_db()
    assert row.home_city == "宁波"


def test_what_is_masked_stays_masked_in_the_comparison(op: Operator, row: Customer, client_for: ClientFor) -> None:
    client, edit = client_for(op.clerk), url(row, "customer-edit")
    card = "33010619900307017X"
    opened = client.get(edit)
    mine = edit_form(row, name="王大伟", birth_date="1991-01-01", id_number=card, **carried(opened))
    services.change_customer(
        row.pk,
        actor=op.head,
        version=1,
        changes={"name": "欧阳小明", "birth_date": date(1992, 2, 2)},
        id_number="110101199003071233",
    )
    stale = client.post(edit, mine)
    assert told(stale) == [
        ("Name", "王*娟", "欧**明", "王大伟", True),
        ("Birth date", stale.context["conflict"][1].was, stale.context["conflict"][1].theirs, "1991-01-01", True),
        ("Document", "", "Resident ID card", "", False),
        ("Document number", "", "**************1233", card, True),
    ]
    page = opened.content.decode() + stale.content.decode()
    for hidden in ("王小娟", "欧阳小明", "1990-03-07", "1992-02-02", "110101199003071233"):
        assert hidden not in page
    theirs = {"choose_id_number": "theirs", "choose_id_type": "theirs"}
    assert client.post(edit, {**mine, **carried(stale), **theirs}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.id_last4, row.birth_date) == ("王大伟", "1233", date(1991, 1, 1))


def profile_form(client: Client, row: Customer, name: str) -> str:
    """The copy a form of the profile page carries."""
    token: str = client.get(url(row, "customer-profile")).context["forms"][name]["copy"].value()
    return token


def test_an_address_written_over_a_colleagues_is_shown_part_by_part(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    first = {"province": "浙江省", "city": "杭州市", "street": "文三路478号"}
    services.set_address(row.pk, actor=op.clerk, kind="HOME", parts=first)
    client, to = client_for(op.clerk), url(row, "address-set")
    mine = {"kind": "HOME", **first, "street": "天目山路1号", "copy": profile_form(client, row, "address")}
    services.set_address(row.pk, actor=op.head, kind="HOME", parts={**first, "street": "延安路9号", "district": "上城"})
    stale = client.post(to, mine)
    assert stale.status_code == 422
    assert told(stale) == [
        ("District", "", "上城", "", False),
        ("Street and number", "文三路478号", "延安路9号", "天目山路1号", True),
    ]
    assert Address.objects.get(customer=row, valid_to=None).street == "延安路9号"
    form = stale.context["forms"]["address"]
    assert form["street"].value() == "天目山路1号"
    assert client.post(to, {**mine, "copy": form["copy"].value(), "choose_district": "theirs"}).status_code == 302
    there = Address.objects.get(customer=row, valid_to=None)
    assert (there.district, there.street) == ("上城", "天目山路1号")
    # Another kind of address was not touched by anybody.
    other = {"kind": "BILLING", "city": "杭州市", "copy": mine["copy"]}
    assert client.post(to, other).status_code == 302


def test_a_form_over_a_masked_address_keeps_what_is_left_empty(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    home = {"province": "浙江省", "city": "杭州市", "district": "西湖区", "street": "文三路478号", "postcode": "310012"}
    services.set_address(row.pk, actor=op.clerk, kind="HOME", parts=home)
    client, to = client_for(op.clerk), url(row, "address-set")

    def there() -> dict[str, str]:
        return Address.objects.filter(customer=row, valid_to=None).values(*home).get()

    masked = client.get(url(row, "customer-profile"))
    form = masked.context["forms"]["address"]
    assert "文三路" not in masked.content.decode() and "street" not in form.initial
    assert "stays as it is on file" in masked.content.decode()
    typed = {"kind": "HOME", "street": "天目山路1号", "copy": form.initial["copy"]}
    assert client.post(to, typed).status_code == 302
    assert there() == {**home, "street": "天目山路1号"}
    # Saved on an old copy: the parts left alone are compared, and stay masked.
    services.set_address(row.pk, actor=op.head, kind="HOME", parts={**home, "district": "上城区"})
    stale = client.post(to, {**typed, "street": "延安路9号"})
    assert stale.status_code == 422 and "478" not in stale.content.decode()
    # Inside a contact it is shown, filled in, and emptied it ends; the button ends it too, on the copy that was seen.
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    clear = client.get(url(row, "customer-profile"))
    assert clear.context["forms"]["address"].initial["street"] == "文三路478号"
    other = client.get(f"{url(row, 'customer-profile')}?add=address&kind=OFFICE").context["forms"]["address"]
    assert other.initial["kind"] == "OFFICE" and "street" not in other.initial
    ending = clear.context["addresses"][0]
    services.set_address(row.pk, actor=op.head, kind="HOME", parts={**home, "city": "宁波市"})
    end = client.post(url(row, "address-end", ending["row"].pk), {"copy": ending["copy"]})
    assert (end.status_code, there()["city"]) == (404, "宁波市")
    ending = client.get(url(row, "customer-profile")).context["addresses"][0]
    assert client.post(url(row, "address-end", ending["row"].pk), {"copy": ending["copy"]}).status_code == 302
    assert not Address.objects.filter(customer=row, valid_to=None).exists()


def test_a_fact_written_over_a_colleagues_is_shown_and_an_income_stays_hidden(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client, to = client_for(op.clerk), url(row, "fact-record")
    fact = {**FACT, "value": "摄影\n旅行", "copy": profile_form(client, row, "fact")}
    services.record_profile_field(row.pk, actor=op.head, **{**FACT, "value": "音乐"})
    stale = client.post(to, fact)
    assert told(stale) == [("Value", "", "音乐", "摄影\n旅行", True)]
    assert stale.context["forms"]["fact"]["value"].value() == "摄影\n旅行"
    assert ProfileField.objects.get().value == "音乐"
    again = {**fact, "copy": stale.context["forms"]["fact"]["copy"].value()}
    assert client.post(to, again).status_code == 302
    assert ProfileField.objects.get().value == "摄影 旅行"
    income = {**again, "key": "INCOME_BAND", "choice": "INCOME_BAND:TO_6000", "copy": profile_form(client, row, "fact")}
    services.record_profile_field(row.pk, actor=op.head, **{**FACT, "key": "INCOME_BAND", "value": "TO_20000"})
    hidden = client.post(to, income)
    assert told(hidden) == [("Value", "", "****", "3,000 to 6,000 a month", True)]
    assert "10,000 to 20,000" not in hidden.content.decode().replace("10,000 to 20,000 a month</option>", "")


def test_a_need_and_a_contact_point_say_how_they_stand_now(op: Operator, row: Customer, client_for: ClientFor) -> None:
    need = services.add_need(row.pk, actor=op.clerk, text="千兆宽带")
    point = row.contact_points.get()
    client, page = client_for(op.clerk), url(row, "customer-profile")
    shown = client.get(page).context
    need_copy, point_copy = shown["needs"][0]["copy"], shown["points"][0]["copy"]
    services.change_need(need.pk, actor=op.head, state="DECLINED", reason="Not sold here")
    services.mark_unusable(point.pk, actor=op.head, reason="bounced twice")
    moved = client.post(url(row, "need-change", need.pk), {"state": "MET", "copy": need_copy})
    assert (moved.status_code, Need.objects.get().state) == (422, "DECLINED")
    assert "On file now: Declined" in moved.content.decode()
    assert (
        client.post(
            url(row, "need-change", need.pk), {"state": "NEW", "copy": moved.context["needs"][0]["copy"]}
        ).headers["Location"]
        == page
    )
    assert Need.objects.get().state == "NEW"
    act = {"act": "verified", "copy": point_copy}
    refused = client.post(url(row, "contact-act", point.pk), act)
    assert "On file now: Do not use: bounced twice" in refused.content.decode()
    point.refresh_from_db()
    assert (point.do_not_use, point.verified_at) == ("bounced twice", None)


def test_an_identity_a_colleague_has_settled_keeps_what_was_typed(
    op: Operator, row: Customer, client_for: ClientFor
) -> None:
    client, typed = client_for(op.clerk), {"how": "READER", "id_type": "ID_CARD", "id_number": "33010619900307017X"}
    typed |= {"acting_role": "AGENT", "acting_name": "李雷", "acting_document": "ID_CARD", "acting_number": "1"}
    services.verify_identity(row.pk, actor=op.head, how="IN_PERSON", id_type="ID_CARD", id_number="33010619900307017X")
    late = client.post(url(row, "identity-verify"), typed)
    form = late.context["forms"]["verify"]
    assert (late.status_code, form["acting_name"].value(), form["how"].value()) == (422, "李雷", "READER")
    page = late.content.decode()
    assert 'value="李雷"' in page and op.head.name in page and row.identity_checks.count() == 1
    services.recheck_identity(row.pk, actor=op.head, reason="Photo differs")
    doubt = client.post(url(row, "identity-recheck"), {"reason": "Another name"})
    assert doubt.status_code == 422 and 'value="Another name"' in doubt.content.decode()
    assert row.identity_checks.count() == 2


def test_a_service_called_on_no_copy_writes_as_before(op: Operator, row: Customer) -> None:
    services.set_address(row.pk, actor=op.clerk, kind="HOME", parts={"city": "杭州市"})
    services.set_address(row.pk, actor=None, kind="HOME", parts={"city": "宁波市"})
    with pytest.raises(StaleCopy) as stale:
        services.set_address(row.pk, actor=op.clerk, kind="HOME", parts={"city": "温州市"}, was={"city": "杭州市"})
    assert stale.value.current["city"] == "宁波市"
    assert Address.objects.get(customer=row, valid_to=None).city == "宁波市"


def test_a_copy_opens_for_its_row_alone() -> None:
    until = clock.today() + timedelta(days=1)
    token = copies.sealed(7, {"city": "杭州", "until": copies.plain(until)})
    assert copies.opened(7, token) == {"city": "杭州", "until": until.isoformat()}
    for row, other in ((8, token), (7, ""), (7, "x"), (7, token[:-2]), (7, token[:20] + "A" + token[21:])):
        assert copies.opened(row, other) == {}
