"""Pages of complaints; each part of the work has its own list."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "complaints"
urlpatterns: list[URLPattern | URLResolver] = [
    path("complaints/", include("complaints.urls.hand")),
    path("complaints/", include("complaints.urls.intake")),
]
