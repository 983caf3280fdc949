"""Screens on a wall: made by a supervisor, coupled once by a code, shown figures until they end. No personal data, no
controls: whoever takes one away sees counts."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.models import WallScreen
from complaints.models.screens import FIGURES_RIGHT
from complaints.public.codes import new_code, typed_code
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from staff.models import User

LONGEST_NAME = 60
SEEN_EVERY = timedelta(minutes=5)  # how exactly it is noted that a screen is on


@transaction.atomic
def make_screen(*, actor: User, name: str) -> tuple[WallScreen, str]:
    """Make a screen that shows the figures the actor sees; with the code that couples it, which nobody sees again.

    Raises NotAllowed "screen.no_right", RuleBroken "screen.no_name".
    """
    if not actor.has_perm(FIGURES_RIGHT):
        raise NotAllowed("screen.no_right", _("Your role does not see these figures."))
    if not name.strip():
        raise RuleBroken("screen.no_name", _("Say where the screen hangs."))
    now, code = clock.now(), new_code()
    days: int = policy("complaints.screens.days", unit=actor.unit)
    screen = WallScreen.objects.create(
        name=name.strip()[:LONGEST_NAME],
        made_by=actor,
        made_at=now,
        code_digest=_digest(code),
        code_until=now + policy("complaints.screens.couple_within", unit=actor.unit),
        expires_at=now + timedelta(days=days),
    )
    record("screen.made", target=screen, actor=actor, unit_id=actor.unit_id, detail=_until(screen))
    return screen, code


@transaction.atomic
def couple_screen(code: str) -> tuple[WallScreen, str] | None:
    """The screen this code couples, with its token; the code is used up. None for a code that is none, was used, or is
    too old."""
    now = clock.now()
    found = WallScreen.objects.select_for_update(of=("self",)).select_related("made_by__unit")
    screen = found.filter(code_digest=_digest(typed_code(code)), code_until__gt=now, revoked_at=None).first()
    if screen is None or not _stands(screen):
        return None
    token = secrets.token_urlsafe(32)
    screen.token_digest, screen.code_digest = _digest(token), None
    screen.paired_at = screen.seen_at = now
    screen.save(update_fields=["token_digest", "code_digest", "paired_at", "seen_at"])
    record("screen.coupled", target=screen, actor=None, unit_id=screen.made_by.unit_id, detail=_until(screen))
    return screen, token


@transaction.atomic
def revoke_screen(screen_id: int, *, actor: User) -> WallScreen:
    """The screen shows nothing any more, from its next question on. Twice is once.

    Raises WallScreen.DoesNotExist for one the actor does not see.
    """
    WallScreen.objects.select_for_update(of=("self",)).only("pk").filter(pk=screen_id).first()
    screen = WallScreen.objects.visible_to(actor).select_related("made_by").get(pk=screen_id)
    if screen.revoked_at is None:
        screen.revoked_at, screen.revoked_by = clock.now(), actor
        screen.code_digest = None
        screen.save(update_fields=["revoked_at", "revoked_by", "code_digest"])
        record("screen.revoked", target=screen, actor=actor, unit_id=screen.made_by.unit_id)
    return screen


def screen_of(token: str) -> WallScreen | None:
    """The screen with this token while it may show figures; that it is on is noted now and then."""
    if not token:
        return None
    found = WallScreen.objects.select_related("made_by__unit").filter(token_digest=_digest(token[:100]))
    screen = found.filter(revoked_at=None, expires_at__gt=clock.now()).first()
    if screen is None or not _stands(screen):
        return None
    now = clock.now()
    if screen.seen_at is None or now - screen.seen_at >= SEEN_EVERY:
        WallScreen.objects.filter(pk=screen.pk).update(seen_at=now)
    return screen


def _stands(screen: WallScreen) -> bool:
    """Whether its maker still sees figures."""
    return screen.made_by.is_active and screen.made_by.has_perm(FIGURES_RIGHT)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _until(screen: WallScreen) -> dict[str, str]:
    return {"until": screen.expires_at.isoformat()}
