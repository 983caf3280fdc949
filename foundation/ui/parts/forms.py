"""Fields with label, help and error; the summary of errors; filters; uploads; the picker of persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms, template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.ui.parts.marks import attributes, icon, optional_icon

register = template.Library()
ECHOED = frozenset({"date", "datetime-local", "time", "month"})


@dataclass(frozen=True)
class DraftState:
    """How the draft of a text area stands: where it is kept, under which token, its stamp, what is said of it; the
    text of another window of the same person; whether what stands in the area is not in the draft yet."""

    url: str
    token: str = ""
    stamp: str = ""
    note: str = ""
    other: str = ""
    unsaved: bool = False

    def attributes(self) -> dict[str, Any]:
        """The attributes by which the script finds it."""
        return {
            "data-draft-url": self.url,
            "data-draft": self.token,
            "data-draft-stamp": self.stamp,
            "data-draft-unsaved": "1" if self.unsaved else "",
        }


def _shape(widget: forms.Widget) -> str:
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "choices"
    if isinstance(widget, forms.CheckboxInput):
        return "check"
    if isinstance(widget, forms.FileInput):
        return "upload"
    return "plain"


@register.simple_tag
def field(
    bound: forms.BoundField,
    label: Any = "",
    help: Any = "",
    line: bool = False,
    draft: DraftState | None = None,
    **more: Any,
) -> SafeString:
    """A form field: label (optional ones are marked), widget, help, error, wired for readers.

    Other arguments become attributes of the widget (`hx_get=`, `autocomplete=`). `line`: choices beside one another.
    `draft`: the text is kept while it is typed (`{% draft_field %}` of staff fills it in). Date and time inputs get a
    place where the chosen value is repeated in our format.
    """
    base = bound.id_for_label or bound.auto_id or bound.html_name
    help_text = help or bound.help_text
    described = [
        *([f"{base}_help"] if help_text else []),
        *([f"{base}_err"] if bound.errors else []),
    ]
    shape = _shape(bound.field.widget)
    attrs: dict[str, Any] = {name.strip("_").replace("_", "-"): value for name, value in more.items()}
    if draft is not None:
        attrs |= draft.attributes()
    if shape != "choices":
        attrs["aria-describedby"] = " ".join(described) or None
        attrs["aria-invalid"] = "true" if bound.errors else None
    attrs = {name: value for name, value in attrs.items() if value not in (None, False, "")}
    kind = getattr(bound.field.widget, "input_type", "")
    return SafeString(
        render_to_string(
            "ui/field.html",
            {
                "bound": bound,
                "base": base,
                "shape": shape,
                "label": label or bound.label,
                "help": help_text,
                "line": line,
                "described": " ".join(described),
                "widget": bound.as_widget(attrs=attrs) if shape != "choices" else "",
                "echo": kind in ECHOED,
                "draft": draft,
            },
        )
    )


@register.simple_tag
def error_summary(form: forms.BaseForm, focus: bool = True) -> str:
    """All errors of a form on top of it, each a link to its field; takes the focus. Nothing without errors."""
    if not form.errors:
        return ""
    rows = [(form[name], errors) for name, errors in form.errors.items() if name in form.fields]
    return render_to_string(
        "ui/error_summary.html",
        {
            "general": form.non_field_errors(),
            "rows": [(bound.id_for_label or bound.auto_id, bound.label, errors) for bound, errors in rows],
            "focus": focus,
            "id": f"{form.prefix}-errors" if form.prefix else "errors",
        },
    )


@register.simple_tag
def filter_field(bound: forms.BoundField, label: Any = "", icon: str = "", **more: Any) -> SafeString:
    """A field of a filter bar: the label stands inside the control; a text field with `icon` is a search box."""
    text = label or bound.label
    searching = bool(icon)
    attrs = {name.strip("_").replace("_", "-"): value for name, value in more.items()}
    if searching:
        attrs |= {"placeholder": text, "type": "search"}
    face = (
        format_html('{}<span class="sr">{}</span>', optional_icon(icon), text)
        if searching
        else format_html("<span>{}</span>", text)
    )
    return format_html(
        '<label class="fl{}" for="{}">{}{}</label>',
        " -q" if searching else "",
        bound.id_for_label,
        face,
        bound.as_widget(attrs=attrs),
    )


@register.simple_tag
def chips(items: list[tuple[Any, str]], clear_url: str) -> SafeString:
    """The filters that hold, each with the address without it, and one to clear all. Nothing when none holds."""
    if not items:
        return SafeString("")
    parts = [
        format_html(
            '<a class="chip" href="{}"><span>{}</span>{}<span class="sr">{}</span></a>',
            href,
            text,
            icon("x"),
            _("remove"),
        )
        for text, href in items
    ]
    parts.append(format_html('<a class="chip" href="{}">{}</a>', clear_url, _("Clear all")))
    return format_html('<div class="chips">{}</div>', SafeString("".join(parts)))


@register.simple_block_tag
def bulk_bar(content: str, total: int | None = None, total_from: str = "") -> SafeString:
    """The bar over a list that appears with a selection; put `.btn -s` with `name`/`value` or `formaction` inside.

    Belongs in a `<form data-bulk>` around the table; boxes carry `data-pick name="pick"`, the one in the
    head `data-pick-all`. `total`: when given, "select all" of the whole view is offered as a second step
    and posts `every=1`. `total_from` instead: the address that gives that step (`every_step`) when it is needed,
    for lists that would be counted for it alone.
    """
    every: str = every_step(total) if total else ""
    if total_from:
        asked = '<span hx-get="{}" hx-trigger="picked-all once" hx-swap="outerHTML" data-pick-total></span>'
        every = format_html(asked, total_from)
    return format_html(
        '<div class="bulk" data-bulk-bar hidden><b data-bulk-n aria-live="polite"></b>{}{}'
        '<button class="btn -quiet -s" type="button" data-pick-none>{}</button></div>',
        SafeString(content),
        every,
        _("Clear selection"),
    )


def every_step(total: int) -> SafeString:
    """The second step of a selection: all rows of the view."""
    return format_html(
        '<button class="link" type="button" data-pick-every hidden>{}</button>'
        '<input type="hidden" name="every" value="" data-total="{}">',
        _("Select all %(total)s in this view") % {"total": total},
        total,
    )


@register.simple_tag
def person_picker(
    name: str, url: str, label: Any, value: str = "", required: bool = False, error: Any = ""
) -> SafeString:
    """A text field that proposes persons: htmx fetches `<option>`s from `url` (`?q=` what was typed).

    The posted value is the text of the chosen option; the server resolves it.
    """
    base = f"id_{name}"
    return format_html(
        '<div class="field"><label for="{0}">{1}{2}</label>'
        '<input type="text" id="{0}" name="{3}" value="{4}" list="{0}_list" autocomplete="off"{5} hx-get="{6}" '
        'hx-trigger="input changed delay:200ms" hx-vals=\'{{"picker": "1"}}\' hx-sync="this:replace" '
        'hx-target="#{0}_list" hx-swap="innerHTML"><datalist id="{0}_list"></datalist>{7}</div>',
        base,
        label,
        "" if required else format_html(' <span class="opt">{}</span>', _("optional")),
        name,
        value,
        attributes(
            {
                "required": required,
                "aria_invalid": "true" if error else None,
                "aria_describedby": f"{base}_err" if error else None,
            }
        ),
        url,
        format_html('<p class="err" id="{}_err">{}{}</p>', base, icon("circle-alert"), error) if error else "",
    )
