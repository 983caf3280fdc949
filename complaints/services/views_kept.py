"""Views of the queue somebody keeps, for themselves or for their team (ui-guide §5 Queue)."""

from __future__ import annotations

from types import SimpleNamespace

from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from complaints.filters import CaseFilter
from complaints.models import Complaint, SavedView
from complaints.queries import VIEW_WORDS
from foundation.audit.services import record
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.kept_lists import has_invisible
from outreach.queries import teams_of
from staff.models import Team, User

MOST_VIEWS = 20
LONGEST_NAME, LONGEST_QUERY = 40, 400
KNOWN = ("view", *CaseFilter.base_filters)


@transaction.atomic
def keep_view(*, actor: User, name: str, query: str, team: Team | None = None) -> SavedView:
    """Keep the view under a name: one's own, or, by its lead, a team's. The same name again replaces it.

    `query`: the tab and the filters as they stand in the address. Raises RuleBroken "complaint.view_name",
    "complaint.view_too_long", "complaint.view_query" (what is no filter of the queue, or a case number, which is no
    view), "complaint.view_too_many"; NotAllowed "complaint.not_lead".
    """
    name, query = _checked_name(name), _checked_query(query, actor)
    if team is not None and team.lead_id != actor.pk:
        raise NotAllowed("complaint.not_lead", _("Only the lead keeps views for a team."))
    whose = {"user": None, "team": team} if team is not None else {"user": actor, "team": None}
    if SavedView.objects.filter(**whose).exclude(name=name).count() >= MOST_VIEWS:
        raise RuleBroken("complaint.view_too_many", _("At most 20 views can be kept. Remove one first."))
    try:
        with transaction.atomic():
            view, _made = SavedView.objects.update_or_create(**whose, name=name, defaults={"query": query})
    except IntegrityError as twice:  # saved twice at once
        raise RuleBroken("complaint.view_name", _("A view of this name was kept just now.")) from twice
    record("complaint.view_kept", target=view, actor=actor, detail={"team": team.pk if team else None})
    return view


def _checked_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME:
        raise RuleBroken("complaint.view_name", _("Give the view a name of at most 40 characters."))
    if has_invisible(name):
        raise RuleBroken("complaint.view_name", _("There are invisible characters in this name. Type it by hand."))
    return name


def _checked_query(text: str, actor: User) -> str:
    """The query in its one spelling, each filter with a value there is."""
    if len(text) > LONGEST_QUERY:
        raise RuleBroken("complaint.view_too_long", _("This view has too many filters to be kept: clear some."))
    asked = QueryDict(text)
    unknown = [name for name in asked if name not in KNOWN or len(asked.getlist(name)) > 1]
    if unknown or asked.get("view", "all") not in VIEW_WORDS:
        words = _("“%(name)s” is no filter of this list.")
        raise RuleBroken("complaint.view_query", words % {"name": (unknown or ["view"])[0][:40]})
    if asked.get("number"):
        raise RuleBroken("complaint.view_query", _("A view is kept for many cases: clear the case number first."))
    # The choices of some filters are those of who asks.
    found = CaseFilter(asked, Complaint.objects.none(), request=SimpleNamespace(user=actor, GET=asked))
    if not found.is_valid():
        wrong = next(iter(found.form.errors))
        words = _("The filter “%(name)s” has a value there is not. Choose another one, then keep the view.")
        raise RuleBroken("complaint.view_query", words % {"name": found.form.fields[wrong].label})
    plain = QueryDict(mutable=True)
    for name in KNOWN:
        if value := asked.get(name, ""):
            plain[name] = value
    return plain.urlencode()


@transaction.atomic
def drop_view(view_id: int, *, actor: User) -> None:
    """Forget a kept view. Raises SavedView.DoesNotExist for one that is not among the actor's, NotAllowed
    "complaint.not_lead" for a team's of somebody else."""
    view = (
        SavedView.objects.select_for_update(of=("self",))
        .select_related("team")
        .get(pk=view_id, pk__in=views_kept(actor))
    )
    if view.team is not None and view.team.lead_id != actor.pk:
        raise NotAllowed("complaint.not_lead", _("Only the lead removes views of a team."))
    record("complaint.view_dropped", target=view, actor=actor)
    view.delete()


def views_kept(user: User) -> list[int]:
    """Ids of the views the user has: own and of the teams they work in or lead."""
    own = SavedView.objects.filter(user=user) | SavedView.objects.filter(team__in=teams_of(user))
    return list(own.order_by("team_id", "name").values_list("pk", flat=True))
