from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.leader import Beat, LeadershipLost


class Command(BaseCommand):
    help = "Send the ticks of crm/beat.py; of several running beats one leads."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            Beat().run()
        except LeadershipLost as lost:
            raise CommandError(f"the database connection that held the lead is gone: {lost}") from lost
