"""Text as it is searched: one spelling for what people write in two scripts and several orthographies.

Words in Cyrillic are read twice, the Uzbek way and the Russian way, and kept in both where the two differ:
``щётка`` is ``shyotka`` and ``shchetka``, ``цемент`` is ``sement`` and ``tsement``. ASCII letters, digits and
signs stay as they are, but for letter case and apostrophes. Never used on what is stored or shown.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_APOSTROPHES = "'`´ʹʻʼʽʾʿˈ‘’‛′‵ꞌ"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
#: Apostrophes are left out altogether: half of the people who type oʻ and gʻ do so, too.
_LEFT_OUT = re.compile(f"[{_APOSTROPHES}{_INVISIBLE}]")

# Letters that both readings share. Those of the neighbours' alphabets are there for names.
_SHARED = dict(zip("абвгдезийклмнопрстуфэўқғҳ", "abvgdeziyklmnoprstufeoqgh", strict=True))
_SHARED |= {"ч": "ch", "ш": "sh", "ю": "yu", "я": "ya", "ъ": "", "ь": ""}
_SHARED |= {"ї": "yi", "є": "ye", "ң": "ng", "æ": "ae", "œ": "oe"}
_SHARED |= dict(zip("іґәөүұһӣӯҷøłđıð", "igaouuhiujoldid", strict=True))
_UZBEK = str.maketrans(
    _SHARED | {"ё": "yo", "ж": "j", "х": "x", "ц": "s", "щ": "sh", "ы": "i", "ş": "sh", "ç": "ch"}
)
_RUSSIAN = str.maketrans(_SHARED | {"ё": "e", "ж": "zh", "х": "h", "ц": "ts", "щ": "shch", "ы": "y"})
_UZBEK_CONTEXT = (
    (re.compile("(?<![бвгджзйклмнпрстфхцчшщқғҳ])е"), "ye"),  # at the start, after a vowel, after ъ and ь
    (re.compile("ьо"), "yo"),
    (re.compile("(?<=[аеёиоуўыэюя])ц"), "ts"),
)
# The Cyrillic letters that look like a Latin one; in codes they are typed for each other.
_LOOK = dict(zip("авекмнорстухі", "abekmhopctyxi", strict=True))
_LOOK_ALIKE = str.maketrans(_LOOK)
_OTHER_CYRILLIC = re.compile("[бгдёжзийлпфцчшщъыьэюяўқғҳ]")
_DIGIT = re.compile("[0-9]")
# Other ways to write Russian in Latin letters, brought to the Russian reading above.
_SPELLINGS = (
    (re.compile("sch"), "shch"),
    (re.compile("kh"), "h"),
    (re.compile("c(?![hk])"), "ts"),
    (re.compile("yo"), "e"),
)
_WORDS_REMEMBERED = 1 << 15
_SUSPICIOUS_CHARACTERS = 300  # what is shorter costs nothing
_MOST_MARKS = 30


def fold(text: str) -> str:
    """The search text of ``text``: its words in each of their readings, with one space between them."""
    return " ".join(fold_words(text))


def fold_words(text: str) -> dict[str, None]:
    """The different words of ``text`` in each of their readings, in order."""
    found: dict[str, None] = {}
    for word in split(text):
        if word.isascii():
            found[word] = None
        else:
            found.update(dict.fromkeys(_readings(word)))
    return found


def split(text: str) -> list[str]:
    """The words of ``text``: compatibility forms and letter case unified, apostrophes left out."""
    if text.isascii():
        return _LEFT_OUT.sub("", text.lower()).split()
    text = _stream_safe(text)
    if not unicodedata.is_normalized("NFKC", text):
        # Word by word: NFKC makes a space and an accent of some signs, apostrophes among them.
        text = _LEFT_OUT.sub("", text)
        text = " ".join("".join(unicodedata.normalize("NFKC", word).split()) for word in text.split())
    return _LEFT_OUT.sub("", text.casefold()).split()


def _stream_safe(text: str) -> str:
    """``text`` with at most 30 marks on one letter, as Unicode's stream-safe format has it (UAX #15).

    More are an attack: putting them in order takes time by the square of their number.
    """
    if len(text) < _SUSPICIOUS_CHARACTERS:
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def readings(word: str) -> tuple[str, ...]:
    """How a word that :func:`split` gave can be read, in Latin letters where it is Latin or Cyrillic."""
    return (word,) if word.isascii() else _readings(word)


def spellings(word: str) -> tuple[str, ...]:
    """What a word of a query may stand as in a search text: its readings, and what its writer may mean."""
    read = readings(word)
    if not word.isascii() or not word.isalpha():
        return read
    respelled = word
    for pattern, letters in _SPELLINGS:
        respelled = pattern.sub(letters, respelled)
    return tuple(dict.fromkeys((*read, respelled)))


@lru_cache(_WORDS_REMEMBERED)
def _readings(word: str) -> tuple[str, ...]:
    single = word.replace("цц", "ц")  # пицца, pitsa
    uzbek = single
    for pattern, letters in _UZBEK_CONTEXT:
        uzbek = pattern.sub(letters, uzbek)
    found = [_without_marks(single.translate(_RUSSIAN)), _without_marks(uzbek.translate(_UZBEK))]
    if _DIGIT.search(word) and not _OTHER_CYRILLIC.search(word):
        found.append(_without_marks(word.translate(_LOOK_ALIKE)))
    return tuple(reading for reading in dict.fromkeys(found) if reading)


def _without_marks(text: str) -> str:
    """Without accents: ``nestlé`` is ``nestle``."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize(
        "NFC", "".join(letter for letter in apart if not "\u0300" <= letter <= "\u036f")
    )
