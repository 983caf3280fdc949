"""Programs of other systems: a user of kind SERVICE with a role in a unit, and the keys it calls with (rest.md)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.rest.clients import Keys, check_scopes, end_client, make_client
from foundation.rest.models import ApiClient
from staff.models import OrgUnit, User
from staff.services.users import PROGRAM_ROLE, create_user, grant_role


@transaction.atomic
def admit_program(
    *, actor: User | None, name: str, scopes: list[str], unit_code: str = "", sandbox: bool = False
) -> Keys:
    """Let a program call: it sees the rows of the unit with all below it (none named: everything) as far as its scopes
    reach. Raises RuleBroken "rest.no_name", "rest.no_unit", and those of `make_client` and `create_user`."""
    name = name.strip()
    if not name or len(name) > 50:
        raise RuleBroken("rest.no_name", _("Name the program, in at most 50 characters."))
    scopes = check_scopes(scopes)
    if ApiClient.objects.filter(name=name).exists():
        raise RuleBroken("rest.name_taken", _("A program of this name exists already."))
    units = OrgUnit.objects.filter(closed_on=None)
    unit = units.filter(code=unit_code).first() if unit_code else units.filter(parent=None).order_by("no").first()
    if unit is None:
        raise RuleBroken("rest.no_unit", _("There is no such unit."))
    number = f"API{User.objects.filter(kind=User.Kind.SERVICE).count() + 1:04d}"
    user, _none = create_user(
        actor=actor, username=f"api-{name}", name=name, staff_no=number, unit=unit, kind=User.Kind.SERVICE
    )
    grant_role(user.pk, actor=actor, role=PROGRAM_ROLE, unit=unit, from_day=clock.today())
    return make_client(actor=actor, user_id=user.pk, name=name, scopes=scopes, sandbox=sandbox)


@transaction.atomic
def shut_out(client_id: int, *, actor: User | None) -> None:
    """The program may do nothing more: its tokens, its secrets and its user end."""
    client = ApiClient.objects.get(pk=client_id)
    end_client(client.pk, actor=actor)
    User.objects.filter(pk=client.user_id).update(is_active=False)
