"""The words of an HTML mail as plain text: no script, nothing hidden, quotes marked by ">".

Read in one pass of our own: the standard library's reader takes time that grows with the square of broken markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

LONGEST_MARKUP = 200_000
LONGEST_TAG = 4_000
DEEPEST = 400
_DROPPED = {"script", "style", "title", "template", "noscript", "iframe", "object", "svg", "head", "select", "textarea"}
_RAW = {"script", "style", "title", "textarea", "iframe", "noscript"}  # what is in them is no markup
_BREAKS = frozenset(
    {
        "p",
        "div",
        "br",
        "tr",
        "li",
        "ul",
        "ol",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "pre",
        "section",
        "article",
        "blockquote",
    }
)
_VOID = frozenset(
    {"br", "hr", "img", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr"}
)
_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,30})")
_QUOTED_VALUE = re.compile(r"\"[^\"]*\"|'[^']*'")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
# How mail programs mark what they quote.
_QUOTE = re.compile(r"gmail_quote|yahoo_quoted|moz-cite-prefix|isReplyContent|divRplyFwdMsg|OutlookMessageHeader")


def plain(markup: str) -> str:
    """The text of the first 200,000 letters of `markup`. What a mail hides is shown only when nothing else is there."""
    for show_all in (False, True):
        lines = [" ".join(line.split()) for line in _words(markup[:LONGEST_MARKUP], show_all).split("\n")]
        text = re.sub(r"\n(?:>? ?\n){2,}", "\n\n", "\n".join(lines)).strip()
        if text.strip("> \n"):
            return text
    return ""


def _words(markup: str, show_all: bool) -> str:
    words: list[str] = []
    opened: list[tuple[str, bool, bool]] = []  # tag, hidden, quoted
    for text, closing, tag, inside in _pieces(markup):
        hidden, quoted = (opened[-1][1], opened[-1][2]) if opened else (False, False)
        if text and not hidden:
            words.append(" ".join(unescape(text).split("\n")).replace("\r", " "))
        if not tag:
            continue
        if closing:
            if any(name == tag for name, _hidden, _quoted in opened[-40:]):
                while opened.pop()[0] != tag:
                    pass
        elif tag not in _VOID and len(opened) < DEEPEST:
            values = _QUOTED_VALUE.sub("", inside)
            unseen = bool(_HIDDEN.search(inside)) or " hidden" in f"{values.lower()} "
            quote = tag == "blockquote" or bool(_QUOTE.search(inside))
            opened.append((tag, hidden or tag in _DROPPED or (unseen and not show_all), quoted or quote))
        hidden, quoted = (opened[-1][1], opened[-1][2]) if opened else (False, False)
        if not hidden and tag in _BREAKS:
            words.append("\n> " if quoted else "\n")
        elif not hidden and tag in {"td", "th"}:
            words.append(" ")
    return "".join(words)


def _pieces(markup: str) -> Iterator[tuple[str, bool, str, str]]:
    """Text before a tag, whether the tag closes, its name, and what stands in it; the last piece has no tag."""
    lower, at, start = markup.lower(), 0, 0
    while (found := markup.find("<", at)) >= 0:
        if markup.startswith("<!", found) or markup.startswith("<?", found):
            comment = markup.startswith("<!--", found)
            end = markup.find("-->" if comment else ">", found + 2)
            if end < 0:
                break
            yield markup[start:found], False, "", ""
            at = start = end + (3 if comment else 1)
            continue
        named = _TAG.match(markup, found + 1)
        end = _end_of(markup, found) if named else -1
        if named is None or end < 0:
            at = found + 1
            continue
        closing, tag = bool(named[1]), named[2].lower()
        yield markup[start:found], closing, tag, markup[named.end() : end].rstrip("/")
        at = start = end + 1
        if tag in _RAW and not closing:
            close = lower.find(f"</{tag}", at)
            if close < 0:
                return
            at = start = close
    yield markup[start:], False, "", ""


def _end_of(markup: str, start: int) -> int:
    """Where the tag ends that begins at `start`: the first ">" that is in no quoted value; -1 for none near by."""
    end = markup.find(">", start, start + LONGEST_TAG)
    for _value in range(20):
        if end < 0 or markup.count('"', start, end) % 2 == 0:
            return end
        shut = markup.find('"', end, start + LONGEST_TAG)
        end = markup.find(">", shut, start + LONGEST_TAG) if shut >= 0 else -1
    return end
