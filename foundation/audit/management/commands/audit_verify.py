from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation.audit.models import AuditSeal
from foundation.audit.services import verify


class Command(BaseCommand):
    help = "Check every audit seal against the entries; ends with an error when one does not fit."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = verify()
        for fault in faults:
            self.stderr.write(f"seal {fault.seal_id} [{fault.from_tick}, {fault.to_tick}): {fault.problem}")
        if faults:
            raise CommandError(f"{len(faults)} fault(s) in the audit")
        self.stdout.write(f"{AuditSeal.objects.count()} seals checked, nothing changed")
