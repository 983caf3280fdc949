"""The front door: which app answers under which path."""

from django.urls import URLPattern, URLResolver, register_converter

from foundation.common.ids import IdConverter

register_converter(IdConverter, "id")

urlpatterns: list[URLPattern | URLResolver] = []
