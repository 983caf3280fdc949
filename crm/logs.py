"""JSON log lines with request and task id; personal values never reach them.

Views and services log ids and codes only. As a second fence, query strings are dropped from request lines,
values named like a personal column (foundation/common/personal.py) are dropped, and every text value that looks like a
phone or ID number is blotted out.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from django.apps import apps

from foundation.common.personal import personal_names

LOOKS_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")


def blot(_logger: Any, _name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Drop the query of a request line and values named like a personal column, and blot out phone and ID numbers in
    every other text value."""
    personal = personal_names() if apps.ready else frozenset()
    for key, value in event.items():
        if key in personal:
            event[key] = "[personal]"
        elif isinstance(value, str):
            plain = value.partition("?")[0] if key == "request" else value
            event[key] = LOOKS_PERSONAL.sub("[number]", plain)
    return event


_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    blot,
]

structlog.configure(
    processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                blot,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            "foreign_pre_chain": _SHARED,
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.db.backends": {"level": "WARNING"}, "axes": {"level": "WARNING"}},
}
