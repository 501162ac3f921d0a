"""The first look: who asks, and how the clocks stand, in one statement: nearly every request needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app

from ecatalog.config import Settings
from ecatalog.connections import lent_of
from ecatalog.single_read import Row, SingleRead

_EXTENSION = "ecatalog_first_look"


@dataclass(frozen=True)
class FirstLook:
    """What is looked at: all rows of a small table, and beside them one row of another, by its key."""

    width: int  # columns of the small table
    small: SingleRead
    both: SingleRead

    def rows(self) -> list[Row]:
        """The rows of the small table."""
        return self.small.rows()

    def row_and_rows(self, key: int) -> tuple[Row | None, list[Row]]:
        """The row of that key, if there is one, and the rows of the small table."""
        found = self.both.rows(key)
        row = found[0][self.width :]
        return (
            None if row[0] is None else row,
            [line for entry in found if (line := entry[: self.width])[0] is not None],
        )


def init_first_look(app: Flask, settings: Settings, *, small: Sequence[Any], keyed: Sequence[Any]) -> None:
    """Prepare the statements. ``keyed`` begins with the key; neither's first column is ever null."""
    lent = lent_of(app)
    rows = sa.select(*small)
    none = sa.select(sa.literal_column("1").label("one")).subquery()
    key = sa.bindparam("key", type_=sa.BigInteger)
    both = sa.select(*small, *keyed).select_from(
        none.outerjoin(keyed[0].table, keyed[0] == key).outerjoin(small[0].table, sa.true())
    )
    prepares = settings.database_pooler != "transaction"
    app.extensions[_EXTENSION] = FirstLook(
        len(small),
        SingleRead("ecatalog_clocks", rows, lent, prepares=prepares),
        SingleRead("ecatalog_first_look", both, lent, prepares=prepares),
    )


def first_look_of(app: Flask) -> FirstLook:
    """The first look of an application."""
    found: FirstLook = app.extensions[_EXTENSION]
    return found


def current_first_look() -> FirstLook:
    """The first look of the current application."""
    return first_look_of(current_app)
