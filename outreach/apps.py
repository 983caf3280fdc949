from importlib.util import find_spec

from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = "Outreach"

    def ready(self) -> None:
        """Make known what outreach says, rings, writes on the timeline and does at night."""
        if find_spec("customers.timeline") is None:
            return
        from outreach import bellkinds, jobs, lines, wordings

        wordings.register()
        bellkinds.register()
        lines.register()
        jobs.register()
