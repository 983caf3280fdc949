"""Components: exact words, states and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from foundation.common import clock
from foundation.ui import navigation, wording
from foundation.ui.context import Shell
from foundation.ui.navigation import FrameQuery, NavItem, Slot
from foundation.ui.parts.charts import Chart, Series, chart_bars, chart_line, spark, ticks
from foundation.ui.parts.frames import kv
from foundation.ui.parts.lists import Entry, days_of, meter, trend
from foundation.ui.parts.marks import count, icon, sla, sla_face, tag
from tests.ui.pages import html_problems

NOW = datetime(2026, 11, 22, 2, 24, tzinfo=UTC)  # 10:24 on a Sunday in Shanghai


@pytest.fixture(autouse=True)
def _english_at_a_fixed_time():
    with translation.override("en"), clock.travel(NOW):
        yield


@pytest.mark.parametrize(
    ("left", "target", "state", "face", "words", "share"),
    [
        (-126 * 60, 7200, "", "over", "Over 2:06", 100),
        (0, 7200, "", "over", "Over 0:00", 100),
        (1, 7200, "", "soon", "Left 0:00", 0),
        (30 * 60, 3600, "", "soon", "Left 0:30", 50),
        (30 * 60 + 1, 3600, "", "ok", "Left 0:30", 50),
        (3600, 4 * 3600, "", "soon", "Left 1:00", 25),
        (3601, 4 * 3600, "", "ok", "Left 1:00", 25),
        (3600, None, "", "ok", "Left 1:00", 0),
        (24 * 3600 - 1, None, "", "ok", "Left 23:59", 0),
        (76 * 3600, None, "", "ok", "Left 3 d 4 h", 0),
        (600, 3600, "paused", "paused", "Clock paused", 17),
        (-600, 3600, "done", "done", "Done", 100),
    ],
)
def test_faces_of_a_clock(left, target, state, face, words, share):
    shown = sla_face(1000 + left, target, state, 1000)
    assert (shown.state, shown.words, shown.share) == (face, words, share)


def test_a_running_badge_carries_its_deadline_and_a_resting_one_does_not():
    due = NOW + timedelta(minutes=4)
    assert f'data-sla="{int(due.timestamp())}" data-target="1800"' in sla(due, 1800)
    assert 'title="Due Sun, Nov 22 10:28"' in sla(due, 1800)
    paused = sla(due, 1800, state="paused", reason="Waits for <customer>")
    assert "data-sla" not in paused
    assert 'title="Waits for &lt;customer&gt;"' in paused
    assert sla(None) == ""
    assert sla(due, start=due - timedelta(minutes=30)) == sla(due, 1800)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=24), "1 day ago"),
        (timedelta(days=7), "Sun, Nov 15"),
        (timedelta(days=400), "Sat, Oct 18, 2025"),
        (-timedelta(seconds=30), "in a moment"),
        (-timedelta(hours=3), "in 3 hours"),
    ],
)
def test_relative_words(away, words):
    assert wording.say_since(NOW - away) == words


def test_days_are_those_of_the_business_zone():
    late = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    assert wording.say_moment(late) == "Sun, Nov 22 00:00"
    assert wording.say_day(late.astimezone(clock.BUSINESS_ZONE).date()) == "Today, Sun, Nov 22"
    days = days_of([Entry(late, "a"), Entry(late - timedelta(seconds=1), "b")])
    assert [(day.label, len(day.entries)) for day in days] == [("Today, Sun, Nov 22", 1), ("Yesterday, Sat, Nov 21", 1)]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Decimal("36.2"), "¥\u00a036.20"),
        (Decimal("-1240.5"), "−¥\u00a01,240.50"),
        (0, "¥\u00a00.00"),
        (Decimal("0.005"), "¥\u00a00.01"),
        (None, "–"),
    ],
)
def test_money(amount, words):
    assert wording.say_money(amount) == words


def test_money_refuses_floats():
    with pytest.raises(TypeError, match="never float"):
        wording.say_money(0.1)


def test_the_moment_itself_stands_beside_relative_words():
    html = Template("{% when at %}").render(Context({"at": NOW - timedelta(minutes=12)}))
    assert html == '<time datetime="2026-11-22T10:12+08:00" title="Sun, Nov 22 10:12">12 minutes ago</time>'
    assert Template("{% when none %}{% date none %}").render(Context({"none": None})) == "––"


def test_what_people_typed_is_escaped():
    evil = '"><script>alert(1)</script>'
    for html in (
        tag(evil),
        kv(evil, evil),
        count(1, label=evil),
        meter(evil, 1, 2, unit=evil),
        sla(NOW, 60, label=evil),
    ):
        assert "<script" not in html
    page = Template("{% card evil link=evil %}{{ evil }}{% endcard %}{% notice %}{{ evil }}{% endnotice %}").render(
        Context({"evil": evil})
    )
    assert "<script" not in page


def test_unknown_icons_and_tones_are_refused():
    with pytest.raises(ValueError, match="no icon 'no-such'"):
        icon("no-such")
    with pytest.raises(ValueError, match="no tone 'red'"):
        tag("x", "red")


def test_an_icon_is_hidden_unless_it_has_a_name():
    assert 'aria-hidden="true"' in icon("clock")
    assert 'role="img" aria-label="Clock"' in icon("clock", label="Clock")


def test_trends_say_direction_in_words_and_tone():
    assert '-up-bad"' in trend(12, good="down")
    assert ">up </span>12" in trend(12, good="down")
    assert '-down-bad"' in trend(Decimal("-0.8"))
    assert ">down </span>0.8" in trend(Decimal("-0.8"))
    assert trend(0) == '<span class="trend">–</span>'


@pytest.mark.parametrize(
    ("bottom", "top", "values"),
    [
        (0, 46, [0, 10, 20, 30, 40, 50]),
        (0, 5, [0, 1, 2, 3, 4, 5]),
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (90, 97.5, [90, 92, 94, 96, 98]),
        (0, 1240, [0, 250, 500, 750, 1000, 1250]),
        (0, 1_000_000, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]),
    ],
)
def test_axes_have_round_values(bottom, top, values):
    assert ticks(bottom, top) == pytest.approx(values)


CHART = Chart("Taken", ["8:00", "9:00", "10:00"], [Series("Taken", [18, None, 46]), Series("Closed", [9, 22, 35])])


@pytest.mark.parametrize("draw", [chart_bars, chart_line])
def test_charts_carry_a_sentence_and_a_table(draw):
    html = draw(CHART)
    assert html_problems(html, whole=False) == []
    assert 'role="img" aria-label="Taken: highest 46 (10:00), lowest 18 (8:00)"' in html
    assert '<th scope="row">9:00</th><td>–</td><td>22</td>' in html
    assert "style=" not in html


def test_charts_draw_each_known_value_once():
    assert chart_bars(CHART).count('<rect class="f') == 5 + 2  # five columns, two keys of the legend
    assert chart_line(CHART).count("<polyline") == 3  # the gap cuts the first line in two


def test_a_chart_of_nothing_says_so():
    html = chart_bars(Chart("Taken", [], [Series("Taken", [])]))
    assert 'aria-label="Taken: no data"' in html
    assert spark([], "x") == ""


def test_charts_refuse_what_does_not_fit():
    with pytest.raises(ValueError, match="1 values for 2 labels"):
        Chart("x", ["a", "b"], [Series("s", [1])])
    with pytest.raises(ValueError, match="1 to 3 series, not 4"):
        Chart("x", [], [Series("s", [])] * 4)


class Viewer:
    """A signed-in user with some rights."""

    is_authenticated = True
    theme, language, text_size, shortcuts = "dark", "en", "large", False

    def __init__(self, *rights):
        self.rights = rights

    def has_perm(self, right):
        return right in self.rights


@pytest.fixture
def menu(monkeypatch):
    monkeypatch.setattr(navigation, "_items", {})
    monkeypatch.setattr(navigation, "_slots", {})
    asked = []

    def of(user):
        asked.append(user)
        return [6]

    counting = FrameQuery("SELECT %s + 1", of, lambda number: number)

    navigation.register_nav(NavItem("b", "Board", "gauge", "ui:styleguide", "x.lead", 1, counting, section="manage"))
    navigation.register_nav(NavItem("a", "All", "inbox", "ui:styleguide-quiet", "", 5, match=("ui:",)))
    navigation.register_nav(NavItem("gone", "Gone", "inbox", "no:such-page"))
    return asked


def shell_for(rf, user, path="/_styleguide/"):
    from django.urls import resolve

    request = rf.get(path)
    request.user = user
    request.resolver_match = resolve(path)
    return Shell(request)


@pytest.mark.django_db
def test_the_menu_shows_what_the_user_may_and_what_exists(rf, menu):
    assert [link.item.key for link in shell_for(rf, Viewer()).links] == ["a"]
    assert menu == []
    lead = shell_for(rf, Viewer("x.lead"))
    with CaptureQueriesContext(connection) as sent:
        assert [[link.item.key for link in part] for part in lead.sections] == [["a"], ["b"]]
        assert [link.badge for link in lead.links] == ["", '<span class="count">7</span>']
    assert (len(menu), len(sent)) == (1, 1)


@pytest.mark.django_db
def test_the_exact_page_is_current_before_a_prefix(rf, menu):
    lead = Viewer("x.lead")
    assert [link.item.key for link in shell_for(rf, lead).links if link.current] == ["b"]
    assert [link.item.key for link in shell_for(rf, lead, "/_styleguide/form/").links if link.current] == ["a"]


def test_the_frame_follows_the_users_preferences(rf, menu):
    shell = shell_for(rf, Viewer())
    assert (shell.theme, shell.text_size, shell.shortcuts, shell.next_theme) == ("dark", "large", False, "light")
    from django.contrib.auth.models import AnonymousUser

    stranger = shell_for(rf, AnonymousUser())
    assert (stranger.theme, stranger.links, stranger.idle_seconds) == ("auto", [], 0)


def test_a_key_or_slot_is_taken_once(menu):
    navigation.register_nav(NavItem("a", "All", "inbox", "ui:styleguide-quiet", "", 5, match=("ui:",)))
    with pytest.raises(ValueError, match="called 'a'"):
        navigation.register_nav(NavItem("a", "Other", "inbox", "ui:styleguide"))
    navigation.register_slot(Slot("bell", "ui:styleguide-quiet"))
    with pytest.raises(ValueError, match="slot 'bell'"):
        navigation.register_slot(Slot("bell", "ui:styleguide"))


@pytest.mark.django_db
def test_a_slot_needs_its_right_and_loads_after_the_page_unless_rendered(rf, menu):
    def chip(number):
        return f"<b>call {number}</b>"

    navigation.register_slot(Slot("bell", "ui:styleguide-quiet", "x.lead"))
    navigation.register_slot(
        Slot("call-chip", "ui:styleguide-quiet", "", FrameQuery("SELECT 5", lambda user: [], chip))
    )
    assert shell_for(rf, Viewer()).bell is None
    lead = shell_for(rf, Viewer("x.lead"))
    assert lead.bell.trigger == "load, live:tick from:body"
    assert (lead.call_chip.trigger, lead.call_chip.content) == ("live:tick from:body", "<b>call 5</b>")
