"""What billing told and what we ask of it. One file per stage; all are imported from here."""

from billing.models.accounts import BilledProduct, BillingAccount, Bucket
from billing.models.bills import Allocation, Bill, BillLine, Payment
from billing.models.commands import Command, RestoreWatch
from billing.models.credit import CreditChange, CreditRun, CreditScore, Grade
from billing.models.differences import Difference, Reconciliation
from billing.models.dunning import DunningCase, DunningStep, Hold
from billing.models.inbox import BillingEvent, PollCursor
from billing.models.monthend import StagedBill

__all__ = [
    "Allocation",
    "Bill",
    "BillLine",
    "BilledProduct",
    "BillingAccount",
    "BillingEvent",
    "Bucket",
    "Command",
    "CreditChange",
    "CreditRun",
    "CreditScore",
    "Difference",
    "DunningCase",
    "DunningStep",
    "Grade",
    "Hold",
    "Payment",
    "PollCursor",
    "Reconciliation",
    "RestoreWatch",
    "StagedBill",
]
