"""Sheets and images with bytes changed, cut off and doubled; texts that search folds."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecatalog import search
from tests.images.pictures import animated_webp, jpeg, phone_photo, png
from tests.robustness import hostile
from tests.robustness.conftest import FUZZ, Attacker
from tests.transfer.workbooks import build

IMPORT = "/api/v1/nomenklatura/import-xlsx/"
FEW = settings(FUZZ, max_examples=8)  # each starts a process
CELL = '<c r="{0}" t="inlineStr"><is><t>{1}</t></is></c>'
ROWS = "".join(
    f'<row r="{number}">{CELL.format(f"A{number}", code)}{CELL.format(f"B{number}", name)}</row>'
    for number, code, name in ((1, "code_1c", "name"), (2, "K-1", "Чой"))
)


def workbook() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return build(Path(folder) / "a.xlsx", ROWS).read_bytes()


@FEW
@given(hostile.mutated(workbook()))
def test_workbooks(attacker: Attacker, content: bytes) -> None:
    answer = attacker.send("POST", IMPORT, data={"file": (io.BytesIO(content), "a.xlsx")})
    assert answer.status_code in (200, 400, 413)


cells = st.one_of(hostile.texts, st.text(alphabet="\";,\t\n\r\\'=+-@0123456789.", max_size=30))


@FUZZ
@given(
    st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251", "latin-1"]),
)
def test_csv(attacker: Attacker, rows: list[list[str]], separator: str, encoding: str) -> None:
    lines = [["code_1c", "name", "base_price", "tags"], *rows]
    text = "\n".join(separator.join(cells) for cells in lines)
    content = text.encode(encoding, errors="replace")
    answer = attacker.send("POST", IMPORT, data={"file": (io.BytesIO(content), "a.csv")})
    assert answer.status_code in (200, 400, 413)


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_as_a_sheet(attacker: Attacker, content: bytes) -> None:
    for name in ("a.csv", "a"):
        attacker.send("POST", IMPORT, data={"file": (io.BytesIO(content), name)})


IMAGES = {
    "jpeg": jpeg(),
    "photo": phone_photo(60, 40),
    "png": png(),
    "alpha": png(mode="RGBA"),
    "webp": animated_webp(),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_images(attacker: Attacker, bounded_memory: None, kind: str) -> None:
    @settings(FUZZ, max_examples=8)
    @given(hostile.mutated(IMAGES[kind]))
    def upload(content: bytes) -> None:
        form = {"project": "A/0", "image": (io.BytesIO(content), "a.jpg")}
        answer = attacker.send("POST", "/api/v1/project-image/", data=form)
        assert answer.status_code in (201, 400)
        if answer.status_code == 201:  # what was taken can be shown
            shown = answer.get_json()["image_thumbnail_url"].removeprefix("http://localhost")
            assert attacker.send("GET", shown).status_code == 200

    upload()


@FUZZ
@given(st.one_of(hostile.texts, st.text(max_size=300)))
def test_fold(attacker: Attacker, text: str) -> None:
    """What a row is found by is what it was written with; whatever it is, it takes no time."""
    document = search.document([text])
    assert search.document([text]) == document
    assert len(document) < 40 * len(text) + 200
    assert "\x00" not in search.document([text.replace("\x00", "")])
    found = attacker.send(
        "GET", "/api/v1/nomenklatura/", query_string={"search": text.encode(errors="replace")}
    )
    assert found.status_code in (200, 400)
