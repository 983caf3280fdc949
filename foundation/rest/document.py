"""The OpenAPI document: every operation with every status it answers, made from the resources themselves."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from foundation.rest.bodies import Json
from foundation.rest.filters import OPERATORS, Filter, Indexed, Of, Refused
from foundation.rest.resources import ALWAYS, Resource, bases
from foundation.rest.scopes import known_scopes

SAYS = {
    200: "As asked.",
    201: "Made.",
    204: "Done.",
    206: "A part of the list, as asked by offset or limit.",
    400: "The request is not as described: `message` names each faulty place.",
    401: "No access token, or one that is unknown, expired or taken back.",
    403: "The token lacks the scope, or the role of the program the right.",
    404: "There is no such thing, or the program does not see it.",
    409: "A rule forbids it now (`code` names it), or the same is still being done: then with Retry-After.",
    412: "It was changed since: If-Match no longer fits.",
    413: "The body is too large.",
    415: "Neither application/json nor application/merge-patch+json.",
    422: "The Idempotency-Key came before with another request.",
    429: "Too many calls in this minute: see Retry-After.",
}
ALL_REFUSE = (400, 401, 403, 429)
WRITES_REFUSE = (*ALL_REFUSE, 409, 413, 415, 422)
ERROR = {
    "type": "object",
    "required": ["code", "reason", "message", "status", "referenceError", "@type"],
    "properties": {
        name: {"type": "string"} for name in ("code", "reason", "message", "status", "referenceError", "@type")
    },
}
_SHAPES: dict[Of, dict[str, Any]] = {
    Of.MOMENT: {"type": "string", "format": "date-time"},
    Of.NUMBER: {"type": "number"},
    Of.FLAG: {"type": "boolean"},
}


class CallSchema(AutoSchema):
    """What the views of this interface say of themselves (`operation`); of others what can be guessed, with the
    refusals every call has."""

    def get_auth(self) -> list[dict[str, Any]]:
        scope = getattr(self.view, "scope", "")
        return [{"oauth2": [scope] if scope else []}]

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any) -> Any:
        _register(registry, "Error", ERROR)
        own = getattr(self.view, "operation", None)
        if own is not None:
            return own(method.upper(), registry)
        found = super().get_operation(path, path_regex, path_prefix, method, registry)
        if found is not None:
            found["responses"] |= refusals((*ALL_REFUSE, 404))
        return found


def refusals(statuses: tuple[int, ...]) -> dict[str, Any]:
    """The refusals of an operation."""
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {str(status): {"description": SAYS[status], "content": body} for status in statuses}


def answer(status: int, schema: Any = None, *, tagged: bool = False) -> dict[str, Any]:
    """An answer that is none."""
    told: dict[str, Any] = {"description": SAYS[status]}
    if schema is not None:
        told["content"] = {"application/json": {"schema": schema}}
    if tagged:
        told["headers"] = {"ETag": {"schema": {"type": "string"}}}
    return {str(status): told}


def operation_of_list(resource: Resource, method: str, registry: Any) -> dict[str, Any]:
    """GET and POST of a resource."""
    shown = _component(registry, resource)
    told = {"tags": [resource.base], "description": resource.about}
    if method == "GET":
        pages = {"type": "array", "items": shown}
        return told | {
            "operationId": f"list{resource.kind}",
            "summary": f"List {resource.name}",
            "parameters": [*_paging(), _fields(resource), *_filters(resource)],
            "security": [{"oauth2": [resource.read_scope]}],
            "responses": {**answer(200, pages), **answer(206, pages), **refusals(ALL_REFUSE)},
        }
    return told | {
        "operationId": f"create{resource.kind}",
        "summary": f"Make a {resource.name}",
        "parameters": [_header("Idempotency-Key", KEY_SAYS)],
        "requestBody": _body(_write_shape(resource, registry, new=True)),
        "security": [{"oauth2": [resource.write_scope]}],
        "responses": {**answer(201, shown, tagged=True), **refusals(WRITES_REFUSE)},
    }


KEY_SAYS = "The same key and body within 72 hours give the first answer; another body is 422."


def operation_of_one(resource: Resource, method: str, registry: Any) -> dict[str, Any]:
    """GET, PATCH and DELETE of one."""
    shown = _component(registry, resource)
    ref = {"in": "path", "name": "ref", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-z]{1,13}$"}}
    told: dict[str, Any] = {"tags": [resource.base], "description": resource.about}
    if method == "GET":
        return told | {
            "operationId": f"retrieve{resource.kind}",
            "summary": f"One {resource.name}",
            "parameters": [ref, _fields(resource)],
            "security": [{"oauth2": [resource.read_scope]}],
            "responses": {**answer(200, shown, tagged=True), **refusals((*ALL_REFUSE, 404))},
        }
    told |= {
        "parameters": [ref, _header("If-Match", "The ETag it was read with."), _header("Idempotency-Key", KEY_SAYS)],
        "security": [{"oauth2": [resource.write_scope]}],
    }
    refused = refusals((*WRITES_REFUSE, 404, 412))
    if method == "PATCH":
        return told | {
            "operationId": f"patch{resource.kind}",
            "summary": f"Change a {resource.name}",
            "requestBody": _body(_write_shape(resource, registry, new=False)),
            "responses": {**answer(200, shown, tagged=True), **refused},
        }
    return told | {
        "operationId": f"delete{resource.kind}",
        "summary": f"Take a {resource.name} away",
        "responses": {**answer(204), **refused},
    }


def operation_of_hub(base: str, method: str, shape: Any) -> dict[str, Any]:
    """POST and DELETE of a listener."""
    scope = bases()[base][0].read_scope
    told: dict[str, Any] = {"tags": [base], "security": [{"oauth2": [scope]}]}
    if method == "POST":
        shown = {"type": "object", "properties": {n: {"type": "string"} for n in ("id", "callback", "query", "@type")}}
        kinds = ", ".join(sorted({kind for one in bases()[base] for kind in one.events}))
        return told | {
            "operationId": f"listen_{base}",
            "summary": "Be told of events",
            "description": f"`query`: eventType=A,B of {kinds}; empty for all. Deliveries are signed.",
            "parameters": [_header("Idempotency-Key", KEY_SAYS)],
            "requestBody": _body(shape),
            "responses": {**answer(201, shown), **refusals(WRITES_REFUSE)},
        }
    ref = {"in": "path", "name": "ref", "required": True, "schema": {"type": "string"}}
    return told | {
        "operationId": f"stopListening_{base}",
        "summary": "Be told no more",
        "parameters": [ref, _header("Idempotency-Key", KEY_SAYS)],
        "responses": {**answer(204), **refusals((*WRITES_REFUSE, 404))},
    }


def _register(registry: Any, name: str, schema: Any) -> dict[str, str]:
    component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name)
    registry.register_on_missing(component)
    return dict(component.ref)


def _component(registry: Any, resource: Resource) -> dict[str, str]:
    always = {name: {"type": "string"} for name in ALWAYS}
    shown = {
        name: {**one.schema, **({"readOnly": True} if one.server else {})} for name, one in resource.attributes.items()
    }
    return _register(
        registry, resource.kind, {"type": "object", "required": list(ALWAYS), "properties": {**always, **shown}}
    )


def _write_shape(resource: Resource, registry: Any, *, new: bool) -> dict[str, str]:
    taken = {
        name: dict(one.schema) if new or one.mandatory else {**one.schema, "nullable": True}
        for name, one in resource.attributes.items()
        if not one.server and (new or not one.create_only)
    }
    needed = [name for name, one in resource.attributes.items() if one.mandatory] if new else []
    shape = {"type": "object", "properties": taken, **({"required": needed} if needed else {})}
    return _register(registry, f"{resource.kind}{'Create' if new else 'Patch'}", shape)


def _body(schema: Any) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _header(name: str, says: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "schema": {"type": "string"}, "description": says}


def _query(name: str, schema: Any, says: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "schema": schema, "description": says}


def _paging() -> list[dict[str, Any]]:
    return [
        _query("offset", {"type": "integer", "minimum": 0, "maximum": 10_000}, "How many are left out."),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100}, "How many at most."),
        _query("after", {"type": "string"}, "From the Link header of the page before."),
    ]


def _fields(resource: Resource) -> dict[str, Any]:
    names = ", ".join(resource.attributes)
    return _query("fields", {"type": "string"}, f"The attributes wanted, joined by commas: {names}.")


def _filters(resource: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, how in sorted(resource.all_filters().items()):
        if isinstance(how, Refused):
            continue
        found.append(_query(name, _shape_of(how), "Several values are joined by commas." + _within(how)))
        if how.of in (Of.MOMENT, Of.NUMBER):
            found += [_query(f"{name}.{operator}", _shape_of(how), _within(how)) for operator in OPERATORS]
    return found


def _within(how: Filter) -> str:
    return " Only within one customer." if type(how).__name__ == "WithinCustomer" else ""


def _shape_of(how: Indexed) -> dict[str, Any]:
    if how.of is Of.CODE:
        return {"type": "string", "enum": list(how.codes or {})}
    return _SHAPES.get(how.of, {"type": "string"})


@lru_cache(maxsize=1)
def document() -> bytes:
    """The whole document, made once for each process."""
    with translation.override("en"):
        found: Any = SchemaGenerator().get_schema(request=None, public=True)
    flow = {"tokenUrl": "/oauth/token", "scopes": {name: str(label) for name, label in sorted(known_scopes().items())}}
    schemes = {"oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}}}
    found["components"]["securitySchemes"] = schemes
    found["paths"]["/oauth/token"] = {"post": _TOKEN}
    return bytes(Json().render(found))


_REFUSED = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_TOKEN: dict[str, Any] = {
    "operationId": "token",
    "tags": ["oauth"],
    "summary": "An access token for a client id and secret",
    "security": [],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                        "scope": {"type": "string"},
                    },
                }
            }
        },
    },
    "responses": {
        **answer(
            200,
            {
                "type": "object",
                "required": ["access_token", "token_type", "expires_in", "scope"],
                "properties": {
                    "access_token": {"type": "string"},
                    "token_type": {"type": "string"},
                    "expires_in": {"type": "integer"},
                    "scope": {"type": "string"},
                },
            },
        ),
        **answer(400, _REFUSED),
        **answer(401, _REFUSED),
        **refusals((429,)),
    },
}
