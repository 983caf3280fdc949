"""Complaint cases and what hangs on them."""

from complaints.models.cases import Complaint, ComplaintLine, ComplaintMove, Seat
from complaints.models.causes import Cause, RequiredFact
from complaints.models.desk import AnswerTemplate, BulkAct, BulkChange, BulkLine, CaseChange
from complaints.models.figures import LineCount, MonthCase, MonthClosing
from complaints.models.handing import Handover
from complaints.models.joining import CaseMerge, GroupSuggestion, Link
from complaints.models.learning import TopicWord
from complaints.models.library import LibraryEntry, LibraryWord
from complaints.models.mail import InMail, KeptFile, KeptMail
from complaints.models.month_rows import MonthCall, MonthPart, MonthTime
from complaints.models.outside import AppealCase, MediationCase
from complaints.models.parts import Part
from complaints.models.recorded import RecordedCase
from complaints.models.rehearsing import Rehearsal, RehearsalHour, RehearsalLine
from complaints.models.screens import WallScreen
from complaints.models.shifts import ShiftItem, ShiftSheet, ShiftWhy
from complaints.models.solving import Approval, Callback, ComplainerFlag, Measure, Rejection, Solution
from complaints.models.talk import Attachment, Entry, Order, Promise
from complaints.models.times import CaseTime
from complaints.models.told import TicketTold
from complaints.models.views import SavedView
from complaints.models.watching import Escalation, EscalationTold

__all__ = [
    "AnswerTemplate",
    "AppealCase",
    "Approval",
    "Attachment",
    "BulkAct",
    "BulkChange",
    "BulkLine",
    "Callback",
    "CaseChange",
    "CaseMerge",
    "CaseTime",
    "Cause",
    "ComplainerFlag",
    "Complaint",
    "ComplaintLine",
    "ComplaintMove",
    "Entry",
    "Escalation",
    "EscalationTold",
    "GroupSuggestion",
    "Handover",
    "InMail",
    "KeptFile",
    "KeptMail",
    "LibraryEntry",
    "LibraryWord",
    "LineCount",
    "Link",
    "Measure",
    "MediationCase",
    "MonthCall",
    "MonthCase",
    "MonthClosing",
    "MonthPart",
    "MonthTime",
    "Order",
    "Part",
    "Promise",
    "RecordedCase",
    "Rehearsal",
    "RehearsalHour",
    "RehearsalLine",
    "Rejection",
    "RequiredFact",
    "SavedView",
    "Seat",
    "ShiftItem",
    "ShiftSheet",
    "ShiftWhy",
    "Solution",
    "TicketTold",
    "TopicWord",
    "WallScreen",
]
