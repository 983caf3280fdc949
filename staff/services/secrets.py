"""Secrets of second factors, encrypted with the keys of ID numbers: put under the current key when keys are rotated."""

from __future__ import annotations

import base64
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from foundation.common.crypto import current_key_name, key_name_of
from staff.adapters import StaffMFAAdapter

_HOLDING_SECRETS = ("secret", "seed")


def rotate_second_factor_secrets() -> int:
    """Put every second-factor secret under the current key; returns how many were not. May be repeated.

    Raises BadSetting when the key of one is no longer configured, ValueError when one was tampered with.
    """
    done = 0
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            renewed = {name: _renewed(row.data[name]) for name in _HOLDING_SECRETS if name in row.data}
            if any(renewed[name] != row.data[name] for name in renewed):
                row.data = {**row.data, **renewed}
                row.save(update_fields=["data"])
                done += 1
    return done


def _renewed(stored: Any) -> str:
    if key_name_of(base64.b64decode(stored)) == current_key_name():
        return str(stored)
    adapter = StaffMFAAdapter()
    return adapter.encrypt(adapter.decrypt(stored))
