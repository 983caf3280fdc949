"""What the log calls complaints."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import (
    Act,
    AppealState,
    Deed,
    Grade,
    GradeReason,
    HandoverRole,
    MeasureKind,
    MediationState,
    Path,
    PauseReason,
    Solved,
    State,
)
from complaints.models import BulkAct, Callback, InMail
from complaints.services.changing import FIELDS
from complaints.services.kept_mails import WHY, Dropped
from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from interactions.lifecycle import Channel

name_kinds(
    {
        "complaints.complaint": _("Complaint"),
        "complaints.cause": _("Cause of complaints"),
        "complaints.inmail": _("Mail"),
        "complaints.requiredfact": _("Question of complaints"),
        "complaints.answertemplate": _("Answer wording"),
        "complaints.bulkchange": _("Act on many complaints"),
        "complaints.savedview": _("Kept view"),
        "complaints.escalation": _("Escalation"),
        "complaints.handover": _("Hand-over"),
        "complaints.part": _("Part of a complaint"),
        "complaints.promise": _("Promise"),
        "complaints.order": _("Order"),
        "complaints.casemerge": _("Merge of complaints"),
        "complaints.link": _("Link of complaints"),
        "complaints.rejection": _("Request to declare it not ours"),
        "complaints.appealcase": _("Appeal"),
        "complaints.groupsuggestion": _("Suggested group"),
        "complaints.mediationcase": _("Mediation"),
        "complaints.rehearsal": _("Rehearsal"),
        "complaints.shiftsheet": _("Shift hand-over"),
        "complaints.wallscreen": _("Screen on a wall"),
    }
)
name_acts(
    "complaint",
    title=_("Complaints"),
    acts={choice.value.lower(): choice.label for choice in (*Act, *Deed)}
    | {
        "sweep": _("Brought up by the clock"),
        "attached": _("Files added"),
        "file_fetched": _("File fetched"),
        "changed": _("Properties changed"),
        "group_made": _("Suggested group made"),
        "group_refused": _("Suggested group refused"),
        "view_kept": _("View kept"),
        "view_dropped": _("View removed"),
        "bulk": _("Many at once"),
        "bulk_undone": _("Many at once taken back"),
        "shift_listed": _("Work left at the end of a shift listed"),
        "shift_signed": _("Work left at the end of a shift signed for"),
        "rehearsed": _("Rehearsal started"),
    },
    details={
        "owner": Detail(_("Owner"), Shape.PERSON),
        "handler": Detail(_("Handler"), Shape.PERSON),
        "unit": Detail(_("Unit"), Shape.UNIT),
        "state": Detail(_("State"), words=codes(dict(State.choices))),
        "grade": Detail(_("Grade"), words=codes(dict(Grade.choices)), pair=True),
        "why": Detail(_("Reason"), words=codes({**dict(GradeReason.choices), **dict(PauseReason.choices)})),
        "path": Detail(_("Path"), words=codes(dict(Path.choices))),
        "due_at": Detail(_("Due"), Shape.MOMENT),
        "until": Detail(_("Until"), Shape.MOMENT),
        "amount": Detail(_("Amount (CNY)")),
        "matter_amount": Detail(_("Amount of the whole matter (CNY)")),
        "kind": Detail(_("Kind"), words=codes(dict(MeasureKind.choices))),
        "measures": Detail(_("Measures"), words=codes(dict(MeasureKind.choices))),
        "solved": Detail(_("Solved"), words=codes(dict(Solved.choices))),
        "way": Detail(_("How the customer was asked"), words=codes(dict(Callback.Way.choices))),
        "satisfaction": Detail(_("Satisfaction")),
        "cause": Detail(_("Cause")),
        "channel": Detail(_("Channel"), words=codes(dict(Channel.choices))),
        "topic": Detail(_("Topic")),
        "urges": Detail(_("Urges")),
        "files": Detail(_("Files")),
        "types": Detail(_("Kinds of files")),
        "file": Detail(_("File")),
        "fields": Detail(_("Fields"), words=codes(FIELDS)),
        "act": Detail(_("Act"), words=codes(dict(BulkAct.choices))),
        "cases": Detail(_("Cases")),
        "user": Detail(_("Person"), Shape.PERSON),
        "team": Detail(_("Team")),
        "count": Detail(_("Number")),
        "told": Detail(_("People told")),
        "role": Detail(_("Role"), words=codes(dict(HandoverRole.choices))),
        "old": Detail(_("Before"), Shape.PERSON),
        "to": Detail(_("To"), Shape.PERSON),
        "budget": Detail(_("Budget (working minutes)")),
        "minutes": Detail(_("Working minutes used")),
        "late": Detail(_("Late")),
        "next_unit": Detail(_("Next unit"), Shape.UNIT),
        "other": Detail(_("Other complaint")),
        "master": Detail(_("Master")),
        "members": Detail(_("Members")),
        "appeal": Detail(_("Appeal")),
        "mediation": Detail(_("Mediation")),
        "drafts": Detail(_("Drafts")),
    },
)
APPEAL_ACTS: dict[str, Any] = {
    "opened": _("Appeal received"),
    "linked": _("Appeal linked to a case"),
    "drafted": _("Response to an appeal written"),
    "responded": _("Response to an appeal approved"),
    "denied": _("Response to an appeal not approved"),
    "moved": _("Appeal went on"),
}
MEDIATION_ACTS: dict[str, Any] = {
    "requested": _("Mediation asked for"),
    "moved": _("Mediation went on"),
}
name_acts(
    "appeal",
    title=_("Appeals"),
    acts=APPEAL_ACTS,
    details={
        "state": Detail(_("State"), words=codes(dict(AppealState.choices))),
        "due_at": Detail(_("Due"), Shape.MOMENT),
        "other": Detail(_("Other complaint")),
    },
)
name_acts(
    "mediation",
    title=_("Mediations"),
    acts=MEDIATION_ACTS,
    details={"state": Detail(_("State"), words=codes(dict(MediationState.choices)))},
)
for kind, title, acts in (
    (
        "cause",
        _("Causes of complaints"),
        {
            "added": _("Cause added"),
            "changed": _("Cause changed"),
            "retired": _("Cause retired"),
            "restored": _("Cause offered again"),
            "deleted": _("Cause deleted"),
        },
    ),
    (
        "question",
        _("Questions of complaints"),
        {
            "added": _("Question added"),
            "changed": _("Question changed"),
            "moved": _("Question moved"),
            "retired": _("Question retired"),
            "restored": _("Question asked again"),
        },
    ),
    (
        "wording",
        _("Answer wordings"),
        {
            "added": _("Wording added"),
            "changed": _("Wording changed"),
            "retired": _("Wording retired"),
            "restored": _("Wording offered again"),
        },
    ),
):
    name_acts(
        kind,
        title=title,
        acts=acts,
        details={
            "code": Detail(_("Code")),
            "topic": Detail(_("Topic")),
            "name_zh": Detail(_("Name in Chinese"), pair=True),
            "name_en": Detail(_("Name in English"), pair=True),
            "network": Detail(_("A matter of the network"), pair=True),
            "ask_zh": Detail(_("Question in Chinese"), pair=True),
            "ask_en": Detail(_("Question in English"), pair=True),
            "required": Detail(_("Must be answered"), pair=True),
            "fields": Detail(
                _("Fields"),
                words=codes(
                    {
                        "topic": _("Topic"),
                        "name_zh": _("Name in Chinese"),
                        "name_en": _("Name in English"),
                        "text_zh": _("Text in Chinese"),
                        "text_en": _("Text in English"),
                    }
                ),
            ),
        },
    )
name_acts(
    "mail",
    title=_("Mails of complainants"),
    acts={
        "read": _("Mail kept aside read"),
        "decided": _("Decided about a mail kept aside"),
        "file_fetched": _("File of a mail kept aside fetched"),
    },
    details={
        "decided": Detail(_("Became"), words=codes(dict(InMail.State.choices))),
        "why": Detail(_("Reason"), words=codes({**WHY, **dict(Dropped.choices)})),
        "file": Detail(_("File")),
    },
)
name_acts(
    "screen",
    title=_("Screens on a wall"),
    acts={"made": _("Made"), "coupled": _("Coupled"), "revoked": _("Taken off")},
    details={"until": Detail(_("Until"), Shape.MOMENT)},
)
