"""Statements of the database as they may be shown in logs, traces and reports: without people's texts.

Parameters never come along (``hide_parameters``). Texts that are searched for do: they stand in the statement
as literals, so that the planner sees how rare they are. What the database itself says quotes them as well.
"""

from __future__ import annotations

import re

_LONGEST_STATEMENT = 2000  # characters
_LITERAL = r"'(?:[^']|'')*+'?"  # the end may be cut off
_LITERALS = re.compile(_LITERAL)
# From SQLAlchemy's messages. A literal may contain what looks like the end of the statement.
_TOLD_STATEMENT = re.compile(rf"\[SQL: (?:{_LITERAL}|[^'])*?(?=\(Background on this error at: |\Z)")
# From PostgreSQL's: an excerpt of the statement, which may begin in the middle of a literal, ...
_EXCERPT = re.compile(r"(LINE \d+: ).*")
# ... and values of the row. Of deadlocks it tells process numbers, which are wanted.
_DETAIL = re.compile(r"(DETAIL:  )(?!Process \d).*?(?=\n\[SQL: |\n\nThe above exception|\Z)", re.DOTALL)


def without_values(statement: str) -> str:
    """The statement with its literals blanked; a long one is cut off."""
    return _LITERALS.sub("'?'", statement)[:_LONGEST_STATEMENT]


def hide_values(text: str) -> str:
    """A message or a trace, without the values in what a database says and the literals in statements."""
    if "[SQL: " in text:
        text = _TOLD_STATEMENT.sub(lambda found: _LITERALS.sub("'?'", found[0]), text)
    if "LINE " in text or "DETAIL" in text:  # a line in the log for each request has neither
        text = _DETAIL.sub(r"\1?", _EXCERPT.sub(r"\1?", text))
    return text
