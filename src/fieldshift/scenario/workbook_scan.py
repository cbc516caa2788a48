"""What stands in the entries of an Excel file: counted, placed, and written anew as plainly as can be.

The reader of workbooks gets only what is written here. Where it understands a file in another way than this scan does
(a reference with zeros in front, a number with a comment inside, a name with other capitals), that reading never comes
to pass, and no limit can be got round by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

__all__ = [
    "COUNTS",
    "MAX_AREA",
    "MAX_CELLS",
    "SPARE",
    "Area",
    "Cells",
    "Refused",
    "Texts",
    "cell_name",
    "damaged",
    "elements",
    "styles",
]

MAX_CELLS = 500_000
MAX_AREA = 4_000_000
MAX_ROWS = 200_001
MAX_COLUMNS = 2_000
MAX_FORMATS = 100_000
MAX_FORMAT = 1_000  # the reader looks through its format again for every style that uses it
COUNTS = "a scenario holds counts by site and kind, not records"
SPARE = "delete the rows and columns that are not used"
_PIECE = 1 << 22
_DEEP = 1_000
_LISTED = 10_000
_ROW = re.compile(r"[1-9][0-9]{0,6}")
_PLACE = re.compile(rf"([A-Za-z]{{1,3}})({_ROW.pattern})")
_INDEX = re.compile(r"[0-9]{1,9}")
_KIND = re.compile(r"[A-Za-z]{1,9}")
_SPACE = " \t\r\n"

Area = tuple[tuple[int, int], tuple[int, int]]


class Refused(Exception):
    """A workbook that is not read: what is wrong with it, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint


def damaged(what: str = "") -> Refused:
    """Return the refusal of what Excel would not have written."""
    return Refused("a damaged workbook" + (f": {what}" if what else ""), "open it in Excel and save it again")


