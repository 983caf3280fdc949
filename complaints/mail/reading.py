"""One e-mail as we understand it. Pure: bytes in, a value out, whatever the bytes are; nothing is looked up."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser

from complaints.mail import guard, markup
from complaints.mail.charsets import clean, text_of, words_of
from complaints.mail.quoting import bare_subject, is_answer, own_words

DEEPEST = 100  # deeper parts of a mail are not looked into
MOST_LEVELS = 200  # the parser takes time that grows with the square of the levels
MOST_PARTS, MOST_BORDERS = 300, 5_000
MOST_REFERENCES = 30
LONGEST_BODY = 1_000_000
LONGEST_SUBJECT = 200
_IN_BRACKETS = re.compile(r"<\s*([^<>\s]{3,260})\s*>")
_BARE = re.compile(r"[^<>\s(),:;\"]{1,64}@[^<>\s(),:;\"]{3,189}")
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]{3,189}")
MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_NAMED = re.compile(r"name=\s*\"?([^\";]+)", re.IGNORECASE)
NUMBER = re.compile(r"(?<![0-9A-Za-z])CP[0-9]{14}(?![0-9A-Za-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A file sent along, as it came."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Mail:
    """What a mail says.

    `sender`: the address in small letters, "" when there is none to answer; `name`: as the writer calls themself.
    `text`: what was written in this mail; `whole`: with quotes and signature. `references`: Message-IDs it answers,
    the nearest first; `numbers`: case numbers of the subject. `automatic`: why no person wrote it, or ""
    (`guard.Why`); `returned`: for a delivery report, what came back. `unproven`: our own mail server says that the
    sender is not who they say. `unread`: something was too deep or too much to be looked into. `digest`: the same for
    the same mail.
    """

    message_id: str
    sender: str
    name: str
    subject: str
    text: str
    whole: str
    references: tuple[str, ...]
    numbers: tuple[str, ...]
    files: tuple[Part, ...]
    automatic: str
    returned: guard.Returned | None
    unproven: bool
    unread: bool
    digest: str

    @property
    def answers(self) -> bool:
        """Whether it says that it answers another mail."""
        return bool(self.references) or is_answer(self.subject)

    @property
    def heading(self) -> str:
        """The subject without "Re:" before it."""
        return bare_subject(self.subject)


def read_mail(raw: bytes, *, own_host: str = "", cut: bool = False) -> Mail:
    """Read one mail. `own_host`: the domain in our own Message-IDs. `cut`: `raw` is only the beginning of a mail too
    large to be taken: its last part is not kept as a file. Never fails: what cannot be read is missing."""
    try:
        if raw.count(b"boundary=") + raw.count(b"message/rfc822") > MOST_LEVELS or raw.count(b"\n--") > MOST_BORDERS:
            raise RecursionError
        message: Message = BytesParser(policy=policy.compat32).parsebytes(raw)
        parts = _Parts(message, cut=cut)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError):
        # Hundreds of parts inside one another, or a head the parser stumbles over: the head alone is read, and the
        # whole is a file for people to look into.
        message = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[:200_000])
        parts = _Parts(None, cut=cut)
        parts.files.append(Part("mail.eml", raw))
    heads = heads_of(message)
    sender, name = _sender(heads)
    subject = words_of(heads.get("subject", [""])[0])[:LONGEST_SUBJECT]
    references = _references(heads)
    whole = clean(parts.text)
    returned = guard.returned_of(message)
    mail_id = _message_ids(heads.get("message-id", [""])[0])[:1]
    return Mail(
        message_id=mail_id[0] if mail_id else "",
        sender=sender,
        name=name,
        subject=subject,
        text=own_words(whole, answers=bool(references) or is_answer(subject)),
        whole=whole,
        references=references,
        numbers=tuple(dict.fromkeys(one.upper() for one in NUMBER.findall(subject))),
        files=tuple(parts.files),
        automatic=guard.why_automatic(heads, sender=sender, subject=subject, own_host=own_host),
        returned=returned,
        unproven=guard.is_unproven(heads),
        unread=parts.unread,
        digest=_digest(heads, raw),
    )


def heads_of(message: Message) -> dict[str, list[str]]:
    """The head lines as they came, by name in small letters, unfolded; at most 4,000 letters each."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        line = str(value)[:20_000].replace("\r", "").replace("\n", " ").replace("\0", "")
        found.setdefault(name.lower(), []).append(line[:4_000])
    return found


