"""Refusals that no schema foretells: by status, what the answer says, and why it comes.

They stand in the document (``x-refused-though-valid``), where clients and tests of the document
read them.
"""

from __future__ import annotations

REFUSED_THOUGH_VALID: dict[str, dict[str, str]] = {
    "400": {
        "already exists": "The code is taken.",
        ' matches \\"': "The project, or the row of an image, is not there.",
        "Null characters are not allowed": "In no text at all.",
        "Control characters are not allowed in a code": "Nor are other characters that do not print.",
        '"superseded":': "The report of rows that are refused as a whole (`on_error=reject`).",
        '"report":{': "Rows of the body are refused, and `on_error=reject` was asked for.",
        "Expected a": "A form writes no lists and objects.",
        "may not be blank": "White space is Unicode's, of which patterns know a part.",
        "Ensure this field has no more than": "A number that is taken for a text counts by its digits.",
        "A valid number is required": "A number beyond those that every reader takes.",
        "Enter a valid": "Email addresses and URLs are looked at more closely than a format says.",
        "Ensure this value is": "The bounds of a number that is written as text.",
        "decimal places": "The places of a number that is not written as text.",
        "was not a file": "A file is a part of the form that has a file name.",
        "No file was submitted": "A file is a part of the form that has a file name.",
        "Upload a valid image": "No schema tells the bytes of an image.",
        "Date has wrong format": "The first and the last days of the calendar reach out of it in UTC.",
        "Invalid cursor": "A cursor is what an answer gave, for the same ordering.",
    },
    "410": {"": "The cursor is from before a restore of the database."},
    "412": {"": "The tag of `If-Match` is not the row's newest; looked at before the body."},
    "413": {"": "The body, or the number of its rows, is beyond what one call takes."},
    "414": {"": "Query parameters are within bounds each, but not together."},
    "422": {"": "The `Idempotency-Key` was used with another body."},
}
