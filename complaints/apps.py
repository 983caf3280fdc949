from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ComplaintsConfig(AppConfig):
    name = "complaints"
    verbose_name = "Complaints"

    def ready(self) -> None:
        """Make known what complaints writes on the timeline, rings, says to customers and stamps with unit numbers."""
        from django.conf import settings

        from complaints import (
            bellkinds,
            clock_following,
            complainants,
            exporting,
            forgetting,
            keeping,
            lines,
            moving,
            navigation,
            panels,
            sms_words,
            wordings,
        )
        from complaints.figures import asking as figure_asking
        from complaints.figures import freezing, report_files
        from complaints.intake import disputed, learning
        from complaints.library import asking as library_asking
        from complaints.library import words as library
        from complaints.mail.address import read_mail_in
        from complaints.recorded import content
        from complaints.rehearsing import running
        from complaints.rest.tickets import TroubleTicket
        from complaints.services import bulk
        from complaints.team import handover
        from foundation.rest.resources import register_resource
        from staff.services.numbering import Stamped, register_stamped

        if settings.MAIL_IN_URL:
            read_mail_in(settings.MAIL_IN_URL)  # a wrong one stops the start, not the first mail
        lines.register()
        bellkinds.register()
        wordings.register()
        handover.register()
        learning.register()
        disputed.register()
        library.register()
        library_asking.register()
        forgetting.register()
        content.register()
        keeping.register()
        sms_words.register()
        complainants.register()
        clock_following.register()
        panels.register()
        exporting.register()
        figure_asking.register()
        report_files.register()
        freezing.register()
        navigation.register()
        bulk.register()
        running.register()
        moving.register()
        register_resource(TroubleTicket(), read=_("Complaints: read"), write=_("Complaints: take and change"))
        register_stamped(Stamped("complaints_complaint"))
        register_stamped(Stamped("complaints_complaint", unit_no="work_unit_no"))
        register_stamped(Stamped("complaints_part"))
        for kept in ("monthcase", "monthcall", "monthpart", "monthtime"):
            register_stamped(Stamped(f"complaints_{kept}"))
            register_stamped(Stamped(f"complaints_{kept}", unit_no="work_unit_no"))
        register_stamped(Stamped("complaints_monthpart", unit_no="by_unit_no"))
        register_stamped(Stamped("complaints_linecount"))
