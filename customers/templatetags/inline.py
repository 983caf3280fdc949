"""Values of the archive that open for changing where they stand (ui-guide §5 Inline edit), written by Python."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from customers.inline import INLINE, Inline
from customers.views.showing import View
from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import or_dash
from foundation.ui.parts.marks import icon
from foundation.ui.widgetry import said

register = template.Library()


@dataclass(frozen=True)
class Words:
    """What every row says, looked up once."""

    change: str
    history: str
    saved: str


def words() -> Words:
    """In the active language."""
    return Words(said(_("Change")), said(_("History of this field")), said(_("Saved")))


@register.simple_tag
def inline_rows(view: View) -> SafeString:
    """All fields of the archive the page shows for changing, each with the way to its history."""
    kind, said_once = view.customer.customer_type, words()
    return SafeString("".join(inline_row(view, field, said_once) for field in INLINE.values() if field.shown_for(kind)))


def inline_row(view: View, field: Inline, once: Words, *, saved: bool = False, focus: bool = False) -> str:
    """One value as it stands: a link that opens it, for those who may change it. `saved`: it was changed just now."""
    pk = view.customer.pk
    text = said(or_dash(field.words(view)))
    if field.open_to(view):
        edit = row_address("customers:customer-edit", pk)
        mark = f'<span class="t-ok">{icon("check", "s")}<span class="sr">{once.saved}</span></span>' if saved else ""
        text = (
            f'{mark}<a class="inl" href="{edit}#id_{field.form_name}" hx-get="{inline_address(pk, field.name)}"'
            f' hx-target="#inline-{field.name}" hx-swap="outerHTML"{" data-focus" if focus else ""}>'
            f'{icon("pencil", "s")}<span>{text}<span class="sr"> · {once.change}: {said(field.label)}</span></span></a>'
        )
    history = f"{row_address('customers:customer-history', pk)}?field={field.name}"
    return (
        f'<div class="kv" id="inline-{field.name}"><dt><a class="quiet" href="{history}" title="{once.history}">'
        f"{said(field.label)}</a></dt><dd>{text}</dd></div>"
    )


def inline_address(pk: int, field: str) -> str:
    """Where a field is changed in its place."""
    return f"{row_address('customers:customer-detail', pk)}inline/{field}/"


@register.simple_tag
def inline_link(view: View, name: str, focus: bool = False) -> SafeString:
    """The link alone, for a value that has a row of its own (the birthday)."""
    field: Inline = INLINE[name]
    if not field.open_to(view):
        return SafeString("")
    pk, what = view.customer.pk, said(_("Change: %(field)s") % {"field": field.label})
    return SafeString(
        f'<a class="inl" href="{row_address("customers:customer-edit", pk)}#id_{field.form_name}"'
        f' hx-get="{inline_address(pk, name)}" hx-target="#inline-{name}" hx-swap="outerHTML"'
        f' title="{what}"{" data-focus" if focus else ""}><span class="sr">{what}</span>{icon("pencil", "s")}</a>'
    )
