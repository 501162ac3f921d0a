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
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)
)


def loaded(load: Any, row: dict[str, Any]) -> Any:
    try:
        return load(row)
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
