"""What a record of a person looks like, so that it is refused: the tool holds counts only."""

from __future__ import annotations

import re

__all__ = ["COUNTS_ONLY", "personal_cell", "personal_column"]

COUNTS_ONLY = "Fieldshift holds counts by site and kind only, no record of any person: take the column out"

_WHO = (
    r"(employee|staff|person|personnel|people|officer|agent|worker|badge|detainee|inmate|prisoner|subject|individual|"
    r"member|user|applicant|recruit|trainee|instructor|manager|supervisor|contact|client|case_?worker|payroll|alien|patient|"
    r"student|pupil|volunteer|soldier|teacher|nurse|driver)"
)
_NUMBER = r"(id|ids|no|nr|num|number|code|identifier)"
_COLUMN = re.compile(
    "(^|_)("
    r"(first|last|middle|given|family|maiden|full|birth|legal|christian|preferred)_?names?"
    rf"|{_WHO}s?_?names?|surnames?|forenames?|initials|nicknames?|vorname|nachname|prenom|apellidos?"
    r"|e_?mails?|e_?mail_?addr(ess)?|(tele|mobile_?|cell_?|work_?|home_?)?phone(_?(no|nr|num|number))?|mobile_?number|fax"
    r"|ssns?|social_?security(_?(no|nr|num|number))?|social_?insurance(_?(no|num|number))?|nino|itin|tax_?(id|number)"
    r"|national_?(id|insurance|number)(_?(no|number))?|id_?card|identity(_?(no|number|card))?"
    r"|passports?(_?(no|nr|num|number))?|visa_?(no|nr|num|number)|driv(er|ers|ing)_?licen[cs]e(_?(no|num|number))?"
    r"|licen[cs]e_?plate|plate_?number"
    r"|a_?(number|num|no|file)|alien_?(registration_?)?(number|num|no|id|file)"
    rf"|{_WHO}s?_?{_NUMBER}|employee|badge|detainee|inmate"
    r"|dob|d_o_b|date_?of_?birth|birth_?(date|day|year|place)|place_?of_?birth"
    r"|(home_?|street_?|mailing_?|postal_?)?address(_?(line_?)?\d*)?"
    r"|finger_?prints?|biometrics?|photos?|mug_?shots?|user_?names?|login|bank_?account|iban|account_?number"
    ")$"
)
_CELL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}|\d{3}-\d{2}-\d{4}|[Aa][- ]?\d{3}[- ]?\d{3}[- ]?\d{3}")


def personal_column(header: str) -> bool:
    """Tell whether a column's name looks like a person's name, address or identity.

    The `name` of a site or of a part is fine; `first_name`, `SSN`, `homeAddress` and `Badge No.` are not.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip())
    plain = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_")
    return _COLUMN.search(plain) is not None or _COLUMN.search(plain.replace("_", "")) is not None


def personal_cell(text: str) -> bool:
    """Tell whether a value looks like an e-mail address, a social security number or an alien number."""
    return _CELL.fullmatch(text) is not None
