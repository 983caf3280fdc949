from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Careline"

    def ready(self) -> None:
        from crm import checks, housekeeping
        from crm.beat import SCHEDULE
        from foundation.jobs.timetable import use_schedule

        checks.register_checks()
        housekeeping.register_jobs()
        use_schedule(SCHEDULE)
