"""The library and what is worked out over many cases."""

from django.urls import path

from complaints.views import figures, groups, library, reports

urlpatterns = [
    path("library/", library.library, name="library"),
    path("library/search/", library.library_search, name="library-search"),
    path("analysis/", figures.analysis, name="analysis"),
    path("analysis/rows/", figures.figure_rows, name="figure-rows"),
    path("analysis/<slug:code>/", figures.figure, name="figure"),
    path("callbacks/", reports.callbacks, name="callbacks"),
    path("callbacks/rows/", reports.callback_rows, name="callback-rows"),
    path("support/", reports.support, name="support"),
    path("support/rows/", reports.support_rows, name="support-rows"),
    path("times/", reports.times, name="times"),
    path("times/rows/", reports.time_rows, name="time-rows"),
    path("experience/", reports.voices_report, name="voices"),
    path("experience/suggestions/", reports.voice_suggestions, name="voice-suggestions"),
    path("groups/", groups.group_list, name="group-list"),
    path("groups/<id:pk>/", groups.group_detail, name="group-detail"),
    path("groups/<id:pk>/make/", groups.group_make, name="group-make"),
    path("groups/<id:pk>/refuse/", groups.group_refuse, name="group-refuse"),
]
