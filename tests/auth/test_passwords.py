"""The password policy, and hashing."""

from __future__ import annotations

import pytest

from ecatalog.auth.passwords import (
    WeakPasswordError,
    check_password_policy,
    hash_password,
    needs_rehash,
    verify_password,
)

SHORT = "too short"
COMMON = "too common"
NAME = "user name"


def reasons(password: str, user_name: str = "anvar") -> str:
    with pytest.raises(WeakPasswordError) as caught:
        check_password_policy(password, user_name)
    return " ".join(caught.value.reasons)


@pytest.mark.parametrize(
    "password",
    [
        "olma-daraxti-7",
        "correct horse battery",
        "Xj2#kLm9qP",
        "бешта қизил олма",
        "шамол-2-тоғ",
        "日本語パスワード九十",
    ],
)
def test_good_passwords_are_taken(password: str) -> None:
    check_password_policy(password, "anvar")


@pytest.mark.parametrize("password", ["Xj2#kLm9q", "шамол-тоғ"])
def test_nine_characters_are_too_few(password: str) -> None:
    assert SHORT in reasons(password)


@pytest.mark.parametrize(
    "password",
    [
        "1234567890",
        "password123",
        "Password123!",
        "P@ssw0rd123",
        "qwertyuiop",
        "qwerty12345",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "a" * 256,
        "iloveyou2024",
        "йцукенгшщз",
        "Йцукенгшщз",
        "пароль1234",
        "Пароль12345",
        "toshkent2024",
        "ecatalog2024",
    ],
)
def test_common_passwords_are_refused(password: str) -> None:
    assert COMMON in reasons(password)


@pytest.mark.parametrize(
    ("password", "user_name"),
    [
        ("anvar.karimov", "anvar.karimov"),
        ("ANVAR.Karimov", "anvar.karimov"),
        ("anvaranvaranvar", "anvar"),
        ("anvar-anvar-1985", "anvar"),
        ("anvar123456", "Anvar"),
        ("АНВАРанвар", "анвар"),
    ],
)
def test_the_user_name_is_no_password(password: str, user_name: str) -> None:
    assert NAME in reasons(password, user_name)


def test_a_password_that_only_contains_the_name_is_taken() -> None:
    check_password_policy("anvar-olma-daraxti", "anvar")


def test_every_reason_is_told() -> None:
    told = reasons("qwerty")
    assert SHORT in told
    assert COMMON in told


def test_empty_long_and_control_characters() -> None:
    assert "empty" in reasons("")
    assert "longer than 256" in reasons("xj2-" * 65)
    assert "control characters" in reasons("olma\x00daraxti-7")


def test_a_hash_is_argon2id_salted_and_verified() -> None:
    hashed = hash_password("olma-daraxti-7")
    assert hashed.startswith("$argon2id$")
    assert hashed != hash_password("olma-daraxti-7")
    assert not needs_rehash(hashed)
    assert verify_password("olma-daraxti-7", hashed)
    assert not verify_password("olma-daraxti-8", hashed)
    assert not verify_password("olma-daraxti-7", None)
    assert not verify_password("olma-daraxti-7", "!")


def test_a_password_is_verified_whole() -> None:
    hashed = hash_password("olma-daraxti-7" * 10)
    assert not verify_password("olma-daraxti-7" * 9, hashed)
    assert not verify_password("olma-daraxti-7" * 10 + "x" * 2000, hashed)
