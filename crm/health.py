"""Whether this installation lives and can serve: /healthz for supervisors, /readyz for load balancers and people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from crm.celery import app
from crm.phases import pending
from foundation.common.doors import public
from foundation.common.partitions import months_ahead, partitioned_models
from foundation.jobs.queries import beat_silence

LEAST_MONTHS_AHEAD = 2
LONGEST_SILENCE = 60.0  # seconds; ticks go out every 10
BROKER_PATIENCE = 3  # seconds
_migrated = False


@dataclass(frozen=True)
class Answer:
    """One check: whether all is well, in a few words without secrets, and whether pages need it."""

    name: str
    ok: bool
    words: str
    vital: bool


@public("a supervisor asks it before anybody can sign in")
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; looks at nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@public("a load balancer cannot sign in; it says only what is up")
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 "not ready" when pages cannot be served; 200 "degraded" when only the clock or the months need care."""
    answers = list(readiness())
    if all(answer.ok for answer in answers):
        status = "ready"
    else:
        status = "not ready" if any(answer.vital and not answer.ok for answer in answers) else "degraded"
    body = {
        "status": status,
        "checks": {answer.name: {"ok": answer.ok, "detail": answer.words} for answer in answers},
    }
    return JsonResponse(body, status=503 if status == "not ready" else 200)


def readiness() -> list[Answer]:
    """Every check in turn; one that cannot be asked is answered "not ok", with the class of the error."""
    checks: list[tuple[str, Callable[[], tuple[bool, str]], bool]] = [
        ("database", _database, True),
        ("migrations", _migrations, True),
        ("cache", _cache, True),
        ("broker", _broker, True),
        ("partitions", _partitions, False),
        ("beat", _beat, False),
    ]
    answers = []
    for name, check, vital in checks:
        try:
            ok, words = check()
        except Exception as error:  # noqa: BLE001 (whatever it is, the answer is no)
            ok, words = False, type(error).__name__
            if isinstance(error, DatabaseError):
                connection.close()
        answers.append(Answer(name, ok, words, vital))
    return answers


def _database() -> tuple[bool, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True, "answers"


def _migrations() -> tuple[bool, str]:
    # Once applied they stay applied for the code of this process; asking costs a tenth of a second.
    global _migrated
    if not _migrated:
        # Those of the contract phase wait until no old process runs: this code works before and after them.
        left, _contract = pending(connection.alias)
        if left:
            return False, f"{len(left)} not applied"
        _migrated = True
    return True, "applied"


def _cache() -> tuple[bool, str]:
    cache.get("readyz")
    return True, "answers"


def _broker() -> tuple[bool, str]:
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_PATIENCE)
    return True, "answers"


def least_months_ahead() -> int:
    """Whole months for which every partitioned table already has its place."""
    return min(months_ahead(model._meta.db_table) for model in partitioned_models())


def _partitions() -> tuple[bool, str]:
    months = least_months_ahead()
    return months >= LEAST_MONTHS_AHEAD, f"{months} months ahead"


def _beat() -> tuple[bool, str]:
    silence = beat_silence()
    if silence is None:
        return False, "never ticked"
    return silence <= LONGEST_SILENCE, f"last tick {silence:.0f} s ago"
