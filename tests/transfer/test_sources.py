"""JSON, NDJSON and CSV as rows."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from ecatalog.client.resource import CLIENT
from ecatalog.nomenklatura.resource import NOMENKLATURA
from ecatalog.transfer.csv_source import csv_rows
from ecatalog.transfer.json_source import json_file_rows, json_rows
from ecatalog.transfer.ndjson import BLOCK_BYTES, ndjson_rows
from ecatalog.transfer.rows import SourceError, SourceInfo, SourceRow, TooManyRows


def ndjson(text: bytes, **options: Any) -> list[SourceRow]:
    return list(ndjson_rows(io.BytesIO(text), **options))


def told(rows: list[SourceRow]) -> list[tuple[int, int | None, Any]]:
    return [(row.index, row.line, row.errors or row.values) for row in rows]


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a slow network does."""

    def __init__(self, content: bytes, step: int) -> None:
        self._parts = [content[start : start + step] for start in range(0, len(content), step)]

    def read(self, size: int = -1, /) -> bytes:
        return self._parts.pop(0) if self._parts else b""


# NDJSON


def test_ndjson_counts_rows_from_zero_and_lines_from_one() -> None:
    assert told(ndjson(b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"a":2}\n{"a":3}')) == [
        (0, 1, {"a": 1}),
        (1, 4, {"a": 2}),
        (2, 5, {"a": 3}),
    ]
    assert ndjson(b"") == [] == ndjson(b"\n\n")


def test_a_bad_line_is_a_row_with_errors_and_reading_goes_on() -> None:
    rows = ndjson(b'{"a":\n[1]\n"x"\nnull\n{"a":"\xff"}\n{"a":NaN}\n{"a":1}\n')
    messages = [str((row.errors or {}).get("non_field_errors")) for row in rows]
    assert messages[0].startswith("['JSON parse error - ")
    assert "Expected a dictionary, but got list." in messages[1]
    assert "got str" in messages[2] and "got NoneType" in messages[3]
    assert "UTF-8" in messages[4] and "JSON parse error" in messages[5]
    assert rows[6].errors is None and rows[6].values == {"a": 1}
    assert [row.line for row in rows] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("step", [1, 2, 7, BLOCK_BYTES])
def test_ndjson_however_the_stream_is_cut(step: int) -> None:
    lines = [orjson.dumps({"name": "Ы" * length}) for length in (1, 50, 3, 80, 2)]
    content = b"\xef\xbb\xbf" + b"\r\n".join(lines)
    rows = list(ndjson_rows(Trickle(content, step), max_line_bytes=150))  # type: ignore[arg-type]
    assert [None if row.errors else len((row.values or {})["name"]) for row in rows] == [1, 50, 3, None, 2]
    assert rows[3].errors == {"non_field_errors": ["The line is longer than 150 bytes."]}


def test_a_line_without_end_costs_no_memory() -> None:
    class Endless(io.RawIOBase):
        left = 2000

        def read(self, size: int = -1, /) -> bytes:
            self.left -= 1
            return b"x" * BLOCK_BYTES if self.left > 0 else b'\n{"a":1}' if self.left == 0 else b""

    tracemalloc.start()
    rows = list(ndjson_rows(Endless(), max_line_bytes=1_000_000))  # type: ignore[arg-type]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [bool(row.errors) for row in rows] == [True, False]
    assert peak < 5_000_000


def test_ndjson_yields_before_the_stream_ends() -> None:
    stream = Trickle(b'{"a":1}\n{"a":2}\n', 8)
    rows = ndjson_rows(stream)  # type: ignore[arg-type]
    assert next(rows).values == {"a": 1}
    assert stream.read() == b'{"a":2}\n'


# JSON


