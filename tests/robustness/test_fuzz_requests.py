"""Addresses, parameters, cursors, headers, bodies that nobody means well with: no 500, no hang, no growth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecatalog.catalog.query import filter_schema
from ecatalog.nomenklatura.resource import NOMENKLATURA
from tests.robustness import hostile
from tests.robustness.conftest import FUZZ, Attacker

ITEMS = "/api/v1/nomenklatura/"
PAGING = ("page", "page_size", "limit", "offset", "cursor")
PARAMETERS = [*sorted(filter_schema(NOMENKLATURA)().fields), *PAGING]
READ_HEADERS = (
    *(
        "Authorization",
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "If-Match",
        "If-None-Match",
        "If-Range",
    ),
    *(
        "X-Request-ID",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Host",
        "Origin",
    ),
    *("Range", "Idempotency-Key", "Content-Encoding", "Content-Type", "Cookie", "User-Agent", "Referer"),
    *("Access-Control-Request-Method", "Access-Control-Request-Headers", "Expect", "Transfer-Encoding"),
)


@FUZZ
@given(st.dictionaries(st.sampled_from(PARAMETERS), hostile.raw_queries, min_size=1, max_size=3))
def test_filters(attacker: Attacker, query: dict[str, str]) -> None:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    answer = attacker.send("GET", ITEMS, environ={"QUERY_STRING": text})
    assert answer.status_code in (200, 400, 404)


@FUZZ
@given(st.sampled_from(["", "changes/", "suggest/", "by-code/"]), hostile.raw_queries)
def test_queries_that_are_none(attacker: Attacker, suffix: str, query: str) -> None:
    for text in (query, f"q={query}", f"code={query}", f"since={query}", f"search={query}"):
        answer = attacker.send("GET", ITEMS + suffix, environ={"QUERY_STRING": text})
        assert answer.status_code in (200, 400, 404, 409, 410)


@FUZZ
@given(hostile.forged_cursors, st.sampled_from(["", "name", "base_price", "-created_at", "id"]))
def test_cursors(attacker: Attacker, cursor: str, ordering: str) -> None:
    query = {"cursor": cursor.encode(errors="surrogatepass"), "ordering": ordering}
    assert attacker.send("GET", ITEMS, query_string=query).status_code in (200, 400)
    since = {"since": query["cursor"]}
    assert attacker.send("GET", f"{ITEMS}changes/", query_string=since).status_code in (200, 400, 410)


@FUZZ
@given(
    st.binary(max_size=80),
    st.sampled_from(["GET", "PUT", "PATCH", "DELETE", "POST", "HEAD", "OPTIONS", "TRACE"]),
)
def test_paths(attacker: Attacker, path: bytes, method: str) -> None:
    for prefix in ("/", ITEMS, "/media/", "/api/docs/assets/", "/api/v1/nomenklatura-image/"):
        environ = {"PATH_INFO": prefix + path.decode("latin-1")}
        assert attacker.send(method, "/", environ=environ).status_code != 201


@FUZZ
@given(st.dictionaries(st.sampled_from(READ_HEADERS), hostile.header_values, min_size=1, max_size=3))
def test_headers(attacker: Attacker, headers: dict[str, str]) -> None:
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    if "Content-Type" in headers:
        names["CONTENT_TYPE"] = headers["Content-Type"]
    for method, path in (
        ("GET", ITEMS),
        ("PATCH", f"{ITEMS}A/0/"),
        ("POST", f"{ITEMS}bulk/"),
        ("OPTIONS", ITEMS),
    ):
        answer = attacker.send(
            method, path, environ=names, data=b'{"name": "x"}', content_type="application/json"
        )
        assert "\n" not in str(answer.headers.get("X-Request-ID"))


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from([*NOMENKLATURA.fields, "project", "project_id", "id"]), hostile.values, max_size=6
    )
)
def test_bodies(attacker: Attacker, body: dict[str, Any]) -> None:
    data = hostile.json_bytes({"code_1c": "F", "name": "F", **body})
    answer = attacker.send("POST", ITEMS, data=data, content_type="application/json")
    assert answer.status_code in (201, 400)
    answer = attacker.send("PATCH", f"{ITEMS}A/1/", data=data, content_type="application/json")
    assert answer.status_code in (200, 204, 400, 404)
    attacker.send("POST", f"{ITEMS}bulk/", data=b"[" + data + b"]", content_type="application/json")
    line = data + b"\n"
    attacker.send("POST", f"{ITEMS}bulk/", data=line * 2, content_type="application/x-ndjson")


@FUZZ
@given(
    hostile.broken_bodies,
    st.sampled_from(["application/json", "application/x-ndjson", "application/x-www-form-urlencoded"]),
)
def test_broken_bodies(attacker: Attacker, bounded_memory: None, body: bytes, content_type: str) -> None:
    for method, path in (
        ("POST", ITEMS),
        ("PATCH", f"{ITEMS}A/2/"),
        ("POST", f"{ITEMS}bulk/"),
        ("POST", "/api/token/"),
    ):
        attacker.send(method, path, data=body, content_type=content_type)


@FUZZ
@given(hostile.values, hostile.values)
def test_sign_in(attacker: Attacker, username: Any, password: Any) -> None:
    for path, body in (
        ("/api/token/", {"username": username, "password": password}),
        ("/api/token/refresh/", {"refresh": username}),
        ("/api/token/verify/", {"token": password}),
    ):
        data = hostile.json_bytes(body)
        assert attacker.send("POST", path, data=data, content_type="application/json").status_code in (
            400,
            401,
        )


@pytest.mark.parametrize("megabytes", [1, 9, 12, 40])
def test_a_text_of_many_megabytes(attacker: Attacker, bounded_memory: None, megabytes: int) -> None:
    data = b'{"code_1c": "L", "name": "' + b"x" * (megabytes * 1_000_000) + b'"}'
    answer = attacker.send("POST", ITEMS, data=data, content_type="application/json")
    assert answer.status_code == (413 if megabytes > 10 else 400)
