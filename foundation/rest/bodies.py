"""Bodies of requests: JSON of a size and depth that can be looked at, in the media types we take."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from foundation.policies.reading import policy

DEEPEST = 20
KILOBYTE = 1024


class TooLarge(APIException):
    """The body is larger than the policy allows."""

    status_code = 413
    default_code = "too_large"


class Json(JSONRenderer):
    """`application/json; charset=utf-8`, as TMF630 wants it."""

    charset = "utf-8"
    ensure_ascii = False


class JsonAlways(BaseContentNegotiation):
    """We answer in JSON, whatever the caller says to like."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        said = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == said), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class JsonBody(BaseParser):
    """A JSON object. Refuses (400) what is damaged, too deep, or holds what no database keeps."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read()
        if _depth(raw) > DEEPEST:
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
        try:
            data = json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not JSON in UTF-8.") from error
        check_text(data)
        if not isinstance(data, dict):
            raise ParseError("The body must be a JSON object.")
        return data


class MergePatchBody(JsonBody):
    """The same, said to be a merge patch (RFC 7396)."""

    media_type = "application/merge-patch+json"


def check_size(request: Any) -> None:
    """That the body is within the policy, before anything of it is read. Raises TooLarge."""
    most = policy("rest.largest_body") * KILOBYTE
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise TooLarge(f"The body is larger than {most} bytes.")


def check_text(value: Any) -> None:
    """Raises ParseError for NUL and half characters anywhere in names or values."""
    if isinstance(value, dict):
        for name, part in value.items():
            check_text(name)
            check_text(part)
    elif isinstance(value, list):
        for part in value:
            check_text(part)
    elif isinstance(value, str) and (bad_text(value)):
        raise ParseError("The body holds characters that cannot be kept (NUL or half a surrogate pair).")


def bad_text(text: str) -> bool:
    """Whether a text holds what no database keeps."""
    if "\0" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _depth(raw: bytes) -> int:
    """How deep brackets stand in one another outside of texts, without building anything."""
    depth = deepest = 0
    in_text = escaped = False
    for byte in raw:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                return deepest
        elif byte in b"]}":
            depth -= 1
    return deepest


def _refused(word: str) -> None:
    raise ValueError(word)
