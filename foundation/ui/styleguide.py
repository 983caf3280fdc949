"""Invented data for the style guide page."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from django import forms
from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common import clock
from foundation.common.paging import Page
from foundation.ui.context import NavLink, Shell, ShownSlot
from foundation.ui.navigation import NavItem, Tone
from foundation.ui.parts.charts import Chart, HBar, Series
from foundation.ui.parts.forms import DraftState
from foundation.ui.parts.lists import Check, Entry, Step, Tab, trend
from foundation.ui.parts.marks import btn, count, sla, tag
from foundation.ui.widgets import ClockInput, DayInput, MomentInput

TONES = ("", "danger", "warn", "ok", "info", "violet")
LONG = "Rückerstattungsanspruch-" * 6


class SampleUser:
    """Stands for the signed-in user in the frame."""

    is_authenticated = True
    staff_no = "3307"

    def get_full_name(self) -> str:
        return _("Chen Xiaowen")


class SampleShell(Shell):
    """A frame with a full menu, whoever looks at it; what a user would
    prefer comes from the query (`theme`, `density`, `text`, `keys=off`). Its controls lead nowhere."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.search_url = self.language_url = reverse("ui:styleguide-quiet")
        self.palette_url = reverse("ui:styleguide-palette")
        self.theme_url = self.me_url = self.sign_out_url = self.search_url

    @cached_property
    def user(self) -> Any:
        return SampleUser()

    @cached_property
    def theme(self) -> str:
        wanted = self._request.GET.get("theme", "auto")
        return wanted if wanted in ("light", "dark") else "auto"

    @cached_property
    def density(self) -> str:
        return self._request.GET.get("density", "normal")

    @cached_property
    def text_size(self) -> str:
        return self._request.GET.get("text", "normal")

    @property
    def idle_seconds(self) -> int:
        return 0  # nobody is signed in, so nothing ends

    @cached_property
    def shortcuts(self) -> bool:
        return self._request.GET.get("keys") != "off"

    @cached_property
    def call_chip(self) -> ShownSlot:
        call = {"url": "?", "state": "talking", "words": _("On a call"), "since": clock.now() - timedelta(seconds=192)}
        return ShownSlot(reverse("ui:styleguide-quiet"), render_to_string("ui/call_chip.html", {"call": call}), "never")

    @cached_property
    def bell(self) -> ShownSlot:
        notices = [
            {
                "title": _("Callback due in 10 minutes"),
                "at": clock.now(),
                "url": "?",
                "icon": "alarm-clock",
                "tone": "warn",
                "unread": True,
            },
            {
                "title": _("Import finished"),
                "text": "2,000",
                "at": clock.now() - timedelta(hours=3),
                "url": "?",
                "icon": "file-check",
            },
        ]
        content = render_to_string("ui/bell.html", {"unread": 4, "notices": notices, "all_url": "?"})
        return ShownSlot(reverse("ui:styleguide-quiet"), content, "live:tick from:body")

    @cached_property
    def links(self) -> list[NavLink]:
        items: list[tuple[str, str, str, int | None, Tone, Literal["work", "manage"]]] = [
            ("home", _("My desk"), "house", None, "", "work"),
            ("customers", _("Customers"), "user-check", None, "", "work"),
            ("cases", _("Complaints and cases"), "inbox", 3, "danger", "work"),
            ("tasks", _("Tasks"), "square-check", 8, "", "work"),
            ("calendar", _("Calendar and visits"), "calendar", None, "", "work"),
            ("knowledge", _("Knowledge"), "book-open", None, "", "work"),
            ("board", _("Supervisor board"), "gauge", None, "", "manage"),
            ("reports", _("Reports"), "chart-column", None, "", "manage"),
            ("admin", _("Administration"), "settings", None, "", "manage"),
        ]
        return [
            NavLink(
                NavItem(key, label, icon, "ui:styleguide", section=part, tone=tone, key_hint=key[0]),
                f"?went={key}",
                count(n, tone),
                key == "cases",
            )
            for key, label, icon, n, tone, part in items
        ]


