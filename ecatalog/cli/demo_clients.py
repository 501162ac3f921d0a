"""The clients of the demo catalogue: companies, sole traders and people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ecatalog.cli.demo_random import Draw
from ecatalog.cli.demo_words import (
    BUSINESS_TYPES,
    CLIENT_NOTES,
    CLIENT_TAGS,
    COMPANY_FIRST,
    COMPANY_SECOND,
    LEGAL_FORMS,
    MEN,
    MOBILE_CODES,
    PAYMENT_TERMS,
    PLACES,
    POSITIONS,
    STREETS,
    SURNAMES,
    WOMEN,
    Place,
)

Row = dict[str, Any]

COMPANIES = 350
SOLE_TRADERS = 80
PEOPLE = 70

FIRST_FOUNDING_DAY = date(1995, 1, 1)
DAYS_OF_FOUNDING = 30 * 365

LATIN, CYRILLIC, RUSSIAN = 0, 1, 2
# Letters that an address can't hold; the rest of the Latin names are ASCII already.
_ADDRESS_LETTERS = str.maketrans({"ʻ": "", "ʼ": "", " ": "-"})


def demo_clients(projects: Sequence[Row], seed: int) -> list[Row]:
    """500 clients as a client of the API would write them."""
    return _Maker(Draw(seed), [str(project["code_1c"]) for project in projects]).rows()


@dataclass(frozen=True)
class _Person:
    """A person in Latin and Cyrillic letters, surname first."""

    latin: str
    cyrillic: str
    address: str  # what an e-mail address of theirs begins with


class _Maker:
    def __init__(self, draw: Draw, projects: list[str]) -> None:
        self.draw = draw
        self.projects = projects
        self.used_numbers: set[str] = set()
        self.used_names: set[str] = set()

    def rows(self) -> list[Row]:
        words = [(first, second) for first in COMPANY_FIRST for second in COMPANY_SECOND]
        rows = [self._company(first, second) for first, second in self.draw.some(words, COMPANIES)]
        rows += [self._sole_trader() for _ in range(SOLE_TRADERS)]
        rows += [self._private_person() for _ in range(PEOPLE)]
        rows = self.draw.some(rows, len(rows))
        for serial, row in enumerate(rows, start=1):
            row["client_code_1c"] = _code(serial)
        self._share_codes(rows)
        return [{key: value for key, value in row.items() if value is not None} for row in rows]

    def _company(self, first: tuple[str, str], second: tuple[str, str, str, str]) -> Row:
        draw = self.draw
        language = draw.one((LATIN, LATIN, CYRILLIC, RUSSIAN, RUSSIAN))
        form = draw.one(LEGAL_FORMS[:1] * 6 + LEGAL_FORMS)[language]
        title = f"{first[min(language, 1)]} {second[language]}"
        name = f"{form} «{title}»" if language == RUSSIAN else f"«{title}» {form}"
        host = f"{first[0]} {second[0]}".lower().translate(_ADDRESS_LETTERS) + ".example.com"
        contact = self._person()
        return self._common() | {
            "name": name,
            "company_name": name,
            "email": f"{draw.one(('info', 'sales', 'office', 'buh'))}@{host}" if draw.chance(0.85) else None,
            "website": f"https://{host}" if draw.chance(0.4) else None,
            "tax_id": self._unused(draw.one("23"), 8),
            "registration_number": draw.digits(7) if draw.chance(0.5) else None,
            "industry": second[3],
            "business_type": draw.one(BUSINESS_TYPES),
            "employee_count": draw.one((3, 7, 12, 25, 40, 85, 160, 420)) + draw.below(3),
            "annual_revenue": f"{draw.between(120, 48_000) * 1_000_000}.00" if draw.chance(0.6) else None,
            "established_date": self._founding_day() if draw.chance(0.7) else None,
            "payment_terms": draw.one(PAYMENT_TERMS),
            "credit_limit": f"{draw.one((0, 5, 10, 25, 50, 100, 300)) * 1_000_000}.00",
            "contact_person": contact.cyrillic if language else contact.latin,
            "contact_position": draw.one(POSITIONS),
            "contact_email": f"{contact.address}@{host}" if draw.chance(0.6) else None,
            "contact_phone": self._mobile(),
        }

    def _sole_trader(self) -> Row:
        draw = self.draw
        person = self._person()
        name = draw.one((f"YaTT {person.latin}", f"ЯТТ {person.cyrillic}", f"ИП {person.cyrillic}"))
        return self._common() | {
            "name": name,
            "company_name": name,
            "email": f"{person.address}@example.org" if draw.chance(0.6) else None,
            "tax_id": self._unused(draw.one("456"), 8),
            "business_type": draw.one(BUSINESS_TYPES[:2]),
            "employee_count": draw.between(1, 6),
            "established_date": self._founding_day() if draw.chance(0.5) else None,
            "payment_terms": draw.one(PAYMENT_TERMS[:3]),
            "credit_limit": f"{draw.one((0, 0, 1, 3, 5)) * 1_000_000}.00",
            "contact_person": person.latin,
        }

    def _private_person(self) -> Row:
        person = self._person()
        return self._common() | {
            "name": self.draw.one((person.latin, person.cyrillic)),
            "email": f"{person.address}@example.com" if self.draw.chance(0.5) else None,
            "payment_terms": PAYMENT_TERMS[0],
        }

    def _common(self) -> Row:
        """What any client has: place, phones, standing."""
        draw = self.draw
        has_region = draw.chance(0.5)
        place = draw.one(PLACES[:1] * 10 + PLACES)
        region_code = f"{PLACES.index(place) + 1:02d}"
        described = draw.chance(0.35)
        return {
            "project": draw.one(self.projects) if draw.chance(0.95) else None,
            "phone": self._mobile() if draw.chance(0.96) else None,
            "additional_phones": [self._mobile() for _ in range(draw.below(3))],
            "fax": f"+998{place.dialling_code}{draw.between(200, 299)}{draw.digits(4)}"
            if draw.chance(0.1)
            else None,
            "description": self._description(place) if described else None,
            **self._address(place),
            "business_region_code": region_code if has_region else None,
            "business_region_name": place.region if has_region else None,
            "currency": "UZS",
            "country": "Uzbekistan",
            "notes": draw.one(CLIENT_NOTES) if draw.chance(0.15) else None,
            "tags": draw.some(CLIENT_TAGS, draw.one((0, 0, 1, 1, 2, 3))),
            "rating": f"{draw.between(20, 50) / 10:.2f}" if draw.chance(0.6) else None,
            "priority": draw.one((0, 10, 25, 50, 75, 100)),
            "source": draw.one(("1C", "1C", "Sayt", "Koʻrgazma", "Рекомендация")),
            "social_media": {"telegram": f"@demo_{draw.digits(6)}"} if draw.chance(0.25) else None,
            "metadata": {"price_type": draw.one(("ulgurji", "chakana"))} if draw.chance(0.2) else None,
            "is_active": not draw.chance(0.06),
        }

    def _address(self, place: Place) -> Row:
        draw = self.draw
        street = f"{place.city}, {draw.one(STREETS)} koʻchasi, {draw.between(1, 180)}-uy"
        row: Row = {
            "city": place.city,
            "region": place.region,
            "postal_code": f"{place.postal_prefix}{draw.digits(3)}" if draw.chance(0.8) else None,
            "actual_address": street if draw.chance(0.9) else None,
            "legal_address": street if draw.chance(0.6) else None,
        }
        if draw.chance(0.8):
            row["latitude"] = self._near(place.latitude)
            row["longitude"] = self._near(place.longitude)
        return row

    def _description(self, place: Place) -> str:
        draw = self.draw
        text = draw.one(
            (
                f"{place.region} boʻyicha hamkor.",
                f"Работаем с {draw.between(2012, 2025)} года.",
                f"{place.city} шаҳридаги доимий мижоз.",
            )
        )
        return f"<p>{text}</p><p><em>Oylik hisob-kitob.</em></p>" if draw.chance(0.2) else text

    def _person(self) -> _Person:
        """A person whose name nobody else here has."""
        while True:
            person = self._any_person()
            if person.latin not in self.used_names:
                self.used_names.add(person.latin)
                return person

    def _any_person(self) -> _Person:
        draw = self.draw
        is_man = draw.chance(0.65)
        surname, given, father = draw.one(SURNAMES), draw.one(MEN if is_man else WOMEN), draw.one(MEN)
        end = ("", "") if is_man else ("a", "а")
        of = ("oʻgʻli", "ўғли") if is_man else ("qizi", "қизи")
        return _Person(
            latin=f"{surname[0]}{end[0]} {given[0]} {father[0]} {of[0]}",
            cyrillic=f"{surname[1]}{end[1]} {given[1]} {father[1]} {of[1]}",
            address=f"{given[0]}.{surname[0]}{end[0]}".lower().translate(_ADDRESS_LETTERS),
        )

    def _mobile(self) -> str:
        """A number with an operator's code; the zero after it keeps clear of most numbers in use."""
        return f"+998{self._unused(self.draw.one(MOBILE_CODES) + '0', 6)}"

    def _unused(self, prefix: str, digits: int) -> str:
        while True:
            number = f"{prefix}{self.draw.digits(digits)}"
            if number not in self.used_numbers:
                self.used_numbers.add(number)
                return number

    def _near(self, degrees: str) -> str:
        """Within some 3 km of the city's centre."""
        return f"{Decimal(degrees) + Decimal(self.draw.between(-27_000, 27_000)) / 1_000_000:.6f}"

    def _founding_day(self) -> str:
        return (FIRST_FOUNDING_DAY + timedelta(days=self.draw.below(DAYS_OF_FOUNDING))).isoformat()

    def _share_codes(self, rows: list[Row]) -> None:
        """A few codes exist in two projects."""
        held = {(row["project"], row["client_code_1c"]) for row in rows}
        for row, other in zip(rows[::40], rows[20::40], strict=False):
            if (other["project"], row["client_code_1c"]) not in held:
                other["client_code_1c"] = row["client_code_1c"]
                held.add((other["project"], other["client_code_1c"]))


def _code(serial: int) -> str:
    """As 1C writes codes: mostly padded digits, now and then something older."""
    if serial % 61 == 0:
        return f"ТШ/{serial:04d}"
    if serial % 53 == 0:
        return f"К {serial} / {serial % 9 + 1}"
    if serial % 47 == 0:
        return f"{serial:06d}"
    return f"КА-{serial:06d}" if serial % 3 == 0 else f"00-{serial:08d}"
