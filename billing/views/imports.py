"""The door billing sends its month-end files through (rest.md, "Bulk")."""

from __future__ import annotations

import hashlib
import re
import tempfile
from http import HTTPStatus
from typing import IO, Any

from django.core.files import File
from django.http import Http404
from django.urls import reverse
from rest_framework.exceptions import APIException, UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing.monthend.running import CHECK, LOAD
from billing.views.listener import NOTIFY
from foundation.jobs.models import JobRun
from foundation.jobs.services import start_job
from foundation.rest.document import answer, refusals
from foundation.rest.resources import id_of
from foundation.rest.views import CallView, caller_in

LARGEST = 1 << 30
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
TYPES = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
SHAPE = {"type": "object", "properties": {"id": {"type": "string"}, "state": {"type": "string"}}}


class TooLarge(APIException):
    """The file is larger than a month can be."""

    status_code = 413
    default_code = "too_large"


class ImportView(CallView):
    """What both doors share."""

    scope = NOTIFY
    audited_as = "billImport"

    def scope_for(self, method: str) -> str:
        return NOTIFY

    def shown(self, request: Request, run: JobRun) -> dict[str, Any]:
        """A run as it is told."""
        self.touched = run.ref
        return {
            "id": run.ref,
            "href": request.build_absolute_uri(reverse("billing:import-state", args=[run.ref])),
            "@type": "Import",
            "state": run.state,
            "dryRun": run.job == CHECK,
            "counts": run.counts,
            "message": run.error_text,
        }


class ImportList(ImportView):
    """`POST /api/careline/v1/imports?content=bills&month=2026-10[&dryRun=true]`: a month-end file as the body."""

    def operation(self, method: str, _registry: Any) -> dict[str, Any]:
        """What the document says of it."""
        asked = {
            "content": {"type": "string", "enum": ["bills"]},
            "month": {"type": "string", "pattern": "^20[0-9][0-9]-(0[1-9]|1[0-2])$"},
        }
        dry = {"name": "dryRun", "in": "query", "schema": {"type": "string", "enum": ["true", "false"]}}
        return {
            "operationId": "createImport",
            "tags": ["billing"],
            "summary": "Send the bills of a month",
            "parameters": [
                *({"name": name, "in": "query", "required": True, "schema": shape} for name, shape in asked.items()),
                dry,
            ],
            "requestBody": {"required": True, "content": {kind: {"schema": {"type": "string"}} for kind in TYPES}},
            "security": [{"oauth2": [NOTIFY]}],
            "responses": {**answer(201, SHAPE), **refusals((400, 401, 403, 413, 415, 429))},
        }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """As of every call; but the body may be large: it is read as it comes."""
        APIView.initial(self, request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        """201 with the run; the same file of the same month is one run. A sandbox program's file is only checked."""
        kind = TYPES.get((request.content_type or "").partition(";")[0].strip().lower())
        if kind is None:
            raise UnsupportedMediaType(request.content_type or "")
        asked = {name: request.query_params.get(name, "") for name in ("content", "month", "dryRun")}
        if unknown := sorted(set(request.query_params) - set(asked)):
            raise ValidationError({unknown[0][:80]: ["there is no such parameter"]})
        if asked["content"] != "bills" or not MONTH.fullmatch(asked["month"]):
            raise ValidationError({"month": ["say content=bills and month as 2026-10"]})
        if asked["dryRun"] not in ("", "true", "false"):
            raise ValidationError({"dryRun": ["must be true or false"]})
        dry = asked["dryRun"] == "true" or caller_in(request).sandbox
        with tempfile.TemporaryFile() as spool:
            digest = _spool(request, spool)
            run = start_job(
                CHECK if dry else LOAD,
                actor=None,
                params={"month": asked["month"]},
                key=f"{asked['month']}-{digest}",
                file=File(spool, name=f"bills-{asked['month']}.{kind}"),
            )
        body = self.shown(request, run)
        return Response(body, status=HTTPStatus.CREATED, headers={"Location": body["href"]})


class ImportDetail(ImportView):
    """`GET /api/careline/v1/imports/<id>`: how far it came."""

    def operation(self, method: str, _registry: Any) -> dict[str, Any]:
        """What the document says of it."""
        return {
            "operationId": "retrieveImport",
            "tags": ["billing"],
            "summary": "See how far a file came",
            "parameters": [{"name": "ref", "in": "path", "required": True, "schema": {"type": "string"}}],
            "security": [{"oauth2": [NOTIFY]}],
            "responses": {**answer(200, SHAPE), **refusals((400, 401, 403, 404, 429))},
        }

    def get(self, request: Request, ref: str) -> Response:
        """200; 404 for a run that is none of these."""
        key = id_of(ref)
        run = JobRun.objects.filter(pk=key, job__in=(CHECK, LOAD)).first() if key is not None else None
        if run is None:
            raise Http404
        return Response(self.shown(request, run))


def _spool(request: Request, spool: IO[bytes]) -> str:
    """The body into a file; its digest. Raises TooLarge."""
    digest, size = hashlib.sha256(), 0
    while piece := request._request.read(1 << 20):
        size += len(piece)
        if size > LARGEST:
            raise TooLarge("A file has at most 1 GB.")
        digest.update(piece)
        spool.write(piece)
    spool.seek(0)
    return digest.hexdigest()
