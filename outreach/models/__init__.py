"""Everything we owe a customer, and the bell of the staff who owe it. One file per thing."""

from outreach.models.bell import Notification
from outreach.models.followups import FollowUp, FollowUpAttempt, FollowUpMove, FollowUpNotice
from outreach.models.messages import MessageKey, MessageMove, MessageText, OutMessage
from outreach.models.rescues import RescueStep
from outreach.models.sms import SmsLine, SmsPart, SmsReply
from outreach.models.transfers import ManagerTransfer

__all__ = [
    "FollowUp",
    "FollowUpAttempt",
    "FollowUpMove",
    "FollowUpNotice",
    "ManagerTransfer",
    "MessageKey",
    "MessageMove",
    "MessageText",
    "Notification",
    "OutMessage",
    "RescueStep",
    "SmsLine",
    "SmsPart",
    "SmsReply",
]
