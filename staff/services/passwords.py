"""Passwords set by an administrator, second factors taken off, locks opened, sessions ended."""

from __future__ import annotations

import secrets

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt
from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from staff.models import User

# Without the look-alikes 0 O 1 l I.
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LENGTH = 16


def new_password() -> str:
    """A random password to be handed over once: 16 characters, about 93 bits."""
    return "".join(secrets.choice(ALPHABET) for _n in range(LENGTH))


@transaction.atomic
def reset_password(user_id: int, *, actor: User) -> str:
    """Give an account a new random password, to be changed at the next sign-in; ends its sessions and its lock.

    Returns the password, which is stored nowhere. Refuses (RuleBroken) the own account (`users.own_account`): that
    is what changing the password is for, a program (`users.program`), a closed account (`users.closed`).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_own(user, actor)
    if user.kind == User.Kind.SERVICE:
        raise RuleBroken("users.program", _("Programs do not sign in with a password."))
    if not user.is_active:
        raise RuleBroken("users.closed", _("This account is closed."))
    password = new_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    _unlock(user)
    _end_sessions(user)
    record("user.password_reset", target=user, actor=actor, unit_id=user.unit_id)
    return password


@transaction.atomic
def reset_second_factor(user_id: int, *, actor: User) -> int:
    """Take every second factor off an account (a lost phone); ends its sessions. Returns how many there were.

    Refuses the own account (`users.own_account`): another administrator must do it.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_own(user, actor)
    count, _per_model = Authenticator.objects.filter(user_id=user.pk).delete()
    _end_sessions(user)
    record("user.second_factor_reset", target=user, actor=actor, unit_id=user.unit_id, detail={"removed": count})
    return count


@transaction.atomic
def unlock_user(user_id: int, *, actor: User) -> int:
    """Forget the failed sign-ins of an account; returns how many entries there were."""
    user = User.objects.get(pk=user_id)
    count = _unlock(user)
    record("user.unlocked", target=user, actor=actor, unit_id=user.unit_id, detail={"entries": count})
    return count


@transaction.atomic
def end_session(session_id: int, *, actor: User) -> UserSession:
    """End one session of `actor`. Raises UserSession.DoesNotExist for one of another user."""
    session = UserSession.objects.get(pk=session_id, user_id=actor.pk)
    record("user.session_ended", target=actor, actor=actor, detail={"session": session.pk})
    session.end()
    return session


@transaction.atomic
def end_sessions(user_id: int, *, actor: User, but: str | None = None) -> int:
    """End every session of a user, except the one with the key `but`; returns how many."""
    user = User.objects.get(pk=user_id)
    count = _end_sessions(user, but=but)
    record("user.sessions_ended", target=user, actor=actor, unit_id=user.unit_id, detail={"ended": count})
    return count


def refuse_own(user: User, actor: User) -> None:
    """Nobody administers the own account: raises RuleBroken("users.own_account")."""
    if user.pk == actor.pk:
        raise RuleBroken("users.own_account", _("Nobody administers the own account: ask another administrator."))


def _unlock(user: User) -> int:
    count, _per_model = AccessAttempt.objects.filter(username__iexact=user.username).delete()
    return count


def _end_sessions(user: User, but: str | None = None) -> int:
    sessions = list(UserSession.objects.filter(user_id=user.pk).exclude(session_key=but or ""))
    for session in sessions:
        session.end()
    return len(sessions)
