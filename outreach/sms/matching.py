"""Whose receipt this is: the part on record it names, however the message centre writes its ids.

An id given in hexadecimal comes back in decimal at many message centres, in other letters or with other zeros at its
head; after a move to another host it comes over another line; one that was started afresh gives its ids again. So
another spelling or another line counts only when the receipt names the number the part went to, and of several parts
the one to that number is meant.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from foundation.common import clock
from foundation.common.ids import first_id_at
from outreach.channels.smpp.texts import ReceiptSaid
from outreach.models import MessageText, SmsPart

KEPT = timedelta(days=30)  # a message centre gives up after three days at most; the rest is for those who look
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_LONGEST_NUMBER = 16  # hexadecimal digits of 64 bits
_SAME_DIGITS = 7  # the tail by which two spellings of a telephone number are one, whatever stands before it


def kept_id(reference: str) -> str:
    """An id as it is stored: one that is a number in small letters and without zeros at its head, others as told."""
    return reference.lower().lstrip("0") or "0" if _HEX.fullmatch(reference) else reference


def spellings(reference: str) -> list[str]:
    """The ids a receipt may mean: as told, then as the same number in decimal or hexadecimal, as `kept_id` has them."""
    own = kept_id(reference)
    found = [reference, own]
    if _HEX.fullmatch(own) and len(own) <= _LONGEST_NUMBER:
        found.append(str(int(own, 16)))
    if own.isdecimal() and own.isascii() and int(own) < 1 << 64:
        found.append(f"{int(own):x}")
    return list(dict.fromkeys(found))


def parts_named(line: str, said: Mapping[str, ReceiptSaid]) -> dict[str, SmsPart]:
    """The part each receipt of a line is about, held until the transaction ends; left out: those of no part on record.
    `said`: by the id they name."""
    meant = {reference: spellings(reference) for reference in said}
    every = {spelling for found in meant.values() for spelling in found}
    floor = first_id_at(clock.now() - KEPT)
    rows = SmsPart.objects.select_for_update(no_key=True).filter(reference__in=every, pk__gte=floor)
    by_id: dict[str, list[SmsPart]] = defaultdict(list)
    for part in rows.order_by("pk"):
        by_id[part.reference].append(part)
    could = {reference: [part for one in found for part in by_id[one]] for reference, found in meant.items()}
    plain = {
        reference: found[0]
        for reference, found in could.items()
        if len(found) == 1 and found[0].line == line and found[0].reference in meant[reference][:2]
    }
    doubtful = {reference: found for reference, found in could.items() if found and reference not in plain}
    if not doubtful:
        return plain
    went = _addresses(part.message_id for parts in doubtful.values() for part in parts)
    for reference, parts in doubtful.items():
        if one := _meant(line, said[reference], meant[reference][:2], parts, went):
            plain[reference] = one
    return plain


def _meant(
    line: str, said: ReceiptSaid, own: list[str], parts: list[SmsPart], went: Mapping[int, str]
) -> SmsPart | None:
    there = [part for part in parts if any(_same(number, went.get(part.message_id, "")) for number in said.numbers)]
    here = [part for part in parts if part.line == line and part.reference in own]
    best = [part for part in there if part in here] or there or here
    return max(best, key=lambda part: part.pk, default=None)  # an id given twice to one number: the later one


def _addresses(message_ids: Iterable[int]) -> dict[int, str]:
    return dict(MessageText.objects.filter(pk__in=set(message_ids)).values_list("message_id", "address"))


def _same(one: str, other: str) -> bool:
    """Whether two spellings of a telephone number, with and without the country's digits, are one."""
    short, long = sorted(("".join(filter(str.isdecimal, number)) for number in (one, other)), key=len)
    return len(short) >= _SAME_DIGITS and long.endswith(short)
