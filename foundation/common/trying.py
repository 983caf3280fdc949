"""Trying an engine from written cases: one JSON object a line in, one answer a line out, nothing written (design §4).

class Command(TryCommand):
    help = "…"
    answer = staticmethod(try_gate)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class BadCase(ValueError):
    """What was given is no case of this engine; the text says why."""


class TryCommand(BaseCommand):
    """The frame of every `manage <engine>_try FILE.jsonl`; `-` reads standard input, empty lines are passed over.

    A line that is no case is answered with `{"error": "line 3: …"}`, the others are answered all the same, and the
    command ends with an error that counts the faults. A file that cannot be read is refused before any answer.
    """

    def answer(self, case: Any) -> dict[str, Any]:
        """The engine's answer to one parsed line. Raises BadCase (or another ValueError) for what is no case."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *_args: Any, **options: Any) -> None:
        faults = 0
        for number, line in enumerate(_lines(options["file"]), 1):
            if not line.strip():
                continue
            try:
                answer = self.answer(json.loads(line))
            except (ValueError, RecursionError) as error:
                faults += 1
                answer = {"error": f"line {number}: {error}"}
            self.stdout.write(_printable(answer))
        if faults:
            raise CommandError(f"{faults} lines could not be read")


def _printable(answer: dict[str, Any]) -> str:
    # Half a surrogate pair from a case can be answered, but not encoded: it goes out as the escape it came in as.
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


def _lines(name: str) -> list[str]:
    # Not splitlines(): a text inside a JSON line may hold U+2028 and its like.
    if name == "-":
        return sys.stdin.read().split("\n")
    try:
        return Path(name).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
