"""What the HTML of any page must keep; page tests of all apps may use it."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "col", "wbr", "area", "base", "embed", "source", "track"}
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.label_for: set[str] = set()
        self.fields: list[tuple[str, str]] = []
        self.pointers: list[tuple[str, str]] = []
        self.headings: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = f"<{tag} id={given.get('id')!r} class={given.get('class')!r}>"
        if given.get("id"):
            self.ids.append(given["id"] or "")
        if "style" in given:
            self.problems.append(f"{name} carries a style attribute")
        self.problems += [f"{name} carries {key}" for key in given if key.startswith(("on", "hx-on"))]
        if "js:" in (given.get("hx-vals") or "") or "[" in (given.get("hx-trigger") or ""):
            self.problems.append(f"{name} needs eval")
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.problems.append(f"{name} is inline")
        if tag == "label" and given.get("for"):
            self.label_for.add(given["for"] or "")
        if tag in ("select", "textarea") or (tag == "input" and given.get("type") not in UNLABELLED):
            named = given.get("aria-label") or given.get("aria-labelledby") or "label" in self.stack
            if not named:
                self.fields.append((given.get("id") or "", name))
        for pointer in ("aria-describedby", "aria-labelledby", "aria-controls", "list"):
            self.pointers += [(target, name) for target in (given.get(pointer) or "").split()]
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.stack or self.stack[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.stack[-3:]} at line {self.getpos()[0]}")
            while tag in self.stack and self.stack[-1] != tag:
                self.stack.pop()
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()


def html_problems(html: str, *, whole: bool = True) -> list[str]:
    """What is wrong with the HTML of a page (`whole=False`: of a fragment), a sentence each."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    said = list(reader.problems)
    said += [f"{tag} is never closed" for tag in reader.stack]
    said += [f"id {name!r} stands {n} times" for name, n in Counter(reader.ids).items() if n > 1]
    said += [f"{name} has no label" for base, name in reader.fields if base not in reader.label_for]
    if whole:
        known = set(reader.ids)
        said += [
            f"{name} points to {target!r}, which is not there"
            for target, name in reader.pointers
            if target not in known
        ]
        if reader.headings.count(1) != 1:
            said.append(f"there are {reader.headings.count(1)} h1")
        said += [
            f"h{after} follows h{before}"
            for before, after in zip(reader.headings, reader.headings[1:], strict=False)
            if after > before + 1
        ]
    return said
