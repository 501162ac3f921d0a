"""The text that opens the OpenAPI document."""

from __future__ import annotations

DESCRIPTION = """\
Projects, clients and items (nomenklatura) of 1C:Enterprise, each known by its 1C code.

### Sign in

1. Send user name and password to `POST /api/token/`; it answers an `access` and a `refresh` token.
2. Send the `access` token in the header of each request, as `Authorization: Bearer …`. On the Swagger page,
   press **Authorize** and paste it, without the word `Bearer`.
3. When it has expired (401), send the `refresh` token to `POST /api/token/refresh/` for a new pair.

Viewers read, editors also write, admins also manage users. Projects and items can be read without a token.

### Requests

- Every path ends in a slash; without it, the answer is a redirect (308) to the one that does.
- Bodies are JSON, or forms, which have no way to write objects and lists. Text is trimmed, and empty text
  counts as `null` where a field may be `null`. A number that is sent for a text counts as that text. Unknown
  and read-only fields are ignored.
- An empty query parameter counts as absent, an unknown one is ignored, and of several values the last counts.
- Wherever there is `GET` there is `HEAD`, and `OPTIONS` everywhere.

### Answers

- Decimals are strings (`"12000.00"`), dates `YYYY-MM-DD`, timestamps RFC 3339 in UTC.
- `ETag` changes with anything the answer shows. Send it as `If-None-Match` with a GET to be told that nothing
  changed (304), or as `If-Match` with a write, to write only if nobody else did in the meantime (412).
- `X-Request-ID` names the request in the log of the service; send your own (letters, digits, `.`, `_`, `-`),
  or get one.

### Errors

Bodies are `{"field": ["message"]}` for values that are wrong, else `{"detail": "message"}`. With
`Accept: application/problem+json` the same facts come as problem details (RFC 9457).

### Limits

Requests are counted by user, or by address without a token. On every answer, `X-RateLimit-*` and `RateLimit`
tell what is left; beyond the limit the answer is 429, and `Retry-After` tells the seconds to wait.
"""
