"""Whatever is recorded has words: verbs, objects and details, in the language of the reader."""

from __future__ import annotations

import ast
import re

import pytest
from django.apps import apps

from complaints.audit_words import APPEAL_ACTS, MEDIATION_ACTS
from complaints.lifecycle import Act, Deed
from customers.imports.models import Import
from customers.services.consent import ACTS
from foundation.audit import words
from foundation.audit.models import AuditEntry
from foundation.jobs.models import JobRun
from interactions.lifecycle import ContactAct
from interactions.rights.lifecycle import RightsAct
from interactions.stages import MatterAct, SuggestionAct
from outreach.lifecycle import FollowUpAct
from outreach.models import ManagerTransfer
from tests.sources import APPS, calls

RECORDERS = ("record", "entry_of", "remember", "_remember", "_start", "remember_merge")
VERB = re.compile(r"[a-z_]+\.[a-z_]+")
# Verbs made of a code: an import and a run record the states they end in, a consent the one it came to.
FAMILIES = {
    "appeal.": APPEAL_ACTS,
    "mediation.": MEDIATION_ACTS,
    "complaint.": [*Act.values, *Deed.values],
    "consent.": ACTS.values(),
    "contact.": ContactAct.values,
    "followup.": FollowUpAct.values,
    "import.": [Import.State.CHECKED, Import.State.DONE, Import.State.FAILED, Import.State.REVERTED],
    "matter.": MatterAct.values,
    "transfer.": ["OFFERED", "CLAIMED", *(set(ManagerTransfer.State.values) - {"OPEN"})],
    "suggestion.": SuggestionAct.values,
    "rights.": RightsAct.values,
    "job.": [JobRun.State.DONE, JobRun.State.FAILED, JobRun.State.CANCELLED],
}
# Rows nobody's act is about: parts, copies, keys, and what the product keeps for itself.
NEVER_A_TARGET = {
    "audit.auditentry",
    "audit.auditera",
    "audit.auditpersonal",
    "audit.auditseal",
    "calendars.calendarversion",
    "calendars.workcalendarday",
    "calendars.workwindow",
    "billing.allocation",
    "billing.billedproduct",
    "billing.bill",
    "billing.billline",
    "billing.bucket",
    "billing.creditrun",
    "billing.creditscore",
    "billing.payment",
    "billing.pollcursor",
    "billing.stagedbill",
    "complaints.approval",
    "complaints.bulkline",
    "complaints.casechange",
    "complaints.rehearsalhour",
    "complaints.rehearsalline",
    "complaints.tickettold",
    "rest.accesstoken",
    "rest.clientsecret",
    "rest.event",
    "rest.keptanswer",
    "complaints.casetime",
    "complaints.libraryentry",
    "complaints.libraryword",
    "complaints.linecount",
    "complaints.monthcall",
    "complaints.monthcase",
    "complaints.monthclosing",
    "complaints.monthpart",
    "complaints.monthtime",
    "complaints.topicword",
    "outreach.rescuestep",
    "outreach.smsline",
    "outreach.smspart",
    "complaints.attachment",
    "complaints.callback",
    "complaints.casemerge",
    "complaints.complainerflag",
    "complaints.complaintline",
    "complaints.complaintmove",
    "complaints.entry",
    "complaints.escalation",
    "complaints.escalationtold",
    "complaints.handover",
    "complaints.keptfile",
    "complaints.keptmail",
    "complaints.link",
    "complaints.measure",
    "complaints.order",
    "complaints.part",
    "complaints.promise",
    "complaints.recordedcase",
    "complaints.savedview",
    "complaints.seat",
    "complaints.shiftitem",
    "complaints.solution",
    "customers.consentevent",
    "customers.consentevidence",
    "customers.customerfacts",
    "customers.fieldchange",
    "customers.findname",
    "customers.findnumber",
    "customers.namegram",
    "customers.plan",
    "customers.searchlink",
    "customers.timelineline",
    "customers.relationshiprun",
    "customers.usagemonth",
    "customers.valuerun",
    "customers.valuetally",
    "imports.importchild",
    "imports.importrow",
    "imports.stagedrow",
    "interactions.callevent",
    "interactions.contactfigure",
    "interactions.contactverdict",
    "interactions.interactionmove",
    "interactions.mattermove",
    "interactions.matternotice",
    "interactions.matteroffer",
    "interactions.qualitymark",
    "interactions.shiftturn",
    "interactions.suggestionmove",
    "interactions.suggestionnotice",
    "interactions.topic",
    "jobs.beatmark",
    "jobs.forgotten",
    "outreach.followupattempt",
    "outreach.followupmove",
    "outreach.followupnotice",
    "customers.duplicateblock",
    "customers.erasedkey",
    "customers.mergemove",
    "outreach.messagekey",
    "outreach.messagemove",
    "outreach.messagetext",
    "outreach.notification",
    "staff.reveal",
    "staff.roleassignment",
    "staff.teammember",
    "staff.unitformerno",
    "staff.unithead",
}


def recorded() -> dict[str, str]:
    """Every verb written in the product -> where."""
    found: dict[str, str] = {}
    for place, call in calls(*RECORDERS):
        for argument in call.args:
            parts = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and VERB.fullmatch(part.value):
                    found[part.value] = place
                if isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant):
                    family = part.values[0].value
                    found |= {f"{family}{code.lower()}": place for code in FAMILIES[family]}
    return found


def test_every_verb_recorded_has_words() -> None:
    verbs = recorded()
    assert len(verbs) > 60
    assert {verb: place for verb, place in verbs.items() if words.say_act(verb) == verb} == {}


def test_no_words_are_kept_for_a_verb_nobody_records() -> None:
    named = {verb for _area, _title, acts in words.areas() for verb, _said in acts}
    assert named - set(recorded()) == set()


def test_every_area_has_a_title() -> None:
    assert [area for area, title, _acts in words.areas() if not title] == []


def test_every_kind_of_object_has_words() -> None:
    ours = {
        model._meta.label_lower
        for model in apps.get_models()
        if model.__module__.split(".")[0] in APPS and not model._meta.proxy
    }
    assert ours - words.known_kinds() - NEVER_A_TARGET == set()
    given = {
        keyword.value.elts[0].value
        for _place, call in calls(*RECORDERS)
        for keyword in call.keywords
        if keyword.arg == "target" and isinstance(keyword.value, ast.Tuple)
    }
    assert given and given <= words.known_kinds()


@pytest.mark.parametrize("area", sorted({verb.partition(".")[0] for verb in recorded()}))
def test_every_detail_has_a_label(area: str) -> None:
    keys: dict[str, str] = {}
    for place, call in calls("record", "remember"):
        verb = next((part.value for part in call.args if isinstance(part, ast.Constant)), "")
        if str(verb).partition(".")[0] != area:
            continue
        for keyword in call.keywords:
            if keyword.arg == "detail" and isinstance(keyword.value, ast.Dict):
                keys |= {key.value: place for key in keyword.value.keys if isinstance(key, ast.Constant)}
    assert {key: place for key, place in keys.items() if key not in words.known_details(area)} == {}


def test_what_nobody_named_says_itself_and_nothing_is_named_twice() -> None:
    assert words.say_act("egg.laid") == "egg.laid"
    assert words.say_kind("farm.egg") == "farm.egg"
    size = words.details_of(AuditEntry(verb="egg.laid", detail={"size": 3}))
    assert [(detail.label, value) for detail, value in size] == [("size", 3)]
    with pytest.raises(ValueError, match="created"):
        words.name_acts("user", acts={"created": "Made"})
    assert words.say_act("user.created") == "Account opened"
