"""Uploads: a case that somebody sends, taken in with care.

What is sent is counted while it is unpacked, never believed; it is unpacked into a folder that goes away again, under
names that were checked before; and every problem is told by its place in what was sent.
"""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from fastapi import UploadFile

import fieldshift as fs
from fieldshift.web.checking import problems_of
from fieldshift.web.settings import Limits

__all__ = ["sent", "taken_in"]

_READ = (".yaml", ".yml", ".csv")
_KEPT_OUT = (".md", ".txt")
"""Files that a case's folder may hold and that nothing reads: notes and sources."""
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)")
"""What operating systems leave in archives."""
_ARCHIVES = (".zip", ".xlsx", ".gz", ".tgz", ".tar", ".7z", ".rar", ".xz", ".bz2")
_CHUNK = 1 << 16
_END, _END_SIZE, _FURTHEST = b"PK\x05\x06", 22, 65_557
_DIRECTORY_ENTRY = 1_000
"""Bytes of an archive's directory for each entry that it may have: an honest one needs about 100."""
_WORKBOOK_ENTRIES = 10
"""A workbook's sheet is several files, so it may have so many times the entries of a folder."""


class _Refused(Exception):
    """An upload that is refused, with its problems."""

    def __init__(self, *problems: fs.Problem) -> None:
        super().__init__()
        self.problems = problems


def taken_in(limits: Limits, filename: str, stream: BinaryIO) -> fs.Scenario:
    """Return the scenario of an upload: a zip of a case's folder, a workbook, or a YAML file.

    Args:
        limits: How much may be sent, and how much it may unpack to.
        filename: The name that was sent with it; it is shown in messages and never opened.
        stream: Its bytes.

    Raises:
        ScenarioError: With every problem found. Places are named as in what was sent: `scenario.yaml:3:1`,
            `stocks!E7`, or the upload's own name.
    """
    name = _shown(filename)
    raw = stream.read(limits.upload + 1)
    try:
        if len(raw) > limits.upload:
            raise _refused(name, "is too large", f"at most {limits.upload / 1e6:,.0f} MB may be sent")
        if not raw:
            raise _refused(name, "is empty", "")
        with tempfile.TemporaryDirectory(prefix="fieldshift-") as room:
            return _read(limits, name, raw, Path(room))
    except _Refused as refused:
        raise fs.ScenarioError(refused.problems) from None


def sent(limits: Limits, file: UploadFile) -> tuple[str, fs.Scenario]:
    """Return the name of a file that a form sent, without folders, and the scenario in it; raises as `taken_in`."""
    name = (file.filename or "upload").replace("\\", "/").rsplit("/", 1)[-1].replace("\x00", "")[:200]
    return name, taken_in(limits, name, file.file)


def _refused(place: str, what: str, hint: str = "") -> _Refused:
    return _Refused(fs.Problem(place, "", what, hint))


def _shown(filename: str) -> str:
    """Return an upload's name as messages show it: one line, without folders."""
    plain = "".join(letter if unicodedata.category(letter)[0] != "C" else "?" for letter in filename)
    return re.split(r"[/\\]", plain)[-1].strip()[-100:] or "the file"


def _read(limits: Limits, name: str, raw: bytes, room: Path) -> fs.Scenario:
    suffix = PurePosixPath(name).suffix.lower()
    if raw.startswith((b"PK\x03\x04", _END)):
        with _archive(limits, name, raw) as archive:
            if "[Content_Types].xml" not in archive.namelist():
                return _told(room / "case", name, _unpacked(limits, name, archive, room / "case"))
            _counted(replace(limits, entries=limits.entries * _WORKBOOK_ENTRIES), name, archive)
        return _file(room / "case.xlsx", name, raw)
    if suffix == ".zip":
        raise _refused(name, "is not a zip archive, or it is damaged", "zip the case's folder again")
    if suffix == ".xlsx" or raw.startswith(b"\xd0\xcf\x11\xe0"):
        return _file(room / "case.xlsx", name, raw)
    if suffix in (".yaml", ".yml"):
        return _file(room / "case.yaml", name, raw)
    raise _refused(name, "is not a case", "send a zip of its folder, a workbook (.xlsx) or a .yaml file")


def _file(file: Path, name: str, raw: bytes) -> fs.Scenario:
    file.write_bytes(raw)
    return _told(file, name, file)


def _told(root: Path, name: str, case: Path) -> fs.Scenario:
    """Read a case; what is wrong with it is told without the folder that it lay in for a moment."""

    def plain(text: str) -> str:
        return text.replace(f"{case}/", "").replace(str(case), name).replace(f"{root}/", "").replace(str(root), name)

    try:
        scenario = fs.read(case)
        problems = [p for p in problems_of(scenario) if p.level == "error"]
        if not problems:
            return scenario
    except fs.ScenarioError as error:
        problems = list(error.problems)
        if isinstance(error.readable, fs.Scenario):  # what can be read beside what cannot is checked too
            told = {problem.path for problem in problems}
            problems += [p for p in problems_of(error.readable) if p.level == "error" and p.path not in told]
    except fs.UsageError as error:
        raise _refused(name, plain(str(error))) from None
    raise _Refused(*(replace(p, where=plain(p.where), what=plain(p.what), hint=plain(p.hint)) for p in problems))


