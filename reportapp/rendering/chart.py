"""A bar chart as HTML: real text beside bars of SVG, made on the server so that page and PDF agree.

Labels are not in the SVG: WeasyPrint sets SVG text letter by letter, which tears Arabic and
Devanagari names apart, and text in a scaled picture is too small to read on a phone.
"""

from __future__ import annotations

import math

from markupsafe import Markup

from reportapp.documents import BarChart, Kind
from reportapp.rendering.format import display

#: More bars than this are no picture any more; the rest is in the table, and the chart says so.
MAX_BARS = 40

#: Contrast of at least 3:1 both on white and on Bootstrap's dark body (#212529).
_FILL = "#4a86b8"


def bar_chart(chart: BarChart) -> Markup:
    """A `<table>` of label, bar and value per row, 0 to `chart.maximum` (longer is clipped).

    Safe to inline anywhere: text is escaped, there are no scripts, ids or style attributes; text
    has the colour around it. A chart without bars is an empty string.
    """
    if not chart.bars:
        return Markup()
    shown = chart.bars[:MAX_BARS]
    rows = Markup("").join(
        Markup(
            '<tr><th scope="row" class="report-chart-label fw-normal text-break">{}</th>'
            '<td class="report-chart-bar w-50">{}</td>'
            '<td class="report-chart-value text-end text-nowrap">{}</td></tr>'
        ).format(label, bar_svg(value, chart.maximum), _value(value, chart.unit))
        for label, value in shown
    )
    left_out = len(chart.bars) - len(shown)
    more = Markup('<p class="report-chart-more small">and {} more in the table</p>').format(
        left_out
    )
    return Markup(
        '<table class="report-chart table table-sm table-borderless align-middle mb-0">'
        "<tbody>{}</tbody></table>{}"
    ).format(rows, more if left_out else "")


def bar_svg(value: float, maximum: float) -> Markup:
    """One bar on its track, as wide as the place it is in; for eyes only, the number stands
    beside it."""
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="12" aria-hidden="true">'
        '<rect width="100%" height="12" rx="2" fill="currentColor" fill-opacity="0.08"/>'
        '<rect width="{:.1f}%" height="12" rx="2" fill="{}"/></svg>'
    ).format(100 * _share(value, maximum), _FILL)


def _share(value: float, maximum: float) -> float:
    if not (math.isfinite(value) and math.isfinite(maximum)) or maximum <= 0:
        return 0.0
    return min(max(value / maximum, 0.0), 1.0)


def _value(value: float, unit: str) -> str:
    if unit.strip() == "%":
        return display(value, Kind.PERCENT)
    return display(value, Kind.COUNT) + unit
