"""What a worker of a test must know of offers: the wording of the tests, and where its words lie. Loaded by
`celery worker -I`; the folder stands in TRIAL_WORDS."""

from __future__ import annotations

import os

from django.template import engines

from tests.outreach import making  # registers the wording

[engine] = engines.all()
engine.engine.dirs.append(os.environ["TRIAL_WORDS"])  # type: ignore[attr-defined]  # of Django's own backend

__all__ = ["making"]
