"""Every refusal of the REST interface has one body (rest.md)."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import translation
from rest_framework import exceptions, serializers
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from foundation.common.errors import NotAllowed, RuleBroken


class Party(serializers.Serializer):
    id = serializers.IntegerField()


class Body(serializers.Serializer):
    name = serializers.CharField(max_length=3)
    engagedParty = Party(many=True)

    def validate(self, attrs: dict) -> dict:
        raise serializers.ValidationError("these two do not fit")


def invalid(data: object) -> exceptions.ValidationError:
    body = Body(data=data)
    assert not body.is_valid()
    return exceptions.ValidationError(body.errors)


def answer(error: Exception):
    class Broken(APIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request):
            raise error

    return Broken.as_view()(APIRequestFactory().get("/", headers={"accept-language": "en"}))


@pytest.mark.parametrize(
    ("error", "status", "code", "reason", "message"),
    [
        (RuleBroken("jobs.ended", "it has ended"), 409, "jobs.ended", "Conflict", "it has ended"),
        (NotAllowed("jobs.not_allowed", "not you"), 403, "jobs.not_allowed", "Forbidden", "not you"),
        (Http404("secret 13800138000"), 404, "not_found", "Not Found", "Not found."),
        (
            PermissionDenied("audit.view"),
            403,
            "permission_denied",
            "Forbidden",
            "You do not have permission to perform this action.",
        ),
        (exceptions.Throttled(wait=3), 429, "throttled", "Too Many Requests", None),
        (exceptions.ParseError("bad JSON"), 400, "parse_error", "Bad Request", "bad JSON"),
        (
            lambda: invalid({"name": "four", "engagedParty": [{"id": 1}, {}]}),
            400,
            "invalid",
            "Bad Request",
            "name: Ensure this field has no more than 3 characters.; engagedParty[1].id: This field is required.",
        ),
        (
            lambda: invalid({"name": "abc", "engagedParty": []}),
            400,
            "invalid",
            "Bad Request",
            "these two do not fit",
        ),
    ],
)
def test_one_body_for_every_refusal(error, status, code, reason, message):
    with translation.override("en"):
        found = answer(error if isinstance(error, Exception) else error())
    assert found.status_code == status
    assert set(found.data) == {"code", "reason", "message", "status", "referenceError", "@type"}
    assert (found.data["code"], found.data["reason"], found.data["status"]) == (code, reason, str(status))
    assert found.data["@type"] == "Error"
    if message is not None:
        assert found.data["message"] == message
    if status == 429:
        assert found.headers["Retry-After"] == "3"


def test_a_defect_is_no_refusal():
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError())
