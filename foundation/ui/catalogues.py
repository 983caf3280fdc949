"""Finding what is to be translated, filling and checking the catalogues; needs no gettext tools.

Messages are found in Python by its syntax tree and in templates by Django's own `templatize`, which turns the
translation tags into gettext calls.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib
from django.conf import settings
from django.utils.translation.template import templatize

HEADERS = {
    "zh_Hans": {"Language": "zh_Hans", "Plural-Forms": "nplurals=1; plural=0;"},
    "en": {"Language": "en", "Plural-Forms": "nplurals=2; plural=(n != 1);"},
}
SOURCE_LOCALE = "en"
PLURALS = {"zh_Hans": 1, "en": 2}
NOT_TRANSLATED = {"tests", "bench", "docs", "locale", "static", "templates"}

# name of the function -> places of (context, singular, plural) among its arguments
_CALLS: dict[str, tuple[int | None, int, int | None]] = {
    "_": (None, 0, None),
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(
    rf"(?<![\w.])(?P<name>npgettext|ngettext|pgettext|gettext|_)\((?P<args>{_LITERAL}(?:,\s*{_LITERAL})*)", re.DOTALL
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")


class Message(NamedTuple):
    """What is to be translated."""

    context: str | None
    singular: str
    plural: str | None


class Found(NamedTuple):
    """A message and where it stands (path below the project)."""

    message: Message
    where: str


def _message(name: str, arguments: list[str | None]) -> Message | None:
    context_at, singular_at, plural_at = _CALLS[name]
    places = [place for place in (context_at, singular_at, plural_at) if place is not None]
    if any(place >= len(arguments) or arguments[place] is None for place in places):
        return None
    return Message(
        arguments[context_at] if context_at is not None else None,
        arguments[singular_at] or "",
        arguments[plural_at] if plural_at is not None else None,
    )


def messages_in_python(source: str) -> Iterator[Message]:
    """The messages of a Python source. Calls whose arguments are not literal are passed over.

    Raises SyntaxError for an f-string as message, which could never be found in a catalogue.
    """
    tree = ast.parse(source)
    names = {name: name for name in _CALLS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {item.asname: item.name for item in node.names if item.asname and item.name in _CALLS}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called not in names:
            continue
        if any(isinstance(argument, ast.JoinedStr) for argument in node.args):
            raise SyntaxError(f"line {node.lineno}: an f-string cannot be translated")
        literals = [
            argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None
            for argument in node.args
        ]
        message = _message(names[called], literals)
        if message is not None and message.singular:
            yield message


def messages_in_template(source: str) -> Iterator[Message]:
    """The messages of a template."""
    for call in _TEMPLATE_CALL.finditer(templatize(source)):
        literals = [ast.literal_eval(found) for found in re.findall(_LITERAL, call["args"], re.DOTALL)]
        message = _message(call["name"], literals)
        if message is not None and message.singular:
            yield message


def source_files(base: Path | None = None) -> Iterator[Path]:
    """The Python files of our packages and all templates, in a fixed order."""
    base = base or Path(settings.BASE_DIR)
    for package in sorted(path.parent for path in base.glob("*/__init__.py")):
        if package.name not in NOT_TRANSLATED and not package.name.startswith("."):
            yield from sorted(path for path in package.rglob("*.py") if "migrations" not in path.parts)
    for suffix in ("html", "txt"):
        yield from sorted((base / "templates").rglob(f"*.{suffix}"))


def extract(base: Path | None = None) -> dict[Message, list[str]]:
    """Every message of the project with the files it stands in. A migration holds no message."""
    base = base or Path(settings.BASE_DIR)
    found: dict[Message, list[str]] = {}
    for path in source_files(base):
        read = messages_in_python if path.suffix == ".py" else messages_in_template
        where = path.relative_to(base).as_posix()
        try:
            messages = list(read(path.read_text(encoding="utf-8")))
        except SyntaxError as error:
            raise SyntaxError(f"{where}: {error}") from error
        for message in messages:
            places = found.setdefault(message, [])
            if where not in places:
                places.append(where)
    return _without_doubles(found)


def _without_doubles(found: dict[Message, list[str]]) -> dict[Message, list[str]]:
    """One entry where a text is used both with and without a plural: the catalogue has one key for both."""
    plural_keys = {(m.context, m.singular): m for m in found if m.plural is not None}
    merged: dict[Message, list[str]] = {}
    for message, places in found.items():
        key = plural_keys.get((message.context, message.singular), message)
        merged.setdefault(key, []).extend(place for place in places if place not in merged.get(key, []))
    return merged


def catalogue_path(locale: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / locale / "LC_MESSAGES" / "django.po"


def update(locale: str, found: dict[Message, list[str]]) -> tuple[int, int]:
    """Write the catalogue of `locale` so that it holds exactly `found`; returns (added, removed).

    Translations stay. New entries of the source language are filled with their own text, others left empty.
    """
    path = catalogue_path(locale)
    old = polib.pofile(str(path)) if path.exists() else polib.POFile()
    known = {(entry.msgctxt, entry.msgid): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=100)
    new.metadata = {
        "Project-Id-Version": "careline",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        **HEADERS[locale],
    }
    added = 0
    for message, places in sorted(found.items(), key=lambda pair: (pair[0].singular, pair[0].context or "")):
        entry = known.pop((message.context, message.singular), None)
        if entry is None or bool(entry.msgid_plural) != bool(message.plural):
            entry = _new_entry(message, locale)
            added += 1
        entry.msgid_plural = message.plural or ""
        entry.occurrences = [(place, "") for place in places]
        entry.flags = [flag for flag in entry.flags if flag != "python-format"]
        if _PLACEHOLDER.search(message.singular + (message.plural or "")) and "%(" in message.singular:
            entry.flags.append("python-format")
        if locale == SOURCE_LOCALE:
            _fill_from_source(entry, message)
        new.append(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    new.save(str(path))
    return added, len(known)


def _new_entry(message: Message, locale: str) -> polib.POEntry:
    entry = polib.POEntry(msgctxt=message.context, msgid=message.singular)
    if message.plural is not None:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = dict.fromkeys(range(PLURALS[locale]), "")
    return entry


def _fill_from_source(entry: polib.POEntry, message: Message) -> None:
    if message.plural is not None:
        entry.msgstr_plural = {0: message.singular, 1: message.plural}
    else:
        entry.msgstr = message.singular


def _placeholders(text: str) -> set[str]:
    return {first or second for first, second in _PLACEHOLDER.findall(text)}


def problems(locale: str, found: dict[Message, list[str]]) -> list[str]:
    """What is wrong with the catalogue of `locale`, a sentence each: missing, empty, fuzzy or left-over entries,
    a wrong number of plural forms, other placeholders than the source."""
    path = catalogue_path(locale)
    if not path.exists():
        return [f"{locale}: there is no catalogue"]
    entries = {(e.msgctxt, e.msgid): e for e in polib.pofile(str(path)) if not e.obsolete}
    said = []
    for message in found:
        entry = entries.pop((message.context, message.singular), None)
        name = f"{locale}: {message.singular!r}"
        if entry is None:
            said.append(f"{name} is missing")
            continue
        if entry.fuzzy:
            said.append(f"{name} is fuzzy")
        texts = list(entry.msgstr_plural.values()) if message.plural is not None else [entry.msgstr]
        if message.plural is not None and len(texts) != PLURALS[locale]:
            said.append(f"{name} has {len(texts)} plural forms instead of {PLURALS[locale]}")
        if not texts or not all(texts):
            said.append(f"{name} is not translated")
            continue
        wanted = _placeholders(message.plural or message.singular)
        for text in texts:
            given = _placeholders(text)
            # The form for exactly one may leave the number out.
            if given != wanted and not (message.plural is not None and given < wanted and PLURALS[locale] > 1):
                said.append(f"{name} has the placeholders {sorted(given)} instead of {sorted(wanted)}")
    said += [f"{locale}: {msgid!r} is used nowhere" for _context, msgid in entries]
    return said


def compile_catalogues() -> list[Path]:
    """Write `django.mo` beside each `django.po` that is newer; returns those written."""
    written = []
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
                continue
            fresh = target.with_suffix(".mo.new")
            polib.pofile(str(source)).save_as_mofile(str(fresh))
            fresh.replace(target)
            written.append(target)
    return written
