"""The lines of a manager's list of customers, written by Python: a page shows fifty of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from customers.birthday_words import say_coming
from customers.birthdays import birthday_of, next_birthday
from customers.completeness import completeness_of
from customers.labels import TIERS
from customers.models import Customer
from foundation.common import clock
from foundation.ui.addresses import place, row_address
from foundation.ui.parts.formats import date_tag, when
from foundation.ui.parts.marks import icon, sla, tag
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from outreach.lifecycle import FollowUpKind
from staff.masking import masked_name
from workspace.books import Duty

register = template.Library()
SOON_DAYS = 60
BIRTHDAY_DAYS = 7


@register.simple_tag
def book_rows(rows: list[Any], duties: Mapping[int, Duty], *, may_take: bool, may_owe: bool) -> SafeString:
    """The rows of the table. Loaded with them: facts, completeness, open needs."""
    heads = {word: said(_(word)) for word in ("Last contact", "Next duty", "Completeness", "Contract ends", "Needs")}
    return SafeString("".join(_row(row, duties.get(row.pk), heads, may_take=may_take, may_owe=may_owe) for row in rows))


def _row(row: Any, duty: Duty | None, heads: dict[str, str], *, may_take: bool, may_owe: bool) -> str:
    page = row_address("customers:customer-detail", row.pk)
    return (
        '<tr role="row" data-row><td role="cell" class="main-c">'
        f'<a class="main-a" data-main href="{page}">{masked_name(row.name, row.customer_type)}</a> {_tags(row)}'
        f'<div class="sub"><span>{said(row.number)}</span></div></td>'
        f'<td role="cell" class="acts-c">{_acts(row, may_take=may_take, may_owe=may_owe)}</td>'
        f'<td role="cell" data-label="{heads["Last contact"]}">{_last_contact(row)}</td>'
        f'<td role="cell" data-label="{heads["Next duty"]}">{_duty(duty)}</td>'
        f'<td role="cell" class="num" data-label="{heads["Completeness"]}">{_completeness(row)}</td>'
        f'<td role="cell" class="nowrap" data-label="{heads["Contract ends"]}">{_contract(row)}</td>'
        f'<td role="cell" class="num" data-label="{heads["Needs"]}">{row.needs_open or "–"}</td></tr>'
    )


def _tags(row: Customer) -> str:
    tier = row.facts.tier
    marks = tag(TIERS.get(tier, tier), "violet") if tier else ""
    birthday = birthday_of(row) if row.status not in (Customer.Status.DECEASED, Customer.Status.ANONYMISED) else None
    day = next_birthday(birthday) if birthday and "BIRTHDAY_PLACEHOLDER" not in row.quality_marks else None
    if day is not None and (day - clock.today()).days <= BIRTHDAY_DAYS:
        marks += f" {tag(say_coming(day), 'info', 'cake')}"
    return marks


def _acts(row: Customer, *, may_take: bool, may_owe: bool) -> str:
    """Call, follow-up, log: what a manager does on the phone, before anything else."""
    name, call = masked_name(row.name, row.customer_type), said(pgettext("act", "Call"))
    acts = []
    if may_take:
        acts.append(
            f'<button class="btn -s" form="call" name="customer" value="{row.ref}">{icon("phone")}'
            f'<span>{call}</span><span class="sr"> {name}</span></button>'
        )
    if may_owe:
        href = f"{place('outreach:followup-new')}?customer={row.ref}"
        acts.append(_link(href, "alarm-clock", _("Follow-up"), name))
    if may_take:
        acts.append(_link(row_address("interactions:contact-quick-log", row.pk), "pencil", _("Log"), name))
    return "".join(acts)


def _link(href: str, sign: str, words: str, name: str) -> str:
    return (
        f'<a class="btn -s" href="{said(href)}">{icon(sign)}<span>{said(words)}</span>'
        f'<span class="sr"> {name}</span></a>'
    )


def _last_contact(row: Customer) -> str:
    at = row.facts.last_contact_at
    return str(when(at)) if at is not None else str(tag(_("never"), "warn"))


def _duty(duty: Duty | None) -> str:
    if duty is None:
        return "–"
    href = row_address("outreach:followup-detail", duty.pk)
    return f'<a href="{href}">{said(say_choice(FollowUpKind, duty.kind))}</a> {sla(duty.due_at)}'


def _completeness(row: Any) -> str:
    found = completeness_of(row, row.facts.tier)
    tip = said(_("Target %(target)s %%") % {"target": found.target})
    ink = ' class="t-warn bold"' if found.is_low else ""
    low = f'<span class="sr"> {said(_("below target"))}</span>' if found.is_low else ""
    return f'<span{ink} title="{tip}">{found.percent} %{low}</span>'


def _contract(row: Customer) -> str:
    end = row.facts.contract_end
    if end is None:
        return "–"
    left = (end - clock.today()).days
    if not 0 <= left <= SOON_DAYS:
        return str(date_tag(end))
    words = ngettext("%(n)s day left", "%(n)s days left", left) % {"n": left}
    return f"{date_tag(end)} {tag(words, 'warn')}"
