from django.urls import path

from customers.imports import views

app_name = "imports"
urlpatterns = [
    path("imports/", views.import_list, name="import-list"),
    path("imports/new/", views.import_new, name="import-new"),
    path("imports/<id:pk>/", views.import_detail, name="import-detail"),
    path("imports/<id:pk>/run/", views.import_run, name="import-run"),
    path("imports/<id:pk>/revert/", views.import_revert, name="import-revert"),
    path("imports/<id:pk>/errors/", views.import_errors, name="import-errors"),
]
