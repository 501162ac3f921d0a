"""Databases full of invented goods and clients, loaded around the application and then made true for it.

Rows go in by COPY while their indexes are away, with the search texts that the write path would have given
them; `flask catalog touch` then counts them. The same number of rows is always the same data.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from ecatalog import search

PROJECTS = 10
CLIENTS = 70_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
RESOURCES = ("project", "client", "nomenklatura")

# One name in ten begins with each of these.
KINDS = (
    *("Шоколад", "Печенье", "Чой", "Guruch", "Цемент", "Bo'yoq", "Сут", "Kir yuvish kukuni"),
    *("Ручка", "Qog'oz"),
)
QUALITIES = ("молочный", "oʻzbek", "премиум", "катта", "kichik", "экспорт", "оптом", "yangi", "классик")
CATEGORIES = tuple(
    f"{first} {last}"
    for first in ("Озиқ-овқат", "Qurilish", "Бытовая химия", "Kanselyariya")
    for last in ("улгуржи", "chakana", "импорт", "mahalliy", "акция")
)
CITIES = ("Toshkent", "Samarqand", "Buxoro", "Qoʻqon", "Andijon", "Namangan", "Qarshi", "Termiz", "Nukus")
CONSONANTS, VOWELS = "bdfghklmnprstvxz", "aeiou"
INVENTED_WORDS = 50_000  # each stands in 20 of a million names

ITEM_COLUMNS = (
    *("id", "project_id", "code_1c", "name", "title", "description", "sku", "article_code", "barcode"),
    *("brand", "manufacturer", "model", "base_price", "sale_price", "currency", "stock_quantity"),
    *("unit_of_measure", "category", "tags", "roditel", "supplier", "country", "metadata"),
    *("created_at", "updated_at", "tick", "search_text"),
)
CLIENT_COLUMNS = (
    *("id", "project_id", "client_code_1c", "name", "email", "phone", "company_name", "tax_id"),
    *("city", "region", "country", "contact_person", "social_media", "additional_phones", "tags", "metadata"),
    *("created_at", "updated_at", "tick", "search_text"),
)
PROJECT_COLUMNS = ("id", "code_1c", "name", "created_at", "updated_at", "tick", "search_text")


class Runner(Protocol):
    """Runs ``flask …`` on the database."""

    def __call__(self, *arguments: str) -> str: ...


def invented(number: int) -> str:
    """The word of that number: five or six syllables that no real word has."""
    chance = random.Random(number)  # noqa: S311  # not a secret
    return "".join(chance.choice(CONSONANTS) + chance.choice(VOWELS) for _ in range(4 + number % 2))


def item_code(number: int) -> str:
    return f"00-{number:08d}"


def words() -> list[str]:
    """The invented words; an item's name has that of its number, counted round."""
    return [invented(number) for number in range(INVENTED_WORDS)]


def _items(count: int) -> Iterator[tuple[Any, ...]]:
    rare = words()
    for number in range(1, count + 1):
        mixed = number * 2_654_435_761 % 2**32  # the same for all time, without visible order
        kind, quality = KINDS[number % 10], QUALITIES[mixed % 9]
        brand = f"{rare[mixed % 200].capitalize()} {mixed % 7}"
        code, name = item_code(number), f"{kind} {quality} {rare[number % INVENTED_WORDS]} {mixed % 500} г"
        searched = {
            "code_1c": code,
            "title": f"{quality} {rare[mixed % 5_000]}",
            "sku": f"SKU-{number}",
            "article_code": f"A{mixed % 900_000}",
            "barcode": f"478{number:010d}",
            "brand": brand,
            "manufacturer": f"{brand} {CITIES[mixed % 9]}",
            "model": f"MD-{mixed % 5_000}",
            "category": CATEGORIES[mixed % 20],
        }
        moment = FIRST + timedelta(seconds=number)
        yield (
            *(number, 1 + mixed % PROJECTS, code, name, searched["title"], f"<p>{name}</p>"),
            *(searched["sku"], searched["article_code"], searched["barcode"], brand),
            *(searched["manufacturer"], searched["model"], f"{mixed % 100_000}.50", f"{mixed % 90_000}.00"),
            *("UZS", f"{max(0, mixed % 1_200 - 200)}.500", "dona", searched["category"], '["bench"]'),
            *(f"Guruh {mixed % 40}", f"Taʼminotchi {mixed % 100}", "Oʻzbekiston", "{}"),
            *(moment, moment, number, search.document([name, *searched.values()])),
        )


def _clients(count: int) -> Iterator[tuple[Any, ...]]:
    rare = words()
    for number in range(1, count + 1):
        mixed = number * 2_654_435_761 % 2**32
        company = f"{rare[number % INVENTED_WORDS].capitalize()} Savdo MChJ"
        searched = (
            *(f"К-{number:06d}", f"client{number}@example.uz", f"+998 90 {mixed % 10_000_000:07d}", company),
            *(f"{mixed % 1_000_000_000:09d}", f"Aliyev {rare[mixed % 5_000].capitalize()}"),
            *(CITIES[mixed % 9], f"{CITIES[mixed % 9]} viloyati"),
        )
        moment = FIRST + timedelta(seconds=number)
        yield (
            *(number, 1 + mixed % PROJECTS, searched[0], company, *searched[1:3], company, searched[4]),
            *(*searched[6:8], "Uzbekistan", searched[5], "{}", "[]", "[]", "{}"),
            *(moment, moment, number, search.document([company, *searched])),
        )


def _projects() -> Iterator[tuple[Any, ...]]:
    for number in range(1, PROJECTS + 1):
        code, name = f"P{number}", f"Loyiha {number}"
        yield number, code, name, FIRST, FIRST, number, search.document([name, code])


def fill(database_url: str, items: int, flask: Runner, *, clients: int = CLIENTS) -> None:
    """Load a freshly migrated database."""
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")
        _load(connection, "project", PROJECT_COLUMNS, _projects())
        _load(connection, "client", CLIENT_COLUMNS, _clients(clients))
        _load(connection, "nomenklatura", ITEM_COLUMNS, _items(items))
        for resource in RESOURCES:
            flask("catalog", "touch", resource)
        connection.execute("VACUUM (ANALYZE)")


def _load(
    connection: psycopg.Connection, table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]
) -> None:
    found = set[str]()
    text = columns.index("search_text")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target, shadow, vocabulary = (sql.Identifier(f"{table}{suffix}") for suffix in ("", "_search", "_word"))
    with connection.transaction():
        indexes = _take_indexes_away(connection, table)
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(target))
        with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(target, names)) as copy:
            for row in rows:
                copy.write_row(row)
                found |= search.vocabulary(row[text])
        connection.execute(
            sql.SQL("INSERT INTO {} SELECT id, created_at, search_text FROM {} ORDER BY id").format(
                shadow, target
            )
        )
        with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(vocabulary)) as copy:
            for word in sorted(found):
                copy.write_row([word])
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(target))
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT max(id) FROM {}))").format(
                sql.Literal(table), target
            )
        )
        for definition in indexes:
            connection.execute(definition)


def _take_indexes_away(connection: psycopg.Connection, table: str) -> list[Any]:
    """Drop what is not a primary key on the table and its search tables; what brings it back."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        " AND tablename = ANY (%s) AND indexname NOT LIKE 'pk\\_%%' AND indexname NOT LIKE '%%\\_pkey'",
        [[table, f"{table}_search", f"{table}_word"]],
    ).fetchall()
    for name, _ in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]
