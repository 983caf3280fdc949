"""Parts, hand-overs, groups, appeals and mediation."""

from django.urls import path

from complaints.views import parts

urlpatterns = [
    path("parts/", parts.part_list, name="part-list"),
    path("parts/<id:pk>/", parts.part_detail, name="part-detail"),
    path("parts/<id:pk>/accept/", parts.part_accept, name="part-accept"),
    path("parts/<id:pk>/finish/", parts.part_finish, name="part-finish"),
    path("parts/<id:pk>/pass/", parts.part_pass, name="part-pass"),
    path("parts/<id:pk>/return/", parts.part_return, name="part-return"),
]
