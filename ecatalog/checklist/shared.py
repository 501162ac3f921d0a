"""Redis: there, and really shared by all who count."""

from __future__ import annotations

import secrets

from ecatalog.checklist.context import Context
from ecatalog.checklist.registry import Finding, bad, check, good, note

SECTION = "Redis"
NOT_SET = "REDIS_URL is not set: each worker counts requests for itself"
SET_IT = "REDIS_URL=redis://… or unix:///run/redis/redis.sock, and restart the service."


@check(SECTION, "reachable")
def reachable(context: Context) -> Finding:
    if not context.settings.redis_url:
        one_worker = context.settings.web_concurrency == 1
        return note(NOT_SET, SET_IT) if one_worker else bad(NOT_SET, SET_IT)
    from redis import Redis

    with Redis.from_url(context.settings.redis_url, socket_timeout=5, socket_connect_timeout=5) as client:
        server = client.info("server")
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    if str(policy).startswith("allkeys"):
        return note(
            f"forgets counts when it is full ({policy})", "maxmemory-policy noeviction or volatile-ttl"
        )
    return good(f"Redis {server['redis_version']} answers")


@check(SECTION, "limits are shared")
def limits_shared(context: Context) -> Finding:
    """Two programs that count the same key must see each other's counts: here, two storages of their own."""
    if not context.settings.redis_url:
        return note(NOT_SET, SET_IT)
    from limits.storage import storage_from_string

    address = context.settings.redis_url.replace("unix://", "redis+unix://", 1)
    first, second = (storage_from_string(address, key_prefix="ecatalog:checklist") for _ in range(2))
    key = secrets.token_hex(8)
    try:
        counts = [storage.incr(key, 60) for storage in (first, second, first)]
    finally:
        first.clear(key)
    if counts != [1, 2, 3]:
        return bad(f"three requests were counted as {counts}", "Let all workers and hosts use one Redis.")
    return good("counted by two, seen by both")
