from django.urls import path

from interactions.views import calls, contacts

app_name = "interactions"
urlpatterns = [
    path("interactions/", contacts.contact_list, name="contact-list"),
    path("interactions/start/", contacts.contact_start, name="contact-start"),
    path("interactions/call/", calls.call_chip, name="call-chip"),
    path("interactions/call/<id:pk>/", calls.call_open, name="call-open"),
    path("interactions/note/<id:pk>/", contacts.contact_quick_log, name="contact-quick-log"),
    path("interactions/<id:pk>/", contacts.contact_detail, name="contact-detail"),
    path("interactions/<id:pk>/log/", contacts.contact_log, name="contact-log"),
    path("interactions/<id:pk>/end/", contacts.contact_end, name="contact-end"),
    path("interactions/<id:pk>/verify/", contacts.contact_verify, name="contact-verify"),
    path("interactions/<id:pk>/customer/", contacts.contact_link, name="contact-link"),
    path("api/careline/v1/call-events", calls.call_events, name="call-events"),
]
