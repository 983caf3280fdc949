from django.urls import path

from customers.value import views

app_name = "value"
urlpatterns = [
    path("customers/value/", views.board, name="board"),
    path("customers/<id:pk>/value/", views.customer_value, name="customer-value"),
]
