"""What a search that finds nothing was probably meant to say: the nearest words that rows have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from ecatalog import search
from ecatalog.extensions import db
from ecatalog.search import SearchTables, similar

Words = Sequence[tuple[str, ...]]  # each in its spellings

_LETTERS = re.compile("[a-z]{3,40}")  # codes and numbers are not guessed at
_MOST = 4  # words that are corrected in one query


def nearest(tables: SearchTables, words: Words) -> Words | None:
    """The words of a query, those that no row has replaced by near ones; None where that is not to be had."""
    corrected: list[tuple[str, ...]] = []
    changes = 0
    for spelled in words:
        guessed = spelled
        if all(_LETTERS.fullmatch(spelling) for spelling in spelled) and not _is_known(tables, spelled):
            changes += 1
            found = similar.best(entry for spelling in spelled for entry in _similar(tables, spelling))
            if not found or changes > _MOST:
                return None
            guessed = tuple(found)
        corrected.append(guessed)
    return corrected if changes else None


def _is_known(tables: SearchTables, spelled: tuple[str, ...]) -> bool:
    column = tables.words.c.word
    if db.engine.dialect.name == "postgresql":
        within = [search.like(column, spelling) for spelling in spelled]
    else:
        within = [sa.func.instr(column, spelling) > 0 for spelling in spelled]
    return db.session.scalar(sa.select(sa.exists().where(sa.or_(*within)))) is True


def _similar(tables: SearchTables, word: str) -> list[tuple[float, str]]:
    column = tables.words.c.word
    statement = sa.select(column)
    if db.engine.dialect.name == "postgresql":
        _set_threshold(similar.threshold(word))
        statement = statement.where(column.op("%", is_comparison=True)(_literal(word)))
    candidates: Iterable[str] = db.session.scalars(statement)
    return similar.closest(word, candidates)


def _set_threshold(similarity: float) -> None:
    """What ``%`` means, for the present transaction."""
    setting = ("pg_trgm.similarity_threshold", str(similarity))
    db.session.execute(sa.select(sa.func.set_config(*setting, sa.true())))


def _literal(text: str) -> sa.BindParameter[str]:
    return sa.bindparam(None, text, sa.Text, unique=True, literal_execute=True)