def cell_name(row: int, column: int) -> str:
    """Return a cell's name, `E7`, from its row and column counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


def _place(reference: str) -> tuple[int, int]:
    place = _PLACE.fullmatch(reference)
    if place is None:
        raise damaged()
    column = 0
    for letter in place[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(place[2]) - 1, column - 1


class _Walk:
    """What to do where an element begins or ends, by the way to it from the root, without prefixes."""

    def __init__(self) -> None:
        self.begins: dict[str, Callable[[dict[str, str]], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}
        self._at = ""
        self._text: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._at = f"{self._at}/{tag.rpartition(':')[2]}"
        if self._text is not None or len(self._at) > _DEEP:  # nothing stands inside a text
            raise damaged()
        if begin := self.begins.get(self._at):
            begin(attributes)

    def end(self, _: str) -> None:
        if end := self.ends.get(self._at):
            end()
        self._at = self._at[: self._at.rfind("/")]

    def text(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def listen(self, _: object = None) -> None:
        self._text = []

    def heard(self) -> str:
        found, self._text = "".join(self._text or ()), None
        return found

    def doctype(self, *_: object) -> None:
        raise Refused("not an Excel workbook: it defines entities of its own", "save it again as .xlsx")

    def over(self, content: bytes) -> None:
        """Go through an entry."""
        # UTF-8 whatever the entry says of itself: no other table of letters is looked up for a stranger.
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = self.doctype
        try:
            # In pieces, since after a refusal the parser still goes to the end of what it was given; in few, since with
            # each it begins again what it was in the middle of.
            for at in range(0, len(content), _PIECE):
                parser.Parse(content[at : at + _PIECE], False)
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError):
            raise damaged() from None


class _Strings(_Walk):
    """Texts in one piece or in runs of letters that look alike; how they are pronounced is left out.

    Attributes:
        out: What is written anew.
        zeros: Whether the character zero may be in it, which is written `_x0000_`.
    """

    def __init__(self, inside: str) -> None:
        super().__init__()
        self.out = bytearray()
        self.zeros = False
        self._value: str | None = None
        self._kept = False
        for way in (f"{inside}/t", f"{inside}/r/t"):
            self.begins[way], self.ends[way] = self._run_begins, self._run_ends

    def _run_begins(self, attributes: dict[str, str]) -> None:
        self._kept = attributes.get("xml:space") == "preserve"
        self.listen()

    def _run_ends(self) -> None:
        heard = self.heard()
        self._value = (self._value or "") + (heard if self._kept else heard.strip(_SPACE))

    def _write(self, before: str, value: str, after: str) -> None:
        self.zeros |= "_x0000_" in value
        self.out += f"{before}{escape(value, {chr(13): '&#13;'})}{after}".encode()


class Texts(_Strings):
    """The texts that cells share.

    Attributes:
        lengths: How long each is.
    """

    def __init__(self) -> None:
        super().__init__("/sst/si")
        self.lengths: list[int] = []
        self.ends["/sst/si"] = self._ends

    def _ends(self) -> None:
        value, self._value = self._value or "", None
        self.lengths.append(len(value))
        if len(self.lengths) > MAX_CELLS:
            raise Refused(f"more than {MAX_CELLS:,} texts", COUNTS)
        self._write('<si><t xml:space="preserve">', value, "</t></si>")


class Cells(_Strings):
    """The cells of a sheet: they are counted before they are kept.

    Attributes:
        count: How many there are; a merged area counts too.
        rows: The last row that has a cell.
        columns: The last column that has one.
        told: How many characters stand in the cells themselves.
        shared: Which of the texts that cells share stand in it, each as often as it does.
        errors: As in `Grid`.
        unknown: As in `Grid`.
        merged: As in `Grid`.
    """

    def __init__(self) -> None:
        row = "/worksheet/sheetData/row"
        super().__init__(f"{row}/c/is")
        self.count = self.rows = self.columns = self.told = 0
        self.shared: list[int] = []
        self.errors: dict[tuple[int, int], str] = {}
        self.unknown: set[tuple[int, int]] = set()
        self.merged: list[Area] = []
        self._row = self._column = -1
        self._at_row = -1
        self._kind = self._style = ""
        self._formula = self._inline = False
        self.begins |= {
            row: self._row_begins,
            f"{row}/c": self._begins,
            f"{row}/c/is": self._is_begins,
            f"{row}/c/v": self.listen,
            f"{row}/c/f": self._f_begins,
            "/worksheet/mergeCells/mergeCell": self._merges,
        }
        self.ends |= {f"{row}/c/v": self._v_ends, f"{row}/c": self._ends}

    def _row_begins(self, attributes: dict[str, str]) -> None:
        given = attributes.get("r")
        if given is not None and not _ROW.fullmatch(given):
            raise damaged()
        self._row = self._row + 1 if given is None else int(given) - 1
        self._column = -1

    def _begins(self, attributes: dict[str, str]) -> None:
        # A cell's own row moves that cell alone: the next row without a number follows the last row, not the cell.
        given = attributes.get("r")
        self._at_row, self._column = (self._row, self._column + 1) if given is None else _place(given)
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._formula, self._inline, self._value = False, False, None
        if not _KIND.fullmatch(self._kind) or not _INDEX.fullmatch(self._style):
            raise damaged()
        self._counts()
        self.rows, self.columns = max(self.rows, self._at_row + 1), max(self.columns, self._column + 1)
        if self.rows > MAX_ROWS or self.columns > MAX_COLUMNS or self.rows * self.columns > MAX_AREA:
            where = cell_name(self._at_row, self._column)
            raise Refused(f"a sheet that reaches to cell {where} is too large", SPARE)

    def _counts(self) -> None:
        self.count += 1
        if self.count > MAX_CELLS:
            raise Refused(f"more than {MAX_CELLS:,} cells", COUNTS)

    def _is_begins(self, _: object) -> None:
        self._inline, self._value = True, None

    def _f_begins(self, _: object) -> None:
        self._formula = True

    def _v_ends(self) -> None:
        heard = self.heard()
        if not self._inline and self._kind not in ("inlineStr", "is"):
            self._value = heard

    def _merges(self, attributes: dict[str, str]) -> None:
        first, _, last = attributes.get("ref", "").partition(":")
        (top, left), (bottom, right) = _place(first), _place(last or first)
        self._counts()
        self.merged.append(((min(top, bottom), min(left, right)), (max(top, bottom), max(left, right))))

    def _ends(self) -> None:
        place, kind, value = (self._at_row, self._column), self._kind, self._value
        if self._formula and not value and kind != "str":
            self.unknown.add(place)
        if kind == "e":
            self.errors[place], value = value or "#VALUE!", "#VALUE!"
        elif value is None or (not value and kind == "s"):
            return
        elif kind == "s" and not self._inline:
            if not _INDEX.fullmatch(value):
                raise damaged()
            self.shared.append(int(value))
        else:
            self.told += len(value)
        before = f'<c r="{cell_name(*place)}" s="{self._style}"'
        if self._inline and kind != "e":
            self._write(f'{before} t="inlineStr"><is><t xml:space="preserve">', value, "</t></is></c>")
        elif kind == "n":  # what is no number is a text where nothing is said of its kind
            self._write(f"{before}><v>", value, "</v></c>")
        else:
            self._write(f'{before} t="{kind}"><v>', value, "</v></c>")


class _Elements(_Walk):
    def __init__(self, wanted: str, most: int) -> None:
        super().__init__()
        self.found: list[dict[str, str]] = []
        self.begins[wanted] = self._keep
        self._most = most

    def _keep(self, attributes: dict[str, str]) -> None:
        if len(self.found) == self._most:
            raise damaged()
        self.found.append({key.rpartition(":")[2]: value for key, value in attributes.items()})


def elements(content: bytes, wanted: str, most: int = _LISTED) -> list[dict[str, str]]:
    """Return the attributes of every element at a place, such as `/workbook/sheets/sheet`, without prefixes."""
    walk = _Elements(wanted, most)
    walk.over(content)
    return walk.found


def styles(content: bytes) -> str:
    """Return how numbers are shown, written anew: what tells dates from numbers, and nothing else."""
    formats = elements(content, "/styleSheet/numFmts/numFmt", MAX_FORMATS)
    if any(len(value) > MAX_FORMAT for one in formats for value in one.values()):
        raise damaged("a format of numbers is too long")
    cells = elements(content, "/styleSheet/cellXfs/xf", MAX_FORMATS)
    told = [(one.get("numFmtId", "0"), one.get("formatCode", "")) for one in formats]
    known = "".join(f"<numFmt numFmtId={quoteattr(key)} formatCode={quoteattr(code)}/>" for key, code in told)
    used = "".join(f"<xf numFmtId={quoteattr(one.get('numFmtId', '0')[:9])}/>" for one in cells)
    return f"<numFmts>{known}</numFmts><cellXfs>{used}</cellXfs>"
