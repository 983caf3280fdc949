"""What runs by itself about billing: polling, the nightly comparison, accounts that find their customers, credit."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.credit.running import credit_piece, run_credit
from billing.mirror.comparing import compare_all, read_unheard
from billing.mirror.polling import poll
from billing.models import Reconciliation
from billing.peer import Refused, Unreachable, is_connected
from billing.services.matching import match_waiting
from foundation.common import clock
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import BadInput, RunningJob

POLL, COMPARE, MATCH = "billing.poll", "billing.compare", "billing.match_accounts"
RIGHT = "billing.engineer"


def run_poll(job: RunningJob) -> None:
    """Read what changed at billing; resources it does not answer about begin where they got to the next time."""
    counts = poll(lambda done: job.progress(done))
    if is_connected() and not counts["failed"]:
        counts["unheard"] = read_unheard()
    job.progress(counts.pop("read"), None, **counts)


def run_compare(job: RunningJob) -> None:
    """Compare our mirror with billing. A run that begins again compares everything again: what is repaired agrees."""
    if not is_connected():
        if job.actor_id is None:
            return  # every night of an installation without billing
        raise BadInput("billing.not_connected", _("No billing system is connected."))
    row, _made = Reconciliation.objects.get_or_create(run_id=job.run_id)
    Reconciliation.objects.filter(pk=row.pk).update(state=Reconciliation.State.RUNNING, finished_at=None)
    try:
        counts = compare_all(row, lambda done: job.progress(done))
    except (Unreachable, Refused) as problem:
        _end(row, Reconciliation.State.FAILED)
        words = _(
            "Billing does not answer (%(why)s). What was compared is repaired, the rest waits for the next night."
        )
        raise BadInput("billing.no_answer", words % {"why": problem}) from problem
    _end(row, Reconciliation.State.DONE)
    done = sum(many for name, many in counts.items() if name.startswith("compared_"))
    shown = {name: counts[name] for name in ("repaired", "on_its_way", "refused")}
    job.progress(done, done, differs=sum(counts[n] for n in counts if n.startswith("differs_")), **shown)


def _end(row: Reconciliation, state: str) -> None:
    Reconciliation.objects.filter(pk=row.pk).update(state=state, finished_at=clock.now())


def run_match(job: RunningJob) -> None:
    """Give accounts their customers where these have come since."""
    matched = match_waiting()
    job.progress(matched, matched, matched=matched)


def register() -> None:
    """Make the kinds known."""
    register_job(
        JobKind(
            POLL,
            gettext_lazy("Read what changed at billing"),
            run_poll,
            RIGHT,
            queue="default",
            counts={
                "changed": gettext_lazy("changed"),
                "refused": gettext_lazy("refused"),
                "failed": gettext_lazy("resources without an answer"),
                "unheard": gettext_lazy("accounts read"),
            },
            files_of=NO_CUSTOMERS,
        )
    )
    register_job(
        JobKind(
            COMPARE,
            gettext_lazy("Compare with billing"),
            run_compare,
            RIGHT,
            counts={
                "differs": gettext_lazy("differences"),
                "repaired": gettext_lazy("repaired"),
                "on_its_way": gettext_lazy("on their way"),
                "refused": gettext_lazy("refused"),
            },
            files_of=NO_CUSTOMERS,
        )
    )
    register_job(
        JobKind(
            MATCH,
            gettext_lazy("Find the customers of billing accounts"),
            run_match,
            RIGHT,
            counts={"matched": gettext_lazy("accounts matched")},
            files_of=NO_CUSTOMERS,
        )
    )
    register_job(
        JobKind(
            name="billing.judge_credit",
            title=gettext_lazy("Credit of all customers"),
            run=run_credit,
            right="jobs.control",
            chunk=credit_piece,
            counts={"rows": gettext_lazy("Scores")},
        )
    )