class SampleForm(forms.Form):
    """One field of every kind."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=80)
    phone = forms.CharField(
        label=gettext_lazy("Mobile number"),
        help_text=gettext_lazy("11 digits; spaces and +86 are fine"),
        required=False,
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("a", gettext_lazy("Callback")), ("b", gettext_lazy("Visit"))]
    )
    day = forms.DateField(label=gettext_lazy("Day"), widget=DayInput)
    due = forms.DateTimeField(label=gettext_lazy("Due"), widget=MomentInput)
    at = forms.TimeField(label=gettext_lazy("Time"), widget=ClockInput, required=False)
    channel = forms.ChoiceField(
        label=gettext_lazy("Channel"),
        widget=forms.RadioSelect,
        choices=[("p", gettext_lazy("Phone")), ("s", gettext_lazy("SMS")), ("h", gettext_lazy("Shop"))],
    )
    topics = forms.MultipleChoiceField(
        label=gettext_lazy("Topics"),
        widget=forms.CheckboxSelectMultiple,
        choices=[("n", gettext_lazy("Network")), ("b", gettext_lazy("Bill"))],
        required=False,
    )
    urgent = forms.BooleanField(label=gettext_lazy("The customer needs an answer today"), required=False)
    note = forms.CharField(label=gettext_lazy("What happened"), widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(label=gettext_lazy("File"), required=False)


class FilterForm(forms.Form):
    """A filter bar."""

    q = forms.CharField(label=gettext_lazy("Title, number"), required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[("", gettext_lazy("All")), ("a", gettext_lazy("Callback"))], required=False
    )
    city = forms.ChoiceField(
        label=gettext_lazy("City"), choices=[("", gettext_lazy("All")), ("h", gettext_lazy("Hangzhou"))], required=False
    )


class SampleRow(NamedTuple):
    """One row of the sample table."""

    title: Any
    number: str
    clock: SafeString
    tag: SafeString
    kind: Any
    owner: str
    at: Any


def _rows() -> list[SampleRow]:
    now = clock.now()
    title = _("5G signal weak at home, calls drop")
    long = _(
        "Last month's bill has 30 yuan of international roaming the customer does not know about; "
        "wants it checked and paid back"
    )
    spans = [
        (-126, 240, ""),
        (-7, 60, ""),
        (3, 30, ""),
        (25, 240, ""),
        (160, 240, ""),
        (1900, 4320, ""),
        (60, 240, "paused"),
        (60, 240, "done"),
    ]
    tones = ["danger", "danger", "warn", "info", "info", "", "warn", "ok"]
    return [
        SampleRow(
            long if n % 3 == 1 else title,
            f"TS2611220011{n}",
            sla(
                now + timedelta(minutes=left),
                target=whole * 60,
                state=state,
                reason=_("Waits for the customer") if state == "paused" else "",
            ),
            tag(_("urgent") if tone == "danger" else _("normal"), tone),
            _("Network quality"),
            "" if n == 3 else _("Zhou Li"),
            now - timedelta(minutes=12 * (n + 1)),
        )
        for n, ((left, whole, state), tone) in enumerate(zip(spans, tones, strict=True))
    ]


def _entries() -> list[Entry]:
    now = clock.now()
    text = _("Signal weak at home since the morning, calls drop; address checked. Wants it solved today.")
    return [
        Entry(
            now - timedelta(minutes=3),
            _("Complaint TS26112200139 opened"),
            "message-square-warning",
            "danger",
            text,
            _("Chen Xiaowen"),
        ),
        Entry(
            now - timedelta(minutes=8),
            _("Call, 3 min 12 s"),
            "phone-incoming",
            "info",
            text,
            _("Chen Xiaowen"),
            (tag(_("verified"), "ok"),),
            box="box",
        ),
        Entry(
            now - timedelta(minutes=20),
            _("Chen Xiaowen"),
            "lock",
            "warn",
            _("Asked the network centre."),
            "",
            (tag(_("Internal note"), "warn", "lock", "line"),),
            box="note",
        ),
        Entry(
            now - timedelta(days=4),
            _("Bill of October ¥168.00"),
            "receipt-text",
            "",
            (text + " ") * 6,
            _("Billing system"),
        ),
    ]


def sample_draft() -> DraftState:
    """The draft of the sample form's note: a restored one, with the text of another window."""
    return DraftState(url=reverse("ui:styleguide-draft"), other=str(LONG))


