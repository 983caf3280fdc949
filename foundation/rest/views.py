"""The verbs of every resource: lists, one, POST, PATCH, DELETE (rest.md, common behaviour)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db import OperationalError, transaction
from django.http import Http404
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from foundation.common.paging import capped_count, cursor_of, keyset_page
from foundation.rest import keys
from foundation.rest.bodies import Json, JsonAlways, JsonBody, MergePatchBody, bad_text, check_size
from foundation.rest.clients import Caller
from foundation.rest.document import CallSchema, operation_of_list, operation_of_one
from foundation.rest.filters import condition_of
from foundation.rest.keys import Answer
from foundation.rest.resources import Call, Resource, id_of
from foundation.rest.signin import TokenSignIn

USUAL, MOST, FARTHEST = 100, 1_000, 10_000
COUNTED = 1_000
LOCK_TIMED_OUT = "55P03"


class Busy(APIException):
    """The same write, or another of the same thing, is still running."""

    status_code = 409
    default_code = "busy"
    default_detail = "A request for the same is still running. Try again."


class Stale(APIException):
    """Somebody changed it since the caller read it."""

    status_code = 412
    default_code = "stale"
    default_detail = "It was changed since: the ETag of If-Match is no longer its own."


class MayCall(BasePermission):
    """A program with the scope the verb needs, whose user holds the right to the rows."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not isinstance(request.auth, Caller):
            raise NotAuthenticated
        scope = view.scope_for(request.method)
        if scope not in request.auth.scopes:
            view.missing_scope = scope
            raise PermissionDenied(f"The access token lacks the scope {scope}.")
        right = view.right_for(request.method)
        if right and not request.user.has_perm(right):
            raise PermissionDenied("The role of this program does not open these rows.")
        return True


