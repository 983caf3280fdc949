"""Pages of complaints; each part of the work has its own list."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "complaints"
urlpatterns: list[URLPattern | URLResolver] = [
    path("complaints/", include("complaints.urls.hand")),
    path("complaints/", include("complaints.urls.board")),
    path("complaints/", include("complaints.urls.intake")),
    path("complaints/", include("complaints.urls.rehearsals")),
    path("complaints/", include("complaints.urls.library")),
    # Last: what is no word of the lists above is the id of a case.
    path("complaints/", include("complaints.urls.desk")),
]
