"""Letters as JSON lines in the state directory's outbox, one file a day; a line is whole or not there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django.conf import settings

from foundation.common import clock
from outreach.channels.letters import Fate, Letter, Outcome


def outbox_dir() -> Path:
    """Where the files stand."""
    return Path(settings.CARELINE_STATE_DIR) / "outbox"


class FileCarrier:
    batch = 200

    def open(self) -> None:
        """The disk is always there; a full one shows itself when writing."""

    def send(self, letters: Sequence[Letter]) -> list[Outcome]:
        """Append all letters or none; a full disk leaves the file as it was and the letters for later."""
        now = clock.now()
        lines = "".join(
            json.dumps(
                {
                    "reference": letter.reference,
                    "at": now.isoformat(),
                    "channel": letter.channel,
                    "class": letter.message_class,
                    "to": letter.address,
                    "subject": letter.subject,
                    "body": letter.body,
                },
                ensure_ascii=False,
            )
            + "\n"
            for letter in letters
        ).encode()
        try:
            self._append(outbox_dir() / f"{clock.today(now):%Y%m%d}.jsonl", lines)
        except OSError as error:
            return [Outcome(Fate.UNREACHED, error.strerror or "")] * len(letters)
        return [Outcome(Fate.TAKEN)] * len(letters)

    @staticmethod
    def _append(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            size = os.fstat(handle).st_size
            try:
                written = os.write(handle, data)
                while written < len(data):
                    written += os.write(handle, data[written:])
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)

    def close(self) -> None:
        """Nothing is held open."""


def forget(day: date, references: frozenset[str]) -> int:
    """Blank the letters with these references in the file of a day; how many.

    Each line is written over in place, as long as it was: whoever reads the file keeps their place in it, and a cut
    leaves other lines alone.
    """
    path, blanked, place = outbox_dir() / f"{day:%Y%m%d}.jsonl", 0, 0
    if not references or not path.exists():
        return 0
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for line in file.readlines():
            letter = json.loads(line)
            if letter.get("reference") in references and "to" in letter:
                left = {"reference": letter["reference"], "at": letter["at"], "erased": True}
                file.seek(place)
                file.write(json.dumps(left).encode().ljust(len(line) - 1) + b"\n")
                blanked += 1
            place += len(line)
        file.flush()
        os.fsync(file.fileno())
    return blanked
