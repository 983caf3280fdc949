"""`manage doctor`: looks at settings, servers, schema, clocks and disk, and says what to do about what is wrong."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import celery
import django
from django.conf import settings
from django.core.cache import cache
from django.core.checks import ERROR, run_checks
from django.db import connections

from crm.celery import app
from crm.health import LEAST_MONTHS_AHEAD, LONGEST_SILENCE, least_months_ahead
from crm.integrity import default_partition_rows
from crm.phases import Node, pending
from foundation.audit.services import oldest_unsealed_seconds
from foundation.calendars.queries import missing_next_year
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.queries import beat_silence, job_figures
from foundation.policies.reading import policy
from outreach.channels.smpp.address import is_smpp, read_line
from outreach.models import SmsLine
from outreach.receipts import refused_files
from outreach.sms.lines import SILENT, line_called

Verdict = Literal["ok", "warn", "fail"]
EXTENSIONS = ("btree_gin", "btree_gist", "pg_trgm", "unaccent")
OLDEST_SERVER = 140000
CLOCKS_WARN, CLOCKS_FAIL = 2.0, 30.0  # seconds; ids and leases live by the clock
DISK_WARN, DISK_FAIL = 5 << 30, 1 << 30  # bytes
UNSEALED_WARN = 600.0  # seconds; sealed each minute unless a writing transaction hangs
TWO_CHINESE_LETTERS = "chr(29579) || chr(20255)"


@dataclass(frozen=True)
class Line:
    """One finding: what was looked at, the verdict, what was seen, what to do (empty when all is well)."""

    name: str
    verdict: Verdict
    seen: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def examine() -> Iterator[Line]:
    """Every line in turn; what cannot be looked at is a failure of its own and does not end the examination."""
    looks: tuple[tuple[str, Callable[[], Iterator[Line]]], ...] = (
        ("versions", _versions),
        ("settings", _settings),
        ("disk", _disk),
        ("database", _database),
        ("schema", _schema),
        ("broker", _broker),
        ("clock", _clock),
        ("work", _work),
        ("policies", _policies),
        ("text messages", _text_messages),
    )
    for name, look in looks:
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 (the examination goes on)
            words = str(error).strip().splitlines()
            yield Line(name, "fail", f"{type(error).__name__}: {words[0] if words else ''}", "see the lines above")


def _versions() -> Iterator[Line]:
    seen = f"Python {platform.python_version()}, Django {django.get_version()}, Celery {celery.__version__}"
    yield Line("versions", "ok", seen)


def _settings() -> Iterator[Line]:
    yield Line("mode", "ok", f"{settings.CARELINE_MODE}, {settings.CARELINE_PUBLIC_URL}")
    found = run_checks(include_deployment_checks=settings.PRODUCTION)
    for message in found:
        verdict: Verdict = "fail" if message.level >= ERROR else "warn"
        yield Line(f"check {message.id}", verdict, str(message.msg), str(message.hint or ""))
    if not found:
        yield Line("settings", "ok", "no complaint from the system checks")
    offset = (clock.now() - datetime.now(UTC)).total_seconds()
    if abs(offset) > 1:
        verdict = "fail" if settings.PRODUCTION else "warn"
        yield Line("clock offset", verdict, f"the clock is moved by {offset:.0f} s", "unset CARELINE_CLOCK_OFFSET")


def _disk() -> Iterator[Line]:
    for name, place in (("state", settings.CARELINE_STATE_DIR), ("files", settings.CARELINE_FILES_DIR)):
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        verdict: Verdict = "fail" if free < DISK_FAIL else "warn" if free < DISK_WARN else "ok"
        advice = "" if verdict == "ok" else "free some space"
        yield Line(f"disk ({name})", verdict, f"{free >> 20} MB free at {place}", advice)


def _ask(cursor: Any, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]


def _database() -> Iterator[Line]:
    with connections["default"].cursor() as cursor:
        number = int(_ask(cursor, "SHOW server_version_num"))
        version = _ask(cursor, "SHOW server_version")
        if number < OLDEST_SERVER:
            yield Line("database", "fail", f"PostgreSQL {version}", "14 or newer is needed")
        else:
            yield Line("database", "ok", f"PostgreSQL {version}")
        if _ask(cursor, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            yield Line("role", "fail", "connects as a superuser", "make a plain role that owns the database")
        else:
            yield Line("role", "ok", "a plain role")
        there = _ask(cursor, "SELECT coalesce(string_agg(extname, ' '), '') FROM pg_extension").split()
        missing = [name for name in EXTENSIONS if name not in there]
        if missing:
            advice = "migrate, or let the server's administrator create them"
            yield Line("extensions", "fail", f"missing: {', '.join(missing)}", advice)
        else:
            yield Line("extensions", "ok", ", ".join(EXTENSIONS))
        if "pg_trgm" in there:
            yield _locale(_ask(cursor, f"SELECT cardinality(show_trgm({TWO_CHINESE_LETTERS}))"))
        isolation = _ask(cursor, "SHOW default_transaction_isolation")
        if isolation != "read committed":
            yield Line("isolation", "fail", isolation, "set default_transaction_isolation to read committed")
        if _ask(cursor, "SHOW synchronous_commit") == "off":
            yield Line("durability", "warn", "synchronous_commit is off", "a crash loses what users were told is saved")
        apart = abs((datetime.now(UTC) - _ask(cursor, "SELECT clock_timestamp()")).total_seconds())
        verdict: Verdict = "fail" if apart > CLOCKS_FAIL else "warn" if apart > CLOCKS_WARN else "ok"
        advice = "" if verdict == "ok" else "let both machines keep time by NTP"
        yield Line("clocks", verdict, f"this machine and the database are {apart:.2f} s apart", advice)


def _locale(trigrams: int) -> Line:
    if trigrams:
        return Line("locale", "ok", "Chinese text has trigrams")
    return Line(
        "locale",
        "fail",
        "Chinese text has no trigrams: the database has locale C, and search would silently find nothing",
        "make the database anew with encoding UTF8 and locale C.UTF-8, then restore a backup",
    )


def _names(migrations: list[Node]) -> str:
    return ", ".join(".".join(node) for node in migrations[:5])


def _schema() -> Iterator[Line]:
    expand, contract = pending("default")
    if expand:
        seen = f"{len(expand)} not applied: {_names(expand)}"
        yield Line("migrations", "fail", seen, "manage migrate_safely --phase expand")
        return
    if contract:
        seen = f"{len(contract)} wait until no old process runs: {_names(contract)}"
        yield Line("migrations", "warn", seen, "then: manage migrate_safely --phase contract")
    else:
        yield Line("migrations", "ok", "all applied")
    months = least_months_ahead()
    verdict: Verdict = "ok" if months >= LEAST_MONTHS_AHEAD else "fail"
    advice = "" if verdict == "ok" else "does beat run? the job common.make_partitions makes them"
    yield Line("partitions", verdict, f"{months} months ahead", advice)
    rest = {name: rows for name, rows in default_partition_rows().items() if rows}
    if rest and settings.CARELINE_MODE != "test":
        yield Line("default partitions", "fail", f"hold rows: {rest}", "move them into their months")
    age = oldest_unsealed_seconds()
    if age > UNSEALED_WARN:
        advice = "does beat run? else look for a long transaction in pg_stat_activity"
        yield Line("audit", "warn", f"the oldest entry without a seal is {age:.0f} s old", advice)
    else:
        yield Line("audit", "ok", "sealed")
    for missing in missing_next_year(clock.today()):
        yield Line("calendar", "warn", missing.in_words(), "import the year on the page of the calendar")


def _broker() -> Iterator[Line]:
    cache.get("doctor")
    yield Line("cache", "ok", "answers")
    with app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=3)
        client = getattr(broker.default_channel, "client", None)
        if client is None:
            yield Line("broker", "ok", broker.transport_cls)
        else:
            info = client.info()
            kept = info.get("maxmemory_policy")
            if kept != "noeviction":
                yield Line("broker", "fail", f"may throw messages away ({kept})", "set maxmemory-policy noeviction")
            elif not info.get("aof_enabled"):
                yield Line("broker", "warn", "does not write to disk", "set appendonly yes")
            else:
                yield Line("broker", "ok", f"{info.get('server_name', 'redis')} {info.get('redis_version')}")
    answers = app.control.ping(timeout=1.0)
    if answers:
        yield Line("workers", "ok", f"{len(answers)} answer")
    else:
        yield Line("workers", "warn", "none answers", "start one: celery -A crm worker -Q urgent,default,bulk")


def _clock() -> Iterator[Line]:
    silence = beat_silence()
    if silence is None:
        yield Line("beat", "warn", "never ticked", "start it: manage beat")
    elif silence > LONGEST_SILENCE:
        yield Line("beat", "warn", f"silent for {silence:.0f} s", "start it: manage beat; is the broker there?")
    else:
        yield Line("beat", "ok", f"ticked {silence:.0f} s ago")


def _work() -> Iterator[Line]:
    figures = job_figures()
    if figures.lost:
        yield Line("jobs", "warn", f"{figures.lost} runs lost their worker", "beat and a worker start them again")
    else:
        yield Line("jobs", "ok", f"{figures.waiting} waiting, {figures.running} running")
    refused = refused_files()
    if refused:
        seen = f"{len(refused)} files with lines that could not be taken, first {refused[0].name}"
        yield Line("receipts", "warn", seen, "the reasons stand in outbox/receipts/*.refused; see docs/operations.md")
    last = JobRun.objects.filter(job="common.check_integrity").order_by("-id").first()
    if last is not None and last.state == JobRun.State.FAILED:
        yield Line("integrity", "fail", last.error_text, f"see run {last.ref} on the page of the jobs")


def _policies() -> Iterator[Line]:
    """What only the operator can know and nothing ships."""
    if not policy("outreach.offer.sender").strip():
        seen = "outreach.offer.sender is empty: offers by text message do not name who sends them"
        yield Line("offers", "warn", seen, "set it on the page Policies before the first campaign")


def _text_messages() -> Iterator[Line]:
    """Whether somebody holds the line to the message centre, and how it is."""
    if not is_smpp(settings.SMS_URL):
        return
    line = line_called(read_line(settings.SMS_URL).name)
    start = "start it: manage sms_gateway"
    if line is None or clock.now() - line.seen_at > SILENT:
        yield Line("text messages", "warn", "nobody holds the line to the message centre", start)
    elif line.state == SmsLine.State.BOUND:
        yield Line("text messages", "ok", f"connected since {line.since:%Y-%m-%d %H:%M} UTC")
    else:
        advice = "look at user and password in CARELINE_SMS_URL" if line.state == SmsLine.State.REFUSED else ""
        yield Line("text messages", "fail", f"{line.get_state_display()}: {line.detail}", advice or "is it reachable?")
