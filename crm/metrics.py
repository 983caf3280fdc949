"""/metrics in the Prometheus text format: the web's own figures, and the state of the whole installation."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from crm.celery import app
from crm.checks import QUEUES
from crm.health import least_months_ahead
from crm.integrity import default_partition_rows
from foundation.audit.services import oldest_unsealed_seconds
from foundation.common import clock
from foundation.common.doors import public
from foundation.jobs.queries import beat_silence, job_figures, last_done
from outreach.lifecycle import MESSAGE_OPEN
from outreach.models import FollowUp, OutMessage
from outreach.receipts import refused_files

log = structlog.get_logger(__name__)
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded")
COUNTED = 100_000  # work is counted up to here: the page must stay cheap when everything is late


@public("a monitor has no account: only from this machine, or with the token")
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures. 403 for callers from elsewhere without `Authorization: Bearer <CARELINE_METRICS_TOKEN>`."""
    if not (_from_here(request) or _has_token(request)):
        raise PermissionDenied("metrics")
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):  # set by crm/gunicorn.py: figures of all web processes
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    own = CollectorRegistry(auto_describe=False)
    own.register(Installation())
    return HttpResponse(generate_latest(registry) + generate_latest(own), content_type=CONTENT_TYPE_LATEST)


def _from_here(request: HttpRequest) -> bool:
    # A proxy on this machine also calls from the loopback; it adds one of these headers.
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR") or "0.0.0.0").is_loopback  # noqa: S104 (an address that is nobody)
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    wanted = settings.CARELINE_METRICS_TOKEN
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


class Installation:
    """Collector of the figures that belong to no process. A part that cannot be asked is left out and logged."""

    def collect(self) -> Iterable[Metric]:
        failed = GaugeMetricFamily("careline_metrics_part_failed", "Parts that could not be asked", labels=["part"])
        for part in (_queues, _work, _receipts, _jobs, _clock, _logs):
            try:
                yield from list(part())
            except Exception as error:  # noqa: BLE001 (the other parts still count)
                log.warning("metrics_part_failed", part=part.__name__, error=type(error).__name__)
                if isinstance(error, DatabaseError):
                    connection.close()
                failed.add_metric([part.__name__.strip("_")], 1)
        yield failed


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"careline_{name}", words, value=value)


def _queues() -> Iterator[Metric]:
    lengths = GaugeMetricFamily("careline_queue_length", "Messages waiting in a queue of the broker", labels=["queue"])
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        for queue in sorted(QUEUES):
            try:
                with broker.channel() as channel:
                    length = channel.queue_declare(queue=queue, passive=True).message_count
            except broker.channel_errors:
                length = 0  # an empty queue does not exist on a Redis broker
            lengths.add_metric([queue], length)
    yield lengths


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by().values("pk")[:COUNTED].count()


def _work() -> Iterator[Metric]:
    now = clock.now()
    messages = OutMessage.objects.recent(now).filter(state__in=MESSAGE_OPEN, not_before__lte=now)
    due = GaugeMetricFamily("careline_work_due", "Open work whose moment for the clock has come", labels=["kind"])
    due.add_metric(["follow_up_notice"], _count(FollowUp.objects.notice_due(now)))
    due.add_metric(["message"], _count(messages))
    yield due
    overdue = FollowUp.objects.overdue(now)
    yield _gauge("follow_ups_overdue", "Open follow-ups past their due moment", _count(overdue))
    oldest = overdue.order_by("due_at", "pk").values_list("due_at", flat=True).first()
    late = (now - oldest).total_seconds() if oldest else 0.0
    yield _gauge("follow_up_oldest_overdue_seconds", "How long the longest overdue follow-up is late", late)


def _receipts() -> Iterator[Metric]:
    words = "Files with receipts of a gateway that could not be taken"
    yield _gauge("receipt_files_refused", words, len(refused_files()))


def _jobs() -> Iterator[Metric]:
    figures = job_figures()
    states = GaugeMetricFamily("careline_job_runs", "Unfinished runs of jobs", labels=["state"])
    for state in ("waiting", "running", "lost"):
        states.add_metric([state], getattr(figures, state))
    yield states
    yield _gauge("job_oldest_waiting_seconds", "Age of the longest waiting run", figures.oldest_waiting)
    yield _gauge("job_oldest_running_seconds", "Age of the longest running run", figures.oldest_running)
    ages = GaugeMetricFamily("careline_job_last_done_seconds", "Since a job of the clock ended well", labels=["job"])
    for job, age in sorted(last_done().items()):
        ages.add_metric([job], age)
    yield ages


def _clock() -> Iterator[Metric]:
    silence = beat_silence()
    if silence is not None:
        yield _gauge("beat_silence_seconds", "Since the leading beat last sent its ticks", silence)


def _logs() -> Iterator[Metric]:
    yield _gauge("audit_oldest_unsealed_seconds", "Age of the oldest entry without seal", oldest_unsealed_seconds())
    yield _gauge("partition_months_ahead", "Whole months every log table has a place for", least_months_ahead())
    rest = GaugeMetricFamily("careline_default_partition_rows", "Rows no month took (up to 1000)", labels=["partition"])
    for name, rows in sorted(default_partition_rows().items()):
        rest.add_metric([name], rows)
    yield rest
