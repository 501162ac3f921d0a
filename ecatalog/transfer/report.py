"""What became of the rows of an import: counts of all, and the first errors by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ecatalog.catalog.bulk import Action, Outcome
from ecatalog.transfer.rows import SourceInfo, SourceRow

MAX_LISTED_ERRORS = 1000
MAX_LISTED_CHANGES = 100  # rows of a dry run whose changes are shown


@dataclass
class Report:
    """Counts by action; at most MAX_LISTED_ERRORS errors and repeats are listed, all are counted.

    ``rejected``: nothing was written, since a row was bad and the caller wanted all or nothing.
    ``repeats``: rows whose code a row before them in the same import has, too; the last one counts.
    """

    dry_run: bool = False
    rejected: bool = False
    counts: Counter[Action] = field(default_factory=Counter)
    repeated: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    repeats: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: SourceRow, outcome: Outcome) -> None:
        """Count one row, and list it where there is something to tell."""
        self.counts[outcome.action] += 1
        if outcome.action is Action.FAILED and len(self.errors) < MAX_LISTED_ERRORS:
            self.errors.append(place(row, outcome) | {"errors": outcome.errors})
        if outcome.repeats:
            self.repeated += 1
            if len(self.repeats) < MAX_LISTED_ERRORS:
                self.repeats.append(place(row, outcome))
        written = outcome.action in (Action.CREATED, Action.UPDATED)
        if self.dry_run and written and len(self.changes) < MAX_LISTED_CHANGES:
            told = {"outcome": outcome.action.value, "fields": outcome.changes}
            self.changes.append(place(row, outcome) | told)

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return self.counts.total()

    @property
    def created(self) -> int:
        return 0 if self.rejected else self.counts[Action.CREATED]

    @property
    def updated(self) -> int:
        return 0 if self.rejected else self.counts[Action.UPDATED]

    @property
    def written(self) -> int:
        """Rows that were created or updated (or would be, in a dry run)."""
        return self.created + self.updated

    @property
    def failed(self) -> int:
        return self.counts[Action.FAILED]

    def as_dict(self) -> dict[str, Any]:
        """The report as the API answers it."""
        shown: dict[str, Any] = {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.counts[Action.UNCHANGED],
            "superseded": self.counts[Action.SUPERSEDED],
            "failed": self.failed,
            "errors": self.errors,
            "repeated": self.repeated,
            "repeats": self.repeats,
            "dry_run": self.dry_run,
            "rejected": self.rejected,
        }
        return shown | ({"changes": self.changes} if self.dry_run else {})

    def as_sheet_dict(self, info: SourceInfo) -> dict[str, Any]:
        """The report of a sheet, in the shape that existing clients know, with all the facts beside it."""
        shown = self.as_dict()
        listed = shown.pop("errors")
        errors = [f"{_row_of(error)}: {sentence(error['errors'])}" for error in listed]
        details = [
            {
                "row": error["line"],
                "code": error["code"],
                "error": sentence(error["errors"]),
                "errors": error["errors"],
                **({"sheet": error["sheet"]} if "sheet" in error else {}),
            }
            for error in listed
        ]
        files = {"extra_columns": info.extra_columns, "skipped_sheets": info.skipped_sheets}
        return shown | {"errors": errors, "errors_json": details} | files


def place(row: SourceRow, outcome: Outcome) -> dict[str, Any]:
    """Where a row stood, and its code."""
    told = {"index": row.index, "line": row.line, "code": outcome.code or None}
    return told if row.sheet is None else told | {"sheet": row.sheet}


def _row_of(error: dict[str, Any]) -> str:
    return f"Row {error['line']}"


def sentence(errors: dict[str, Any]) -> str:
    """Messages by field in one line: ``name: This field is required. rating: …``."""
    return " ".join(
        message if name == "non_field_errors" else f"{name}: {message}"
        for name, told in errors.items()
        for message in _messages(told)
    )


def _messages(told: Any) -> list[str]:
    if isinstance(told, dict):
        return [f"{name}: {message}" for name, inner in told.items() for message in _messages(inner)]
    return [str(message) for message in told] if isinstance(told, list) else [str(told)]
