"""What polite clients do: reads, searches, writes, imports, uploads, sign-ins; each answer is looked at."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from tests.robustness.harness.http import LOST, TIMED_OUT, Answer, Caller, form
from tests.robustness.harness.ledger import Fate, Upload, Write
from tests.robustness.harness.world import Own, World

Operation = Callable[[World, Caller], Awaitable[None]]

ITEMS = "/api/v1/nomenklatura/"
BULK_ROWS, NDJSON_ROWS, CSV_ROWS = 20, 200, 40
LATER = (429, 502, 503, 504, LOST, TIMED_OUT)  # judged where the sample is recorded
SAME_FIELDS = ("code_1c", "name", "base_price", "tick", "created_at")


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def credentials(name: str, password: str) -> bytes:
    return encode({"username": name, "password": password})


def path_of(code: str) -> str:
    return f"{ITEMS}{quote(code, safe='')}/"


async def read_list(world: World, caller: Caller) -> None:
    """Pages by number, by cursor, filtered, ordered: newest first unless asked otherwise."""
    project = quote(world.chance.choice(world.projects))
    query = world.chance.choice(
        [
            f"page={world.chance.randint(1, 20)}",
            "cursor=&page_size=50",
            f"project={project}&page_size=20",
            "ordering=name&limit=20&offset=40",
            "in_stock=true&price_min=1000",
        ]
    )
    answer = await world.ask(caller, "list", "GET", f"{ITEMS}?{query}")
    if answer.ok:
        page = answer.json()
        world.check(len(page["results"]) > 0 and page["count"] >= 2000 * ("=" not in query), f"list {query}")
        if query.startswith(("page", "cursor")):
            times = [row["created_at"] for row in page["results"]]
            world.check(times == sorted(times, reverse=True), f"order of {query}")


async def read_row(world: World, caller: Caller) -> None:
    """A row that nobody changes; half of the callers have it already."""
    known = world.chance.choice(world.items)
    path = path_of(known["code_1c"])
    answer = await world.ask(caller, "detail", "GET", path)
    if answer.status == 200:
        row = answer.json()
        same = all(row.get(name) == known.get(name) for name in SAME_FIELDS)
        world.check(same, f"detail of {known['code_1c']}: {answer.body[:200]!r}")
        if world.chance.random() < 0.5:
            again = await world.ask(
                caller, "detail", "GET", path, headers={"if_none_match": answer.headers["etag"]}
            )
            world.check(again.status in (304, *LATER), f"If-None-Match gave {again.status}")


async def search(world: World, caller: Caller) -> None:
    """By a word of a row's name, and its code: the row is among what is found."""
    known = world.chance.choice(world.items)
    words = f"{known['name'].split()[0]} {known['code_1c']}"
    answer = await world.ask(caller, "search", "GET", f"{ITEMS}?search={quote(words)}")
    if answer.ok:
        found = {row["code_1c"] for row in answer.json()["results"]}
        world.check(known["code_1c"] in found, f"search {words!r} found {sorted(found)[:3]}")


async def read_clients(world: World, caller: Caller) -> None:
    expected = () if caller.token else (401,)
    answer = await world.ask(caller, "clients", "GET", "/api/v1/client/?search=a", expected=expected)
    world.check(bool(caller.token) or not answer.ok, "clients were shown to a stranger")


async def follow_changes(world: World, caller: Caller) -> None:
    answer = await world.ask(caller, "changes", "GET", f"{ITEMS}changes/?limit=50")
    if answer.ok:
        ticks = [entry["tick"] for entry in answer.json()["results"]]
        world.check(ticks == sorted(ticks), "changes out of order")


