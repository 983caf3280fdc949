"""What the workers are asked to do. Time limits are long: a killed worker is noticed by the lease of its run."""

from __future__ import annotations

from celery import shared_task

from foundation.jobs import chunks, running, services

LONGEST_SECONDS = 6 * 3600


# Acknowledged early: the row, not the message, remembers that there is work.
@shared_task(acks_late=False, time_limit=LONGEST_SECONDS, soft_time_limit=LONGEST_SECONDS - 60)
def run_job(run_id: int) -> bool:
    return running.claim_and_run(run_id)


@shared_task(acks_late=False, time_limit=LONGEST_SECONDS, soft_time_limit=LONGEST_SECONDS - 60)
def work_chunks(run_id: int) -> int:
    return chunks.help_run(run_id)


@shared_task
def tick() -> int:
    return services.tick()
