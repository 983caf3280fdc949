"""What the REST interface keeps no longer: answers older than 72 hours, tokens that ended."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.rest.keys import KEPT
from foundation.rest.models import AccessToken, KeptAnswer

TIDY = "rest.tidy"
TITLE = _("Forget old answers and tokens of programs")
COUNTS = {"deleted": _("Deleted")}


def tidy(job: Any) -> None:
    """Delete them; twice is once."""
    now = clock.now()
    answers, _each = KeptAnswer.objects.filter(at__lt=now - KEPT).delete()
    tokens, _each = AccessToken.objects.filter(expires_at__lte=now).delete()
    job.progress(1, 1, deleted=answers + tokens)
