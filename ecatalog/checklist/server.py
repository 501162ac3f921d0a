"""The service on this machine: its workers, systemd's units, nginx, logs."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note

SECTION = "service"
UNITS = ("ecatalog@a.service", "ecatalog@b.service")
NO_SYSTEMD = "systemd does not run this machine"
JOURNAL_SETTINGS = ("/etc/systemd/journald.conf", "/etc/systemd/journald.conf.d")


def _property(context: Context, unit: str, name: str) -> str:
    return context.program("systemctl", "show", unit, f"--property={name}", "--value").text


def _active(context: Context) -> list[str]:
    return [unit for unit in UNITS if _property(context, unit, "ActiveState") == "active"]


def children(pid: int) -> int:
    """How many processes that one has started and not yet buried."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may hold anything; the state and the parent follow it.
            found += int(path.read_text().rpartition(")")[2].split()[1]) == pid
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
    return found


@check(SECTION, "gunicorn workers")
def workers(context: Context) -> Finding:
    wanted, processors = context.settings.web_concurrency, len(os.sched_getaffinity(0))
    if wanted > 2 * processors + 1:
        cure = f"WEB_CONCURRENCY={processors}: more than {2 * processors + 1} only take memory."
        return bad(f"{wanted} workers on {processors} processors", cure)
    if wanted < processors / 2:
        return note(
            f"{wanted} workers on {processors} processors", f"WEB_CONCURRENCY={processors} uses them all."
        )
    active = _active(context) if context.has_systemd else []
    if not active:
        return good(f"{wanted} set, for {processors} processors")
    running = children(int(_property(context, active[0], "MainPID") or 0))
    if running != wanted:
        return bad(f"{running} run in {active[0]}, {wanted} are set", f"systemctl restart {active[0]}")
    return good(f"{running} run in {active[0]}, for {processors} processors")


@check(SECTION, "systemd unit")
def unit(context: Context) -> Finding:
    if not context.has_systemd:
        return note(NO_SYSTEMD, "Whatever starts the service must start it again after a reboot and a crash.")
    active = _active(context)
    if not active:
        return bad(
            f"none of {', '.join(UNITS)} is active",
            "systemctl status 'ecatalog@*'; journalctl -u 'ecatalog@*'",
        )
    enabled = [name for name in active if _property(context, name, "UnitFileState").startswith("enabled")]
    if not enabled:
        return bad(f"{active[0]} does not start after a reboot", f"systemctl enable {active[0]}")
    restarts = _property(context, enabled[0], "NRestarts")
    if restarts not in ("", "0"):
        return note(f"{enabled[0]} was restarted {restarts} times", f"journalctl -u {enabled[0]} tells why.")
    return good(f"{enabled[0]} is active and enabled")


@check(SECTION, "timers")
def timers(context: Context) -> Finding:
    if not context.has_systemd:
        return note(
            NO_SYSTEMD, "Run backups and the clean-up of tokens and images daily by another scheduler."
        )
    listed = context.program("systemctl", "list-timers", "ecatalog-*", "--no-legend", "--plain").text
    active = sorted(set(re.findall(r"ecatalog-[\w@-]+\.timer", listed)))
    if not any("backup" in name for name in active) and not context.settings.backup_made_by:
        return bad("no timer makes backups", "systemctl enable --now ecatalog-backup.timer")
    failed = context.program(
        "systemctl", "list-units", "ecatalog-*", "--failed", "--no-legend", "--plain"
    ).text
    if names := re.findall(r"ecatalog-[\w@-]+\.service", failed):
        return bad(
            f"failed: {', '.join(names)}", f"journalctl -u {names[0]}; then systemctl start {names[0]}"
        )
    return good(", ".join(active))


@check(SECTION, "nginx config")
def nginx(context: Context) -> Finding:
    ran = context.privileged("nginx", "-t")
    if ran.code == 0:
        return good("nginx -t accepts it")
    if context.program("nginx", "-v").code is None:
        return note("nginx is not on this machine", "Run nginx -t where it is.")
    if not context.is_root and "test failed" not in ran.text:
        return note("only root can test it", "sudo nginx -t")
    return bad(ran.text[-200:], "Mend what it names, then systemctl reload nginx.")


@check(SECTION, "logs are written")
def logs_written(context: Context) -> Finding:
    if not context.has_systemd:
        return note(NO_SYSTEMD, "The service writes to its standard error: see that something keeps it.")
    ran = context.program("journalctl", "-u", "ecatalog@*", "-n", "1", "-o", "short-unix", "--no-pager", "-q")
    if ran.code is None:
        return note("there is no journalctl", "See that something keeps the service's standard error.")
    found = re.search(r"^(\d{9,})\.\d+ ", ran.text, re.MULTILINE)
    if found:
        return good("the journal has the service's lines")
    if not context.is_root:
        cure = "Run the checklist as root, or add the user to the group systemd-journal."
        return note("this user may not read the journal", cure)
    return bad(
        "the journal has no line of the service", "journalctl -u 'ecatalog@*'; systemctl status 'ecatalog@*'"
    )


@check(SECTION, "logs rotate")
def logs_rotate(context: Context) -> Finding:
    if not context.has_systemd:
        return note(NO_SYSTEMD, "Whatever keeps the logs must limit their size.")
    capped = _journal_cap()
    kept = Path("/var/log/journal").is_dir()
    if not kept:
        return bad(
            "the journal is lost at a reboot", "mkdir /var/log/journal; systemctl restart systemd-journald"
        )
    if not capped:
        cure = "SystemMaxUse=1G in /etc/systemd/journald.conf.d/; systemctl restart systemd-journald"
        return note("kept on disk, with journald's own cap of a tenth of it", cure)
    return good(f"journald keeps at most {capped}")


def _journal_cap() -> str:
    """SystemMaxUse as it is set, the last one that counts."""
    files = [Path(name) for name in JOURNAL_SETTINGS]
    texts = [path for path in files if path.is_file()]
    for folder in files:
        texts += sorted(folder.glob("*.conf")) if folder.is_dir() else []
    found = [
        value
        for path in texts
        for value in re.findall(
            r"^\s*SystemMaxUse\s*=\s*(\S+)", path.read_text(errors="replace"), re.MULTILINE
        )
    ]
    return found[-1] if found else ""
