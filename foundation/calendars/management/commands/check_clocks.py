"""`manage check_clocks`: do the stored figures of all clocks follow from their events?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation.calendars.clock_queries import faults_of_clocks


class Command(BaseCommand):
    help = "Compute every clock anew from its events and name each stored figure that differs."

    def handle(self, *_args: Any, **_options: Any) -> None:
        faults = 0
        for fault in faults_of_clocks():
            faults += 1
            self.stdout.write(f"clock {fault.clock_id}: {fault.figure} is {fault.stored}, computed {fault.computed}")
        if faults:
            raise CommandError(f"{faults} figures do not follow from the events")
        self.stdout.write("All stored figures follow from the events.")
