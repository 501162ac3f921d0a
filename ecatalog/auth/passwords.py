"""Passwords: the policy for new ones, hashing by argon2id, and checks that take the same time for all."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ecatalog.auth.models import name_key

MIN_CHARACTERS = 10
MAX_CHARACTERS = 256  # hashing time grows with length: without a bound one request could cost seconds

# OWASP's recommendation for web services (19 MiB, two passes). Each sign-in under way takes this much memory;
# RFC 9106's 64 MiB and four lanes would let a handful of them fill a small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

GUESSES_OF_COMMON = 10**6  # fewer guesses than an attacker makes in minutes over the network
_JUDGED_CHARACTERS = 72  # the estimate's own limit; what follows can't make a password worse

# What people here choose and an English word list does not know.
_LOCAL_WORDS = (
    "пароль parol parool maxfiy sirli ecatalog katalog catalog каталог nomenklatura номенклатура "
    "tashkent toshkent ташкент тошкент uzbekistan ozbekiston узбекистан ўзбекистон samarqand самарканд "
    "salom привет assalom любовь sevgi muhabbat admin админ директор direktor buxgalter бухгалтер 1c"
)

# "йцукенгшщз" is "qwertyuiop" typed with the Russian layout on.
_RUSSIAN_KEYS = str.maketrans("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.")


class WeakPasswordError(ValueError):
    """A new password is refused; ``reasons`` holds every reason, each a sentence."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def check_password_policy(password: str, user_name: str) -> None:
    """Raise WeakPasswordError with every reason why the password can't be taken; return if there is none."""
    password = _normalise(password)
    if not password:
        raise WeakPasswordError(["The password is empty."])
    if len(password) > MAX_CHARACTERS:
        raise WeakPasswordError([f"The password is longer than {MAX_CHARACTERS} characters."])
    reasons = []
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        reasons.append("The password contains control characters.")
    if len(password) < MIN_CHARACTERS:
        reasons.append(f"The password is too short: it needs {MIN_CHARACTERS} characters or more.")
    if _is_made_of_name(password, user_name):
        reasons.append("The password is the user name, or made of it alone.")
    elif _is_common(password, user_name):
        reasons.append("The password is too common: attackers try it, or one much like it, first.")
    if reasons:
        raise WeakPasswordError(reasons)


def hash_password(password: str) -> str:
    """An argon2id hash with its salt and parameters, as text."""
    return _hasher.hash(_normalise(password))


def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one behind the hash.

    ``None`` (no such user) and passwords that nobody can have take as long as a wrong password.
    """
    hash_of_nobody = _hash_of_nobody()  # made on the first call, whoever that is for
    password = _normalise(password[: 4 * MAX_CHARACTERS])  # characters may merge, but not four into one
    if password_hash is None or len(password) > MAX_CHARACTERS:
        _matches(password[:MAX_CHARACTERS], hash_of_nobody)
        return False
    return _matches(password, password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than those used now."""
    return _hasher.check_needs_rehash(password_hash)


def _matches(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("no user has this password")


def _normalise(password: str) -> str:
    """NFKC: the same characters typed on a phone and on a desktop may differ in their code points."""
    return unicodedata.normalize("NFKC", password)


def _is_made_of_name(password: str, user_name: str) -> bool:
    """Whether nothing but digits and punctuation is left once the user name is taken out."""
    name = name_key(user_name)
    folded = name_key(password)
    return bool(name) and name in folded and not re.search(r"[^\W\d_]", folded.replace(name, ""))


def _is_common(password: str, user_name: str) -> bool:
    # Imported here: its word lists take some MB that only the commands which set a password need.
    from zxcvbn import zxcvbn

    judged = password[:_JUDGED_CHARACTERS]
    name = name_key(user_name)
    known = [name, *re.split(r"[\W_]+", name), *_LOCAL_WORDS.split()]
    spellings = {judged, judged.lower().translate(_RUSSIAN_KEYS)}
    return any(zxcvbn(spelling, user_inputs=known)["guesses"] < GUESSES_OF_COMMON for spelling in spellings)
