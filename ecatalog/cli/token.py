"""``flask token …``: upkeep of refresh tokens."""

from __future__ import annotations

import click

from ecatalog.auth.tokens import clean_expired
from ecatalog.cli.output import Commands

token_cli = Commands("token", help="Refresh tokens: delete the expired ones.")


@token_cli.command("clean")
def clean() -> None:
    """Delete expired refresh tokens; run it daily. Safe beside a serving application."""
    tokens, families = clean_expired()
    click.echo(f"Deleted {tokens} expired refresh tokens of {families} ended sign-ins.")
