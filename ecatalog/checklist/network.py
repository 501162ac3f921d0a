"""The firewall, and which ports listen to the world."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note

SECTION = "network"
_LISTENING = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@check(SECTION, "firewall")
def firewall(context: Context) -> Finding:
    ran = context.privileged("ufw", "status")
    if ran.code == 0:
        if "Status: active" not in ran.text:
            return bad("ufw is off", "ufw allow OpenSSH; ufw allow 80,443/tcp; ufw enable")
        return good("ufw is on")
    settings = Path("/etc/ufw/ufw.conf")
    if settings.is_file():
        if "ENABLED=yes" not in settings.read_text().splitlines():
            return bad("ufw is off", "ufw allow OpenSSH; ufw allow 80,443/tcp; ufw enable")
        if context.has_systemd and context.program("systemctl", "is-active", "ufw").text != "active":
            return bad("ufw is enabled, but its service does not run", "systemctl enable --now ufw")
        return good("ufw is enabled and was started")
    rules = context.privileged("nft", "list", "ruleset")
    if rules.code == 0 and "policy drop" in rules.text:
        return good("nftables drops what is not allowed")
    if rules.code == 0:
        return bad("neither ufw nor nftables drops anything", "Install ufw; allow 22, 80, 443; ufw enable")
    return note(
        "no ufw here, and only root sees nftables", "sudo nft list ruleset; or a firewall in front of it"
    )


@check(SECTION, "public ports")
def public_ports(context: Context) -> Finding:
    listening = listening_ports()
    world = {port for address, port in listening if not address.is_loopback and not address.is_link_local}
    inside = {
        port
        for address, port in listening
        if address.is_private and not address.is_unspecified and not address.is_loopback
    }
    everywhere = {port for address, port in listening if address.is_unspecified or address.is_global}
    unwanted = sorted(everywhere - set(context.ports))
    if unwanted:
        names = ", ".join(map(str, unwanted))
        cure = "Bind them to 127.0.0.1 or stop them; allow a port on purpose with --port."
        return bad(f"{names} listen to the world", cure)
    private = sorted(inside - set(context.ports))
    if private:
        names = ", ".join(map(str, private))
        return note(
            f"{names} listen to the inner network", "Only the inventory's own hosts may reach them: ufw."
        )
    return good(", ".join(map(str, sorted(world))) or "none")


def listening_ports() -> set[tuple[Address, int]]:
    """The addresses and TCP ports that programs of this machine listen on."""
    found = set()
    for table in _TABLES:
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == _LISTENING:
                address, port = local.split(":")
                found.add((_address(address), int(port, 16)))
    return found


def _address(text: str) -> Address:
    """An address as the kernel writes it: words of 32 bits, each in the machine's order."""
    raw = b"".join(struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8))
    address = ipaddress.ip_address(raw)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
