"""Every count a job reports has a name people read."""

from __future__ import annotations

import ast

from django.utils import translation

from crm.integrity import FAULTS
from customers.imports.archive import COUNT_WORDS
from foundation.jobs.kinds import job_kinds
from foundation.jobs.queries import counts_of
from tests.sources import calls

# Names that are not written where they are reported: `**counts` of an import, of the nightly check.
GATHERED = {
    "customers/imports/working.py": COUNT_WORDS,
    "customers/jobs.py": job_kinds()["customers.erase_due"].counts,
    "billing/jobs.py": {**job_kinds()["billing.poll"].counts, **job_kinds()["billing.compare"].counts},
    "crm/housekeeping.py": FAULTS,
    "outreach/jobs.py": job_kinds()["outreach.tidy"].counts,
}


def test_every_count_reported_has_words() -> None:
    named = {name for kind in job_kinds().values() if not kind.name.startswith("trial.") for name in kind.counts}
    reported = {
        keyword.arg: place
        for place, call in calls("progress")
        for keyword in call.keywords
        if keyword.arg not in {None, "done", "total"}
    }
    assert {name: place for name, place in reported.items() if name not in named | {"rows"}} == {}
    gathered = {
        place.partition(":")[0]
        for place, call in calls("progress")
        if any(keyword.arg is None for keyword in call.keywords)
    }
    assert gathered == set(GATHERED)
    assert all(name in named for words in GATHERED.values() for name in words)


def test_every_fault_of_the_nightly_check_has_words() -> None:
    codes = {
        call.args[0].value
        for place, call in calls("Fault", "_without")
        if place.startswith("crm/integrity.py") and isinstance(call.args[0], ast.Constant)
    }
    assert codes == {"facts_of_another_manager", "no_such_customer", "row_in_default_partition"} <= set(FAULTS)


def test_counts_are_read_in_words() -> None:
    with translation.override("zh-hans"):
        assert counts_of("imports.run", {"unchanged": 2, "rows": 3}) == [
            (str(COUNT_WORDS["rows"]), 3),
            (str(COUNT_WORDS["unchanged"]), 2),
        ]
        assert str(COUNT_WORDS["unchanged"]) != "Customers as they were"
    assert counts_of("outreach.tidy", {"keys": 1}) == [("Once-only keys forgotten", 1)]
    assert counts_of("gone.long_ago", {"rows": 1, "eggs": 2}) == [("Rows", 1), ("eggs", 2)]
