from django.urls import path

from customers.segments import views

app_name = "segments"
urlpatterns = [
    path("customers/segments/", views.segment_list, name="segment-list"),
    path("customers/segments/new/", views.segment_new, name="segment-new"),
    path("customers/segments/<id:pk>/", views.segment_detail, name="segment-detail"),
    path("customers/segments/<id:pk>/edit/", views.segment_edit, name="segment-edit"),
    path("customers/segments/<id:pk>/delete/", views.segment_delete, name="segment-delete"),
]
