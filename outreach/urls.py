from django.urls import path

from outreach.views import bell, followups, gateway, messages, replies, transfers

app_name = "outreach"
urlpatterns = [
    path("follow-ups/", followups.followup_list, name="followup-list"),
    path("follow-ups/new/", followups.followup_new, name="followup-new"),
    path("follow-ups/next/", followups.followup_next, name="followup-next"),
    path("follow-ups/<id:pk>/", followups.followup_detail, name="followup-detail"),
    path("follow-ups/<id:pk>/row/", followups.followup_row, name="followup-row"),
    path("follow-ups/<id:pk>/attempt/", followups.followup_attempt, name="followup-attempt"),
    path("follow-ups/<id:pk>/complete/", followups.followup_complete, name="followup-complete"),
    path("follow-ups/<id:pk>/reschedule/", followups.followup_reschedule, name="followup-reschedule"),
    path("follow-ups/<id:pk>/reassign/", followups.followup_reassign, name="followup-reassign"),
    path("follow-ups/<id:pk>/cancel/", followups.followup_cancel, name="followup-cancel"),
    path("messages/", messages.message_list, name="message-list"),
    path("messages/<id:pk>/", messages.message_detail, name="message-detail"),
    path("messages/<id:pk>/retry/", messages.message_retry, name="message-retry"),
    path("replies/", replies.reply_list, name="reply-list"),
    path("replies/<id:pk>/", replies.reply_detail, name="reply"),
    path("transfers/", transfers.transfer_list, name="transfer-list"),
    path("transfers/new/", transfers.transfer_new, name="transfer-new"),
    path("transfers/<id:pk>/<slug:what>/", transfers.transfer_answer, name="transfer-answer"),
    path("bell/", bell.bell_page, name="bell"),
    path("bell/menu/", bell.bell_menu, name="bell-menu"),
    path("bell/read/", bell.bell_read_all, name="bell-read-all"),
    path("bell/<id:pk>/", bell.bell_open, name="bell-open"),
    path("api/careline/v1/sms-receipts", gateway.sms_receipts, name="sms-receipts"),
    path("api/careline/v1/sms-replies", gateway.sms_replies, name="sms-replies"),
]
