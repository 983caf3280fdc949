"""The style guide: in development and tests only."""

from django.conf import settings
from django.urls import path

from foundation.ui import views

app_name = "ui"
urlpatterns = (
    [
        path("", views.styleguide, name="styleguide"),
        path("form/", views.styleguide_form, name="styleguide-form"),
        path("draft/", views.styleguide_draft, name="styleguide-draft"),
        path("palette/", views.styleguide_palette, name="styleguide-palette"),
        path("quiet/", views.styleguide_quiet, name="styleguide-quiet"),
    ]
    if settings.DEBUG or settings.CARELINE_MODE == "test"
    else []
)
