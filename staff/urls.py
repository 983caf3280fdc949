from django.urls import path

from staff.views import me

app_name = "staff"
urlpatterns = [
    path("me/", me.me, name="me"),
    path("me/language/", me.set_language, name="set-language"),
    path("me/theme/", me.set_theme, name="set-theme"),
    path("me/stay/", me.stay, name="stay"),
]
