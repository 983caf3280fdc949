"""Form widgets written by Python: the markup of Django's own widget templates without a template per option.

A select of 60 people costs 120 nested templates otherwise, which was most of a list page.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.safestring import SafeString

PLACE = "django/forms/widgets/"
OPTION = f"{PLACE}select_option.html"
INPUTS = (
    *("checkbox", "color", "date", "datetime", "email", "file", "hidden", "number"),
    *("password", "search", "tel", "text", "time", "url"),
)


def said(value: Any) -> str:
    """A value as text for HTML: escaped unless it is safe already."""
    if not isinstance(value, str):
        if hasattr(value, "__html__") and not isinstance(value, Promise):
            return str(value.__html__())
        value = str(value)
    return value if isinstance(value, SafeString) else escape(value)


def _attrs(given: dict[str, Any]) -> str:
    return "".join(
        f" {said(name)}" if value is True else f' {said(name)}="{said(value)}"'
        for name, value in given.items()
        if value is not False
    )


def _input(widget: dict[str, Any]) -> str:
    value = "" if widget["value"] is None else f' value="{said(widget["value"])}"'
    return f'<input type="{said(widget["type"])}" name="{said(widget["name"])}"{value}{_attrs(widget["attrs"])}>'


def _textarea(widget: dict[str, Any]) -> str:
    value = said(widget["value"]) if widget["value"] else ""
    return f'<textarea name="{said(widget["name"])}"{_attrs(widget["attrs"])}>\n{value}</textarea>'


def _select(widget: dict[str, Any]) -> str:
    parts = [f'<select name="{said(widget["name"])}"{_attrs(widget["attrs"])}>']
    for group, options, _index in widget["optgroups"]:
        if group:
            parts.append(f'\n  <optgroup label="{said(group)}">')
        parts += [
            f'\n  <option value="{said(option["value"])}"{_attrs(option["attrs"])}>{said(localize(option["label"]))}'
            "</option>"
            for option in options
        ]
        if group:
            parts.append("\n  </optgroup>")
    parts.append("\n</select>")
    return "".join(parts)


_WRITERS: dict[str, Callable[[dict[str, Any]], str]] = {
    **{f"{PLACE}{name}.html": _input for name in INPUTS},
    f"{PLACE}textarea.html": _textarea,
    f"{PLACE}select.html": _select,
}


class WidgetRenderer(DjangoTemplates):
    """Django's renderer; the plain widgets are written here, everything else by its template."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> SafeString:
        write = _WRITERS.get(template_name)
        if write is not None and _plain(context["widget"]):
            return SafeString(write(context["widget"]))
        return SafeString(super().render(template_name, context, request))


def _plain(widget: dict[str, Any]) -> bool:
    return all(
        option["template_name"] == OPTION for _group, options, _at in widget.get("optgroups", ()) for option in options
    )
