"""Taking complaints, and their files."""

from django.urls import path

from complaints.views import intake

urlpatterns = [
    path("new/", intake.intake, name="intake"),
    path("new/look/", intake.intake_look, name="intake-look"),
    path("<id:pk>/urge/", intake.urge, name="act-urge"),
    path("<id:pk>/reopen-taken/", intake.reopen, name="intake-reopen"),
    path("<id:pk>/files/<id:file_pk>/", intake.attachment, name="file"),
]