def _digest(heads: dict[str, list[str]], raw: bytes) -> str:
    """The same for the same mail, also when it came by two ways: the ways stand in lines this leaves out, and end lines
    as they like."""
    told = [heads.get(name, [""])[0] for name in ("message-id", "from", "date", "subject")]
    if not told[0].strip():  # without a name of its own only its content tells it apart
        _head, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        told.append(hashlib.sha256(body.rstrip()).hexdigest())
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).hexdigest()


def _sender(heads: dict[str, list[str]]) -> tuple[str, str]:
    """Address and name. The last pair of brackets holds the address: others may stand in the name."""
    raw = heads.get("from", [""])[0][:1_000]
    found = list(_IN_BRACKETS.finditer(raw))
    bare = None if found else _BARE.search(raw)
    address = found[-1][1] if found else bare[0] if bare else ""
    address = unicodedata.normalize("NFKC", address).strip().lower()
    if not _ADDRESS.fullmatch(address):
        return "", ""
    return address, words_of(raw[: found[-1].start()] if found else "").strip("\"' ")[:80]


def _references(heads: dict[str, list[str]]) -> tuple[str, ...]:
    answered = _message_ids(heads.get("in-reply-to", [""])[0])
    earlier = _message_ids(heads.get("references", [""])[0])
    return tuple(dict.fromkeys([*answered, *reversed(earlier)]))[:MOST_REFERENCES]


def _message_ids(line: str) -> list[str]:
    return MESSAGE_ID.findall(line)


class _Parts:
    """The text and the files of a mail."""

    def __init__(self, message: Message | None, *, cut: bool) -> None:
        self.files: list[Part] = []
        self.unread = message is None
        self._seen, self._cut, self._last = 0, cut, None
        if message is not None and cut:
            self._last = _last_leaf(message)
        self.text = self._read(message, 0).strip() if message is not None else ""

    def _read(self, part: Message, depth: int) -> str:
        self._seen += 1
        if depth > DEEPEST or self._seen > MOST_PARTS:
            self.unread = True
            return ""
        kind = part.get_content_type()
        if kind == "message/rfc822" or kind == "message/delivery-status":
            self._keep(part, "mail.eml")
            return ""
        if part.is_multipart():
            children = list(_children(part))
            if kind == "multipart/alternative":
                return self._best(children, depth)
            return "\n\n".join(text for child in children if (text := self._read(child, depth + 1).strip()))
        name = _file_name(part)
        if kind in {"text/plain", "text/html"} and not (name or _disposition(part) == "attachment"):
            text = _text(part)
            return markup.plain(text) if kind == "text/html" else text
        if part is not self._last or not self._cut:
            self._keep(part, name)
        else:
            self.unread = True
        return ""

    def _best(self, children: list[Message], depth: int) -> str:
        """Plain words before marked-up ones; the files of all."""
        texts = [(child.get_content_type(), self._read(child, depth + 1).strip()) for child in children]
        plain = next((text for kind, text in texts if kind == "text/plain" and text), "")
        return plain or next((text for _kind, text in reversed(texts) if text), "")

    def _keep(self, part: Message, name: str) -> None:
        data = part.as_bytes(policy=policy.compat32) if part.is_multipart() else _data(part)
        if data:
            self.files.append(Part(name or part.get_content_type().partition("/")[2], data))


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    for child in payload if isinstance(payload, list) else ():
        if isinstance(child, Message):
            yield child


def _last_leaf(message: Message) -> Message:
    for _level in range(DEEPEST * 10):
        children = list(_children(message))
        if not children:
            break
        message = children[-1]
    return message


def _data(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AttributeError):
        return b""
    return data if isinstance(data, bytes) else b""


def _text(part: Message) -> str:
    try:
        charset = part.get_param("charset", "")
    except (ValueError, LookupError, AttributeError, IndexError):  # a line the parser stumbles over
        charset = ""
    return text_of(_data(part)[:LONGEST_BODY], charset if isinstance(charset, str) else str(charset[2]))


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except (ValueError, LookupError, AttributeError, IndexError):
        return "attachment"


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename("") or ""
    except (ValueError, LookupError, AttributeError, IndexError, TypeError):
        return "file"
    if "\ufffd" in name:  # letters nobody declared: the line as it came tells more
        heads = heads_of(part)
        lines = (line for head in ("content-disposition", "content-type") for line in heads.get(head, []))
        name = next((found[1] for found in map(_NAMED.search, lines) if found), name)
    return words_of(name)[:200]
