from typing import Any

from celery.signals import task_prerun
from django.apps import AppConfig
from django.core.signals import request_started
from django.utils.module_loading import autodiscover_modules


def _begin(**_kwargs: Any) -> None:
    from foundation.policies.reading import begin_work

    begin_work()


class PoliciesConfig(AppConfig):
    name = "foundation.policies"
    label = "policies"
    verbose_name = "Policies"

    def ready(self) -> None:
        autodiscover_modules("policies")
        request_started.connect(_begin, dispatch_uid="policies.request")
        task_prerun.connect(_begin, dispatch_uid="policies.task", weak=False)