@pytest.mark.parametrize("body", [b'[{"a":1},[2]]', b'{"items":[{"a":1},[2]]}', b'\xef\xbb\xbf[{"a":1},[2]]'])
def test_json_bodies(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_bytes(body)
    for rows in (list(json_rows(body)), list(json_file_rows(tmp_path / "rows.json"))):
        assert rows[0] == SourceRow(0, None, {"a": 1})
        assert rows[1].errors == {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON parse error|empty"),
        (b"[{", "JSON parse error"),
        (b'[{"a":1}', "JSON parse error"),
        (b'[{"a":1}] x', "JSON parse error"),
        (b'["\xff"]', "JSON parse error"),
        (b"17", "Expected a JSON array"),
        (b'{"rows":[]}', "Expected a JSON array"),
        (b'{"items":{"a":1}}', "Expected a JSON array"),
    ],
)
def test_json_that_is_no_list_of_rows(body: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_bytes(body)
    with pytest.raises(SourceError, match=message):
        json_rows(body)
    with pytest.raises(SourceError, match=message):
        list(json_file_rows(tmp_path / "rows.json"))


def test_too_many_rows_for_a_body() -> None:
    assert len(list(json_rows(orjson.dumps([{}] * 5000)))) == 5000
    with pytest.raises(TooManyRows, match="application/x-ndjson"):
        json_rows(orjson.dumps([{}] * 5001))


def test_numbers_of_a_json_file_are_those_of_a_body(tmp_path: Path) -> None:
    body = b'[{"a":1,"b":1.5,"c":12345678901234567,"d":{"e":[null,true]},"f":"\\u0448"}]'
    (tmp_path / "rows.json").write_bytes(body)
    (from_file,), (from_body,) = json_file_rows(tmp_path / "rows.json"), json_rows(body)
    assert from_file == from_body
    assert [type(value) for value in (from_file.values or {}).values()] == [int, float, int, dict, str]


def test_a_json_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    row = orjson.dumps({"name": "x" * 1000})
    (tmp_path / "rows.json").write_bytes(b"[" + b",".join([row] * 20_000) + b"]")
    tracemalloc.start()
    count = sum(1 for _ in json_file_rows(tmp_path / "rows.json"))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000 and peak < 2_000_000


# CSV


def csv_file(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(folder: Path, content: str | bytes, encoding: str = "utf-8") -> list[SourceRow]:
    return list(csv_rows(csv_file(folder, content, encoding), NOMENKLATURA))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_of_any_origin(encoding: str, delimiter: str, end: str, tmp_path: Path) -> None:
    lines = [
        ("Код", "Наименование", "Цена", "Остаток"),
        ("007", '"ООО ""Заря"", цех; 1"', '"12 000,50"', "5"),
        ("№8", f'"две{end}строки"', "7.25", ""),
        ("9", "x", "1", "2"),
    ]
    text = end.join(delimiter.join(cells) for cells in lines) + end
    rows = read(tmp_path, text, encoding)
    assert [row.errors for row in rows] == [None] * 3
    assert [row.values for row in rows] == [
        {"code_1c": "007", "name": 'ООО "Заря", цех; 1', "base_price": "12000.50", "stock_quantity": "5"},
        {"code_1c": "№8", "name": f"две{end}строки", "base_price": "7.25", "stock_quantity": None},
        {"code_1c": "9", "name": "x", "base_price": "1", "stock_quantity": "2"},
    ]
    assert [row.line for row in rows] == [2, 3, 5]


def test_windows_1251_that_shows_late(tmp_path: Path) -> None:
    lines = ["code_1c;name", *(f"{n};plain" for n in range(60_000)), "last;Шоколад «Заря»"]
    rows = read(tmp_path, "\n".join(lines), "cp1251")
    assert len(rows) == 60_001 and rows[-1].values == {"code_1c": "last", "name": "Шоколад «Заря»"}


def test_damaged_utf_8_is_not_taken_for_windows_1251(tmp_path: Path) -> None:
    good = "code_1c;name\n1;Шоколад молочный с орехами\n".encode()
    with pytest.raises(SourceError, match="broken characters"):
        read(tmp_path, good + b"2;\xd0\n")
    with pytest.raises(SourceError, match="broken characters"):
        read(tmp_path, b"\xef\xbb\xbfcode_1c;name\n1;\xff\n")


@pytest.mark.parametrize(
    "before", ["", "code_1c;name", "code_1c;name\n1;", "code_1c;name\n" + "1;x\n" * 20_000]
)
@pytest.mark.parametrize(
    ("mark", "encoding", "broken"), [(b"", "cp1251", b"\x98"), (b"\xff\xfe", "utf-16-le", b"\x00\xd8x\x00")]
)
def test_bytes_that_are_no_text(
    tmp_path: Path, before: str, mark: bytes, encoding: str, broken: bytes
) -> None:
    content = mark + before.encode(encoding) + broken
    with pytest.raises(SourceError, match="neither UTF-8 nor windows-1251"):
        read(tmp_path, content)


def test_a_separator_that_excel_names(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "sep=|\r\ncode_1c|name\r\n1|x\r\n")
    assert row.values == {"code_1c": "1", "name": "x"} and row.line == 3


def test_rows_that_cannot_be_read_do_not_stop_the_others(tmp_path: Path) -> None:
    rows = read(tmp_path, 'code_1c;name\n1;a;surplus\n\n"2"x;b\n;;\n3\n4;d;\n"5;e\nf')
    assert [(row.index, row.line) for row in rows] == [(0, 2), (1, 4), (2, 6), (3, 7), (4, 8)]
    assert "3 cells, the header 2" in str(rows[0].errors)
    assert "Line 4 cannot be read" in str(rows[1].errors)
    assert rows[2].values == {"code_1c": "3", "name": ""}
    assert rows[3].values == {"code_1c": "4", "name": "d"}
    assert "Lines 8 to 9 cannot be read" in str(rows[4].errors)


def test_a_quote_that_is_never_closed_costs_no_memory(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'code_1c;name\n1;"' + "x" * 300_000 + "\n2;b\n")
    first, *_ = csv_rows(path, NOMENKLATURA)
    assert "field larger than field limit" in str(first.errors)


def test_a_long_cell_that_a_field_may_hold(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "code_1c;name;notes\n1;x;" + "y" * 150_000)
    assert (
        row.errors is None and len((row.values or {})["notes"]) == 150_000
    )  # the schema says it is too long


def test_apostrophes_come_off_only_where_they_protect(tmp_path: Path) -> None:
    rows = read(tmp_path, "code_1c;name\n'+998;'=1\n'x;''=1\n'4.78E+12;'\n")
    assert [tuple((row.values or {}).values()) for row in rows] == [
        ("+998", "=1"),
        ("'x", "'=1"),
        ("4.78E+12", "'"),
    ]


def test_a_number_that_excel_has_shortened(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "code_1c;name;barcode\n1;x;4,78E+12\n")
    assert row.errors is not None and "4,78E+12" in row.errors["barcode"][0]
    assert row.values == {"code_1c": "1", "name": "x"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04", "Excel workbook"),
        (b"\x00\x01\x02", "not a text file"),
        (b"name;price\n1;2\n", 'column "code_1c" is missing. Columns found: name, price'),
        (b"code_1c;name;Code 1C\n", '"code_1c" and "Code 1C" both'),
        (b'"code_1c;name\n', "header cannot be read"),
    ],
)
def test_csv_that_cannot_be_read_at_all(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message.replace('"', "[\"']")):
        read(tmp_path, content)


def test_extra_columns_are_reported_and_ignored(tmp_path: Path) -> None:
    info = SourceInfo()
    path = csv_file(tmp_path, "id;STIR;Kod ;Комментарий менеджера;nomi;created_at\n5;0123;K1;?;Оʻrmon;2026\n")
    (row,) = csv_rows(path, CLIENT, info)
    assert row.values == {"tax_id": "0123", "client_code_1c": "K1", "name": "Оʻrmon"}
    assert info.extra_columns == ["Комментарий менеджера"]


def test_csv_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "code_1c;name\n" + "".join(f"{n};{'Ы' * 200}\n" for n in range(50_000)))
    tracemalloc.start()
    count = sum(1 for _ in csv_rows(path, NOMENKLATURA))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000 and peak < 8_000_000


def test_a_replacement_character_in_the_text_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes("code_1c;name\nA;Чой \ufffd\n".encode())
    (row,) = csv_rows(path, NOMENKLATURA)
    assert row.values is not None
    assert row.values["name"] == "Чой \ufffd"
