"""The words of messages: registered templates, rendered in the recipient's language when the message leaves.

A template called NAME stands in `templates/outreach/messages/NAME.txt` and, for e-mail, `NAME.subject.txt`; both
languages come from the catalogues. Whoever changes the words raises the version: it is stored with each message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template import Context
from django.template.loader import get_template
from django.utils import translation
from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.ui.wording import say_moment
from outreach.lifecycle import Channel, MessageClass

# What a customer answers to refuse further offers (D§5.6); customers.services.refuse_by_reply acts on it.
REFUSAL_WORD = "TD"
_NAMES_THE_WORD = re.compile(rf"(?<![A-Za-z]){REFUSAL_WORD}(?![A-Za-z])")


@dataclass(frozen=True)
class MessageTemplate:
    """One wording. `title`: lazy translation for lists. `classes`: the message classes it may be used for; `legal`: a
    notice the law demands (D§5.7). `still_true(params)`: asked when it is about to leave; what has lost its meaning is
    dropped, not sent late (D§1.10). `mark`: the parameter that stands in brackets before the subject of an e-mail, by
    which an answer finds back; `by_hand`: a person's own words to this reader, no notice."""

    name: str
    title: Any
    version: int
    classes: frozenset[str]
    legal: bool = False
    still_true: Callable[[Mapping[str, Any]], bool] | None = None
    mark: str = ""
    by_hand: bool = False


_templates: dict[str, MessageTemplate] = {}


def register_template(template: MessageTemplate) -> MessageTemplate:
    """Make a wording known. Raises ValueError when another one has the name."""
    if _templates.setdefault(template.name, template) != template:
        raise ValueError(f"two message templates are called {template.name!r}")
    return template


def template_called(name: str) -> MessageTemplate:
    """The registered wording. Raises RuleBroken("message.unknown_template")."""
    try:
        return _templates[name]
    except KeyError:
        raise RuleBroken(
            "message.unknown_template", _("No message wording is called “%(name)s”.") % {"name": name[:48]}
        ) from None


def title_of(name: str) -> str:
    """How lists call a wording; its name when no installed app registers it any more."""
    return str(_templates[name].title) if name in _templates else name


def check_template(name: str, message_class: str) -> MessageTemplate:
    """The wording, if it may carry this class; RuleBroken("message.wrong_class") otherwise."""
    template = template_called(name)
    if message_class not in template.classes:
        raise RuleBroken("message.wrong_class", _("This wording may not be sent as a message of this class."))
    return template


def is_by_hand(name: str) -> bool:
    """Whether a wording carries a person's own words; one nobody registers any more is a notice."""
    return name in _templates and _templates[name].by_hand


def is_still_true(name: str, params: Mapping[str, Any]) -> bool:
    """Whether what a message says still holds, by the wording's own question; one nobody registers any more does."""
    template = _templates.get(name)
    return template is None or template.still_true is None or template.still_true(params)


@dataclass(frozen=True)
class Words:
    subject: str
    body: str


def render_words(
    template: MessageTemplate,
    *,
    language: str,
    params: dict[str, Any],
    message_class: str = "",
    channel: str = "",
    **extra: Any,
) -> Words:
    """Subject and body in `language`. Parameters whose name ends in `_at` are ISO moments and come out in words;
    `extra` (recipient, numbers) goes to the template as it is. An offer by text message gets its frame.
    """
    with translation.override(language or settings.LANGUAGE_CODE):
        shown = {
            key: say_moment(datetime.fromisoformat(value)) if key.endswith("_at") and value else value
            for key, value in params.items()
        }
        # Plain text: nothing to escape.
        context = {**shown, **extra, "public_url": settings.CARELINE_PUBLIC_URL}
        subject = _render(f"outreach/messages/{template.name}.subject.txt", context)
        body = _render(f"outreach/messages/{template.name}.txt", context)
        marked = f"[{params[template.mark]}] {subject}" if template.mark and params.get(template.mark) else subject
        words = Words(subject=" ".join(marked.split())[:200], body=body.strip() + "\n")
        is_offer = message_class == MessageClass.MARKETING and channel == Channel.SMS
        return with_refusal(words) if is_offer else words


def with_refusal(words: Words) -> Words:
    """An offer by text message in its frame: it names who sends it and says how to refuse (D§5.6), unless its own
    words do. In the active language."""
    sender = policy("outreach.offer.sender").strip()
    body = words.body.strip()
    if sender and sender not in body:
        body = _("[%(sender)s] %(text)s") % {"sender": sender, "text": body}
    if not _NAMES_THE_WORD.search(body):
        body = _("%(text)s Reply %(word)s to refuse.") % {"text": body, "word": REFUSAL_WORD}
    return Words(subject=words.subject, body=body + "\n")


def _render(name: str, context: dict[str, Any]) -> str:
    backend: Any = get_template(name)
    return str(backend.template.render(Context(context, autoescape=False)))
