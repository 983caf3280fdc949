import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from outreach.channels.smpp.address import is_smpp, read_line
from outreach.sms.gateway import Gateway


class Command(BaseCommand):
    help = "Hold the line to the message centre named in CARELINE_SMS_URL; of several running ones one leads."

    def handle(self, *args: Any, **options: Any) -> None:
        if not is_smpp(settings.SMS_URL):
            raise CommandError("CARELINE_SMS_URL names no message centre that speaks SMPP")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stop.set())
        Gateway(read_line(settings.SMS_URL), stop).run()
