"""Credit of one customer: why, what would raise it, month by month, by hand; and why as a letter (D§6.5-6.9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from billing.credit.grading import Manual
from billing.credit.rules import BEST_FIRST
from billing.credit.service import LONGEST_REASON, set_grade
from billing.credit.showing import TONES, Counting, begins_of, counting_of
from billing.models import BillingAccount, CreditChange, CreditRun, CreditScore
from billing.models.credit import WHOLE
from billing.views.sights import customer_view
from customers.models import Customer
from customers.views.showing import View, seen
from foundation.calendars.working_time import add_months
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.htmx import toast
from foundation.ui.parts.charts import Chart, Series
from foundation.ui.parts.lists import Tab
from staff.models import User

MONTHS, MOST_CHANGES, MOST_ACCOUNTS = 24, 20, 50


class GradeForm(forms.Form):
    """A grade set by hand: one step up or down, for the months of the policy."""

    grade = forms.ChoiceField(label=gettext_lazy("Grade"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        help_text=gettext_lazy("Kept with the change and in the log. The customer may ask for it."),
    )

    def __init__(self, *args: Any, counts: str, **more: Any) -> None:
        super().__init__(*args, **more)
        at = BEST_FIRST.index(counts)
        near = [grade for grade in BEST_FIRST[max(0, at - 1) : at + 2] if grade != counts]
        field = self.fields["grade"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(grade, _("Grade %(grade)s") % {"grade": grade}) for grade in near]


class Told:
    """What a page needs of a customer's credit: `rows` of the account chosen, the newest first, of `accounts`."""

    def __init__(self, request: HttpRequest, customer: Customer) -> None:
        since = add_months(clock.today().replace(day=1), -MONTHS)
        rows = CreditScore.objects.filter(customer_id=customer.pk, month__gte=since).order_by("-month", "account_id")
        self.accounts: list[BillingAccount] = []
        if customer.customer_type == Customer.Type.ENTERPRISE:
            own = BillingAccount.objects.filter(customer=customer, status=BillingAccount.Status.ACTIVE)
            self.accounts = list(own.order_by("pk")[:MOST_ACCOUNTS])
        self.account = _chosen(request, self.accounts)
        self.rows = list(rows.filter(account_id=self.account.pk if self.account else WHOLE))
        changes = CreditChange.objects.filter(customer=customer, account=self.account)
        self.changes = list(changes.order_by("-pk")[:MOST_CHANGES])
        self.counting: Counting | None = None
        if self.rows:
            rules: Mapping[str, Any] = CreditRun.objects.values_list("rules", flat=True).get(pk=self.rows[0].month)
            today = clock.today()
            self.counting = counting_of(self.rows[0], self._manual(today), today, rules)

    def _manual(self, day: date) -> Manual | None:
        for one in self.changes:
            if one.begins <= day <= one.until and (one.ended_on is None or one.ended_on > day):
                return Manual(one.to_grade, one.until)
        return None

    @property
    def manual_until(self) -> date | None:
        manual = self._manual(clock.today())
        return manual.until if manual and self.counting and self.counting.by_hand else None


def _chosen(request: HttpRequest, accounts: list[BillingAccount]) -> BillingAccount | None:
    wanted = request.POST.get("account") or request.GET.get("account") or ""
    if not accounts:
        return None
    if not wanted:
        return accounts[0]
    try:
        key = ids.from_text(wanted[:13])
    except ValueError:
        raise Http404 from None
    found = next((one for one in accounts if one.pk == key), None)
    if found is None:
        raise Http404
    return found


@require_GET
@never_cache
@requires("billing.view")
def customer_credit(request: HttpRequest, pk: int) -> HttpResponse:
    """A customer's credit today, why, what would raise it, and the months before; of an enterprise by `account`."""
    view = customer_view(request, pk)
    return _page(request, view, Told(request, view.customer))


