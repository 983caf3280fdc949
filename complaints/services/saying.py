"""Words of colleagues as they are kept: whole, or refused."""

from __future__ import annotations

from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken

LONGEST = 400


def whole(text: str, longest: int = LONGEST) -> str:
    """The text without blanks around it. Raises RuleBroken "complaint.too_long" beyond `longest` characters: nothing of
    what somebody wrote is cut off unseen."""
    said = text.strip()
    if len(said) > longest:
        words = _("%(length)s characters; at most %(longest)s fit. Shorten it.")
        raise RuleBroken("complaint.too_long", words % {"length": len(said), "longest": longest})
    return said
