"""What a program is told where there is no such address."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from foundation.common.doors import public
from foundation.rest.errors import error_body


@csrf_exempt
@public("nothing is behind it")
def nowhere(request: HttpRequest) -> JsonResponse:
    return JsonResponse(error_body(404, "not_found", "There is no such address."), status=404)
