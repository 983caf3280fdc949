from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutreachConfig(AppConfig):
    name = "outreach"
    verbose_name = "Outreach"

    def ready(self) -> None:
        """Make known what outreach says, rings, writes on the timeline, shows and does at night."""
        from django.conf import settings

        from foundation.rest.resources import register_resource
        from outreach import (
            bellkinds,
            decided,
            exporting,
            forgetting,
            gate,
            handover,
            jobs,
            keeping,
            lines,
            navigation,
            panels,
            wordings,
        )
        from outreach.channels.http import read_gateway
        from outreach.channels.smpp.address import is_smpp, read_line
        from outreach.channels.smtp import SmtpCarrier
        from outreach.rest.communication_messages import CommunicationMessage
        from staff.services.numbering import Stamped, register_stamped

        if settings.EMAIL_URL:
            SmtpCarrier(settings.EMAIL_URL)  # a malformed address stops the start, not the first message
        if is_smpp(settings.SMS_URL):
            read_line(settings.SMS_URL)
        elif settings.SMS_URL:
            read_gateway(settings.SMS_URL, settings.SMS_KEY)
        gate.register()
        wordings.register()
        bellkinds.register()
        exporting.register()
        lines.register()
        jobs.register()
        forgetting.register()
        decided.register()
        handover.register()
        keeping.register()
        panels.register()
        navigation.register()
        register_resource(CommunicationMessage(), read=_("Messages: read"), write=_("Messages: have them sent"))
        register_stamped(Stamped("outreach_followup"))
        register_stamped(Stamped("outreach_message"))
