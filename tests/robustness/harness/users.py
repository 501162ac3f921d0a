"""Makes editors from a JSON object of user names and passwords on stdin; run with the stack's settings."""

from __future__ import annotations

import json
import sys

import ecatalog
from ecatalog.auth.models import Role
from ecatalog.auth.users import create_user
from ecatalog.database import write_transaction


def main() -> None:
    with ecatalog.create_app().app_context(), write_transaction():
        for name, password in json.load(sys.stdin).items():
            create_user(name, password, Role.EDITOR)


if __name__ == "__main__":
    main()
