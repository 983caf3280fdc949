"""What every page says about the installation itself."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from customers.models import Customer

KEY, SECONDS = "workspace.sample", 300


def _has_sample() -> bool:
    known: bool | None = cache.get(KEY)
    if known is None:
        known = Customer.objects.filter(is_sample=True).exists()
        cache.set(KEY, known, SECONDS)
    return known


def ribbon(_request: HttpRequest) -> dict[str, object]:
    """Context processor: `sample_ribbon`, true while the installation holds sample customers (known for 5 minutes)."""
    return {"sample_ribbon": SimpleLazyObject(_has_sample)}
