"""What other systems ask of complaints."""

from django.urls import path

from complaints.rest.clocks import CaseClock, CaseClockList

app_name = "api"
urlpatterns = [
    path("complaint/<id:pk>/clock", CaseClockList.as_view(), name="complaint-clocks"),
    path("complaint/<id:pk>/clock/<id:number>", CaseClock.as_view(), name="complaint-clock"),
]
