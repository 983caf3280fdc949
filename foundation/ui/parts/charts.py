"""Charts drawn on the server as SVG: no script, both themes, a sentence and a data table for every one.

Positions are percentages, so that text keeps its size at every width. At most three series (ui-guide §6: fixed
order of colours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.ui.parts.lists import bar
from foundation.ui.parts.marks import icon

register = template.Library()
HEIGHT = 170
MOST_SERIES = 3
MOST_LABELS = 8


@dataclass(frozen=True)
class Series:
    """One row of figures; None where there is none. `hrefs`: the lists behind them, in their order."""

    label: Any
    values: Sequence[float | None]
    hrefs: Sequence[str] = ()


@dataclass(frozen=True)
class Chart:
    """What a chart shows. `sentence`: what to see in it, for readers; without it highest and lowest are named.

    `goal`: a line to reach, with its `goal_label`. `bottom`: where the axis begins. `highlight`: index of a bar
    drawn in another colour (its label is said in the sentence by the caller).
    """

    title: Any
    labels: Sequence[Any]
    series: Sequence[Series]
    unit: str = ""
    sentence: Any = ""
    goal: float | None = None
    goal_label: Any = ""
    bottom: float = 0
    highlight: int | None = None
    axis: bool = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.series) <= MOST_SERIES:
            raise ValueError(f"a chart has 1 to {MOST_SERIES} series, not {len(self.series)}")
        for row in self.series:
            if len(row.values) != len(self.labels):
                raise ValueError(f"{row.label}: {len(row.values)} values for {len(self.labels)} labels")


def _plain(number: float) -> str:
    return f"{number:,.6g}"


def ticks(bottom: float, top: float) -> list[float]:
    """Four to six round values from `bottom` to at least `top`."""
    reach = max(top - bottom, 1e-9)
    rough = reach / 5
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 10.0 ** -_zeros(rough)
    size = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)
    if size < 1 and float(reach).is_integer() and reach >= 4:
        size = 1
    steps = 1
    while bottom + steps * size < top - 1e-9:
        steps += 1
    return [bottom + index * size for index in range(steps + 1)]


def _zeros(number: float) -> int:
    """How many places 0 < number < 1 must be moved to reach 1 or more."""
    places = 0
    while number < 1 and places < 9:
        number *= 10
        places += 1
    return places


def _values(chart: Chart) -> list[float]:
    found = [float(value) for row in chart.series for value in row.values if value is not None]
    return [*found, *([chart.goal] if chart.goal is not None else [])]


def _sentence(chart: Chart) -> str:
    if chart.sentence:
        return str(chart.sentence)
    main = chart.series[0]
    known = [(float(v), label) for v, label in zip(main.values, chart.labels, strict=True) if v is not None]
    if not known:
        return _("%(title)s: no data") % {"title": chart.title}
    high, low = max(known, key=lambda pair: pair[0]), min(known, key=lambda pair: pair[0])
    return _("%(title)s: highest %(high)s (%(high_at)s), lowest %(low)s (%(low_at)s)") % {
        "title": chart.title,
        "high": _plain(high[0]) + chart.unit,
        "high_at": high[1],
        "low": _plain(low[0]) + chart.unit,
        "low_at": low[1],
    }


def _legend(chart: Chart) -> SafeString:
    keys = [
        format_html(
            '<span><svg class="k" aria-hidden="true"><rect class="f{}" width="11" height="11" rx="2"/></svg>{}</span>',
            number,
            row.label,
        )
        for number, row in enumerate(chart.series, 1)
    ]
    if chart.goal is not None:
        keys.append(
            format_html(
                '<span><svg class="k -goal" aria-hidden="true"><line class="goal" x2="18" y1="6" y2="6"/></svg>'
                "{}</span>",
                chart.goal_label or _("Goal"),
            )
        )
    if len(keys) < 2:
        return SafeString("")
    return format_html('<div class="legend">{}</div>', SafeString("".join(keys)))


def _table(chart: Chart) -> SafeString:
    heads = format_html_join("", '<th scope="col">{}</th>', ((row.label,) for row in chart.series))
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                label,
                format_html_join(
                    "",
                    "<td>{}</td>",
                    ((_cell(row, at, chart.unit),) for row in chart.series),
                ),
            )
            for at, label in enumerate(chart.labels)
        ),
    )
    return format_html(
        '<details class="chart-t"><summary>{}{}</summary>'
        '<div class="scroll-x" tabindex="0" role="region" aria-label="{}">'
        '<table><thead><tr><th scope="col"><span class="sr">{}</span></th>{}</tr></thead><tbody>{}</tbody></table>'
        "</div></details>",
        icon("chevron-right", "s"),
        _("Data table"),
        _("Data of %(title)s") % {"title": chart.title},
        _("Label"),
        heads,
        rows,
    )


def _cell(row: Series, at: int, unit: str) -> SafeString | str:
    value = row.values[at]
    if value is None:
        return "–"
    said = _plain(float(value)) + unit
    return format_html('<a href="{}">{}</a>', row.hrefs[at], said) if row.hrefs else said


def _y(value: float, scale: list[float]) -> float:
    return round(HEIGHT - HEIGHT * (value - scale[0]) / (scale[-1] - scale[0]), 1)


def _axis(chart: Chart, scale: list[float]) -> str:
    lines = []
    for value in scale:
        y = _y(value, scale)
        lines.append(f'<line class="gl" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
        lines.append(f'<text x="-8" y="{y + 4}" text-anchor="end">{_plain(value)}{chart.unit}</text>')
    return "".join(lines) if chart.axis else ""


def _x_labels(chart: Chart) -> SafeString:
    """Every label at its place; of many, those between are left out, and half of the rest in narrow boxes."""
    n = len(chart.labels)
    every = max(1, -(-n // (MOST_LABELS * 2)))
    return format_html_join(
        "",
        '<text x="{}%" y="{}" text-anchor="middle"{}>{}</text>',
        (
            (
                f"{(at + 0.5) * 100 / n:.2f}",
                HEIGHT + 18,
                SafeString(' class="alt"') if n > MOST_LABELS and (at // every) % 2 else "",
                label,
            )
            for at, label in enumerate(chart.labels)
            if at % every == 0
        ),
    )


def _figure(chart: Chart, marks: str, scale: list[float]) -> SafeString:
    goal = ""
    if chart.goal is not None:
        y = _y(chart.goal, scale)
        goal = f'<line class="goal" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
    return format_html(
        '<figure class="chart">{}<div class="plot-w{}"><svg class="plot" role="img" aria-label="{}" height="{}">'
        "{}{}{}{}</svg></div>{}</figure>",
        _legend(chart),
        "" if chart.axis else " -bare",
        _sentence(chart),
        HEIGHT + 24,
        SafeString(_axis(chart, scale)),
        SafeString(marks),
        SafeString(goal),
        _x_labels(chart),
        _table(chart),
    )


@register.simple_tag
def chart_bars(chart: Chart) -> SafeString:
    """Columns side by side."""
    scale = ticks(chart.bottom, max([*_values(chart), chart.bottom + 1]))
    slot = 100 / max(1, len(chart.labels))
    width = min(slot * 0.78 / len(chart.series), 8.0)
    marks = []
    for number, row in enumerate(chart.series):
        for at, value in enumerate(row.values):
            if value is None:
                continue
            left = (at + 0.5) * slot - width * len(chart.series) / 2 + number * width
            y = _y(float(value), scale)
            ink = 3 if at == chart.highlight else number + 1
            marks.append(
                f'<rect class="f{ink}" x="{left + 0.1:.2f}%" y="{y}" width="{width - 0.2:.2f}%" '
                f'height="{max(0, HEIGHT - y):.1f}"/>'
            )
    return _figure(chart, "".join(marks), scale)


@register.simple_tag
def chart_line(chart: Chart) -> SafeString:
    """Lines over time; one series also fills the ground below it. A gap stays a gap."""
    scale = ticks(chart.bottom, max([*_values(chart), chart.bottom + 1e-6]))
    step = 1000 / max(1, len(chart.labels))
    marks = []
    for number, row in enumerate(chart.series, 1):
        for run in _runs(row.values):
            points = " ".join(f"{x * step:.1f},{_y(v, scale)}" for x, v in run)
            if len(chart.series) == 1:
                left, right = run[0][0] * step, run[-1][0] * step
                corners = f"{left:.1f},{HEIGHT} {points} {right:.1f},{HEIGHT}"
                marks.append(f'<polygon class="area" points="{corners}"/>')
            marks.append(f'<polyline class="l{number}" points="{points}"/>')
    stretched = f'width="100%" height="{HEIGHT}" viewBox="0 0 1000 {HEIGHT}" preserveAspectRatio="none"'
    return _figure(chart, f"<svg {stretched}>{''.join(marks)}</svg>", scale)


def _runs(values: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Stretches without a gap, as (place, value); the place of index i is i + 0.5."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at + 0.5, float(value)))
    return [run for run in runs if run]


@dataclass(frozen=True)
class HBar:
    """A row of `{% hbars %}`. `change`: the HTML of `{% trend … as x %}` or a word."""

    label: Any
    value: float
    href: str = ""
    change: Any = ""
    shown: Any = ""


@register.simple_tag
def hbars(rows: Sequence[HBar]) -> SafeString:
    """Values by category, longest bar 100 %. The words carry the figures, so it needs no table."""
    most = max((row.value for row in rows), default=0) or 1
    return format_html(
        '<ul class="hbars">{}</ul>',
        format_html_join(
            "",
            "<li><span>{}</span>{}<b>{}</b><span>{}</span></li>",
            (
                (
                    format_html('<a href="{}">{}</a>', row.href, row.label) if row.href else row.label,
                    bar(row.value / most),
                    row.shown or _plain(row.value),
                    row.change,
                )
                for row in rows
            ),
        ),
    )


@register.simple_tag
def spark(values: Sequence[float], label: Any) -> SafeString:
    """A line the size of a word. `label` says in words what it shows."""
    if len(values) < 2:
        return SafeString("")
    low, high = min(values), max(values)
    reach = (high - low) or 1
    points = " ".join(
        f"{at * 100 / (len(values) - 1):.1f},{22 - 20 * (value - low) / reach:.1f}" for at, value in enumerate(values)
    )
    return format_html(
        '<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline class="l1" points="{}"/></svg>',
        label,
        points,
    )
