"""Programs of other systems: made, given another secret, ended; who presents a secret or a token (rest.md).

Secrets and tokens are 256 random bits, so that their plain SHA-256 tells nothing and is found by an index; a slow hash
is for what people think of.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.crypto import decrypt, encrypt
from foundation.common.errors import RuleBroken
from foundation.common.ids import new_id
from foundation.common.prepared import prepared
from foundation.rest.bodies import bad_text
from foundation.rest.models import AccessToken, ApiClient, ClientSecret
from foundation.rest.scopes import known_scopes

# By hand: every call asks it.
_CALLER = """SELECT c.id, c.name, c.user_id, c.sandbox, c.calls_per_minute, t.scopes FROM rest_accesstoken t
 JOIN rest_apiclient c ON c.id = t.client_id WHERE t.digest = %(digest)s AND t.expires_at > %(now)s
 AND c.ended_at IS NULL"""


@dataclass(frozen=True)
class Caller:
    """The program behind a token: what `request.auth` is in a call of the REST interface."""

    client_id: int
    name: str
    user_id: int
    sandbox: bool
    calls_per_minute: int | None
    scopes: frozenset[str]


@dataclass(frozen=True)
class Keys:
    """What a program is given once; nobody can read the secret again."""

    client: ApiClient
    secret: str
    signing_key: str


def digest_of(text: str) -> bytes:
    """SHA-256 of a secret or a token."""
    return hashlib.sha256(text.encode()).digest()


def check_scopes(scopes: list[str]) -> list[str]:
    """The scopes in order, once each. Raises RuleBroken "rest.no_scope", "rest.unknown_scope"."""
    if not scopes:
        raise RuleBroken("rest.no_scope", _("Say what the program may do: at least one scope."))
    known = known_scopes()
    if unknown := sorted(set(scopes) - set(known)):
        words = _("There is no scope %(scope)s. There are: %(known)s.")
        raise RuleBroken("rest.unknown_scope", words % {"scope": unknown[0], "known": " ".join(sorted(known))})
    return sorted(set(scopes))


@transaction.atomic
def make_client(
    *, actor: Any, user_id: int, name: str, scopes: list[str], sandbox: bool = False, calls: int | None = None
) -> Keys:
    """A program with its first secret and the key that signs what we deliver to it. `user_id`: its own user of kind
    SERVICE. Raises RuleBroken "rest.name_taken" and those of `check_scopes`."""
    scopes = check_scopes(scopes)
    key = new_id()
    signing = secrets.token_urlsafe(32)
    client = ApiClient(
        id=key,
        name=name,
        client_id=f"careline-{secrets.token_hex(8)}",
        user_id=user_id,
        scopes=scopes,
        sandbox=sandbox,
        calls_per_minute=calls,
        signing_key=encrypt(signing, row_id=key),
    )
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError as error:
        raise RuleBroken("rest.name_taken", _("A program of this name exists already.")) from error
    secret = _new_secret(client)
    record("rest.client_made", target=client, actor=actor, detail={"scopes": scopes, "sandbox": sandbox})
    return Keys(client, secret, signing)


@transaction.atomic
def rotate_secret(client_id: int, *, actor: Any, overlap: timedelta = timedelta(hours=24)) -> str:
    """Another secret; those before hold for `overlap` more (zero: end at once, with the tokens they gave).

    Raises RuleBroken "rest.client_ended".
    """
    client = ApiClient.objects.select_for_update(no_key=True).get(pk=client_id)
    if client.ended_at is not None:
        raise RuleBroken("rest.client_ended", _("This program was ended: make another one."))
    now = clock.now()
    ClientSecret.objects.filter(ClientSecret.live(now + overlap), client=client).update(ends_at=now + overlap)
    if not overlap:
        AccessToken.objects.filter(client=client).delete()
    secret = _new_secret(client)
    record("rest.secret_rotated", target=client, actor=actor, detail={"hours": int(overlap.total_seconds() // 3600)})
    return secret


@transaction.atomic
def end_client(client_id: int, *, actor: Any) -> None:
    """The program may do nothing more, from this moment; twice is once."""
    client = ApiClient.objects.select_for_update(no_key=True).get(pk=client_id)
    AccessToken.objects.filter(client=client).delete()
    if client.ended_at is None:
        client.ended_at = clock.now()
        client.save(update_fields=["ended_at"])
        record("rest.client_ended", target=client, actor=actor)


def _new_secret(client: ApiClient) -> str:
    secret = secrets.token_urlsafe(32)
    ClientSecret.objects.create(client=client, digest=digest_of(secret))
    return secret


def client_with(client_id: str, secret: str) -> ApiClient | None:
    """The program that has this id and one of its secrets now; None for any other pair, after the same comparisons."""
    if bad_text(client_id) or bad_text(secret):
        return None
    client = ApiClient.objects.filter(client_id=client_id[:40], ended_at=None).first()
    digest = digest_of(secret)
    live = ClientSecret.objects.filter(ClientSecret.live(clock.now()), client=client) if client else []
    fits = [hmac.compare_digest(bytes(one.digest), digest) for one in live]
    return client if any(fits) else None


def give_token(client: ApiClient, token: str, scopes: list[str], expires_at: datetime) -> None:
    """Keep a token that was made for the program."""
    AccessToken.objects.create(digest=digest_of(token), client=client, scopes=scopes, expires_at=expires_at)


def caller_of(token: str) -> Caller | None:
    """Who presents this token; None for one that is unknown, expired or taken back. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_CALLER, {"digest": digest_of(token), "now": clock.now()}))
        row = cursor.fetchone()
    if row is None:
        return None
    key, name, user_id, sandbox, most, scopes = row
    return Caller(key, name, user_id, sandbox, most, frozenset(scopes))


def signing_key_of(client: ApiClient) -> str:
    """The key that signs what we deliver to the program."""
    return decrypt(bytes(client.signing_key), row_id=client.pk)


def basic_pair(header: str) -> tuple[str, str] | None:
    """Id and secret of an `Authorization: Basic` header (RFC 6749, 2.3.1), or None."""
    kind, _space, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, secret) if colon else None
