"""What an imported file holds: customers, or records of an app above that made itself known. A mapping says which."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers.imports.models import Import
from customers.imports.problems import ErrorList
from customers.imports.reading import Table
from customers.imports.specs import FileMapping
from foundation.common.errors import RuleBroken
from foundation.ui.wording import join_words


class Progress(Protocol):
    """Tells how far a job is."""

    def __call__(self, done: int, total: int | None, **counts: int) -> None: ...


@dataclass(frozen=True)
class Content:
    """One kind of content.

    `folder`, `parse`: its mapping files, and one of them read. `bring_in`: reads the file and writes what it holds
    (`rehearse`: writes nothing in the end), sets `rows` and `notes` of the import, hands wrong rows to the list and
    returns the counts. `revert`: takes an import back, told how many so far; returns how many went and how many stay.
    `preview`: the first rows for the part of the page called `template`. `kept`: what a revert left, as (number, line,
    why). `written_for`: the imports that wrote something of these customers. `words`: what the counts are called;
    `kept_words`, `sure_words`: the heading of what was kept, and what is asked before a revert. `jobs`: the names of
    its check, run and revert.
    """

    key: str
    folder: Path
    parse: Callable[[str, dict[str, Any]], FileMapping]
    bring_in: Callable[[Import, IO[bytes], ErrorList, bool, Progress], dict[str, int]]
    revert: Callable[[Import, Callable[[int], None]], tuple[int, int]]
    to_revert: Callable[[Import], int]
    preview: Callable[[Import, Table, int], list[Any]]
    template: str
    kept: Callable[[Import, int], list[tuple[str, int, str]]]
    written_for: Callable[[list[int]], QuerySet[Any]]
    words: Mapping[str, Any]
    kept_words: Any
    sure_words: Any
    jobs: tuple[str, str, str]


_CONTENTS: dict[str, Content] = {}


def register_content(content: Content) -> None:
    """Make a content known; called in `ready()`."""
    _CONTENTS[content.key] = content


def contents() -> list[Content]:
    """All that are known."""
    return list(_CONTENTS.values())


def mapping_keys() -> list[str]:
    """The keys of the mappings there are: the names of the files."""
    return sorted(_folders())


def mapping_of(key: str) -> FileMapping:
    """The mapping called `key`. Raises RuleBroken("imports.no_mapping") naming those there are."""
    content_of(key)
    return _load(key)


def content_of(key: str) -> Content:
    """What files of the mapping called `key` hold. Raises as `mapping_of`."""
    folders = _folders()
    if key not in folders:
        words = _("There is no mapping “%(key)s”. There are: %(keys)s.")
        raise RuleBroken("imports.no_mapping", words % {"key": key[:40], "keys": join_words(sorted(folders))})
    return folders[key]


def _folders() -> dict[str, Content]:
    return {path.stem: content for content in _CONTENTS.values() for path in content.folder.glob("*.toml")}


@cache
def _load(key: str) -> FileMapping:
    content = content_of(key)
    with (content.folder / f"{key}.toml").open("rb") as file:
        return content.parse(key, tomllib.load(file))
