"""The front door: which app answers under which path."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from foundation.common.ids import IdConverter

register_converter(IdConverter, "id")

urlpatterns: list[URLPattern | URLResolver] = [
    path("_styleguide/", include("foundation.ui.urls")),
]
