"""Writing in a case: a reply that waits 8 seconds, a note, and taking a reply back."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from complaints import presence
from complaints.forms import NoteForm
from complaints.lifecycle import EntryKind
from complaints.models import Entry
from complaints.services.talking import REPLY_WAITS, add_note, send_reply, take_back_reply
from complaints.views.case import render_case, reply_form
from complaints.views.pages import seen_case
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.views.acting import done
from staff.drafts import Place, draft_of, forget_draft, save_draft
from staff.requests import StaffRequest

REPLY, NOTE = "complaints.reply", "complaints.note"  # where the texts are kept while they are typed


@require_POST
@never_cache
@requires("complaints.take")
def act_reply(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Write to the customer; the reply leaves in 8 seconds and can be taken back until then."""
    case = seen_case(request, pk)
    form = reply_form(case, request.POST)

    def send(data: dict[str, str]) -> object:
        return send_reply(pk, actor=request.user, text=data["reply"], channel=data["channel"])

    if not done(form, send):
        return render_case(request, case, status=422, reply_form=form, compose="reply")
    forget_draft(request.user, Place(REPLY, case.customer_id, case.ref))
    presence.unmark(request.user, pk, presence.REPLY)
    seconds = int(REPLY_WAITS.total_seconds())
    messages.success(request, _("The reply leaves in %(n)s seconds; until then you can undo it.") % {"n": seconds})
    return redirect(f"{reverse('complaints:case', args=[pk])}#composer")


@require_POST
@never_cache
@requires("complaints.view")
def act_note(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A note that stays in the house."""
    case = seen_case(request, pk)
    form = NoteForm(request.POST, auto_id="note-%s")
    if not done(form, lambda data: add_note(pk, actor=request.user, text=data["note"])):
        return render_case(request, case, status=422, note_form=form, compose="note")
    forget_draft(request.user, Place(NOTE, case.customer_id, case.ref))
    presence.unmark(request.user, pk, presence.REPLY)
    messages.success(request, _("The note is saved."))
    return redirect(f"{reverse('complaints:case', args=[pk])}#composer")


@require_POST
@never_cache
@requires("complaints.take")
def reply_undo(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take one's own reply back before it leaves; its words stand in the composer again."""
    entry = get_object_or_404(Entry.objects.filter(kind=EntryKind.REPLY, by=request.user), pk=pk)
    case = seen_case(request, entry.complaint_id)
    try:
        take_back_reply(pk, actor=request.user)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        messages.error(request, str(no.message))
        return redirect("complaints:case", case.pk)
    place = Place(REPLY, case.customer_id, case.ref)
    if draft_of(request.user, place) is None:  # what was begun since is worth more
        save_draft(request.user, place, entry.text)
    messages.success(request, _("The reply was taken back; nothing has left."))
    return redirect(f"{reverse('complaints:case', args=[case.pk])}#composer")
