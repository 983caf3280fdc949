"""Who speaks for a customer, and what shows that they may (D§26)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Authority(models.TextChoices):
    """What shows that somebody may speak for the customer."""

    NONE = "", _("nothing: data of the customer are not told")
    PAPER = "PAPER", _("written authority seen")
    CODE = "CODE", _("code sent to the customer's telephone")
