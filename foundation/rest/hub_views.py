"""`/hub` of each API: where a program says that it wants to be told, and that it no longer does."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from foundation.rest.document import operation_of_hub
from foundation.rest.hub import listen, stop_listening
from foundation.rest.keys import Answer
from foundation.rest.models import Listener
from foundation.rest.resources import bases, id_of
from foundation.rest.shapes import checked, text, thing
from foundation.rest.views import CallView, body_of, caller_in

SHAPE = thing({"callback": text(400), "query": text(400)}, "callback")


class HubView(CallView):
    base: ClassVar[str]

    def operation(self, method: str, _registry: Any) -> dict[str, Any]:
        return operation_of_hub(self.base, method, SHAPE)

    def scope_for(self, method: str) -> str:
        return bases()[self.base][0].read_scope

    def shown(self, one: Listener) -> dict[str, Any]:
        return {"id": one.ref, "callback": one.callback, "query": one.query, "@type": "Hub"}


class HubList(HubView):
    def post(self, request: Request) -> Response:
        """201 with the listener; 409 for a callback we do not deliver to."""
        body = body_of(request)
        told = checked(SHAPE, body, "hub")
        if not told["callback"]:
            raise ValidationError({"callback": ["is missing"]})

        def act() -> Answer:
            made = listen(
                client_id=caller_in(request).client_id,
                actor=request.user,
                base=self.base,
                callback=told["callback"],
                query=told.get("query", ""),
            )
            self.touched = made.ref
            return Answer(201, self.shown(made), {"Location": f"{request.build_absolute_uri()}/{made.ref}"})

        return self.written(request, body, act)


class HubDetail(HubView):
    def delete(self, request: Request, ref: str) -> Response:
        """204; 404 for one that is not this program's."""
        key = id_of(ref)
        mine = Listener.objects.filter(client=caller_in(request).client_id, base=self.base, ended_at=None)
        one = mine.filter(pk=key).first() if key is not None else None
        if one is None:
            raise Http404
        self.touched = one.ref

        def act() -> Answer:
            stop_listening(one, actor=request.user)
            return Answer(204, None, {})

        return self.written(request, None, act)
