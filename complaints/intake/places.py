"""Where a complaint goes when it is taken: the unit whose handlers take it up, and who answers for one nobody of ours
took (the web form, a mail), D§9.2."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.prepared import prepared
from staff.models import OrgUnit, User

# Of the units with handlers the one below the nearest unit above: `a` lies above both; a complaint department first.
_NEAREST = """
SELECT u.id, u.code, u.name, u.parent_id, u.calendar_code, u.no, u.last_no
FROM (SELECT DISTINCT unit_id FROM staff_roleassignment WHERE role = 'COMPLAINT_HANDLER'
        AND from_day <= %(day)s AND (to_day IS NULL OR to_day >= %(day)s)) r
JOIN staff_orgunit u ON u.id = r.unit_id AND u.closed_on IS NULL
JOIN staff_orgunit a ON a.no <= u.no AND a.last_no >= u.no AND a.no <= %(no)s AND a.last_no >= %(no)s
ORDER BY a.no DESC, (u.function = 'COMPLAINTS') DESC, u.no LIMIT 1"""
_UNIT = ("id", "code", "name", "parent_id", "calendar_code", "no", "last_no")  # in the order of the model
# Who handles complaints near by and is there, handlers before coordinators, the one who answers for the fewest.
_PERSON = """
SELECT p.id FROM staff_roleassignment r
JOIN staff_user p ON p.id = r.user_id AND p.is_active AND p.kind = 'HUMAN'
JOIN staff_orgunit u ON u.id = p.unit_id
LEFT JOIN LATERAL (SELECT max(a.no) AS no FROM staff_orgunit a WHERE a.no <= u.no AND a.last_no >= u.no
  AND a.no <= %(no)s AND a.last_no >= %(no)s) above ON true
WHERE r.role IN ('COMPLAINT_HANDLER', 'COORDINATOR')
  AND r.from_day <= %(day)s AND (r.to_day IS NULL OR r.to_day >= %(day)s) AND p.id IS DISTINCT FROM %(about)s::bigint
  AND NOT EXISTS (SELECT 1 FROM staff_absence s WHERE s.user_id = p.id AND s.starts_at <= %(at)s
    AND (s.ends_at IS NULL OR s.ends_at > %(at)s))
ORDER BY above.no DESC NULLS LAST, r.role,
  (SELECT count(*) FROM complaints_complaint c WHERE c.owner_id = p.id AND c.closed_at IS NULL AND c.source = ''),
  p.id LIMIT 1"""


def unit_for(owner: User) -> OrgUnit:
    """The unit in whose pool a new case of this owner lies: the nearest with complaint handlers, of several as near a
    complaint department, else the owner's own."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_NEAREST, {"no": owner.unit.no, "day": clock.today()}))
        found = cursor.fetchone()
    return OrgUnit.from_db("default", _UNIT, found) if found else owner.unit


def owner_for_all(at: datetime, *, unit_no: int | None, about: User | None) -> User:
    """Who answers for a complaint that came by itself: a present handler near the customer's unit (`unit_no`), or a
    coordinator; never the one complained of. Raises RuleBroken "complaint.nobody" where there is neither."""
    no = unit_no if unit_no is not None else OrgUnit.objects.order_by("no").values_list("no", flat=True).first()
    values: dict[str, Any] = {"no": no or 0, "day": clock.today(at), "at": at, "about": about.pk if about else None}
    with connection.cursor() as cursor:
        cursor.execute(_PERSON, values)
        found = cursor.fetchone()
    if found is None:
        raise RuleBroken("complaint.nobody", _("Nobody is there to take complaints now. Please call our hotline."))
    return User.objects.select_related("unit").get(pk=found[0])
