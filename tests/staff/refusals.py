"""A rule refuses: known by its code, for its words are in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from foundation.common.errors import RuleBroken


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(RuleBroken) as no:
        yield
    assert no.value.code == code
