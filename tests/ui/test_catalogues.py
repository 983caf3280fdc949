"""Both catalogues are complete, the extractor finds what it should, and no Chinese stands in the source."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command

from foundation.ui import catalogues
from foundation.ui.catalogues import Message, extract, messages_in_python, messages_in_template, problems, update

HAN = re.compile(r"[\u3400-\u9fff]")
# Word lists of the sample operator are data, not words of the program.
DATA_MODULE = re.compile(r"(^|_)words_zh\.py$|_zh\.py$")


@pytest.mark.parametrize("locale", list(catalogues.HEADERS))
def test_the_catalogue_is_complete(locale):
    assert problems(locale, extract()) == []


def test_messages_of_python():
    source = """
from django.utils.translation import gettext as say, pgettext_lazy
say("a" "b"); _("c"); pgettext_lazy("month", "May"); ngettext("%(n)s day", "%(n)s days", n)
gettext_lazy(name); other("d"); self.gettext("e")
"""
    assert list(messages_in_python(source)) == [
        Message(None, "ab", None),
        Message(None, "c", None),
        Message("month", "May", None),
        Message(None, "%(n)s day", "%(n)s days"),
        Message(None, "e", None),
    ]


def test_an_f_string_as_message_is_refused():
    with pytest.raises(SyntaxError, match="line 1: an f-string cannot be translated"):
        list(messages_in_python('_(f"{x} days")'))


def test_messages_of_templates():
    source = """{% load i18n %}<p title="{% translate "It's" %}">{{ _("Yes") }}
{% translate "May" context "month" as m %}
{% card _("Title") icon="x" %}{% blocktranslate count n=rows trimmed %}
  {{ n }} row
{% plural %}
  {{ n }} rows
{% endblocktranslate %}{% endcard %}
{% comment %}{% translate "no" %}{% endcomment %}{{ x|default:_("None yet") }}"""
    assert list(messages_in_template(source)) == [
        Message(None, "It's", None),
        Message(None, "Yes", None),
        Message("month", "May", None),
        Message(None, "Title", None),
        Message(None, "%(n)s row", "%(n)s rows"),
        Message(None, "None yet", None),
    ]


@pytest.fixture
def locales(settings, tmp_path):
    settings.LOCALE_PATHS = [tmp_path]
    return tmp_path


FOUND = {
    Message(None, "Save", None): ["a.py"],
    Message(None, "%(n)s row", "%(n)s rows"): ["b.html"],
    Message("month", "May", None): ["c.py"],
}


def test_updating_keeps_translations_fills_english_and_drops_what_is_unused(locales):
    assert update("zh_Hans", FOUND) == (3, 0)
    path = locales / "zh_Hans/LC_MESSAGES/django.po"
    book = polib.pofile(str(path))
    book.find("Save").msgstr = "保存"
    book.save()
    assert update("zh_Hans", {k: v for k, v in FOUND.items() if k.singular != "%(n)s row"}) == (0, 1)
    book = polib.pofile(str(path))
    assert [(e.msgctxt, e.msgid, e.msgstr) for e in book] == [("month", "May", ""), (None, "Save", "保存")]
    update("en", FOUND)
    assert problems("en", FOUND) == []


def test_problems_are_named(locales):
    update("zh_Hans", {Message(None, "Old", None): ["a.py"], **FOUND})
    path = locales / "zh_Hans/LC_MESSAGES/django.po"
    book = polib.pofile(str(path))
    book.find("Save").msgstr = "保存 %(who)s"
    book.find("%(n)s row").msgstr_plural = {0: "行"}
    book.find("May").msgstr = "5 月"
    book.find("May").flags.append("fuzzy")
    book.save()
    assert sorted(problems("zh_Hans", {**FOUND, Message(None, "New", None): ["d.py"]})) == [
        "zh_Hans: '%(n)s row' has the placeholders [] instead of ['n']",
        "zh_Hans: 'May' is fuzzy",
        "zh_Hans: 'New' is missing",
        "zh_Hans: 'Old' is used nowhere",
        "zh_Hans: 'Save' has the placeholders ['who'] instead of []",
    ]
    assert problems("en", FOUND) == ["en: there is no catalogue"]


def test_catalogues_are_compiled_only_when_older(locales, capsys):
    update("en", FOUND)
    call_command("compilecatalogs")
    assert capsys.readouterr().out == "en: compiled\n"
    compiled = locales / "en/LC_MESSAGES/django.mo"
    assert polib.mofile(str(compiled)).find("Save").msgstr == "Save"
    call_command("compilecatalogs")
    assert capsys.readouterr().out == ""


def _strings(path: Path) -> list[str]:
    """The text of a template or script; of Python its literals as they are written, docstrings left out."""
    text = path.read_text()
    if path.suffix != ".py":
        return [text]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        (node.body[0].lineno, node.body[0].col_offset)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    }
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.STRING and token.start not in docstrings]


def test_no_chinese_stands_in_the_source():
    base = Path(settings.BASE_DIR)
    files = [
        *(path for path in catalogues.source_files(base) if not DATA_MODULE.search(path.name)),
        *(base / "static").rglob("*.js"),
        *(base / "static").rglob("*.css"),
    ]
    found = {
        f"{path.relative_to(base)}: {text.strip()[:60]}"
        for path in files
        for text in _strings(path)
        if HAN.search(text)
    }
    assert found == set()
