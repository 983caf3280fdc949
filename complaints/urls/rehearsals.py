"""Rehearsals."""

from django.urls import path

from complaints.views import rehearsals

urlpatterns = [
    path("rehearsals/", rehearsals.rehearsal_list, name="rehearsal-list"),
    path("rehearsals/new/", rehearsals.rehearsal_new, name="rehearsal-new"),
    path("rehearsals/staffing/", rehearsals.staffing_new, name="staffing-new"),
    path("rehearsals/staffing/<id:pk>/drop/", rehearsals.staffing_drop, name="staffing-drop"),
    path("rehearsals/<id:pk>/", rehearsals.rehearsal_detail, name="rehearsal"),
    path("rehearsals/<id:pk>/cases/", rehearsals.rehearsal_cases, name="rehearsal-cases"),
]
