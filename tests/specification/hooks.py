"""What schemathesis has to be told: loaded by it, by SCHEMATHESIS_HOOKS."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.openapi.checks import (
    MissingHeaderNotRejected,
    RejectedPositiveData,
    UnsupportedMethodResponse,
)

LINES = "application/x-ndjson"  # whatever it is, it goes over the wire as text: bad lines are in the report
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
DECLARED = "x-refused-though-valid"
FIRST_OF_ALL = 414  # the request's line is refused before its method and its headers are looked at


@schemathesis.serializer(LINES)
def lines(_context: Any, value: Any) -> bytes:
    """A body that is one object a line, for which the document says: text."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value).encode() + b"\n"


@schemathesis.hook
def map_case(_context: Any, case: Case[Any]) -> Case[Any]:
    """A form writes no null, object or list: what has none of them is left out, as a browser does."""
    if str(case.media_type).startswith(FORMS) and isinstance(case.body, dict):
        unwritable = (dict, list, type(None))
        case.body = {name: value for name, value in case.body.items() if not isinstance(value, unwritable)}
    return case


def has_no_say(case: Case[Any]) -> bool:
    """Whether a parameter is not what counts: the last of several, without the white space around it."""
    values = (case.query or {}).values()
    return any(
        isinstance(value, (list, dict)) or str(value) != str(value).strip() or not value for value in values
    )


@schemathesis.hook
def filter_failure(_context: Any, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether a refusal (or its want) counts: not where the document says that it comes for other reasons.

    A schema cannot say that a code is free or a tag is the newest. Which answers come of that, by status and
    what they say, is declared in the document itself.
    """
    if isinstance(failure, (MissingHeaderNotRejected, UnsupportedMethodResponse)):
        return response.status_code != FIRST_OF_ALL
    if not isinstance(failure, (RejectedPositiveData, AcceptedNegativeData)):
        return True
    if isinstance(failure, AcceptedNegativeData) and (case.media_type == LINES or has_no_say(case)):
        return False
    declared: dict[str, dict[str, str]] = case.operation.schema.raw_schema[DECLARED]
    told = response.content.decode(errors="replace")
    return not any(text in told for text in declared.get(str(response.status_code), {}))
