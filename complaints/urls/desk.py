"""The queue, the case and what is done with it."""

from django.urls import path

from complaints.views import acting, bulk, case, inline, queue, talking

urlpatterns = [
    path("", queue.queue, name="queue"),
    path("views/keep/", queue.view_save, name="view-save"),
    path("views/drop/", queue.view_drop, name="view-drop"),
    path("bulk/", bulk.bulk_start, name="bulk"),
    path("bulk/<id:pk>/", bulk.bulk_detail, name="bulk-detail"),
    path("bulk/<id:pk>/aim/", bulk.bulk_aim, name="bulk-aim"),
    path("bulk/<id:pk>/run/", bulk.bulk_run, name="bulk-run"),
    path("bulk/<id:pk>/undo/", bulk.bulk_undo, name="bulk-undo"),
    path("replies/<id:pk>/undo/", talking.reply_undo, name="reply-undo"),
    path("changes/<id:pk>/undo/", inline.change_undo, name="change-undo"),
    path("<id:pk>/", case.case_detail, name="case"),
    path("<id:pk>/presence/", case.case_presence, name="presence"),
    path("<id:pk>/edit/", inline.case_edit, name="edit"),
    path("<id:pk>/inline/<slug:field>/", inline.inline_edit, name="inline"),
    path("<id:pk>/reply/", talking.act_reply, name="act-reply"),
    path("<id:pk>/note/", talking.act_note, name="act-note"),
    *acting.urlpatterns,
]
