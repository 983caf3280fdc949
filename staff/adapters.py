"""How allauth behaves here: nobody signs up, secrets are encrypted, a required second factor stays."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.common import crypto

NO_ROW = 0  # secrets are encrypted before their row exists


class StaffAccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("staff:me")

    def add_message(
        self, request: HttpRequest, level: int, message_template: Any = None, *args: Any, **kw: Any
    ) -> None:
        """No word about signing in and out: the page says it."""
        if message_template not in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            super().add_message(request, level, message_template, *args, **kw)


class StaffMFAAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": _("Your role needs a second factor: add another one before you remove this."),
    }

    def encrypt(self, text: str) -> str:
        return base64.b64encode(crypto.encrypt(text, row_id=NO_ROW)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            stored = base64.b64decode(encrypted_text, validate=True)
        except binascii.Error as error:
            raise ValueError("a second-factor secret is not in the form it was stored in") from error
        return crypto.decrypt(stored, row_id=NO_ROW)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether a user whose role needs a second factor would still have one."""
        user = authenticator.user
        if not (settings.SECOND_FACTOR_ENFORCED and user.needs_second_factor):
            return True
        if authenticator.type == Authenticator.Type.RECOVERY_CODES:
            return True
        others = Authenticator.objects.filter(user=user).exclude(pk=authenticator.pk)
        return others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()

    def _get_site_name(self) -> str:
        return "Careline"

    def _get_user_identifier(self, user: Any) -> str:
        return str(user.username)
