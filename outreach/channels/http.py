"""Letters to an HTTP gateway: one signed POST each, and an exact answer to "was it taken?".

`POST <CARELINE_SMS_URL>` with the fields `reference`, `to`, `text`, `class`, as JSON (or as a form, with `?format=form`
at the end of the address); headers `Idempotency-Key` (the reference, the same at every repeat) and
`X-Careline-Signature` (foundation.rest.signing). What answers mean stands in `outcome_of`.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import structlog

from foundation.common import clock
from foundation.common.errors import BadSetting
from foundation.rest.signing import HEADER, sign
from outreach.channels.letters import Fate, Letter, Outcome

log = structlog.get_logger(__name__)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# One letter at worst: inside the lease of an attempt in flight.
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LONGEST_ANSWER = 65_536
WHOLE_SECONDS = 30.0
LONGEST_REST = 300.0
FIRST_REST = 1.0
TAKEN = frozenset({200, 201, 202, 204, 409})  # 409: it has this reference already
THROTTLED = frozenset({429, 503})
# The address, the key or the path is wrong: no letter's fault, and none may fail for it.
OURS = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 406, 411, 415})
UNSURE = frozenset({408, 425})
NOBODY = "unknown_recipient"


def read_gateway(url: str, key: str) -> tuple[str, bool]:
    """The address letters are posted to, and whether as a form. Raises BadSetting: only https (http on this machine),
    no password in the address, and a key."""
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        parts.port  # noqa: B018 (raises for no number)
    except ValueError:
        raise BadSetting("CARELINE_SMS_URL is no address") from None
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or parts.username or parts.fragment or (parts.scheme != "https" and not plain):
        raise BadSetting("CARELINE_SMS_URL must begin with smpp://, smpps:// or https:// and hold no password for HTTP")
    if len(key) < 16:
        raise BadSetting("CARELINE_SMS_KEY must have at least 16 characters for an HTTP gateway")
    shape = given.pop("format", "json")
    if shape not in {"json", "form"}:
        raise BadSetting("CARELINE_SMS_URL: format must be json or form")
    return urlunsplit(parts._replace(query=urlencode(given))), shape == "form"


class HttpCarrier:
    """Speaks to the one host the setting names and follows it nowhere else."""

    batch = 1

    def __init__(self, url: str, key: str) -> None:
        self._url, self._form = read_gateway(url, key)
        self._key = key
        self._client: httpx.Client | None = None
        self._rest_until, self._rest = 0.0, 0.0

    def open(self) -> Outcome | None:
        """None unless the gateway asked us to wait or does not let us in."""
        if time.monotonic() < self._rest_until:
            return Outcome(Fate.UNREACHED, "resting")
        if self._client is None:
            self._client = httpx.Client(
                timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
            )
        return None

    def send(self, letters: Sequence[Letter]) -> list[Outcome]:
        return [self._send(letter) for letter in letters]

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _send(self, letter: Letter) -> Outcome:
        if self._client is None:
            return Outcome(Fate.UNREACHED, "not open")
        body, kind = self._body(letter)
        headers = {
            "Content-Type": kind,
            "Accept": "application/json",
            "Idempotency-Key": letter.reference,
            HEADER: sign(self._key, int(clock.now().timestamp()), body),
        }
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                said = self._read(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return self._away(type(error).__name__)
        except (httpx.HTTPError, OSError) as error:
            return Outcome(Fate.UNSURE, type(error).__name__)
        if answer.status_code in OURS:
            log.error("sms_gateway_refuses_us", status=answer.status_code)
            return self._away(str(answer.status_code))
        if answer.status_code in THROTTLED:
            return self._away(str(answer.status_code), answer.headers.get("Retry-After", ""))
        self._rest = 0.0
        return outcome_of(answer.status_code, said)

    def _body(self, letter: Letter) -> tuple[bytes, str]:
        fields = {
            "reference": letter.reference,
            "to": letter.address,
            "text": letter.body.strip(),
            "class": letter.message_class,
        }
        if self._form:
            return urlencode(fields).encode(), "application/x-www-form-urlencoded"
        return json.dumps(fields, ensure_ascii=False).encode(), "application/json"

    def _away(self, detail: str, retry_after: str = "") -> Outcome:
        """Nothing was taken and nothing will be for a moment: each time twice as long, or as the gateway says."""
        self._rest = min(LONGEST_REST, self._rest * 2 or FIRST_REST)
        asked = float(retry_after) if retry_after.isdigit() else 0.0
        self._rest_until = time.monotonic() + min(LONGEST_REST, max(self._rest, asked))
        return Outcome(Fate.UNREACHED, detail)

    @staticmethod
    def _read(answer: httpx.Response) -> bytes:
        """The beginning of the answer; one that drips is given up, its status stands."""
        found, until = b"", time.monotonic() + WHOLE_SECONDS
        for piece in answer.iter_bytes():
            found += piece
            if len(found) > LONGEST_ANSWER or time.monotonic() > until:
                break
        return found[:LONGEST_ANSWER]


def outcome_of(status: int, said: bytes) -> Outcome:
    """What an answer to a letter means: 2xx and 409 taken; 400, 422 and other 4xx refused for good, with
    `{"error": "unknown_recipient"}` nobody is there; 5xx nobody knows."""
    if status in TAKEN or 200 <= status < 300:
        return Outcome(Fate.TAKEN, str(status))
    if status >= 500 or status in UNSURE or status < 200:
        return Outcome(Fate.UNSURE, str(status))
    try:
        error = json.loads(said)
    except (ValueError, RecursionError):
        error = None
    code = error.get("error") if isinstance(error, dict) else None
    return Outcome(Fate.REFUSED, str(status), nobody=code == NOBODY)
