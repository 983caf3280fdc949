"""What a verb of the case page is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from complaints.acts import forms as shapes
from complaints.case_queries import Beside
from complaints.models import Complaint
from staff.models import User

TAKE, WORK = "complaints.take", "complaints.work"
ASSESS, ASSIGN, APPROVE = "complaints.assess", "complaints.assign", "complaints.approve"
Run = Callable[[User, int, dict[str, Any]], object]
Shows = Callable[[Complaint, User, Beside], bool]


def always(_case: Complaint, _user: User, _beside: Beside) -> bool:
    """Wherever the table allows it."""
    return True


@dataclass(frozen=True)
class Verb:
    """One verb. `acts`: of the table (`lifecycle.MOVES`), any of which must be legal; none: `shows` alone decides.
    `form`: None where nothing is asked. `item`: done to one thing of the case, beside which it is offered, not in the
    menu. `key`: the letter that presses it; `tone`, `sure`: asked once more before."""

    name: str
    label: Any
    icon: str
    right: str
    run: Run
    acts: tuple[str, ...] = ()
    form: type[shapes.ActForm] = shapes.ActForm
    shows: Shows = always
    item: bool = False
    key: str = ""
    help: Any = ""

    @property
    def asks(self) -> bool:
        """Whether its form has something to fill in."""
        return bool(self.form.base_fields)

    @property
    def url_name(self) -> str:
        return f"complaints:act-{self.name}"
