"""Key figures of complaints (D§25): one definition each, the same on boards, in reports and in the lists behind them.

`kpi(code, rows, span)` gives the rows a figure counts, never a number alone, so that every number opens its rows.
"""

from complaints.kpis.base import KPIS, Found, Kpi, Part, Percentile, Unit, kpi, masters, register_kpi
from complaints.kpis.handling import judged
from complaints.kpis.outcome import registered
from complaints.kpis.spans import Span

__all__ = [
    "KPIS",
    "Found",
    "Kpi",
    "Part",
    "Percentile",
    "Span",
    "Unit",
    "judged",
    "kpi",
    "masters",
    "register_kpi",
    "registered",
]
