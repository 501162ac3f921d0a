"""The different words of each resource, kept as rows are written; what to take a mistyped word for."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ecatalog import search
from ecatalog.extensions import db

_MOST_REMEMBERED = 50_000  # words, some 5 MB
_PENDING = "ecatalog_words"  # key in the session's ``info``


class _Known:
    """Words that are in the tables for certain, so that writing needs not ask the database for them."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, str], set[str]] = {}
        self._lock = threading.Lock()

    def unknown(self, place: tuple[str, str], words: set[str]) -> set[str]:
        return words - self._words.get(place, set())

    def add(self, place: tuple[str, str], words: set[str]) -> None:
        with self._lock:
            known = self._words.setdefault(place, set())
            if len(known) + len(words) > _MOST_REMEMBERED:
                self._words[place] = set(words)
            else:
                known |= words  # no copy of all: others look up in it meanwhile, which adding lets them

    def clear(self) -> None:
        with self._lock:
            self._words.clear()


_known = _Known()
forget = _known.clear  # after the tables have been emptied around the application


def unknown(tables: search.SearchTables, words: set[str]) -> set[str]:
    """Those of the words that are not in the table for certain: the present write transaction adds them."""
    place = (_database(db.engine.url), tables.words.name)
    new = _known.unknown(place, words)
    if new:
        db.session.info.setdefault(_PENDING, []).append((place, new))
    return new


@cache
def _database(url: sa.URL) -> str:
    return url.render_as_string()


def learn(tables: search.SearchTables, words: set[str]) -> None:
    """Add the words to the table that does not have them, in the present write transaction."""
    new = unknown(tables, words)
    if not new:
        return
    column = tables.words.c.word
    if db.engine.dialect.name == "postgresql":
        source = sa.select(sa.func.unnest(sa.literal(sorted(new), postgresql.ARRAY(sa.Text()))))
        statement: Any = postgresql.insert(tables.words).from_select([column.name], source)
    else:
        entries = sa.func.json_each(orjson.dumps(sorted(new)).decode()).table_valued("value")
        # "WHERE true", or SQLite takes ON CONFLICT for a part of the SELECT
        statement = sqlite.insert(tables.words).from_select(
            [column.name], sa.select(entries.c.value).where(sa.true())
        )
    db.session.execute(statement.on_conflict_do_nothing())


@sa.event.listens_for(Session, "after_commit")
def _remember(session: Session) -> None:
    for place, words in session.info.pop(_PENDING, ()):
        _known.add(place, words)


@sa.event.listens_for(Session, "after_rollback")
def _drop(session: Session) -> None:
    """What was rolled back is not in the tables."""
    session.info.pop(_PENDING, None)


def of_texts(texts: Iterable[str]) -> set[str]:
    """The words of several search texts."""
    return search.vocabulary(" ".join(texts))
