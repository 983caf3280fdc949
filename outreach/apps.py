from django.apps import AppConfig


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = "Outreach"

    def ready(self) -> None:
        """Make known what outreach says, rings, writes on the timeline, shows and does at night."""
        from outreach import bellkinds, handover, jobs, lines, navigation, panels, wordings

        wordings.register()
        bellkinds.register()
        lines.register()
        jobs.register()
        handover.register()
        panels.register()
        navigation.register()
