"""The requests of each line of the report, drawn so that none comes twice."""

from __future__ import annotations

import itertools
import json
import random
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from bench import data

LIST = "/api/v1/nomenklatura/"
CLIENT_LIST = "/api/v1/client/"

Draw = Callable[[], str]  # the next request line
_chance = random.Random(1)  # noqa: S311  # not a secret
_numbers = itertools.count(1)


def _new() -> dict[str, str]:
    """A parameter that is ignored, but makes the address one that no cache has seen."""
    return {"unknown": str(next(_numbers))}


def cold_list(items: int) -> Draw:
    """A list page under filters as front ends send them, one to three at once."""

    def draw() -> str:
        brand = f"{data.invented(_chance.randrange(200)).capitalize()} {_chance.randrange(7)}"
        low = _chance.randrange(90_000)
        choices: list[dict[str, str]] = [
            {"project_id": str(_chance.randint(1, data.PROJECTS))},
            {"project": f"P{_chance.randint(1, data.PROJECTS)}"},
            {"brand": brand},
            {"category": _chance.choice(data.CATEGORIES)},
            {"price_min": str(low), "price_max": str(low + _chance.randrange(20_000))},
            {"in_stock": "true"},
            {"is_active": "true"},
            {"sku": f"SKU-{_chance.randint(1, items)}"},
        ]
        chosen: dict[str, str] = {}
        for part in _chance.sample(choices, _chance.randint(1, 3)):
            chosen |= part
        return f"{LIST}?{urlencode(chosen | _new())}"

    return draw


def detail(items: int) -> Draw:
    return lambda: f"{LIST}{data.item_code(_chance.randint(1, items))}/"


def creation() -> Draw:
    """A new item; the databases may hold those of runs before."""
    run = secrets.token_hex(3)

    def draw() -> str:
        number = next(_numbers)
        body = {
            "code_1c": f"NEW-{run}-{number:07d}",
            "name": f"Янги мол {data.invented(number)} {number}",
            "title": f"Yangi mol {number}",
            "project": f"P{1 + number % data.PROJECTS}",
            "sku": f"NEW-{number}",
            "barcode": f"479{number:010d}",
            "brand": "Yangi",
            "base_price": "12500.50",
            "stock_quantity": "10.500",
            "unit_of_measure": "dona",
            "category": data.CATEGORIES[number % 20],
        }
        return f"{LIST} {json.dumps(body, ensure_ascii=False)}"

    return draw


def _searching(text: str) -> str:
    return f"{LIST}?{urlencode({'search': text} | _new())}"


def few_hits() -> Draw:
    """A word that one name in 50,000 has."""
    turns = itertools.cycle(range(data.INVENTED_WORDS))
    return lambda: _searching(data.invented(next(turns) * 7_919 % data.INVENTED_WORDS))


def no_hits() -> Draw:
    """A word with a wrong letter or two, which nothing holds."""

    def draw() -> str:
        word = list(data.invented(_chance.randrange(data.INVENTED_WORDS)))
        word[_chance.randrange(1, len(word) - 1)] = _chance.choice("qwcy")
        return _searching("".join(word) + _chance.choice(("", "q", "w")))

    return draw


def common_word() -> Draw:
    """A word of one name in ten or a part of it, not twice the same: what was found once would be kept."""
    words = [kind.partition(" ")[0] for kind in data.KINDS]
    parts = [
        word[start:end]
        for word in words
        for start in range(len(word))
        for end in range(start + 4, len(word) + 1)
    ]
    turns = itertools.cycle(dict.fromkeys([*words, *parts]))
    return lambda: _searching(next(turns))


def again(path: str) -> Draw:
    """The same page under an address that no cache has seen."""
    mark = "&" if "?" in path else "?"
    return lambda: f"{path}{mark}{urlencode(_new())}"


def same(path: str) -> Draw:
    return lambda: path