# --------------------------------------------------------------------------------------- archives


def _archive(limits: Limits, name: str, raw: bytes) -> zipfile.ZipFile:
    """Open an archive whose directory is not too long: the directory is read whole before anything can be counted."""
    at = len(raw) - _END_SIZE
    if not (raw[max(0, at) :].startswith(_END) and raw.endswith(b"\0\0")):
        at = raw.rfind(_END, max(0, len(raw) - _FURTHEST))
    damaged = _refused(name, "is not a zip archive, or it is damaged", "zip the case's folder again")
    if at < 0 or len(raw) < at + _END_SIZE:
        raise damaged
    size = int.from_bytes(raw[at + 12 : at + 16], "little")
    if raw[max(0, at - 20) : at].startswith(b"PK\x06\x07") or size > _DIRECTORY_ENTRY * limits.entries:
        raise _refused(name, "holds too many files", f"at most {limits.entries:,} may be sent at once")
    try:
        return zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        raise damaged from None


def _counted(limits: Limits, name: str, archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the files of an archive, unpacked within the limits."""
    infos = [info for info in archive.infolist() if not _is_folder(info) and not _LITTER.search(info.filename)]
    if len(infos) > limits.entries:
        raise _refused(name, f"holds {len(infos):,} files", f"at most {limits.entries:,} may be sent at once")
    found, left = {}, limits.expanded
    for info in infos:
        parts = []
        try:
            _plain_form(info)
            with archive.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        what = f"unpacks to more than {limits.expanded / 1e6:,.0f} MB"
                        raise _refused(name, what, "a case is numbers and a page of words")
                    parts.append(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            raise _refused(
                name, f"'{_entry(info)}' in it cannot be unpacked", "zip it again, without a password"
            ) from None
        found[info.filename] = b"".join(parts)
    return found


def _plain_form(info: zipfile.ZipInfo) -> None:
    """Refuse forms of packing whose memory an archive may choose, and what is locked.

    Raises:
        ValueError: It is one of these.
    """
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 0x1:
        raise ValueError("packed in another way")


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")  # zipfile's own question fails where there is no name at all


def _entry(info: zipfile.ZipInfo) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in info.filename)[:200]


def _unpacked(limits: Limits, name: str, archive: zipfile.ZipFile, folder: Path) -> Path:
    """Unpack a case into a folder, and return the folder in it that holds the case."""
    infos = [info for info in archive.infolist() if not _LITTER.search(info.filename)]
    problems = [fs.Problem(name, "", *why) for info in infos if (why := _wrong(info)) is not None]
    files = [info.filename for info in infos if not _is_folder(info)]
    if len({unicodedata.normalize("NFC", file).casefold() for file in files}) != len(files):
        problems.append(fs.Problem(name, "", "two of its files have one name", "capitals do not tell them apart"))
    if problems:
        raise _Refused(*problems[:20])
    if not any(file.lower().endswith((".yaml", ".yml")) for file in files):
        raise _refused(name, "there is no scenario in it", "it needs a scenario.yaml")
    folder.mkdir()
    for file, content in _counted(limits, name, archive).items():
        if file.lower().endswith(_READ):
            target = folder / file
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                raise _refused(name, f"'{file[:200]}' is a file and a folder", "zip the case's folder again") from None
    return folder / _top(files)


def _wrong(info: zipfile.ZipInfo) -> tuple[str, str] | None:
    """Return what is wrong with an entry, and what would be right: nothing may lead out of the folder."""
    # The name as it was written: zipfile itself cuts names at a zero character and turns some backslashes.
    name = info.orig_filename
    kind, parts, low = (info.external_attr >> 16) & 0o170000, name.removesuffix("/").split("/"), name.lower()
    odd = "\\" in name or ":" in name or not name.isprintable() or info.filename != name
    out = any(part in ("", ".", "..") for part in parts)
    long = len(parts) > 6 or any(len(part.encode("utf-8", "replace")) > 120 for part in parts)
    known = _is_folder(info) or low.endswith((*_READ, *_KEPT_OUT))
    rules = (
        (kind not in (0, 0o100000, 0o040000), "is not a file but a link or a device", "zip the files themselves"),
        (odd, "is not a file's name", "letters, digits, spaces, dots and dashes"),
        (out, "leads outside the folder", "zip the case's folder itself"),
        (long, "is too long a name", "at most six folders deep, 120 bytes each"),
        (low.endswith(_ARCHIVES), "is an archive in an archive", "send it by itself"),
        (not known, "is not a file of a case", f"it holds {', '.join((*_READ, *_KEPT_OUT))}"),
    )
    return next(((f"'{_entry(info)}' {what}", hint) for wrong, what, hint in rules if wrong), None)


def _top(files: Sequence[str]) -> str:
    """Return the one folder that everything lies in, or nothing: a zip of a folder often holds the folder itself."""
    first = {file.split("/", 1)[0] if "/" in file else "" for file in files}
    return first.pop() if len(first) == 1 else ""
