from django.urls import path

from staff.exports import views

app_name = "exports"
urlpatterns = [
    path("exports/", views.export_list, name="export-list"),
    path("exports/approvals/", views.approval_list, name="approval-list"),
    path("exports/new/<slug:name>/", views.export_new, name="export-new"),
    path("exports/<id:pk>/", views.export_detail, name="export-detail"),
    path("exports/<id:pk>/stop/", views.export_stop, name="export-stop"),
    path("exports/<id:pk>/file/", views.export_file, name="export-file"),
    path("exports/<id:pk>/decide/", views.approval_decide, name="approval-decide"),
]
