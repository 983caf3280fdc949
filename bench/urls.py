"""The product's URLs and one bare view: the least Django can do for a signed-in user with one ORM statement."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from customers.models import Customer
from foundation.common.doors import public
from foundation.common.ids import new_id
from staff.models import Draft


@public("a yardstick inside the benchmark only")
def bare(request: HttpRequest) -> HttpResponse:
    row = Customer.objects.order_by("-id").values_list("number", flat=True).first()
    return HttpResponse(row or "", content_type="text/plain")


@public("a yardstick inside the benchmark only")
def bare_page(request: HttpRequest) -> HttpResponse:
    rows = Customer.objects.order_by("-id").values_list("number", "name")[:50]
    return HttpResponse("".join(f"<p>{number} {name}</p>" for number, name in rows))


@public("a yardstick inside the benchmark only")
def bare_insert(request: HttpRequest) -> HttpResponse:
    Draft.objects.create(user_id=request.user.pk, place=f"bench.{new_id()}", text="bench", stamp=new_id())
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("bench/bare/", bare),
    path("bench/bare-page/", bare_page),
    path("bench/bare-insert/", bare_insert),
    path("", include("crm.urls")),
]
