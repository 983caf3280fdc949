"""What was answered to the questions of a topic when a complaint was taken, in words (D§10.2)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import Complaint, RequiredFact

# What files of the past tell beside the questions there are.
_NAMES: dict[str, Any] = {
    "city": gettext_lazy("City"),
    "zip_code": gettext_lazy("Postcode"),
    "order_no": gettext_lazy("Order number"),
    "for_somebody_else": gettext_lazy("For somebody else"),
}


def facts_told(case: Complaint) -> list[tuple[str, str]]:
    """Question and answer, as the topic of the case orders them; at most one query, none without answers."""
    told = {code: said for code, said in case.facts_given.items() if isinstance(said, str) and said}
    if not told:
        return []
    asked: dict[str, str] = {}
    # Questions of another topic the case had before keep their wording.
    facts = RequiredFact.objects.filter(code__in=list(told)).order_by("order", "pk")
    for fact in sorted(facts, key=lambda fact: fact.topic_id != case.topic_id):
        asked.setdefault(fact.code, str(fact))
    for code in told:
        asked.setdefault(code, str(_NAMES.get(code, code)))
    return [(words, _in_words(told[code])) for code, words in asked.items()]


def _in_words(said: str) -> str:
    return {"yes": _("yes"), "no": _("no")}.get(said, said)
