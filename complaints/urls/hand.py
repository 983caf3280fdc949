"""Parts, hand-overs, groups, appeals and mediation; mails kept aside."""

from django.urls import path

from complaints.views import hand, kept_mails, outside, parts

urlpatterns = [
    path("parts/", parts.part_list, name="part-list"),
    path("parts/<id:pk>/", parts.part_detail, name="part-detail"),
    path("parts/<id:pk>/accept/", parts.part_accept, name="part-accept"),
    path("parts/<id:pk>/finish/", parts.part_finish, name="part-finish"),
    path("parts/<id:pk>/pass/", parts.part_pass, name="part-pass"),
    path("parts/<id:pk>/return/", parts.part_return, name="part-return"),
    path("mails/", kept_mails.mail_list, name="mail-list"),
    path("mails/<id:pk>/", kept_mails.mail_detail, name="mail"),
    path("mails/<id:pk>/files/<id:file_pk>/", kept_mails.mail_file, name="mail-file"),
    path("appeals/", outside.appeal_list, name="appeal-list"),
    path("appeals/new/", outside.appeal_new, name="appeal-new"),
    path("appeals/<id:pk>/", outside.appeal_detail, name="appeal"),
    path("appeals/<id:pk>/<slug:verb>/", outside.appeal_act, name="appeal-act"),
    path("mediations/<id:pk>/", outside.mediation_detail, name="mediation"),
    path("mediations/<id:pk>/move/", outside.mediation_move, name="mediation-move"),
    path("<id:pk>/hand/", hand.case_hand, name="hand"),
    path("<id:pk>/hand/<slug:verb>/", hand.hand_act, name="hand-act"),
]
