"""The library and what is worked out over many cases."""

from django.urls import path

from complaints.views import library

urlpatterns = [
    path("library/", library.library, name="library"),
    path("library/search/", library.library_search, name="library-search"),
]
