"""Strategies for what nobody means well with."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_from_bytes

from hypothesis import strategies as st

AWKWARD = (
    *("", " ", "\x00", "a\x00b", "\x1b[2J", "\r\nX: y", "\u2028", "\ufeff", "\ufffe", "\U0010ffff"),
    *("\u200b", "\u202eabc", "\u200d\u200c", "e\u0301" * 50, "ﷺ" * 20, "🙂" * 40, "İ", "ß", "ǰ", "ŉ"),
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e-400",
        "0x10",
        "1_000",
        "٣",
        "²",
        "1" * 400,
        "9223372036854775808",
    ),
    *(
        "10000-01-01",
        "0000-00-00",
        "2026-02-30",
        "2026-01-01T25:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01",
    ),
    *(
        "null",
        "true",
        "undefined",
        "[]",
        "{}",
        "' OR 1=1 --",
        "%",
        "_",
        "\\",
        "%00",
        "%ff",
        "..%2f",
        "${x}",
        "{{x}}",
    ),
    *("-" * 300, "," * 900, "a " * 60, "oʻ" * 300, "ў" * 3000),
)
texts = st.one_of(
    st.sampled_from(AWKWARD), st.text(max_size=60), st.text(alphabet="\u0300\u0301\u200bаʻў'%_ ", max_size=80)
)
# As it stands in an address: any bytes, also such as are no UTF-8, and escapes that are none.
raw_queries = st.one_of(
    st.binary(max_size=60).map(lambda data: quote_from_bytes(data, safe="")),
    st.text(alphabet="%&=;+abcdef0123456789", max_size=60),
    texts.map(lambda text: quote(text, safe="", errors="surrogatepass")),
)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**400, -0.0, 1e308, 5e-324]),
    st.floats(),  # NaN and infinities as well: Python's writer spells them out
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def json_bytes(value: Any) -> bytes:
    """As lenient as a careless integrator's library: NaN, lone surrogates and all."""
    return json.dumps(value).encode()


# Bodies that are no JSON, or of a kind that parsers stumble over.
broken_bodies = st.sampled_from(
    [
        b"",
        b"{",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": 1e400}',
        b'{"name": -1e400, "base_price": 1e400}',
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00\\ud800"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\xff\xfe"}',
        b'\xff\xfe{\x00"\x00',
        b'\xef\xbb\xbf{"name": "bom"}',
        b'{"name": "a", "name": "b"}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"metadata": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"tags": [' + b"1," * 200_000 + b"1]}",
        b'{"base_price": ' + b"9" * 100_000 + b"}",
        b'{"base_price": "' + b"9" * 100_000 + b'"}',
        b'{"warranty_period": 1' + b"0" * 5_000 + b"}",
        b'{"name": "' + b"a" * 9_000_000 + b'"}',
        b'{"name": "' + "ў".encode() * 4_000_000 + b'"}',
        b'{"description": "' + b"<a>" * 300_000 + b'"}',
        b'{"description": "' + b"<!--" * 100_000 + b'"}',
        b'{"description": "' + b"<b " + b"a=a " * 100_000 + b'"}',
    ]
)


def cursor(parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


forged_cursors = st.one_of(
    texts,
    st.binary(max_size=40).map(lambda data: base64.urlsafe_b64encode(data).decode()),
    values.map(cursor),
    st.tuples(
        st.booleans(),
        st.sampled_from(["-created_at,-id", "name,id", "base_price,id", "id", "x"]),
        scalars,
        scalars,
    ).map(cursor),
)
# What may stand in a header by the protocol: no line ends; bytes as latin-1.
header_values = st.one_of(
    st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60),
    st.sampled_from(
        ["", ",", ";", "=", '"', "*", "W/", 'W/"', "bytes=0-", "bytes=-1", "bytes=9-1", "\x85", "\xa0"]
    ),
    st.sampled_from(["Bearer", "Bearer a b", "Basic x", "*/*;q=nan", "text/html;q=1e9", "a" * 8000]),
    st.sampled_from(["application/json;" * 50, ",".join('"x"' * 900), "chunked", "gzip", "100-continue"]),
)


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """The content with some bytes changed, cut off, doubled or put elsewhere."""
    place = st.integers(0, max(0, len(content) - 1))

    def change(edits: list[tuple[int, int, int]]) -> bytes:
        data = bytearray(content)
        for kind, where, byte in edits:
            where = min(where, max(0, len(data) - 1))
            if kind == 0 and data:
                data[where] = byte
            elif kind == 1:
                del data[where : where + byte]
            elif kind == 2:
                data[where:where] = data[: byte * 4]
            else:
                del data[where:]
        return bytes(data)

    return st.lists(st.tuples(st.integers(0, 3), place, st.integers(0, 255)), min_size=1, max_size=6).map(
        change
    )
