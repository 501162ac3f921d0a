"""``python -m tests.security.vulnerabilities``: are vulnerabilities known of what production installs?

Where the service that knows cannot be reached, it says so, and that nothing was checked, and ends well: a
change must not wait for another house's network. A place with a network runs it daily.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SERVICE = "https://api.osv.dev"
KNOWN = f"{SERVICE}/v1/vulns/GHSA-m2qf-hxjv-5gpq"  # one of Flask's, long mended
# Identifiers of vulnerabilities that do not matter here, each with its reason.
IGNORED: dict[str, str] = {}


def reachable() -> bool:
    try:
        with urllib.request.urlopen(KNOWN, timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> int:
    """0 when none are known, or nobody could be asked."""
    if not reachable():
        message = f"{SERVICE} cannot be reached: dependencies were NOT checked for known vulnerabilities."
        print(message, file=sys.stderr)
        return 0
    ignored = [part for name in IGNORED for part in ("--ignore-vuln", name)]
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--disable-pip"]
    locked = ["--require-hashes", "-r", "requirements/prod.txt", "-r", "requirements/s3.txt"]
    return subprocess.run([*command, *locked, *ignored], cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
