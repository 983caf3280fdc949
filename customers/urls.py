from django.urls import path

from customers.views import (
    birthday,
    consent,
    customer_detail,
    customer_edit,
    customer_list,
    profile,
    reveals,
    subscriptions,
)

app_name = "customers"
urlpatterns = [
    path("customers/", customer_list.customer_list, name="customer-list"),
    path("customers/new/", customer_edit.customer_new, name="customer-new"),
    path("customers/duplicates/", customer_edit.customer_duplicates, name="customer-duplicates"),
    path("customers/birthday/", birthday.birthday_check, name="birthday-check"),
    path("customers/<id:pk>/", customer_detail.customer_detail, name="customer-detail"),
    path("customers/<id:pk>/timeline/", customer_detail.customer_timeline, name="customer-timeline"),
    path("customers/<id:pk>/edit/", customer_edit.customer_edit, name="customer-edit"),
    path("customers/<id:pk>/history/", customer_detail.customer_history, name="customer-history"),
    path("customers/<id:pk>/reveal/<slug:field>/", reveals.customer_reveal, name="customer-reveal"),
    path("customers/<id:pk>/profile/", profile.customer_profile, name="customer-profile"),
    path("customers/<id:pk>/contacts/", profile.contact_add, name="contact-add"),
    path("customers/<id:pk>/contacts/<id:point>/", profile.contact_act, name="contact-act"),
    path("customers/<id:pk>/address/", profile.address_set, name="address-set"),
    path("customers/<id:pk>/facts/", profile.fact_record, name="fact-record"),
    path("customers/<id:pk>/facts/<id:row>/remove/", profile.fact_remove, name="fact-remove"),
    path("customers/<id:pk>/consent/", consent.customer_consent, name="customer-consent"),
    path("customers/<id:pk>/consent/give/", consent.consent_give, name="consent-give"),
    path("customers/<id:pk>/consent/refuse/", consent.consent_refuse, name="consent-refuse"),
    path("customers/<id:pk>/consent/withdraw/", consent.consent_withdraw, name="consent-withdraw"),
    path("customers/<id:pk>/needs/", profile.need_add, name="need-add"),
    path("customers/<id:pk>/lines/new/", subscriptions.line_new, name="line-new"),
    path("customers/<id:pk>/lines/<id:line>/", subscriptions.line_detail, name="line-detail"),
    path("customers/<id:pk>/lines/<id:line>/change/", subscriptions.line_change, name="line-change"),
    path("customers/<id:pk>/lines/<id:line>/end/", subscriptions.line_end, name="line-end"),
    path("customers/<id:pk>/needs/<id:need>/", profile.need_change, name="need-change"),
]
