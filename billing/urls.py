from django.urls import path

from billing.views import accounts, arrears, bills, comparing, credit, events, monthend
from billing.views.imports import ImportDetail, ImportList
from billing.views.listener import Listener

app_name = "billing"
urlpatterns = [
    path("listener/<str:event>", Listener.as_view(), name="listener"),
    path("customers/<id:pk>/bills/", bills.customer_bills, name="customer-bills"),
    path("customers/<id:pk>/credit/", credit.customer_credit, name="customer-credit"),
    path("customers/<id:pk>/credit/set/", credit.customer_credit_set, name="customer-credit-set"),
    path("customers/<id:pk>/credit/letter/", credit.customer_credit_letter, name="customer-credit-letter"),
    path("billing/events/", events.event_list, name="event-list"),
    path("billing/events/<id:pk>/", events.event_detail, name="event"),
    path("billing/unmatched/", accounts.unmatched_list, name="unmatched-list"),
    path("billing/arrears/", arrears.arrears_list, name="arrears-list"),
    path("billing/arrears/<id:pk>/", arrears.arrears_detail, name="arrears"),
    path("billing/commands/", accounts.command_list, name="command-list"),
    path("billing/comparison/", comparing.comparison, name="comparison"),
    path("billing/comparison/now/", comparing.compare_now, name="compare-now"),
    path("billing/month-end/", monthend.monthend, name="monthend"),
    path("api/careline/v1/imports", ImportList.as_view(), name="imports"),
    path("api/careline/v1/imports/<str:ref>", ImportDetail.as_view(), name="import-state"),
    path("billing/accounts/<id:pk>/commands/", accounts.account_detail, name="account-commands"),
]
