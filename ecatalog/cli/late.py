"""The groups of commands of ``flask``, each imported when somebody calls it: workers never do."""

from __future__ import annotations

from importlib import import_module
from pkgutil import resolve_name

import click
from flask.cli import AppGroup

# By name: where the group is, and the modules that add commands to it.
GROUPS: dict[str, tuple[str, ...]] = {
    "audit": ("ecatalog.cli.audit:audit_cli",),
    "backup": ("ecatalog.cli.backup:backup_cli",),
    "catalog": ("ecatalog.cli.catalog:catalog_cli", "ecatalog.cli.reindex", "ecatalog.cli.transfer"),
    "checklist": ("ecatalog.cli.checklist:checklist",),
    "db": ("flask_migrate.cli:db",),
    "demo": ("ecatalog.cli.demo:demo_cli",),
    "images": ("ecatalog.cli.images:images_cli",),
    "static": ("ecatalog.cli.static:static_cli",),
    "token": ("ecatalog.cli.token:token_cli",),
    "user": ("ecatalog.cli.user:user_cli",),
}


class LateGroups(AppGroup):
    """Commands that are there by name, and imported when they are called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *GROUPS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in GROUPS and cmd_name not in self.commands:
            place, *more = GROUPS[cmd_name]
            group = resolve_name(place)
            for module in more:
                import_module(module)
            self.add_command(group, cmd_name)
        return super().get_command(ctx, cmd_name)
