from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExportsConfig(AppConfig):
    name = "staff.exports"
    label = "exports"
    verbose_name = "Exports"

    def ready(self) -> None:
        """Make known the job that writes files, the one that closes old requests, and the places in the menu."""
        from django.urls import reverse

        from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
        from foundation.policies.reading import policy
        from foundation.ui.navigation import NavItem, register_nav
        from staff.exports import services, working
        from staff.exports.queries import WAITING_COUNT, runs_with
        from staff.exports.registry import ASK_RIGHT
        from staff.exports.telling import APPROVE_RIGHT
        from staff.services.numbering import Stamped, register_stamped

        register_stamped(Stamped("exports_export"))
        register_job(
            JobKind(
                services.WRITE,
                _("Export of a list"),
                working.write_file,
                right="",
                queue="default",
                counts=working.COUNT_WORDS,
                page=lambda run: reverse("exports:export-detail", args=[int(run.params["export"])]),
                files_of=runs_with,
                files_kept=lambda: policy("exports.files_kept"),
            )
        )
        register_job(
            JobKind(
                "exports.expire",
                _("Closing old export requests"),
                working.expire,
                right="",
                queue="default",
                files_of=NO_CUSTOMERS,
            )
        )
        register_nav(
            NavItem(
                "exports",
                _("My exports"),
                "file-down",
                "exports:export-list",
                right=ASK_RIGHT,
                order=70,
                match=("exports:export-",),
            )
        )
        register_nav(
            NavItem(
                "approvals",
                _("Export approvals"),
                "file-check",
                "exports:approval-list",
                right=APPROVE_RIGHT,
                order=40,
                count=WAITING_COUNT,
                match=("exports:approval-",),
            )
        )
