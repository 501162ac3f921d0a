"""``flask user …``."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ecatalog.auth import users
from ecatalog.auth.models import Role, User
from ecatalog.database import write_transaction
from ecatalog.extensions import db
from tests.auth.conftest import PASSWORD, Run, post
from tests.conftest import MakeUser


def listed(run: Run) -> dict[str, tuple[str, bool]]:
    result = run("user", "list", "--json")
    assert result.exit_code == 0
    return {row["name"]: (row["role"], row["is_active"]) for row in json.loads(result.output)}


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_create_from_standard_input(client: FlaskClient, run: Run, role: str) -> None:
    arguments = ("user", "create", "Anvar", "--role", role, "--password-stdin")
    result = run(*arguments, input=f"{PASSWORD}\nanything else\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert listed(run) == {"Anvar": (role, True)}
    assert post(client, "/api/token/", username="Anvar", password=PASSWORD).status_code == 200


def test_create_asks_twice_and_shows_nothing(client: FlaskClient, run: Run) -> None:
    result = run("user", "create", "Анвар", input=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert listed(run) == {"Анвар": ("viewer", True)}
    assert post(client, "/api/token/", username="анвар", password=PASSWORD).status_code == 200


def test_create_asks_again_when_the_two_differ(run: Run) -> None:
    result = run("user", "create", "Anvar", input=f"{PASSWORD}\nother-words-9\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert "do not match" in result.output


@pytest.mark.parametrize("name", ["ANVAR", "anvar", "Anvar", "\uff21nvar"])
def test_a_name_is_taken_in_any_letter_case(run: Run, make_user: MakeUser, name: str) -> None:
    make_user("Anvar")
    result = run("user", "create", name, "--password-stdin", input=PASSWORD)
    assert result.exit_code == 1
    assert "already exists" in result.output
    assert len(listed(run)) == 1


@pytest.mark.parametrize("name", ["", " ", "two words", "a/b", "x" * 151, "tab\tbed", "a;b"])
def test_names_that_are_refused(run: Run, name: str) -> None:
    result = run("user", "create", name, "--password-stdin", input=PASSWORD)
    assert result.exit_code == 1
    assert "150 letters" in result.output
    assert listed(run) == {}


def test_a_weak_password_is_refused_with_every_reason(run: Run) -> None:
    result = run("user", "create", "Anvar", "--password-stdin", input="qwerty\n")
    assert result.exit_code == 1
    assert "too short" in result.output
    assert "too common" in result.output
    assert listed(run) == {}


def test_a_password_that_is_not_utf8_is_refused(run: Run) -> None:
    result = run("user", "create", "Anvar", "--password-stdin", input=b"\xff\xfe" * 8)
    assert result.exit_code == 1
    assert "UTF-8" in result.output


def test_an_unknown_role_is_refused(run: Run) -> None:
    result = run("user", "create", "Anvar", "--role", "boss", "--password-stdin", input=PASSWORD)
    assert result.exit_code != 0
    assert "viewer" in result.output


def test_list_shows_a_table(run: Run, make_user: MakeUser) -> None:
    make_user("Anvar", role="admin")
    result = run("user", "list")
    assert result.exit_code == 0
    for text in ("Name", "Role", "Anvar", "admin", "never"):
        assert text in result.output


@pytest.mark.parametrize(
    "arguments",
    [("role", "Nobody", "viewer"), ("password", "Nobody"), ("disable", "Nobody"), ("enable", "Nobody")],
)
def test_an_unknown_user(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("user", *arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 1
    assert 'There is no user "Nobody".' in result.output


def test_password_refuses_a_weak_one_and_keeps_the_old(client: FlaskClient, run: Run, anvar: User) -> None:
    result = run("user", "password", "anvar", "--password-stdin", input="anvar-anvar-anvar")
    assert result.exit_code == 1
    assert "user name" in result.output
    assert post(client, "/api/token/", username="Anvar", password=PASSWORD).status_code == 200


def test_a_disabled_user_signs_in_again_once_enabled(client: FlaskClient, run: Run, anvar: User) -> None:
    assert run("user", "disable", "ANVAR").exit_code == 0
    assert listed(run) == {"Anvar": ("editor", False)}
    assert post(client, "/api/token/", username="Anvar", password=PASSWORD).status_code == 401
    assert run("user", "enable", "ANVAR").exit_code == 0
    assert post(client, "/api/token/", username="Anvar", password=PASSWORD).status_code == 200


@pytest.mark.parametrize("arguments", [("disable", "Anvar"), ("role", "anvar", "editor")])
def test_the_last_active_admin_stays(run: Run, make_user: MakeUser, arguments: tuple[str, ...]) -> None:
    make_user("Anvar", role="admin")
    make_user("Nodir", role="admin")
    assert run("user", "disable", "Nodir").exit_code == 0
    result = run("user", *arguments)
    assert result.exit_code == 1
    assert "last active admin" in result.output
    assert listed(run)["Anvar"] == ("admin", True)
    assert run("user", "enable", "Nodir").exit_code == 0
    assert run("user", *arguments).exit_code == 0


def test_two_admins_cannot_disable_each_other_at_once(app: Flask, make_user: MakeUser) -> None:
    for number in range(5):
        names = [f"first-{number}", f"second-{number}"]
        for name in names:
            make_user(name, role="admin")
        start = Barrier(2)

        def disable(name: str, start: Barrier = start) -> bool:
            with app.app_context():
                start.wait(timeout=30)
                try:
                    with write_transaction():
                        users.disable(name)
                except users.LastAdminError:
                    return False
                return True

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(disable, names)) == [False, True]
        with app.app_context(), write_transaction():
            db.session.execute(sa.update(User).values(is_active=False))


@pytest.mark.parametrize("name", ["аdmin", "Аnvar", "Νodir1"])  # each begins with a letter of another script
def test_a_name_in_two_scripts_is_refused(run: Run, name: str) -> None:
    result = run("user", "create", name, "--password-stdin", input="olma-daraxti-7")
    assert result.exit_code == 1
    assert "letters of one script" in result.output


def test_a_name_cannot_steer_the_terminal(run: Run) -> None:
    result = run("user", "disable", 'nobody\n\x1b]0;pwn\aOK "Anvar" is disabled.')
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert not {"\x1b", "\a"} & set(result.output)


@pytest.mark.parametrize("name", ["Gʻayrat", "Oʻktam.2", "Ғайрат", "Ўктам", "José"])
def test_names_of_the_country_are_names(run: Run, name: str) -> None:
    result = run("user", "create", name, "--password-stdin", input="olma-daraxti-7")
    assert result.exit_code == 0, result.output
