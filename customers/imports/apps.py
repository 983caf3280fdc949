from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImportsConfig(AppConfig):
    name = "customers.imports"
    label = "imports"
    verbose_name = "Imports"

    def ready(self) -> None:
        from customers.imports import archive, exporting, forgetting, touched, working
        from foundation.jobs.kinds import JobKind, register_job
        from foundation.ui.navigation import NavItem, register_nav

        for name, title, run, right in (
            ("imports.check", _("Check of an import file"), working.check, "imports.run"),
            ("imports.run", _("Import of customers"), working.run, "imports.run"),
            ("imports.revert", _("Revert of an import"), working.revert, "imports.revert"),
            ("imports.forget_old", _("Dropping what old imports kept"), working.forget_old, ""),
        ):
            files_of = forgetting.files_of
            register_job(JobKind(name, title, run, right, counts=archive.COUNT_WORDS, files_of=files_of))
        archive.register()
        forgetting.register()
        exporting.register()
        # Every app above writes its lines into the timeline: a line after the import is work with the customer.
        touched.register("timeline", unless="w.kind = 'customer.imported'")
        register_nav(
            NavItem(
                key="imports",
                label=_("Imports"),
                icon="file-up",
                url_name="imports:import-list",
                right="imports.view",
                order=60,
                section="manage",
                match=("imports:import-",),
            )
        )