@require_POST
@never_cache
@requires("billing.approve")
def customer_credit_set(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A lead sets the grade by hand."""
    seen(request, pk)  # a contact opens a customer to be served, not to be graded
    view = customer_view(request, pk)
    told = Told(request, view.customer)
    if told.counting is None:
        raise Http404
    form = GradeForm(request.POST, counts=told.counting.held.grade)
    if form.is_valid():
        try:
            change = set_grade(
                pk, to=form.cleaned_data["grade"], reason=form.cleaned_data["reason"], actor=view.user,
                account=told.account,
            )  # fmt: skip
        except RuleBroken as no:
            form.add_error("reason" if no.code == "credit.no_reason" else None, no.message)
        else:
            words = _("Grade %(grade)s holds until %(until)s") % {"grade": change.to_grade, "until": change.until}
            return toast(redirect(_address(pk, told.account)), words)
    return _page(request, view, told, form=form, status=422)


@require_GET
@never_cache
@requires("billing.view")
def customer_credit_letter(request: HttpRequest, pk: int) -> HttpResponse:
    """Why, in the customer's language, to be printed or read out."""
    view = customer_view(request, pk)
    told = Told(request, view.customer)
    if told.counting is None:
        raise Http404
    with translation.override(view.customer.language):
        context = _said(told.counting) | {
            "view": view,
            "customer": view.customer,
            "account": told.account,
            "today": clock.today(),
            "back": _address(pk, told.account),
        }
        return render(request, "billing/customer_credit_letter.html", context)


def _address(pk: int, account: BillingAccount | None, name: str = "customer-credit") -> str:
    address = reverse(f"billing:{name}", args=[pk])
    return f"{address}?account={ids.to_text(account.pk)}" if account else address


def _said(counting: Counting) -> dict[str, Any]:
    return {
        "counting": counting,
        "held": counting.held,
        "tone": TONES[counting.held.grade],
        "why": counting.why().in_words(),
        "raise": counting.what_would_raise().in_words(),
    }


def _page(
    request: HttpRequest, view: View, told: Told, form: GradeForm | None = None, status: int = 200
) -> HttpResponse:
    pk = view.customer.pk
    context: dict[str, Any] = {
        "view": view,
        "customer": view.customer,
        "account": told.account,
        "account_ref": ids.to_text(told.account.pk) if told.account else "",
        "accounts": [
            Tab(one.external_id, _address(pk, one), current=one == told.account)
            for one in (told.accounts if len(told.accounts) > 1 else [])
        ],
        "rows": told.rows,
        "changes": _changes(told.changes),
        "letter": _address(pk, told.account, "customer-credit-letter"),
    }
    if told.counting is not None:
        context |= _said(told.counting) | {
            "since": begins_of((row.month, row.grade) for row in told.rows),
            "manual_until": told.manual_until,
            "chart": _chart(told.rows),
        }
        may_set = view.user.has_perm("billing.approve") and view.customer.is_visible_to(view.user, ())
        if form is None and may_set and not told.rows[0].written_off:
            form = GradeForm(counts=told.counting.held.grade)
        context["form"] = form
    return render(request, "billing/customer_credit.html", context, status=status)


def _chart(rows: list[CreditScore]) -> Chart | None:
    """The score month by month, the oldest first; None below two months."""
    if len(rows) < 2:
        return None
    course = rows[::-1]
    return Chart(
        title=_("Score by month"),
        labels=[f"{row.month:%y-%m}" for row in course],
        series=[Series(_("Score"), [float(row.score) for row in course])],
        sentence=_("Score %(first)s in %(from)s, %(last)s in %(to)s.")
        % {
            "first": course[0].score,
            "from": f"{course[0].month:%Y-%m}",
            "last": course[-1].score,
            "to": f"{course[-1].month:%Y-%m}",
        },
    )


def _changes(changes: list[CreditChange]) -> list[dict[str, Any]]:
    people = User.objects.in_bulk({one.actor_id for one in changes}) if changes else {}
    today = clock.today()
    return [
        {
            "row": one,
            "who": people[one.actor_id].name if one.actor_id in people else "",
            "holds": one.begins <= today <= one.until and (one.ended_on is None or one.ended_on > today),
        }
        for one in changes
    ]