async def create(world: World, caller: Caller) -> None:
    """A new item, which can be read as soon as it is acknowledged."""
    code = world.ledger.new_code()
    body = encode({"code_1c": code, "name": f"Юк {code}", "title": code, "base_price": "10.50"})
    write = Write("nomenklatura", code, "create")
    answer = await world.write(caller, "create", "POST", ITEMS, body, write)
    if answer.status == 201:
        own = Own(code, code)
        if world.chance.random() < 0.3:
            await _read_own(world, caller, own)
        world.free.append(own)


async def change(world: World, caller: Caller) -> None:
    """A new title for a row of ours."""
    own = _take(world, deleted=False)
    if own is None:
        return await create(world, caller)
    marker = world.ledger.new_code()
    write = Write("nomenklatura", own.code, "update", marker)
    body = encode({"title": marker})
    answer = await world.write(caller, "change", "PATCH", path_of(own.code), body, write)
    if write.fate is Fate.ACCEPTED:
        own.title = marker
        world.check(answer.json()["title"] == marker, f"PATCH of {own.code} answered another title")
        await _read_own(world, caller, own)
    if write.fate is not Fate.UNKNOWN:
        world.free.append(own)
    return None


async def delete(world: World, caller: Caller) -> None:
    await _turn(world, caller, deleted=False)


async def restore(world: World, caller: Caller) -> None:
    await _turn(world, caller, deleted=True)


async def _turn(world: World, caller: Caller, *, deleted: bool) -> None:
    own = _take(world, deleted=deleted)
    if own is None:
        return await create(world, caller)
    action = "restore" if deleted else "delete"
    write = Write("nomenklatura", own.code, action)
    path = path_of(own.code) + ("restore/" if deleted else "")
    answer = await world.write(caller, action, "POST" if deleted else "DELETE", path, b"", write)
    if write.fate is Fate.ACCEPTED:
        own.deleted = not deleted
        world.check(answer.status == (200 if deleted else 204), f"{action}: {answer.status}")
    if write.fate is not Fate.UNKNOWN:
        world.free.append(own)
    return None


def _take(world: World, *, deleted: bool) -> Own | None:
    """A row of ours that no other call is at: each row has one writer, so that its state is known."""
    for _ in range(8):
        if world.free:
            own = world.free.pop(world.chance.randrange(len(world.free)))
            if own.deleted is deleted:
                return own
            world.free.append(own)
    return None


async def _read_own(world: World, caller: Caller, own: Own) -> None:
    answer = await world.ask(caller, "detail", "GET", path_of(own.code))
    if answer.ok:
        world.check(answer.json()["title"] == own.title, f"{own.code}: an older title was read")


async def create_client(world: World, caller: Caller) -> None:
    code = world.ledger.new_code()
    body = encode({"client_code_1c": code, "name": f"Mijoz {code}", "phone": "+998 90 000-00-00"})
    await world.write(caller, "create", "POST", "/api/v1/client/", body, Write("client", code, "create"))


async def bulk(world: World, caller: Caller) -> None:
    """A batch under a key; where no answer came, it is sent again under the same key: once is what counts."""
    rows, writes = _new_rows(world, BULK_ROWS)
    key = writes[0].code
    headers = {"content_type": "application/json", "idempotency_key": key}
    answer = await world.write(caller, "bulk", "POST", f"{ITEMS}bulk/", encode(rows), *writes, **headers)
    if writes[0].fate is Fate.UNKNOWN:
        answer = await world.ask(
            caller, "bulk", "POST", f"{ITEMS}bulk/", encode(rows), expected=(409,), headers=headers
        )
        if answer.ok:
            world.ledger.settle(answer, *writes)
    _check_report(world, answer, writes)


async def ndjson(world: World, caller: Caller) -> None:
    rows, writes = _new_rows(world, NDJSON_ROWS)
    body = b"".join(encode(row) + b"\n" for row in rows)
    kind = "application/x-ndjson"
    answer = await world.write(caller, "ndjson", "POST", f"{ITEMS}bulk/", body, *writes, content_type=kind)
    _check_report(world, answer, writes)


