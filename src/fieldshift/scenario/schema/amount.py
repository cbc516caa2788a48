"""A number as a planner writes it: value, range, source, rival estimates, by site, by date."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Amount", "Estimate", "Part", "Shape", "number"]

Rank = Annotated[float, Field(gt=-1, lt=1)]
Shape = Literal["uniform", "triangle", "pert", "normal", "lognormal"]
_DATE = re.compile(r"^\d{4}-\d{2}(-\d{2})?$")
_YEAR = re.compile(r"^\d{4}$")


class Part(BaseModel):
    """Anything a planner can write: frozen, and no key that is not described here."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Estimate(Part):
    """One of several rival estimates of the same number."""

    value: float | str | None = Field(None, description="Its value, as number, text with unit, or formula.")
    range: str | tuple[float, float] | None = Field(None, description="Its range, as in `60..70 %`.")
    shape: Shape | None = Field(None, description="How likely each value in the range is.")
    weight: float = Field(1.0, description="How much it counts against its rivals.", gt=0)
    source: str | None = Field(None, description="Who says so.")
    as_of: dt.date | str | int | None = Field(None, description="The date that it speaks of.")
    note: str | None = Field(None, description="What a reader must know to judge it.")


def _is(pattern: re.Pattern[str], keys: Mapping[Any, Any]) -> bool:
    return bool(keys) and all(pattern.match(str(k)) for k in keys)


class Amount(Part):
    """A number with its unit and its evidence.

    A bare number or text stands for `value`; a text that ends in `.csv` stands for a table; a mapping from dates
    stands for `dates`, one from years for `years`. A bare number takes the unit that its field expects.
    """

    value: float | str | None = Field(None, description="Number, text with unit (`12 %/year`), or a formula.")
    range: str | tuple[float, float] | None = Field(
        None,
        description="Lowest and highest value thought possible (`5..6 %/year`): an unknown, drawn once per future.",
    )
    shape: Shape | None = Field(
        None,
        description="How likely each value in the range is: `triangle` around the value if any, else `uniform`.",
    )
    estimates: tuple[Estimate, ...] = Field((), description="Rival estimates; a future believes one, by weight.")
    correlated: dict[str, Rank] = Field(
        default_factory=dict,
        description="Rank correlation with other unknowns by path, as in `{quantities.officers: 0.6}`; else 0.",
    )
    by: str | None = Field(None, description="A site attribute that decides which entry of `of` holds at a site.")
    of: dict[str, float | str] = Field(
        default_factory=dict, description="The value for each value of the attribute `by`."
    )
    sites: dict[str, float | str] = Field(default_factory=dict, description="The value at each site, every site named.")
    dates: dict[str, float | str] = Field(default_factory=dict, description="The value from each date on.")
    years: dict[int, float | str] = Field(default_factory=dict, description="The value in each fiscal year.")
    grid: dict[str, dict[str, float | str]] = Field(
        default_factory=dict,
        description="The value from each date on at each site: a table by date and site.",
    )
    table: str | None = Field(None, description="A CSV file with columns `site` and/or `date` (or `year`) and `value`.")
    source: str | None = Field(None, description="Where the number comes from.")
    as_of: dt.date | str | int | None = Field(None, description="The date that it speaks of.")
    note: str | None = Field(None, description="What a reader must know to judge it.")
    assumption: bool = Field(
        False, description="True where nobody has published it: an invented number, marked as such."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, given: Any) -> Any:
        if isinstance(given, bool):
            raise ValueError("expected a number, got true/false")
        if isinstance(given, str) and given.strip().endswith(".csv"):
            return {"table": given.strip()}
        if isinstance(given, int | float | str):
            return {"value": given}
        if isinstance(given, Mapping):
            if _is(_YEAR, given):
                return {"years": dict(given)}
            if _is(_DATE, given):
                return {"dates": {str(k): v for k, v in given.items()}}
            dated = {k: given[k] for k in ("dates", "grid") if isinstance(given.get(k), Mapping)}
            return {**given, **{k: {str(date): v for date, v in entry.items()} for k, entry in dated.items()}}
        return given

    @model_validator(mode="after")
    def _says_something(self) -> Amount:
        forms = [f for f in ("estimates", "of", "sites", "dates", "years", "grid", "table") if getattr(self, f)]
        if len(forms) > 1:
            raise ValueError(f"says its value in {len(forms)} ways ({', '.join(forms)}): keep one")
        beside = [f for f in ("value", "range") if getattr(self, f) is not None]
        if forms and forms != ["estimates"] and beside:
            raise ValueError(
                f"says `{forms[0]}` and `{beside[0]}`, and only one can hold: for an unknown, write a quantity with a "
                f"range, and its name in the formulas of `{forms[0]}`"
            )
        if not forms and self.value is None and self.range is None:
            raise ValueError("has neither value nor range")
        if self.correlated and self.range is None and not self.estimates:
            raise ValueError("says `correlated`, but has neither range nor estimates: only an unknown can be")
        if bool(self.of) != (self.by is not None):
            raise ValueError("`by` and `of` go together")
        return self


def number(unit: str, text: str, default: Any = None) -> Any:
    """Return a pydantic field for an `Amount` in the given unit.

    Args:
        unit: The unit that a bare number takes and that a text must agree with, such as `person/week`;
            a second one after `|` is also taken.
        text: Meaning, for the reference page, the form and the workbook.
        default: What holds when the planner says nothing.
    """
    return Field(default, description=text, json_schema_extra={"unit": unit}, validate_default=default is not None)