def sample_page(request: HttpRequest) -> dict[str, Any]:
    """The context of the style guide."""
    now = clock.now()
    wrong = SampleForm(QueryDict("wrong-kind=x&wrong-due=yesterday&wrong-day=2026-13-01"), prefix="wrong")
    hours = [f"{hour}:00" for hour in range(8, 20)]
    taken = [18, 31, 46, 38, 29, 24, 33, 41, 37, 28, 22, 15]
    closed = [9, 22, 35, 40, 33, 26, 28, 36, 39, 34, 27, 20]
    days = [f"11/{day}" for day in range(9, 23)]
    on_time = [96.1, 95.4, 97.2, 96.8, 95.0, 93.2, 95.1, 96.0, 97.5, 96.9, 95.8, 94.4, 93.6, 92.8]
    return {
        "sample_ribbon": True,
        "tones": TONES,
        "long": LONG,
        "now": now,
        "rows": _rows(),
        "page": Page(items=[1, 2, 3], next_cursor="abc", is_first=False),
        "draft": sample_draft(),
        "form": SampleForm(initial={"due": now, "day": now.date()}),
        "wrong": wrong,
        "filter": FilterForm(prefix="f"),
        "chips": [(_("City: Hangzhou"), "?"), (_("Kind: callback"), "?")],
        "tabs": [
            Tab(_("All open"), "?", True, 26),
            Tab(_("Mine"), "?", count=9),
            Tab(_("Overdue"), "?", count=3, tone="danger"),
            Tab(_("Due in 30 minutes"), "?", count=4, tone="warn"),
            Tab(_("Unassigned"), "?", count="500+"),
        ],
        "seg": [Tab(_("All"), "?", True), Tab(_("Calls"), "?"), Tab(_("Bills"), "?")],
        "entries": _entries(),
        "steps": [
            Step(_("Received"), "done", "10:20"),
            Step(_("Checked"), "done", "10:41"),
            Step(_("Importing"), "now", "62 %"),
            Step(_("Report"), "next"),
        ],
        "failed_steps": [Step(_("Received"), "done"), Step(_("Checked"), "failed", _("3 errors"))],
        "checks": [
            Check(_("Identity checked"), True),
            Check(_("First answer given"), False),
            Check(_("Cause filled in"), False, "?"),
        ],
        "bars": Chart(
            _("Taken and closed today, by hour"), hours, [Series(_("Taken"), taken), Series(_("Closed"), closed)]
        ),
        "bills": Chart(
            _("Bills of six months"),
            ["5", "6", "7", "8", "9", "10"],
            [Series(_("Bill"), [138, 142, 140, 155, 139, 168])],
            "",
            axis=False,
            highlight=5,
        ),
        "line": Chart(
            _("Handled in time, 14 days"),
            days,
            [Series(_("In time"), on_time)],
            "%",
            goal=95,
            goal_label=_("Goal"),
            bottom=90,
        ),
        "hbars": [
            HBar(_("Network quality"), 128, "?", trend(34, "34%", good="down")),
            HBar(_("Bill dispute"), 96, "?", trend(12, "12%", good="down")),
            HBar(_("Broadband fault"), 71, "?", trend(-8, "8%", good="down")),
            HBar(_("Attitude"), 11, "?", trend(0)),
        ],
        "up": trend(12, good="down"),
        "down": trend(Decimal("-0.8")),
        "all_button": btn(_("Assign"), small=True, icon="user-check", type="button"),
        "spark_values": [2, 4, 7, 3, 6, 4, 5],
    }
