from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        from foundation.jobs.kinds import JobKind, register_job
        from staff import exporting, navigation, signin
        from staff.drafts import FORGET, forget_old_drafts
        from staff.services.numbering import restamp_units
        from staff.services.units import RESTAMP

        register_job(JobKind(RESTAMP, _("Give rows the numbers of moved units"), restamp_units, right=""))
        register_job(
            JobKind(FORGET, _("Forget old drafts"), forget_old_drafts, right="", counts={"deleted": _("Deleted")})
        )
        signin.listen()
        exporting.register()
        navigation.register()
