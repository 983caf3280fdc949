"""`manage search_try FILE.jsonl`: search as somebody would; nothing is written to the database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.finding.trying import BadCase, try_search


class Command(BaseCommand):
    help = "Search for texts as certain people, one JSON object a line (format: docs/try.md); '-' reads standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *_args: Any, **options: Any) -> None:
        """One answer a line; a line that is no case is answered with its fault, and the command ends with an error."""
        faults = 0
        for number, line in enumerate(_lines(options["file"]), 1):
            if not line.strip():
                continue
            try:
                answer = try_search(json.loads(line))
            except (BadCase, ValueError, RecursionError) as error:
                faults += 1
                answer = {"error": f"line {number}: {error}"}
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        if faults:
            raise CommandError(f"{faults} lines could not be read")


def _lines(name: str) -> list[str]:
    if name == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
