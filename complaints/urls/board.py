"""The supervisor's board, the wallboard, and the rows behind every number."""

from django.urls import path

from complaints.views import behind

urlpatterns = [
    path("figures/rows/", behind.behind, name="behind"),
]
