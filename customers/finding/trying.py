"""One search tried from written words: the same search, timed, nothing written."""

from __future__ import annotations

import time
from typing import Any

from customers.finding.search import search
from customers.models import Customer
from foundation.common.errors import RuleBroken
from foundation.common.trying import BadCase
from staff.models import User


def try_search(case: Any) -> dict[str, Any]:
    """What `{"q": text, "as": username}` finds (formats: docs/try.md), with the milliseconds the search itself took.

    A text the search refuses is answered with the code and words of the refusal. Raises BadCase for what is no case
    and for an account nobody has.
    """
    if not isinstance(case, dict) or not isinstance(case.get("q"), str) or not isinstance(case.get("as"), str):
        raise BadCase('a case is an object with the texts "q" and "as"')
    user = User.objects.filter(username=case["as"].replace("\x00", ""), is_active=True).first()
    if user is None:
        raise BadCase(f"nobody who works here has the account {case['as']!r}")
    user.has_perm("customers.find")  # the roles are read once a request, so they are not part of the search
    start = time.perf_counter()
    try:
        hits = search(user, case["q"])
    except RuleBroken as no:
        return {"refused": no.code, "message": str(no.message)}
    spent = (time.perf_counter() - start) * 1_000
    numbers = dict(Customer.objects.filter(pk__in=[hit.customer_id for hit in hits]).values_list("pk", "number"))
    return {
        "ids": [str(hit.customer_id) for hit in hits],  # text: they exceed what JSON numbers hold exactly
        "numbers": [numbers.get(hit.customer_id) for hit in hits],
        "kinds": [str(hit.kind) for hit in hits],
        "outside": [hit.outside for hit in hits],
        "ms": round(spent, 2),
    }
