from django.urls import path, register_converter
from django.urls.converters import StringConverter

from staff import picking
from staff.views import drafts, me, people, presence, units


class UserAct(StringConverter):
    regex = "close|open|password|second-factor|unlock|sessions"


class UnitAct(StringConverter):
    regex = "edit|move|head|close"


class TeamAct(StringConverter):
    regex = "edit|join"


class AbsenceAct(StringConverter):
    regex = "delegate|end|transferred"


register_converter(UserAct, "UserAct")
register_converter(UnitAct, "UnitAct")
register_converter(TeamAct, "TeamAct")
register_converter(AbsenceAct, "AbsenceAct")

app_name = "staff"
urlpatterns = [
    path("me/", me.me, name="me"),
    path("me/language/", me.set_language, name="set-language"),
    path("me/theme/", me.set_theme, name="set-theme"),
    path("me/stay/", me.stay, name="stay"),
    path("me/draft/", drafts.draft_save, name="draft-save"),
    path("admin/people/", people.user_list, name="user-list"),
    path("admin/people/new/", people.user_new, name="user-new"),
    path("admin/people/options/", picking.person_options, name="person-options"),
    path("admin/people/<int:pk>/", people.user_detail, name="user-detail"),
    path("admin/people/<int:pk>/edit/", people.user_edit, name="user-edit"),
    path("admin/people/<int:pk>/work/", presence.user_handover, name="user-handover"),
    path("admin/people/<int:pk>/roles/", people.role_grant, name="role-grant"),
    path("admin/people/<int:pk>/roles/<int:held>/end/", people.role_end, name="role-end"),
    path("admin/people/<int:pk>/<UserAct:what>/", people.user_act, name="user-act"),
    path("admin/units/", units.unit_list, name="unit-list"),
    path("admin/units/new/", units.unit_new, name="unit-new"),
    path("admin/units/options/", picking.unit_options, name="unit-options"),
    path("admin/units/<int:pk>/", units.unit_detail, name="unit-detail"),
    path("admin/units/<int:pk>/<UnitAct:what>/", units.unit_act, name="unit-act"),
    path("admin/teams/", units.team_list, name="team-list"),
    path("admin/teams/new/", units.team_new, name="team-new"),
    path("admin/teams/<int:pk>/", units.team_detail, name="team-detail"),
    path("admin/teams/<int:pk>/members/<int:member>/leave/", units.team_leave, name="team-leave"),
    path("admin/teams/<int:pk>/<TeamAct:what>/", units.team_act, name="team-act"),
    path("admin/shifts/", presence.shift_list, name="shift-list"),
    path("admin/shifts/new/", presence.shift_new, name="shift-new"),
    path("admin/shifts/<int:pk>/remove/", presence.shift_remove, name="shift-remove"),
    path("admin/absences/", presence.absence_list, name="absence-list"),
    path("admin/absences/new/", presence.absence_new, name="absence-new"),
    path("admin/absences/<int:pk>/", presence.absence_detail, name="absence-detail"),
    path("admin/absences/<int:pk>/<AbsenceAct:what>/", presence.absence_act, name="absence-act"),
]