async def sheet(world: World, caller: Caller) -> None:
    """A CSV file in a form."""
    rows, writes = _new_rows(world, CSV_ROWS)
    lines = ["code_1c;name", *(f"{row['code_1c']};{row['name']}" for row in rows)]
    body, content_type = form({}, "file", "rows.csv", "\n".join(lines).encode())
    path = f"{ITEMS}import-xlsx/"
    answer = await world.write(caller, "import", "POST", path, body, *writes, content_type=content_type)
    _check_report(world, answer, writes)


def _new_rows(world: World, count: int) -> tuple[list[dict[str, str]], list[Write]]:
    codes = [world.ledger.new_code() for _ in range(count)]
    writes = [Write("nomenklatura", code, "create") for code in codes]
    return [{"code_1c": code, "name": f"Юк {code}"} for code in codes], writes


def _check_report(world: World, answer: Answer, writes: list[Write]) -> None:
    if answer.ok:
        created = answer.json()["created"]
        world.check(created == len(writes), f"an import of {len(writes)} rows created {created}")


async def upload(world: World, caller: Caller) -> None:
    """An image of a row that nobody else changes."""
    from tests.robustness.harness.pictures import jpeg

    note = world.ledger.new_code()
    content = jpeg(note)
    sent = Upload(note, content)
    world.ledger.uploads.append(sent)
    body, content_type = form(
        {"nomenklatura": str(world.chance.choice(world.pictured)), "note": note},
        "image",
        f"{note}.jpg",
        content,
    )
    path = "/api/v1/nomenklatura-image/"
    answer = await world.ask(caller, "upload", "POST", path, body, headers={"content_type": content_type})
    world.ledger.settle(answer, sent)


async def export(world: World, caller: Caller) -> None:
    path = f"{ITEMS}export-ndjson/?project={quote(world.projects[0])}"
    answer = await world.ask(caller, "export", "GET", path)
    if answer.ok:
        codes = [json.loads(line)["code_1c"] for line in answer.body.splitlines()]
        world.check(len(codes) > 100 and len(set(codes)) == len(codes), f"an export of {len(codes)} rows")


async def sign_in(world: World, caller: Caller) -> None:
    """The token that is given is good."""
    name = caller.name or "load-0"
    body = credentials(name, world.stack.passwords[name])
    path, headers = "/api/token/", {"content_type": "application/json"}
    answer = await world.ask(caller, "sign-in", "POST", path, body, headers=headers)
    if answer.ok:
        token = encode({"token": answer.json()["access"]})
        checked = await world.ask(caller, "verify", "POST", f"{path}verify/", token, headers=headers)
        world.check(checked.status in (200, *LATER), f"a fresh token: {checked.status}")


async def guess_password(world: World, caller: Caller) -> None:
    body = credentials("load-1", "a wrong password")
    headers = {"content_type": "application/json"}
    answer = await world.ask(
        caller, "bad sign-in", "POST", "/api/token/", body, expected=(401,), headers=headers
    )
    world.check(not answer.ok, "a wrong password was taken")


ANONYMOUS: dict[Operation, int] = {read_list: 30, read_row: 30, search: 25, read_clients: 5, sign_in: 10}
SIGNED: dict[Operation, int] = {
    read_list: 17,
    read_row: 15,
    search: 14,
    read_clients: 6,
    follow_changes: 4,
    create: 12,
    change: 12,
    delete: 3,
    restore: 2,
    create_client: 4,
    bulk: 2,
    ndjson: 1,
    sheet: 1,
    export: 1,
    sign_in: 3,
    guess_password: 1,
}
UPLOADS: dict[Operation, int] = {upload: 3}


def operation(world: World, caller: Caller) -> Operation:
    """What this caller does next."""
    weights = SIGNED | (UPLOADS if world.images else {}) if caller.token else ANONYMOUS
    return world.chance.choices(list(weights), list(weights.values()))[0]
