"""What a program may be allowed: "<api>:read", "<api>:write", and single words of their own.

Each app names its scopes in `AppConfig.ready()`; a client is given them by `manage create_api_client`.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

PERSONAL = "personal:read"
_known: dict[str, Any] = {PERSONAL: _("Names, numbers and addresses in full")}


def register_scope(name: str, label: Any) -> None:
    """Make a scope known. `label`: what it opens, in words."""
    _known[name] = label


def known_scopes() -> dict[str, Any]:
    """Every scope with what it opens."""
    return dict(_known)
