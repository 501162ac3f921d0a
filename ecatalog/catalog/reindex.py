"""Search texts and search tables made anew on a live system, after a release that folds otherwise.

A chunk of rows is looked at without a lock. Only where something is wrong is the resource's clock taken, as
any writer takes it, and the chunk looked at again and put right: kept pages are then made anew, while rows
keep their own ticks, since nothing that they show has changed. Words stay once they are known: the processes
that write remember them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ecatalog import search
from ecatalog.catalog import clock, vocabulary
from ecatalog.catalog.bulk_keys import is_one_of, is_postgresql
from ecatalog.catalog.resource import Resource
from ecatalog.database import write_transaction
from ecatalog.extensions import db

CHUNK = 1_000  # rows


@dataclass
class _Chunk:
    """Rows in order of their ids: what is wrong with them."""

    last: int  # id
    rows: int = 0
    wrong: set[int] = field(default_factory=set)  # ids, also of entries in the search table without a row
    texts: dict[int, str] = field(default_factory=dict)  # the right search text of rows that have another
    words: set[str] = field(default_factory=set)  # that the vocabulary misses


def reindex(resource: Resource) -> Iterator[tuple[int, int]]:
    """Put right what ``?search=`` stands on. Yields (rows, rows put right) after each chunk."""
    vocabulary.forget()
    _check_trigrams(resource)
    after = 0
    while True:
        chunk = _look(resource, after)
        db.session.close()  # no old snapshot is held while the next chunks are read
        if chunk.wrong or chunk.words:
            with write_transaction():
                clock.take_tick(resource)
                chunk = _look(resource, after)
                _put_right(resource, chunk)
        yield chunk.rows, len(chunk.wrong)
        if chunk.last == after:
            return
        after = chunk.last


def _look(resource: Resource, after: int) -> _Chunk:
    """The chunk of rows whose ids follow ``after``."""
    model: Any = resource.model
    entries = resource.search_tables.rows
    mapped = {name: getattr(model, name) for name in resource.searched}
    statement = (
        sa.select(
            *(model.id, model.is_deleted, model.created_at, model.search_text, *mapped.values()),
            entries.c.search_text,
            entries.c.created_at,
        )
        .outerjoin(entries, entries.c.id == model.id)
        .where(model.id > after)
        .order_by(model.id)
        .limit(CHUNK)
    )
    found = db.session.execute(statement).all()
    chunk = _Chunk(found[-1][0] if found else after, len(found))
    words: set[str] = set()
    for row_id, is_deleted, created_at, text, *values, indexed_text, indexed_at in found:
        right = search.document(values)
        if text != right:
            chunk.texts[row_id] = right
        indexed = None if indexed_text is None else (indexed_text, indexed_at)
        if text != right or indexed != (None if is_deleted else (right, created_at)):
            chunk.wrong.add(row_id)
        words |= search.vocabulary(right)
    within = (entries.c.id > after, entries.c.id <= chunk.last) if found else (entries.c.id > after,)
    rowless = sa.select(entries.c.id).where(*within, ~sa.exists().where(model.id == entries.c.id))
    chunk.wrong |= set(db.session.scalars(rowless))
    chunk.words = words - _known(resource, words)
    return chunk


def _known(resource: Resource, words: set[str]) -> set[str]:
    column = resource.search_tables.words.c.word
    return set(db.session.scalars(sa.select(column).where(is_one_of(column, sorted(words)))))


def _put_right(resource: Resource, chunk: _Chunk) -> None:
    """Within a write transaction that has the clock."""
    model: Any = resource.model
    tables = resource.search_tables
    ids = sorted(chunk.wrong)
    if ids:
        entries = tables.rows
        assert isinstance(entries, sa.Table)
        db.session.execute(sa.delete(entries).where(is_one_of(entries.c.id, ids)))
        _write_texts(model.__table__, chunk.texts)  # whose triggers bring most of them back
        columns = (model.id, model.created_at, model.search_text)
        missing = sa.select(*columns).where(is_one_of(model.id, ids), ~model.is_deleted)
        insert: Any = postgresql.insert if is_postgresql() else sqlite.insert
        names = [column.name for column in entries.c]
        db.session.execute(insert(entries).from_select(names, missing).on_conflict_do_nothing())
    if chunk.words:
        vocabulary.learn(tables, chunk.words)


def _write_texts(table: sa.Table, texts: dict[int, str]) -> None:
    """In one statement on PostgreSQL, whose triggers run once a statement."""
    if is_postgresql():
        ids = sa.literal(list(texts), postgresql.ARRAY(sa.BigInteger()))
        given = sa.func.unnest(ids, sa.literal(list(texts.values()), postgresql.ARRAY(sa.Text())))
        columns = (sa.column("id", sa.BigInteger), sa.column("text", sa.Text))
        right = given.table_valued(*columns, name="right_texts").render_derived()
        statement = sa.update(table).values(search_text=right.c.text).where(table.c.id == right.c.id)
        db.session.execute(statement)
    elif texts:
        statement = sa.update(table).values(search_text=sa.bindparam("right_text"))
        bound = [{"row_id": row_id, "right_text": text} for row_id, text in texts.items()]
        db.session.connection().execute(statement.where(table.c.id == sa.bindparam("row_id")), bound)


def _check_trigrams(resource: Resource) -> None:
    """SQLite's index is told to compare itself with its content, and is made anew where it differs."""
    name = resource.search_tables.trigrams
    if is_postgresql() or name is None:
        return
    index = sa.table(name, sa.column(name), sa.column("rank"))
    try:
        with write_transaction():
            db.session.execute(sa.insert(index).values({name: "integrity-check", "rank": 1}))
    except sa.exc.DatabaseError:
        with write_transaction():
            clock.take_tick(resource)
            db.session.execute(sa.insert(index).values({name: "rebuild"}))
