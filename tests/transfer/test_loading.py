"""The quick loader of imports gives what the schema itself gives, values and refusals alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from ecatalog.catalog.resource import Resource
from ecatalog.resources import RESOURCES
from ecatalog.smorest import Schema
from ecatalog.transfer.loading import RowLoader

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["12.50", "1e5", "2026-02-30", "2026-02-28", "да", "a@example.com", "https://example.com", " "]
    ),
)
DAYS = st.dates().map(str)
DECIMALS = st.decimals(-(10**13), 10**13, allow_nan=False, allow_infinity=False, places=3)
# What the fields take as it stands, at the limits of what they take, and just beyond.
ORDINARY = st.one_of(
    st.from_regex(r"\A[0-9]{1,14}(\.[0-9]{0,4})?\Z"),
    st.sampled_from(["0", "00", "-0", "0.0", "100", "100.01", "5.00", "٣", "1_0", "1.", ".5", "\t5", "5\n"]),
    st.integers(0, 2**33),
    st.sampled_from([0, 1, 100, 101, 1.0, 99.5, 1e16, -0.0]),
    DECIMALS.map(str),
    DAYS,
    st.sampled_from(["x" * 100, "x" * 101, "x" * 255, " " + "x" * 255 + " ", "a\u00a0b", "\ud800", "a\x00"]),
    st.text(st.characters(categories=["L", "N", "P", "Zs", "Cc", "Cf"]), max_size=10),
)
VALUES = st.one_of(
    SCALARS,
    ORDINARY,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.text(max_size=3), SCALARS, max_size=2),
)


def loaded(load: Any, row: dict[str, Any]) -> Any:
    try:
        # Python holds 1 == True == Decimal("1.00") for equal; they are not the same here.
        return {name: repr(value) for name, value in load(row).items()}
    except ValidationError as error:
        return ("refused", error.messages)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_same_as_the_schema(resource: Resource, data: st.DataObject) -> None:
    schema = resource.patch_schema()
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    row = data.draw(st.dictionaries(st.sampled_from([*names, "id", "unknown"]), VALUES, max_size=8))
    assert loaded(RowLoader(schema).load, row) == loaded(schema.load, row)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_a_whole_row(resource: Resource) -> None:
    schema: Schema = resource.patch_schema()
    assert RowLoader(schema).load(resource.example) == schema.load(resource.example)


def test_schemas_with_requirements_are_refused() -> None:
    with pytest.raises(TypeError, match="code_1c"):
        RowLoader(RESOURCES[0].write_schema())
