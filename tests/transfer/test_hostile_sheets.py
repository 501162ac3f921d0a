"""Workbooks made to do harm, or damaged: a clear refusal, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import ANY

import pytest

from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.transfer.rows import SourceError, SourceRow
from ecatalog.transfer.xlsx_process import Limits, WorkbookProcess
from ecatalog.transfer.xlsx_source import xlsx_rows
from tests.transfer.workbooks import HEADER, build, text

ROW = f'<row r="2">{text("A2", "007")}{text("B2", "x")}</row>'
MEBIBYTE = 1024**2


# The tests look at processes and memory where Linux shows them.


def read(path: Path, limits: Limits = Limits()) -> list[SourceRow]:  # noqa: B008  # frozen
    """The rows of a workbook; this process does not grow by what the file asks for."""
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM, the peak, starts anew
    before = memory("VmRSS")
    try:
        return list(xlsx_rows(path, NOMENKLATURA, limits=limits))
    finally:
        assert memory("VmHWM") - before < 40 * MEBIBYTE


def memory(name: str) -> int:
    """Bytes that this process takes, as the system counts them."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) * 1024


def children() -> set[int]:
    """Processes that this one has started and not waited for."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:  # it has ended meanwhile
                continue
            if int(parent) == os.getpid():
                found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """No process survives."""
    before = children()
    yield
    assert children() <= before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"code_1c;name\r\n1;x\r\n", "not an .xlsx"),
        (b"PK\x03\x04 but no archive", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), "encrypted, or an old .xls"),
    ],
)
def test_what_is_no_workbook(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read(path)


def test_an_archive_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "letter.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    with pytest.raises(SourceError, match=r"not an \.xlsx"):
        read(path)


def test_an_encrypted_archive(tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW)
    data = bytearray(path.read_bytes())
    place = -1
    while (place := data.find(b"PK\x01\x02", place + 1)) >= 0:
        data[place + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(SourceError, match="encrypted"):
        read(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off(share: float, tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(SourceError, match="damaged or cut off"):
        read(path)


def test_every_byte_may_be_wrong(tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW)
    data = path.read_bytes()
    for place in range(0, len(data), max(len(data) // 25, 1)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            rows = read(path)
        except SourceError:
            continue
        assert [row.values for row in rows] == [{"code_1c": "007", "name": "x"}]


def test_sheet_xml_that_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="damaged"):
        read(build(tmp_path / "a.xlsx", HEADER + ROW + '<row r="3"><c r="A3" t="inlineStr"><is><t>x</row>'))


def test_a_dimension_that_lies(tmp_path: Path) -> None:
    (row,) = read(build(tmp_path / "a.xlsx", HEADER + ROW, dimension="A1:XFD1048576"))
    assert row.values == {"code_1c": "007", "name": "x"}


def test_a_cell_in_the_last_corner(tmp_path: Path) -> None:
    far = f'<row r="1048576">{text("XFD1048576", "x")}</row>'
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"too much memory.*far away from the table"):
        read(build(tmp_path / "a.xlsx", HEADER + ROW + far))
    assert time.monotonic() - started < 30


def test_an_empty_cell_in_the_last_corner_is_no_harm(tmp_path: Path) -> None:
    far = '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert len(read(build(tmp_path / "a.xlsx", HEADER + ROW + far))) == 1


@pytest.mark.parametrize(
    "cell", ["", '<c r="A{0}" s="0"/>', '<c r="A{0}" t="inlineStr"><is><t></t></is></c>']
)
def test_a_million_empty_rows(cell: str, tmp_path: Path) -> None:
    empty = "".join(f'<row r="{n}">{cell.format(n)}</row>' for n in range(3, 1_000_000))
    last = f'<row r="1000000">{text("A1000000", "8")}{text("B1000000", "y")}</row>'
    started = time.monotonic()
    rows = read(build(tmp_path / "a.xlsx", HEADER + ROW + empty + last))
    assert [(row.index, row.line) for row in rows] == [(0, 2), (1, 1_000_000)]
    assert time.monotonic() - started < 60


def test_megabytes_in_a_cell_are_an_error_of_that_field(tmp_path: Path) -> None:
    long = f'<row r="3">{text("A3", "008")}{text("B3", "x" * 10_000_000)}</row>'
    first, second, third = read(
        build(tmp_path / "a.xlsx", HEADER + ROW + long + ROW.replace('"2"', '"4"').replace("2", "4"))
    )
    assert first.errors is None and third.errors is None
    assert second.line == 3 and second.values == {"code_1c": "008"}
    assert second.errors == {"name": ["Ensure this field has no more than 255 characters."]}


def test_a_megabyte_in_every_cell(tmp_path: Path) -> None:
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>'
        + "x" * MEBIBYTE
        + "</t></si></sst>"
    )
    cells = "".join(
        f'<row r="{n}">{text(f"A{n}", str(n))}<c r="B{n}" t="s"><v>0</v></c></row>' for n in range(2, 4000)
    )
    path = build(tmp_path / "a.xlsx", HEADER + cells, shared_strings=strings)
    with pytest.raises(SourceError, match="too much memory"):
        read(path)


def test_an_archive_that_declares_too_much(tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW, extra={"xl/theme.xml": bytes(50 * MEBIBYTE)})
    assert path.stat().st_size < MEBIBYTE
    with pytest.raises(SourceError, match="unpacks to far more"):
        read(path, Limits(unpacked_bytes=40 * MEBIBYTE))
    assert len(read(path)) == 1


def test_an_archive_that_hides_what_it_unpacks_to(tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW, extra={"xl/theme.xml": bytes(50 * MEBIBYTE)})
    size = struct.pack("<I", 50 * MEBIBYTE)
    data = path.read_bytes()
    assert data.count(size) >= 2  # before the member, and in the directory
    path.write_bytes(data.replace(size, struct.pack("<I", 100)))
    with pytest.raises(SourceError, match="unpacks to far more"):
        read(path, Limits(unpacked_bytes=40 * MEBIBYTE))


def test_an_archive_of_very_many_members(tmp_path: Path) -> None:
    extra = {f"xl/{number}": b"" for number in range(10_001)}
    with pytest.raises(SourceError, match="unpacks to far more"):
        read(build(tmp_path / "a.xlsx", HEADER + ROW, extra=extra))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    path = build(tmp_path / "a.xlsx", HEADER + ROW + f'<row r="3">{text("A3", "&a9;")}</row>')
    broken = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(broken, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if "sheet1" in member.filename:
                content = content.replace(b"?>", f"?><!DOCTYPE x [{entities}]>".encode(), 1)
            target.writestr(member, content)
    try:
        rows = read(broken)
    except SourceError:
        return
    assert all(len(str((row.values or {}).get("code_1c"))) < 100 for row in rows)


def test_reading_that_takes_too_long(tmp_path: Path) -> None:
    empty = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(3, 1_000_000))
    path = build(tmp_path / "a.xlsx", HEADER + ROW + empty * 8)
    with pytest.raises(SourceError, match="too long"):
        read(path, Limits(cpu_seconds=1))
    with pytest.raises(SourceError, match="too long"):
        read(path, Limits(silent_seconds=0.3))


def test_the_process_ends_when_nobody_reads_on(tmp_path: Path) -> None:
    many = "".join(f'<row r="{n}">{text(f"A{n}", "x" * 200)}</row>' for n in range(2, 20_000))
    before = children()
    rows = xlsx_rows(build(tmp_path / "a.xlsx", HEADER + many), NOMENKLATURA)
    next(rows)
    assert len(children() - before) == 1
    del rows
    assert children() == before


def test_the_process_knows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret" * 10)
    before = children()
    with WorkbookProcess(build(tmp_path / "a.xlsx", HEADER + ROW)) as workbook:
        next(workbook.sheets())
        (child,) = children() - before
        assert b"s3cret" not in Path(f"/proc/{child}/environ").read_bytes()


def test_nothing_is_written_beside_the_upload(tmp_path: Path) -> None:
    path = build(tmp_path / "a.xlsx", HEADER + ROW)
    assert [row.values for row in read(path)] == [{"code_1c": "007", "name": "x"}]
    copy = shutil.copy(path, tmp_path / "no-ending")
    assert len(read(Path(copy))) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.xlsx", "no-ending"]


def test_cells_with_errors(tmp_path: Path) -> None:
    rows = (
        f'<row r="3">{text("A3", "1")}<c r="B3" t="e"><f>NA()</f><v>#N/A</v></c></row>'
        f'<row r="4"><c r="A4" s="0" t=\'e\'><v>#REF!</v></c>{text("B4", "x")}</row>'
    )
    good, name, code = read(build(tmp_path / "a.xlsx", HEADER + ROW + rows))
    assert good.errors is None
    assert name.values == {"code_1c": "1"} and name.errors == {"name": [ANY]} and "#N/A" in str(name.errors)
    assert code.values == {"name": "x"} and code.errors == {"code_1c": [ANY]}
