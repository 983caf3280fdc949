"""Addresses of everything that is registered: `/tmf-api/<api>/v4/<resource>[/<id>]`."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, re_path

from foundation.rest.hub_views import HubDetail, HubList
from foundation.rest.nowhere import nowhere
from foundation.rest.resources import Resource, bases, resources
from foundation.rest.views import ResourceDetail, ResourceList, ResourceView

app_name = "tmf"


def _patterns(one: Resource) -> list[URLPattern]:
    base = f"{one.base}/v4/{one.name}"
    return [
        path(base, _view(one, ResourceList, ("get", "post")), name=f"{one.name}-list"),
        path(f"{base}/<str:ref>", _view(one, ResourceDetail, ("get", "patch", "delete")), name=f"{one.name}-detail"),
    ]


def _view(one: Resource, base: type[ResourceView], verbs: tuple[str, ...]) -> Any:
    served = [verb for verb in verbs if verb.upper() in one.verbs]
    told = {"resource": one, "careline_door": f"token: {one.read_scope}", "audited_as": one.name}
    made: Any = type(f"{one.kind}{base.__name__}", (base,), {**told, "http_method_names": served})
    return made.as_view()


def _hub(base: str) -> list[URLPattern]:
    told = {"base": base, "careline_door": f"token: {base}", "audited_as": f"{base}.hub"}
    whole: Any = type(f"{base}HubList", (HubList,), {**told, "http_method_names": ["post"]})
    single: Any = type(f"{base}HubDetail", (HubDetail,), {**told, "http_method_names": ["delete"]})
    return [
        path(f"{base}/v4/hub", whole.as_view(), name=f"{base}-hub"),
        path(f"{base}/v4/hub/<str:ref>", single.as_view(), name=f"{base}-hub-end"),
    ]


_TOLD = [base for base, served in bases().items() if any(one.events for one in served)]
urlpatterns = [pattern for base in _TOLD for pattern in _hub(base)]
urlpatterns += [pattern for one in resources().values() for pattern in _patterns(one)] + [
    re_path("^", nowhere, name="nowhere")
]
