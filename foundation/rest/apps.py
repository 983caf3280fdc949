from django.apps import AppConfig


class RestConfig(AppConfig):
    name = "foundation.rest"
    label = "rest"

    def ready(self) -> None:
        from foundation.jobs.kinds import JobKind, register_job
        from foundation.rest import tidying

        register_job(JobKind(tidying.TIDY, tidying.TITLE, tidying.tidy, right="", counts=tidying.COUNTS))
