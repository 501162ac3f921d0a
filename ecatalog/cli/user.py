"""``flask user …``: create users, list them, change roles and passwords, shut out and let in."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import GetPassWarning
from typing import Any

import click

from ecatalog.auth import users
from ecatalog.auth.models import Role, User
from ecatalog.auth.passwords import WeakPasswordError
from ecatalog.cli.output import Commands, print_json, print_table
from ecatalog.database import write_transaction
from ecatalog.fields import format_timestamp

user_cli = Commands("user", help="Users: create, list, change roles and passwords, disable, enable.")

ROLES = click.Choice([role.value for role in Role])
MAX_PIPED_BYTES = 10_000


@contextmanager
def _plain_errors() -> Iterator[None]:
    """What is wrong with the request ends the command with exit code 1 and a line, not a trace."""
    try:
        yield
    except WeakPasswordError as error:
        raise click.ClickException("\n  ".join(["The password is refused.", *error.reasons])) from error
    except users.UserError as error:
        raise click.ClickException(str(error)) from error


_password_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input instead of asking for it.",
)


def _new_password(from_stdin: bool) -> str:
    if not from_stdin:
        return _asked_password()
    line = sys.stdin.buffer.readline(MAX_PIPED_BYTES)
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.ClickException("The password on standard input is not UTF-8 text.") from error


def _asked_password() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)  # it would go on, and show what is typed
        try:
            password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        except GetPassWarning as error:
            raise click.ClickException(
                "There is no terminal to ask for the password on. Send it with --password-stdin."
            ) from error
    return password


@user_cli.command("create")
@click.argument("name")
@click.option(
    "--role", type=ROLES, default=Role.VIEWER.value, show_default=True, help="What the user may do."
)
@_password_option
def create(name: str, role: str, password_stdin: bool) -> None:
    """Create the user NAME.

    Viewers read everything, editors also write, admins also manage users.
    """
    with _plain_errors():
        users.check_name_is_free(name)  # before anybody types a password
        password = _new_password(password_stdin)
        with write_transaction():
            user = users.create_user(name, password, Role(role))
            created = f'Created the {user.role} "{user.name}".'
    click.echo(created)


@user_cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def list_command(as_json: bool) -> None:
    """List all users."""
    rows = [_describe(user) for user in users.list_users()]
    if as_json:
        print_json(rows)
        return
    cells = [
        (
            row["name"],
            row["role"],
            row["is_active"],
            _minute(row["created_at"]),
            _minute(row["last_sign_in_at"]),
        )
        for row in rows
    ]
    print_table(("Name", "Role", "Active", "Created", "Last sign-in"), cells)


@user_cli.command("role")
@click.argument("name")
@click.argument("role", type=ROLES)
def role_command(name: str, role: str) -> None:
    """Give the user NAME another role, from their next request on."""
    with _plain_errors(), write_transaction():
        changed = users.set_role(name, Role(role)).name
    click.echo(f'"{changed}" now has the role {role}.')


@user_cli.command("password")
@click.argument("name")
@_password_option
def password_command(name: str, password_stdin: bool) -> None:
    """Set the password of the user NAME, and sign them out everywhere."""
    with _plain_errors():
        users.get_user(name)  # before anybody types a password
        password = _new_password(password_stdin)
        with write_transaction():
            changed = users.set_password(name, password).name
    click.echo(f'The password of "{changed}" is set. Their tokens no longer work.')


@user_cli.command("disable")
@click.argument("name")
def disable_command(name: str) -> None:
    """Shut the user NAME out; their tokens stop working at once."""
    with _plain_errors(), write_transaction():
        changed = users.disable(name).name
    click.echo(f'"{changed}" is disabled. Their tokens no longer work.')


@user_cli.command("enable")
@click.argument("name")
def enable_command(name: str) -> None:
    """Let the disabled user NAME sign in again."""
    with _plain_errors(), write_transaction():
        changed = users.enable(name).name
    click.echo(f'"{changed}" is enabled.')


def _describe(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": format_timestamp(user.created_at),
        "last_sign_in_at": format_timestamp(user.last_sign_in_at) if user.last_sign_in_at else None,
    }


def _minute(timestamp: str | None) -> str:
    return timestamp[:16].replace("T", " ") + " UTC" if timestamp else "never"
