"""The lists of complaints the operator keeps, as tabs of one place in the menu."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.ui.parts.lists import Tab


def list_tabs(current: str) -> list[Tab]:
    """Causes, questions, wordings; `current`: the name of the page one is on."""
    pages = {
        "cause-list": _("Causes"),
        "question-list": _("Questions"),
        "wording-list": _("Answer wordings"),
    }
    return [Tab(words, reverse(f"workspace:{name}"), current=name == current) for name, words in pages.items()]
