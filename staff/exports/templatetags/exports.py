"""The button that takes a list out as a file, with the filters it is shown under."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.ui.parts.marks import btn
from staff.exports.registry import exportable_called, may_export

register = template.Library()


@register.simple_tag(takes_context=True)
def export_button(context: Context, name: str) -> SafeString:
    """Nothing for those who may not. A script keeps the address up to date when filters change without a new page."""
    request = context["request"]
    exportable = exportable_called(name)
    if not may_export(request.user, exportable):
        return SafeString("")
    query = exportable.query(request.GET)
    page = reverse("exports:export-new", args=[name])
    href = f"{page}?{query.urlencode()}" if query else page
    return SafeString(btn(_("Export"), icon="file-down", href=href, data_keeps_query=True))
