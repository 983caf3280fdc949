"""When and by whom the tests of policies decide, and that nothing was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from foundation.audit.models import AuditEntry
from foundation.policies.models import PolicySetting

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ADMIN = SimpleNamespace(pk=77)


def nothing_happened() -> None:
    assert not PolicySetting.objects.exists()
    assert not AuditEntry.objects.exists()
