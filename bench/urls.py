"""The product's URLs and one bare view: the least Django can do for a signed-in user with one ORM statement."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from customers.models import Customer
from foundation.common.doors import public


@public("a yardstick inside the benchmark only")
def bare(request: HttpRequest) -> HttpResponse:
    row = Customer.objects.order_by("-id").values_list("number", flat=True).first()
    return HttpResponse(row or "", content_type="text/plain")


@public("a yardstick inside the benchmark only")
def bare_page(request: HttpRequest) -> HttpResponse:
    rows = Customer.objects.order_by("-id").values_list("number", "name")[:50]
    return HttpResponse("".join(f"<p>{number} {name}</p>" for number, name in rows))


urlpatterns = [path("bench/bare/", bare), path("bench/bare-page/", bare_page), path("", include("crm.urls"))]
