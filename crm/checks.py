"""System checks of the installation: what would fail late, or in silence, is refused at the start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from crm.beat import SCHEDULE, TICKS
from foundation.jobs.kinds import job_kinds

QUEUES = {"urgent", "default", "bulk"}
NAMES_A_HOST = re.compile(r"^https://[^/]+$")


def broker_times(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A task that outlives the broker's visibility time-out runs twice."""
    visible = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    if visible > settings.CELERY_TASK_TIME_LIMIT:
        return []
    return [
        Error(
            f"CARELINE_VISIBILITY_TIMEOUT ({visible} s) must exceed the tasks' time limit"
            f" ({settings.CELERY_TASK_TIME_LIMIT} s), or tasks run twice.",
            id="careline.E001",
        )
    ]


def pooled_needs_direct(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Behind a pooler in transaction mode the leader's session lock holds nothing."""
    if settings.DATABASES["default"]["CONN_MAX_AGE"] != 0 or "direct" in settings.DATABASES:
        return []
    return [
        Error(
            "CARELINE_CONN_MAX_AGE=0 says there is a pooler: set DIRECT_DATABASE_URL for migrations and beat.",
            id="careline.E002",
        )
    ]


def timetable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every tick names a task and every entry of the schedule a job that exists."""
    current_app.loader.import_default_modules()
    found: list[CheckMessage] = [
        Error(f"crm/beat.py ticks {tick.task}, but no such task is there.", id="careline.E003")
        for tick in TICKS
        if tick.task not in current_app.tasks or tick.queue not in QUEUES
    ]
    found += [
        Error(f"crm/beat.py schedules {planned.job}, but no app registers it.", id="careline.E004")
        for planned in SCHEDULE
        if planned.job not in job_kinds()
    ]
    return found


def production(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """What a public installation needs beyond Django's own list."""
    if not settings.PRODUCTION:
        return [Error("CARELINE_MODE is not production.", id="careline.E005")]
    found: list[CheckMessage] = []
    if not settings.SECOND_FACTOR_ENFORCED:
        found.append(Error("The second factor of approving roles is not enforced.", id="careline.E006"))
    if not NAMES_A_HOST.match(settings.CARELINE_PUBLIC_URL):
        found.append(Error("CARELINE_PUBLIC_URL must be https://<host>, without a path.", id="careline.E007"))
    if len({settings.CARELINE_INDEX_KEY, settings.CARELINE_AUDIT_KEY, *settings.CARELINE_ID_KEYS.values()}) < 2 + len(
        settings.CARELINE_ID_KEYS
    ):
        found.append(Error("Two of the keys are equal; each needs a value of its own.", id="careline.E008"))
    if not settings.CARELINE_METRICS_TOKEN:
        found.append(
            Warning(
                "CARELINE_METRICS_TOKEN is not set: /metrics answers only programs on this very machine.",
                id="careline.W001",
            )
        )
    return found


def register_checks() -> None:
    """Hand the checks to Django; those of the second group run with `check --deploy`."""
    for check in (broker_times, pooled_needs_direct):
        register(check)
    for check in (timetable, production):
        register(check, deploy=True)
