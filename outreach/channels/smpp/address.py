"""Where the message centre is and how it wants to be spoken to, from `CARELINE_SMS_URL`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from foundation.common.errors import BadSetting
from outreach.channels.smpp.pdu import Address

SCHEMES = frozenset({"smpp", "smpps"})
_SHAPE = "CARELINE_SMS_URL must look like smpp://user:password@host:port?from=10086 or smpps://…"


@dataclass(frozen=True)
class Line:
    """One bind. `rate`: parts a second, 0 for as fast as it goes; `window`: parts sent and not answered for;
    `bits`: of the reference of parts; `nobody`: error codes of receipts that mean nobody has the number."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    source: Address
    system_type: str = ""
    rate: float = 0.0
    window: int = 20
    bits: int = 16
    only_ucs2: bool = False
    nobody: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What logs and rows call it: no password, no more than 60 letters."""
        return f"{self.user}@{self.host}:{self.port}"[:60]


def is_smpp(url: str) -> bool:
    """Whether the URL names a message centre that speaks SMPP."""
    return urlsplit(url).scheme in SCHEMES


def read_line(url: str) -> Line:
    """The line a URL describes:

    `smpp://user:password@host:2775?from=10086&rate=100&window=20&reference=16&alphabet=gsm7&system_type=&nobody=001`

    `smpps` speaks TLS. Raises BadSetting for anything it does not understand.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (3550 if parts.scheme == "smpps" else 2775)
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise BadSetting(_SHAPE) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme not in SCHEMES or not parts.hostname or parts.path not in {"", "/"} or not user:
        raise BadSetting(_SHAPE)
    options = dict(given)
    if len(options) != len(given):
        raise BadSetting("CARELINE_SMS_URL names a parameter twice")
    if max(len(user) - 15, len(password) - 64) > 0 or not (user + password).isascii():
        raise BadSetting("CARELINE_SMS_URL: at most 15 letters of user and 64 of password, all ASCII")
    line = Line(
        host=parts.hostname,
        port=port,
        tls=parts.scheme == "smpps",
        user=user,
        password=password,
        source=_source(options.pop("from", "")),
        system_type=_short(options.pop("system_type", ""), 12),
        rate=_number(options.pop("rate", "0"), "rate", 0, 10_000),
        window=int(_number(options.pop("window", "20"), "window", 1, 500)),
        bits=int(_choice(options.pop("reference", "16"), "reference", ("8", "16"))),
        only_ucs2=_choice(options.pop("alphabet", "gsm7"), "alphabet", ("gsm7", "ucs2")) == "ucs2",
        nobody=frozenset(code for code in options.pop("nobody", "").split(",") if code),
    )
    if options:
        raise BadSetting(f"CARELINE_SMS_URL does not know {', '.join(sorted(options))}")
    return line


def destination_of(number: str) -> Address:
    """A stored number as the message centre takes it: another country's begins with a plus (customers.normal)."""
    return Address(number[1:], ton=1) if number.startswith("+") else Address(number)


def number_of(address: Address) -> str:
    """A sender's number as people write it: the type "international" gives it its plus."""
    return f"+{address.text}" if address.ton == 1 and not address.text.startswith("+") else address.text


def _source(text: str) -> Address:
    text = _short(text, 20)
    if text.startswith("+") and text[1:].isdigit():
        return Address(text[1:], ton=1)
    if text.isdigit() or not text:
        return Address(text)
    return Address(_short(text, 11), ton=5, npi=0)


def _short(text: str, longest: int) -> str:
    if len(text) > longest or not text.isascii() or not text.isprintable():
        raise BadSetting(f"CARELINE_SMS_URL: {text!r} is longer than {longest} letters or not ASCII")
    return text


def _number(text: str, name: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not low <= number <= high:
        raise BadSetting(f"CARELINE_SMS_URL: {name} must be a number from {low:g} to {high:g}")
    return number


def _choice(text: str, name: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise BadSetting(f"CARELINE_SMS_URL: {name} must be {' or '.join(choices)}")
    return text
