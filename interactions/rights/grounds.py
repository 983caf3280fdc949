"""What an answer rests on, as steps that are stored and read in the reader's language; never a personal value."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from customers.decisions import decision_kinds
from customers.erasure.erasing import Report
from customers.erasure.keeping import Fate
from customers.labels import label
from foundation.common.explain import Explanation
from foundation.ui.wording import join_words


def of_erasure(fate: Fate, report: Report) -> Explanation:
    """What went, what stays, by which law and until when; or what forbids it."""
    why = Explanation()
    for held in fate.holds:
        until = held.until.isoformat() if held.until else ""
        effect = _("Deletion must wait until %(until)s: %(value)s") if until else _("Deletion must wait: %(value)s")
        why.add("hold", str(held.hold.label), "erasure", effect, held.hold.source, until=until)
    if fate.holds:
        why.add("use", "", "erasure", _("Until then the data are stored only: no advertising, no care, no survey."))
        return why
    why.add("rows", sum(report.rows.values()), "erasure", _("%(value)s records were deleted or emptied."))
    for stay in fate.stays:
        until = stay.until.isoformat() if stay.until else ""
        effect = _("Kept until %(until)s by law: %(value)s")
        why.add("stay", str(stay.what), "erasure", effect, stay.source, until=until)
    return why


def of_correction(fields: list[str]) -> Explanation:
    """Which fields were changed since the request; their values stand in the archive alone."""
    why = Explanation()
    why.add("fields", join_words(label(field) for field in fields), "correction", _("Changed: %(value)s"))
    return why


def of_decisions(customer_id: int) -> Explanation:
    """The explanations of all automatic decisions as they are stored now; said plainly where there is none."""
    why = Explanation()
    for kind in decision_kinds():
        found = kind.read(customer_id)
        if not found:
            why.add("decision", str(kind.label), "explain", _("%(value)s: nothing was decided automatically."))
        for decided in found:
            day = decided.at.date().isoformat()
            why.add("decision", str(kind.label), "explain", _("%(value)s, decided on %(day)s:"), day=day)
            why.steps += decided.why.steps
    if not why.steps:
        why.add("decision", "", "explain", _("No decision was made automatically about this customer."))
    return why
