from django.apps import AppConfig


class InteractionsConfig(AppConfig):
    name = "interactions"
    verbose_name = "Interactions"

    def ready(self) -> None:
        """Make known what interactions writes on the timeline, puts on the customer's page and into the shell."""
        from interactions import exporting, forgetting, lines, panels
        from staff.services.numbering import Stamped, register_stamped

        lines.register()
        panels.register()
        forgetting.register()
        exporting.register()
        register_stamped(Stamped("interactions_interaction"))