class CallView(APIView):
    """What every call of a program has: token, scope, size, media type, audit."""

    schema = CallSchema()
    authentication_classes: Any = (TokenSignIn,)
    permission_classes: Any = (MayCall,)
    parser_classes: Any = (JsonBody, MergePatchBody)
    renderer_classes = (Json,)
    content_negotiation_class = JsonAlways
    careline_door: ClassVar[str] = "token"
    audited_as: ClassVar[str] = ""
    missing_scope = ""
    touched: str = ""
    customer_id: int | None = None

    def scope_for(self, method: str) -> str:
        raise NotImplementedError

    def right_for(self, method: str) -> str:
        return ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_size(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.missing_scope:
            answer["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{self.missing_scope}"'
        answer["Cache-Control"] = "no-store"
        caller = getattr(request, "auth", None)
        if isinstance(caller, Caller):
            answer["X-Careline-Sandbox"] = "true" if caller.sandbox else "false"
            record(
                "rest.called",
                target=("rest.apiclient", caller.client_id),
                actor=request.user,
                customer_id=self.customer_id,
                detail={
                    "resource": self.audited_as or type(self).__name__,
                    "method": request.method,
                    "status": answer.status_code,
                    **({"id": self.touched} if self.touched else {}),
                },
            )
        return answer

    def call_of(self, request: Request) -> Call:
        return Call(request.user, caller_in(request), f"{request.scheme}://{request.get_host()}")

    def written(self, request: Request, body: Any, act: Callable[[], Answer]) -> Response:
        """Do a write once for its `Idempotency-Key`, in one transaction with its answer; a sandbox's is undone."""
        key = keys.key_of(request)
        caller = caller_in(request)
        try:
            with transaction.atomic():
                row, answer = keys.claim(caller.client_id, key, keys.digest_of(request, body)) if key else (0, None)
                if answer is None:
                    answer = act()
                    if key:
                        keys.keep(row, answer, Json().render(answer.body))
                if caller.sandbox:
                    transaction.set_rollback(True)
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", "") != LOCK_TIMED_OUT:
                raise
            busy = Busy()
            busy.wait = 1  # type: ignore[attr-defined]  # DRF's handler makes Retry-After of it
            raise busy from error
        self.customer_id = answer.customer_id
        headers = {**answer.headers, **({"Idempotency-Replayed": "true"} if answer.replayed else {})}
        return Response(answer.body, status=answer.status, headers=headers)


class ResourceView(CallView):
    """What list and detail of a resource share."""

    resource: ClassVar[Resource]

    def scope_for(self, method: str) -> str:
        return self.resource.read_scope if method in ("GET", "HEAD") else self.resource.write_scope

    def right_for(self, method: str) -> str:
        return self.resource.reads

    def one(self, row: Any, call: Call, wanted: frozenset[str] | None = None) -> dict[str, Any]:
        return self.resource.bodies([row], wanted if wanted is not None else frozenset(self.resource.attributes), call)[
            0
        ]

    def answer_of(self, row: Any, call: Call, status: int) -> Answer:
        """A written row as its answer shows it."""
        again = self.resource.rows(call.user).filter(pk=row.pk).first() or row
        body = self.one(again, call)
        headers = {"ETag": etag_of(body)} | ({"Location": body["href"]} if status == 201 else {})
        self.touched = row.ref
        return Answer(status, body, headers, self.resource.customer_of(again))


class ResourceList(ResourceView):
    """`GET` of the rows a program sees, and `POST` of a new one."""

    def operation(self, method: str, registry: Any) -> dict[str, Any]:
        return operation_of_list(self.resource, method, registry)

    def get(self, request: Request) -> Response:
        """200, or 206 for a part that was asked for; the newest first."""
        call = self.call_of(request)
        asked = request.query_params
        wanted = self.resource.wanted(asked.get("fields"))
        offset, limit = _number(asked, "offset", 0, FARTHEST), _number(asked, "limit", USUAL, MOST, low=1)
        after = asked.get("after")
        if after and "offset" in asked:
            raise ValidationError({"after": ["either after or offset"]})
        rows = self.resource.rows(call.user).filter(condition_of(self.resource.all_filters(), asked))
        rows = rows.order_by(*self.resource.order)
        items, cursor = _from(rows, offset, limit) if offset else _after(rows, after, limit)
        total, capped = capped_count(rows, COUNTED) if offset or after or cursor else (len(items), False)
        answer = Response(self.resource.bodies(items, wanted, call))
        answer["X-Result-Count"], answer["X-Total-Count"] = str(len(items)), str(total)
        if capped:
            answer["X-Total-Count-Capped"] = "true"
        if cursor:
            kept = [(name, one) for name, all_of in asked.lists() if name not in ("offset", "after") for one in all_of]
            answer["Link"] = f'<{call.root}{request.path}?{urlencode([*kept, ("after", cursor)])}>; rel="next"'
        if {"offset", "limit"} & set(asked) and (capped or len(items) < total):
            answer.status_code = 206
        return answer

    def post(self, request: Request) -> Response:
        """201 with what was made."""
        call, body = self.call_of(request), body_of(request)
        data = self.resource.new_data(body)
        return self.written(request, body, lambda: self.answer_of(self.resource.create(data, call), call, 201))


class ResourceDetail(ResourceView):
    """`GET`, `PATCH` and `DELETE` of one row."""

    def operation(self, method: str, registry: Any) -> dict[str, Any]:
        return operation_of_one(self.resource, method, registry)

    def get(self, request: Request, ref: str) -> Response:
        """200 with the row; 404 for what there is not or the program does not see."""
        _only(request, {"fields"})
        call, row = self.call_of(request), self.row(request, ref)
        wanted = self.resource.wanted(request.query_params.get("fields"))
        whole = self.one(row, call)
        shown = {name: part for name, part in whole.items() if name in wanted or name in ("id", "href", "@type")}
        return Response(shown, headers={"ETag": etag_of(whole)})

    def patch(self, request: Request, ref: str) -> Response:
        """200 with the row as it is now."""
        call, body = self.call_of(request), body_of(request)

        def act() -> Answer:
            row = self.locked(request, ref, call)
            now = self.one(row, call)
            _check_match(request, now)
            data = self.resource.patch_data(body, now)
            return self.answer_of(self.resource.change(row, data, call) if data else row, call, 200)

        return self.written(request, body, act)

    def delete(self, request: Request, ref: str) -> Response:
        """204 where it may go."""
        call = self.call_of(request)

        def act() -> Answer:
            row = self.locked(request, ref, call)
            _check_match(request, self.one(row, call) if "If-Match" in request.headers else {})
            customer = self.resource.customer_of(row)
            self.resource.remove(row, call)
            return Answer(204, None, {}, customer)

        return self.written(request, None, act)

    def row(self, request: Request, ref: str) -> Any:
        """The row of the address. Raises Http404."""
        key = id_of(ref)
        row = self.resource.rows(request.user).filter(pk=key).first() if key is not None else None
        if row is None:
            raise Http404
        self.touched, self.customer_id = row.ref, self.resource.customer_of(row)
        return row

    def locked(self, request: Request, ref: str, call: Call) -> Any:
        """The row, locked before it is compared, so that nobody changes it in between."""
        row = self.row(request, ref)
        type(row)._default_manager.select_for_update(no_key=True).only("pk").get(pk=row.pk)
        return self.row(request, ref)


def caller_in(request: Request) -> Caller:
    """The program that calls; `MayCall` let in nobody else."""
    assert isinstance(request.auth, Caller)
    return request.auth


def body_of(request: Request) -> dict[str, Any]:
    """The object sent; the parser takes nothing else. Raises ParseError, UnsupportedMediaType."""
    return dict(request.data)


def etag_of(body: Any) -> str:
    """The ETag of a whole body: it changes with anything the caller is shown."""
    return f'"{hashlib.sha256(Json().render(body)).hexdigest()[:32]}"'


def _check_match(request: Request, body: Any) -> None:
    said = request.headers.get("If-Match")
    if said is None or said.strip() == "*":
        return
    if etag_of(body) not in {part.strip() for part in said.split(",")}:
        raise Stale


def _number(asked: Any, name: str, usual: int, most: int, low: int = 0) -> int:
    said = asked.get(name)
    if said is None:
        return usual
    if not said.isascii() or not said.isdecimal() or len(said) > 9 or not low <= int(said) <= most:
        raise ValidationError({name: [f"must be a number from {low} to {most}"]})
    return int(said)


def _only(request: Request, names: set[str]) -> None:
    if unknown := sorted(set(request.query_params) - names):
        raise ValidationError({name[:80]: ["there is no such parameter"] for name in unknown})


def _after(rows: Any, after: str | None, limit: int) -> tuple[list[Any], str | None]:
    try:
        if after and bad_text(after):
            raise ValueError(after)
        page = keyset_page(rows, after=after, size=limit)
    except (RuleBroken, ValueError, OverflowError, TypeError) as error:
        raise ValidationError({"after": ["is damaged; start from the first page"]}) from error
    return page.items, page.next_cursor


def _from(rows: Any, offset: int, limit: int) -> tuple[list[Any], str | None]:
    """A page by its place, and the cursor that goes on from its end."""
    found = list(rows[offset : offset + limit + 1])
    return found[:limit], cursor_of(rows, found[limit - 1]) if len(found) > limit else None
