"""What of a mail its writer wrote: without what is quoted, and without signatures."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_MARKS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("marks.toml").read_text(encoding="utf-8"))
LONGEST_LINE = 400  # longer ones are no head of a quote: expressions are not tried on them
SIGNATURE = 12


def _any_of(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in _MARKS[name]), re.IGNORECASE)


_QUOTED, _FROM, _SENT, _ADDED = (_any_of(name) for name in ("quoted", "quoted_from", "quoted_sent", "added"))
_ANSWERS, _PASSED_ON, _MACHINE = (_any_of(name) for name in ("answers", "passed_on", "machine"))


def is_answer(subject: str) -> bool:
    """Whether a subject says that the mail answers another one."""
    return bool(_ANSWERS.match(subject.strip()))


def is_by_machine(subject: str) -> bool:
    """Whether a subject is one that programs write: out of office, undeliverable."""
    return bool(_MACHINE.match(_bare(subject)))


def _bare(subject: str) -> str:
    """The subject without "Re:" and the like before it."""
    bare = subject.strip()
    while found := _ANSWERS.match(bare) or _PASSED_ON.match(bare):
        bare = bare[found.end() :].strip()
    return bare


def bare_subject(subject: str) -> str:
    """A subject as a heading of a case."""
    return _bare(subject)


def own_words(text: str, *, answers: bool) -> str:
    """What was written in this mail. `answers`: it answers another one, so that quotes below or between are not its
    own; one that passes a letter on keeps it. When nothing would be left, everything stays."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = _without_signature(_without_quotes(lines) if answers else lines)
    said = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return said or re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for place, line in enumerate(lines):
        if line.lstrip().startswith(">"):
            continue
        if len(line) <= LONGEST_LINE and _begins_quote(line, lines, place):
            break
        kept.append(line)
    return kept


def _begins_quote(line: str, lines: list[str], place: int) -> bool:
    if _QUOTED.fullmatch(line):
        return True
    # "On 3 May 2026 at 10:12, Somebody" and "wrote:" broken into two lines.
    following = lines[place + 1] if place + 1 < len(lines) else ""
    if line and len(following) <= LONGEST_LINE and _QUOTED.fullmatch(f"{line} {following.strip()}"):
        return True
    near = [one for one in lines[place + 1 : place + 5] if len(one) <= LONGEST_LINE]
    return bool(_FROM.fullmatch(line)) and any(_SENT.fullmatch(one) for one in near)


def _without_signature(lines: list[str]) -> list[str]:
    end, written = len(lines), 0
    for place in range(len(lines) - 1, -1, -1):
        if lines[place] == "--":
            end = place
            break
        written += bool(lines[place])
        if written > SIGNATURE:
            break
    while end and (not lines[end - 1] or (len(lines[end - 1]) <= LONGEST_LINE and _ADDED.fullmatch(lines[end - 1]))):
        end -= 1
    return lines[:end]
