"""The OpenAPI document, and a page that shows it; both from this server alone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from foundation.common.doors import public
from foundation.rest.document import document


@require_GET
@public("it says how to speak to us and holds nothing of anybody")
def openapi(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json; charset=utf-8")


@require_GET
@public("it shows the public document")
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "rest/docs.html")
