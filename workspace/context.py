"""What every page says about the installation itself."""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from customers.models import Customer

KEY, SECONDS = "workspace.sample", 300


def sample_was_made() -> None:
    """Let every page know at once; call after the commit."""
    cache.set(KEY, True, SECONDS)


def _has_sample() -> bool:
    known: bool | None = cache.get(KEY)
    if known is None:
        known = Customer.objects.filter(is_sample=True).exists()
        # `add`, not `set`: a page that looked before the commit must not overwrite what was said after it.
        cache.add(KEY, known, SECONDS)
    return known


def ribbon(_request: HttpRequest) -> dict[str, object]:
    """Context processor: `sample_ribbon`, true while the installation holds sample customers.

    Asked of the database once in 5 minutes; only making the sample changes the answer (imports bring own customers).
    """
    return {"sample_ribbon": SimpleLazyObject(_has_sample)}
