from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InteractionsConfig(AppConfig):
    name = "interactions"
    verbose_name = "Interactions"

    def ready(self) -> None:
        """Make known what interactions writes on the timeline, puts on the customer's page and into the shell."""
        from foundation.rest.resources import register_resource
        from interactions import (
            bellkinds,
            calendar_names,
            exporting,
            forgetting,
            handover,
            judging,
            lines,
            panels,
            wordings,
        )
        from interactions.rest.contacts import PartyInteraction
        from interactions.rights import export, joining, ringing
        from staff.services.numbering import Stamped, register_stamped

        lines.register()
        calendar_names.register()
        panels.register()
        forgetting.register()
        exporting.register()
        judging.register()
        bellkinds.register()
        wordings.register()
        handover.register()
        export.register()
        ringing.register()
        joining.register()
        register_resource(PartyInteraction(), read=_("Contacts: read"), write=_("Contacts: take and write up"))
        register_stamped(Stamped("interactions_interaction"))
        register_stamped(Stamped("interactions_matter"))
        register_stamped(Stamped("interactions_suggestion"))
        register_stamped(Stamped("interactions_contactverdict", key="interaction_id"))
        register_stamped(Stamped("interactions_contactfigure"))
        register_stamped(Stamped("interactions_rightsrequest"))
