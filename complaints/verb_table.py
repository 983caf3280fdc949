"""The table of what can be done to a case from its page: label, right, form and service of each verb."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from complaints import act_forms as shapes
from complaints.case_queries import Beside
from complaints.item_verbs import ITEM_VERBS
from complaints.lifecycle import Act, SeatWhy
from complaints.models import Complaint
from complaints.services import (
    answering,
    assessing,
    callbacks,
    closing,
    grading,
    grouping,
    handing,
    identifying,
    ordering,
    parts,
    pausing,
    promising,
    rejecting,
    solving,
    urging,
    working,
)
from complaints.services.callbacks import CALLED_IN
from complaints.verb_shape import ASSESS, ASSIGN, TAKE, WORK, Verb
from staff.models import User
from staff.rights import acted_for


def _open(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.is_open


def _not_handler(case: Complaint, user: User, _beside: Beside) -> bool:
    return case.handler_id != user.pk


def _not_asked(_case: Complaint, _user: User, beside: Beside) -> bool:
    return beside.rejection is None


def _parent(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.is_parent


def _nobodys(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.customer_id is None and not case.is_parent


def _pooled(case: Complaint, _user: User, _beside: Beside) -> bool:
    return case.handler_id is None


def _given(case: Complaint, user: User, _beside: Beside) -> bool:
    mine = case.handler_id is not None and case.handler_id in {user.pk, *acted_for(user)}
    return mine or (case.handler_id is not None and user.has_perm(ASSIGN))


def _called(case: Complaint, user: User, beside: Beside) -> bool:
    callback = beside.callback
    open_yet = callback is not None and callback.done_at is None and case.state in CALLED_IN
    return open_yet and case.handler_id != user.pk


def _owed_call(case: Complaint, user: User, beside: Beside) -> bool:
    callback = beside.callback
    owes = any(one.why == SeatWhy.CALLBACK and one.user_id == user.pk for one in beside.seats)
    open_yet = callback is not None and callback.done_at is None and case.state in CALLED_IN
    return open_yet and (owes or user.has_perm(ASSIGN))


def _may_offer(case: Complaint, user: User, _beside: Beside) -> bool:
    mine = {case.owner_id, case.handler_id} & {user.pk, *acted_for(user)}
    return case.is_open and (bool(mine) or user.has_perm(ASSIGN))


VERBS: tuple[Verb, ...] = (
    Verb(
        "acknowledge",
        _("Acknowledge"),
        "mail-check",
        TAKE,
        lambda user, pk, _d: assessing.acknowledge_complaint(pk, actor=user),
        acts=(Act.ACKNOWLEDGE,),
        key="e",
    ),
    Verb(
        "assess",
        _("Assess"),
        "clipboard-check",
        ASSESS,
        lambda user, pk, d: assessing.assess_complaint(pk, actor=user, **d),
        acts=(Act.ASSESS,),
        form=shapes.AssessForm,
        key="e",
        help=_("The service limit begins by grade and path."),
    ),
    Verb(
        "claim",
        _("Claim"),
        "hand",
        WORK,
        lambda user, pk, _d: working.claim_complaint(pk, actor=user),
        acts=(Act.INVESTIGATE,),
        shows=_pooled,
        key="e",
    ),
    Verb(
        "accept",
        _("Accept the work"),
        "check",
        WORK,
        lambda user, pk, _d: working.accept_work(pk, actor=user),
        acts=(Act.INVESTIGATE,),
        shows=_given,
        key="e",
    ),
    Verb(
        "assign",
        _("Assign"),
        "user-check",
        ASSIGN,
        lambda user, pk, d: working.assign_complaint(pk, actor=user, **d),
        acts=(Act.ASSIGN,),
        form=shapes.AssignForm,
        key="a",
    ),
    Verb(
        "propose",
        _("Propose a solution"),
        "lightbulb",
        WORK,
        lambda user, pk, d: solving.propose_solution(pk, actor=user, **d),
        acts=(Act.PROPOSE,),
        form=shapes.ProposeForm,
        key="e",
    ),
    Verb(
        "decide",
        _("Answer the customer"),
        "message-square-text",
        WORK,
        lambda user, pk, d: answering.decide_complaint(pk, actor=user, **d),
        acts=(Act.DECIDE,),
        form=shapes.AnswerForm,
        key="e",
        help=_("The customer gets these words: finding, reason, measures, dates. The statutory clock stops."),
    ),
    Verb(
        "agree",
        _("Customer accepts"),
        "thumbs-up",
        TAKE,
        lambda user, pk, _d: answering.agree_complaint(pk, actor=user),
        acts=(Act.AGREE,),
        key="e",
    ),
    Verb(
        "dispute",
        _("Customer disputes"),
        "thumbs-down",
        TAKE,
        lambda user, pk, d: answering.dispute_complaint(pk, actor=user, **d),
        acts=(Act.DISPUTE,),
        form=shapes.WordsForm,
    ),
    Verb(
        "call-back",
        _("Start the callback"),
        "phone-outgoing",
        TAKE,
        lambda user, pk, _d: callbacks.start_callback(pk, actor=user),
        acts=(Act.CALL_BACK,),
        shows=_not_handler,
        key="e",
    ),
    Verb(
        "callback",
        _("Record the callback"),
        "phone-outgoing",
        TAKE,
        lambda user, pk, d: callbacks.record_callback(pk, actor=user, **d),
        form=shapes.CallbackForm,
        shows=_called,
    ),
    Verb(
        "try",
        _("Nobody reached"),
        "phone-missed",
        TAKE,
        lambda user, pk, d: callbacks.record_callback_try(pk, actor=user, **d),
        form=shapes.TryForm,
        shows=_called,
    ),
    Verb(
        "callback-send",
        _("Let a colleague call back or visit"),
        "house",
        TAKE,
        lambda user, pk, d: callbacks.send_callback(pk, actor=user, **d),
        form=shapes.SendCallbackForm,
        shows=_owed_call,
        help=_("Hall staff or the customer's manager; never who worked on it."),
    ),
    Verb(
        "close",
        _("Close"),
        "circle-check",
        WORK,
        lambda user, pk, d: closing.close_complaint(pk, actor=user, **d),
        acts=(Act.CLOSE,),
        form=shapes.CloseForm,
        key="e",
    ),
    Verb(
        "close-group",
        _("Close the group"),
        "users-round",
        WORK,
        lambda user, pk, d: grouping.close_group(pk, actor=user, **d),
        acts=(Act.CLOSE_GROUP,),
        form=shapes.CloseGroupForm,
        shows=_parent,
        help=_("Its members are closed with it and their customers told these words; who is not satisfied comes back."),
    ),
    Verb(
        "return",
        _("Return to work"),
        "undo-2",
        TAKE,
        lambda user, pk, d: callbacks.return_complaint(pk, actor=user, **d),
        acts=(Act.RETURN,),
        form=shapes.ReasonForm,
        shows=_not_handler,
    ),
    Verb(
        "rework",
        _("Work on it again"),
        "undo-2",
        WORK,
        lambda user, pk, d: solving.rework_complaint(pk, actor=user, **d),
        acts=(Act.REWORK,),
        form=shapes.ReasonForm,
    ),
    Verb(
        "final",
        _("Tell the final position"),
        "scale",
        WORK,
        lambda user, pk, d: answering.tell_final_position(pk, actor=user, **d),
        acts=(Act.FINAL,),
        form=shapes.AnswerForm,
    ),
    Verb(
        "resume",
        _("Resume"),
        "circle-play",
        WORK,
        lambda user, pk, _d: pausing.resume_complaint(pk, actor=user),
        acts=(Act.RESUME,),
        key="e",
    ),
    Verb(
        "pause",
        _("Pause"),
        "circle-pause",
        WORK,
        lambda user, pk, d: pausing.pause_complaint(pk, actor=user, **d),
        acts=(Act.PAUSE,),
        form=shapes.PauseForm,
        help=_("Only the service clock stands still; the customer is told of the pause and of its end."),
    ),
    Verb(
        "contact",
        _("Spoke with the customer"),
        "phone",
        TAKE,
        lambda user, pk, d: working.note_contact(pk, actor=user, **d),
        form=shapes.ContactForm,
        shows=_open,
    ),
    Verb(
        "reopen",
        _("Reopen"),
        "rotate-ccw",
        TAKE,
        lambda user, pk, d: closing.reopen_complaint(pk, actor=user, **d),
        acts=(Act.REOPEN,),
        form=shapes.ReopenForm,
    ),
    Verb(
        "take-up",
        _("Take up again"),
        "rotate-ccw",
        ASSIGN,
        lambda user, pk, d: closing.take_up_again(pk, actor=user, **d),
        acts=(Act.TAKE_UP,),
        form=shapes.TakeUpForm,
    ),
    Verb(
        "offer",
        _("Hand over"),
        "route",
        TAKE,
        lambda user, pk, d: handing.offer_case(pk, actor=user, **d),
        form=shapes.OfferForm,
        shows=_may_offer,
        key="a",
        help=_("It stays where it is until somebody accepts."),
    ),
    Verb(
        "give",
        _("Give by order"),
        "user-round-check",
        ASSIGN,
        lambda user, pk, d: handing.order_case(pk, actor=user, **d),
        form=shapes.GiveForm,
        shows=_open,
    ),
    Verb(
        "grade",
        _("Change the grade"),
        "flag",
        ASSESS,
        lambda user, pk, d: grading.change_grade(pk, actor=user, **d),
        form=shapes.GradeForm,
        shows=_open,
    ),
    Verb(
        "part",
        _("Give a unit a part"),
        "network",
        WORK,
        lambda user, pk, d: parts.give_part(pk, actor=user, **d),
        form=shapes.PartForm,
        shows=_open,
    ),
    Verb(
        "promise",
        _("Note a promise"),
        "handshake",
        TAKE,
        lambda user, pk, d: promising.make_promise(pk, actor=user, **d),
        form=shapes.PromiseForm,
        shows=_open,
    ),
    Verb(
        "order",
        _("Order a reply"),
        "gavel",
        ASSIGN,
        lambda user, pk, d: ordering.order_reply(pk, actor=user, **d),
        form=shapes.OrderForm,
        shows=_open,
    ),
    Verb(
        "manager",
        _("Customer asks for the manager"),
        "user-round-cog",
        TAKE,
        lambda user, pk, d: urging.ask_for_manager(pk, actor=user, **d),
        form=shapes.WordsForm,
        shows=_open,
        help=_("The lead contacts the customer within some working hours; both are told by when."),
    ),
    Verb(
        "reject",
        _("Declare not ours"),
        "signpost",
        ASSESS,
        lambda user, pk, d: rejecting.ask_rejection(pk, actor=user, **d),
        acts=(Act.REJECT,),
        form=shapes.RejectForm,
        shows=_not_asked,
        help=_("A lead approves it first; until then the case stays where it is and its clocks run."),
    ),
    Verb(
        "customer",
        _("Name the customer"),
        "user-check",
        TAKE,
        lambda user, pk, d: identifying.name_customer(pk, actor=user, **d),
        form=shapes.CustomerForm,
        shows=_nobodys,
    ),
    Verb(
        "withdraw",
        _("Customer withdraws"),
        "circle-x",
        TAKE,
        lambda user, pk, d: closing.withdraw_complaint(pk, actor=user, **d),
        acts=(Act.WITHDRAW,),
        form=shapes.ReasonForm,
    ),
    *ITEM_VERBS,
)
