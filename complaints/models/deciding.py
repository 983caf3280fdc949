"""What waits for somebody's yes has an owner and a moment, and goes up when nobody decides (D§10.7, 23)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from staff.models import User


class Waiting(models.Model):
    """A decision asked of `asked_of` (None: of whoever may), to be taken by `decide_by`. `undecided_at`: since when it
    is late; it goes to the next one above each time. `at_top`: nobody above is left, director and general manager
    know."""

    asked_of = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decide_by = models.DateTimeField(null=True)
    undecided_at = models.DateTimeField(null=True)
    at_top = models.BooleanField(default=False, db_default=False)

    class Meta:
        abstract: ClassVar = True
