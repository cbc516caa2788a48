"""What the columns of a plain table of stocks and flows are, told from their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["EARLY", "HIRES", "ROLES", "Roles", "flow_of_running", "is_fte", "plain", "role_of"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ORG = _words(
    "org organisation organization org_name organisation_name organization_name agency agency_name "
    "agency_subelement unit force force_name department dept office component bureau employer trust school "
    "institution service entity site body"
)
PERIOD = _words(
    "month period date year quarter month_end period_end end_of_month year_month yearmonth fiscal_year fy time "
    "snapshot snapshot_date reference_date ref_date as_at"
)
PUBLISHED = _words("as_of published publication_date published_on release released release_date vintage known_on")
HEADCOUNT = _words(
    "headcount_end headcount stock stock_end on_board onboard on_board_end onboard_end n_employees employees "
    "employment employed strength end_strength staff staff_in_post staff_end heads closing closing_stock "
    "closing_headcount headcount_closing workforce people total_staff on_strength"
)
FTE = _words("fte fte_end ftes full_time_equivalent full_time_equivalents wte whole_time_equivalent fte_closing")
OPENING = _words("opening opening_stock headcount_start headcount_begin stock_start opening_headcount on_board_start")
HIRES = _words(
    "new_hire new_hires hire hires hired recruits recruit recruited recruitment new_recruits new_starters "
    "starters appointments appointed new_appointments new_entrants entrants external_hires newly_hired graduates"
)
IN = _words(
    "transfer_in transfers_in transferred_in transfer_ins recall recalls recalled return returns returned "
    "returners return_to_duty rehire rehires rehired reinstatement reinstatements reinstated reemployed "
    "conversion_in other_in other_accessions other_gains other_joiners in_other detail_in secondment_in laterals "
    "lateral_entry"
)
IN_TOTAL = _words(
    "accessions accession total_accessions joiners total_joiners gains total_gains inflow inflows entries "
    "total_in intake total_hires total_intake"
)
EARLY = _words(
    "quit quits resignation resignations resigned voluntary_resignation voluntary_resignations voluntary resigns "
    "termination terminations terminated dismissal dismissals dismissed discharge discharges appointment_ended "
    "term_appointment termination_expired contract_end contract_ends end_of_contract expired_appointment removal "
    "failed_probation probation_failures seasonal_end layoff_seasonal end_of_season non_renewal"
)
"""Leavers of whom new hires give more than their share."""
OUT = _words(
    "retirement retirements retired retire transfer_out transfers_out transferred_out transfer_outs rif rifs "
    "reduction_in_force redundancy redundancies layoff layoffs laid_off death deaths died other_out "
    "other_separations other_losses other_leavers out_other conversion_out detail_out secondment_out severance "
    "involuntary buyout buyouts early_retirement furlough furloughs furloughed voluntary_exit medical_retirement"
)
OUT_TOTAL = _words(
    "separations separation total_separations leavers total_leavers losses total_losses outflow outflows exits "
    "attrition wastage total_out departures departures_total leaves total_exits"
)
ROLES: Mapping[str, Sequence[str]] = {
    "org": ORG,
    "period": PERIOD,
    "published": PUBLISHED,
    "headcount": HEADCOUNT,
    "fte": FTE,
    "opening": OPENING,
    "hires": HIRES,
    "in": IN,
    "in_total": IN_TOTAL,
    "early": EARLY,
    "out": OUT,
    "out_total": OUT_TOTAL,
}
"""Names by which a column is known for what it holds."""

_RUNNING = re.compile(r"_?(ytd|year_to_date|to_date|cumulative|cum|running(_total)?|fytd)_?")
_NOISE = re.compile(r"^(n|num|number|no|count|total_number)_(of_)?|_(count|n|num|number|headcount|persons|people)$")
_FTE_WORDS = re.compile(r"(^|_)(ftes?|wte|full_time_equivalents?)(_|$)")


def plain(name: str) -> str:
    """Return a column's name in small letters with single underscores: `Headcount (end)` is `headcount_end`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")


def is_fte(name: str) -> bool:
    """Return whether a column's name says that it counts full-time equivalents."""
    return _FTE_WORDS.search(plain(name)) is not None


def role_of(name: str) -> str:
    """Return what a column holds by its name, `running` for a running total, or nothing."""
    word = plain(name)
    if _RUNNING.search(word):
        inner = _RUNNING.sub("_", word).strip("_")
        return "running" if role_of(inner) in ("hires", "in", "in_total", "early", "out", "out_total") else ""
    for role, names in ROLES.items():
        if word in names:
            return role
    shorter = _NOISE.sub("", word)
    if shorter and shorter != word:
        return role_of(shorter)
    if _FTE_WORDS.search(word):
        inner = role_of(_FTE_WORDS.sub("_", word).strip("_"))
        return "fte" if inner in ("headcount", "") else ""
    return ""


def flow_of_running(name: str) -> str:
    """Return the name of the flow whose running total a column holds."""
    return _RUNNING.sub("_", plain(name)).strip("_")


@dataclass(frozen=True)
class Roles:
    """Which column of a table holds what.

    Attributes:
        org: The organisation's column, or nothing: one organisation.
        period: Columns of the period: one, or a year with a month or quarter.
        published: The column of the day from which a row was known, or nothing.
        stock: The column of the stock at the period's end.
        measure: `headcount` or `fte`: what the stock counts.
        opening: Whether the stock stands at the period's start instead.
        hires: Columns of people new to the organisation.
        ins: Columns of all other entries.
        early: Columns of leavers of whom new hires give more than their share.
        outs: Columns of all other leavers.
        in_total: The column of all entries, a sum and not one more flow, or nothing.
        out_total: The column of all leavers, likewise.
        running: Columns of running totals, each with the flow that it sums.
        unused: Columns that were not understood or not asked for.
    """

    org: str = ""
    period: tuple[str, ...] = ()
    published: str = ""
    stock: str = ""
    measure: str = "headcount"
    opening: bool = False
    hires: tuple[str, ...] = ()
    ins: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    in_total: str = ""
    out_total: str = ""
    running: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """All columns of numbers."""
        totals = [name for name in (self.in_total, self.out_total) if name]
        return (self.stock, *self.hires, *self.ins, *self.early, *self.outs, *totals, *self.running)
