"""Pages for everybody."""

from django.urls import path

from complaints.views import public, screens

app_name = "public"
urlpatterns = [
    path("complain/", public.complain, name="complain"),
    path("complain/<str:token>/", public.complained, name="complained"),
    path("screens/", screens.screen, name="screen"),
    path("status/", public.status, name="status"),
    path("status/<str:token>/", public.status_case, name="status-case"),
    path("status/<str:token>/urge/", public.status_urge, name="status-urge"),
    path("status/<str:token>/object/", public.status_object, name="status-object"),
]
