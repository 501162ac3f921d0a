"""How many requests a caller may send: exact across every process that shares a Redis.

Flask-Limiter brings the storage and the limits' notation. Counting is ours, because its decorators count by
route, and because one atomic step must both decide and tell what remains: a second look-up would see the
requests of others. When Redis is away the same limits are counted in this process until it is back.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import RateLimitItem, parse_many

from ecatalog import metrics
from ecatalog.config import Settings
from ecatalog.errors import NotAuthenticated, Throttled
from ecatalog.ops.caller import client_key, path_is_known, user_id
from ecatalog.ops.cors import is_preflight
from ecatalog.ops.counting import Counter

REDIS_TIMEOUT_SECONDS = 0.25
HEALTH_PATH = "/api/v1/"
SIGN_IN_PATHS = "/api/token/"
COUNTED = "ecatalog.counted"  # in a request's environment: policy and usages, where it has been counted
_EXTENSION = "ecatalog_limits"


def make_limiter() -> Limiter:
    """The bare limiter; :func:`init_limits` binds it to an application."""
    return Limiter(key_func=get_remote_address, strategy="fixed-window", headers_enabled=False)


@dataclass(frozen=True)
class Policy:
    """Limits that count together, smallest window first. ``name`` tells callers and keys apart."""

    name: str
    limits: tuple[RateLimitItem, ...]

    @classmethod
    def parse(cls, name: str, text: str) -> Policy:
        """Read ``"10/second;100/hour"``. Raises ValueError when malformed."""
        return cls(name, tuple(sorted(parse_many(text), key=lambda limit: limit.get_expiry())))

    @cached_property
    def described(self) -> str:
        """As the RateLimit-Policy header tells it."""
        return ", ".join(
            f'"{self.label(limit)}";q={limit.amount};w={limit.get_expiry()}' for limit in self.limits
        )

    def label(self, limit: RateLimitItem) -> str:
        """What one of the limits is called in the RateLimit headers."""
        return self.name if len(self.limits) == 1 else f"{self.name}-{limit.get_expiry()}"


@dataclass(frozen=True)
class Usage:
    """What one counted request left of one limit: ``remaining`` requests for the next ``seconds``."""

    label: str
    limit: RateLimitItem
    remaining: int
    seconds: int
    exceeded: bool


@dataclass(frozen=True)
class Limits:
    """The policies of one application and what counts them."""

    counter: Counter
    anonymous: Policy
    user: Policy
    signin: Policy
    signin_address: Policy

    def count(self, user_id: int | None, anonymous_key: str) -> tuple[Policy, list[Usage]]:
        """Count one request of a user, or of nobody, by the party that asks."""
        policy = self.anonymous if user_id is None else self.user
        return policy, self.hit(policy, anonymous_key if user_id is None else str(user_id))

    def hit(self, policy: Policy, key: str) -> list[Usage]:
        """Count one request by ``key`` against each limit; stops at the first that is used up."""
        usages: list[Usage] = []
        for limit in policy.limits:
            window = limit.get_expiry()
            count, ends = self.counter.add(limit.key_for(policy.name, key), window)
            # Redis tells whole seconds, rounded: half a second more, and who waits that long is never early.
            seconds = max(1, min(window, math.ceil(ends - time.time() + 0.5)))
            exceeded = count > limit.amount
            usages.append(Usage(policy.label(limit), limit, max(0, limit.amount - count), seconds, exceeded))
            if exceeded:
                break
        return usages

    def give_back(self, policy: Policy, key: str, usages: Sequence[Usage]) -> None:
        """Undo one :meth:`hit` that gave ``usages``."""
        for usage in usages:
            self.counter.add(usage.limit.key_for(policy.name, key), usage.limit.get_expiry(), -1)


def limits_of(app: Flask) -> Limits:
    """The limits of an application."""
    limits: Limits = app.extensions[_EXTENSION]
    return limits


def current_limits() -> Limits:
    """The limits of the current application."""
    return limits_of(current_app)


def limiter_degraded() -> bool:
    """Whether a Redis is set that does not count now (it is asked): each process counts for itself."""
    return not current_limits().counter.check()


def _is_counted() -> bool:
    """Only routes of the API count; not preflights, the health check, and files."""
    if not path_is_known() or not request.path.startswith("/api/") or is_preflight():
        return False
    if request.path == HEALTH_PATH and request.method in ("GET", "HEAD"):
        return False
    return (request.endpoint or "").rpartition(".")[2] not in ("static", "media")


def _count_request() -> None:
    if not _is_counted():
        return
    counted = request.environ.get(COUNTED)
    policy, usages = counted or current_limits().count(user_id(), _anonymous_key())
    g.limit_policy, g.limit_usages = policy, usages
    if usages[-1].exceeded:
        metrics.LIMITED.labels(policy.name).inc()
        raise Throttled(usages[-1].seconds)


def _anonymous_key() -> str:
    """Signing in counts apart from reading: who reads too much keeps nobody at their address from it."""
    return f"{'token/' if request.path.startswith(SIGN_IN_PATHS) else ''}{client_key()}"


def _tell(response: Response) -> Response:
    usages: list[Usage] = g.get("limit_usages", [])
    if not usages:
        return response
    for name, value in told(g.limit_policy, usages):
        response.headers.add(name, value)  # nobody else sets these
    return response


def told(policy: Policy, usages: Sequence[Usage]) -> list[tuple[str, str]]:
    """The headers that tell a caller how much is left."""
    tightest = min(usages, key=lambda usage: (not usage.exceeded, usage.remaining))
    left = ", ".join(f'"{usage.label}";r={usage.remaining};t={usage.seconds}' for usage in usages)
    return [
        ("X-RateLimit-Limit", str(tightest.limit.amount)),
        ("X-RateLimit-Remaining", str(tightest.remaining)),
        ("X-RateLimit-Reset", str(int(time.time()) + tightest.seconds)),
        ("RateLimit-Policy", policy.described),
        ("RateLimit", left),
    ]


@contextmanager
def signin_attempt(username: str) -> Iterator[None]:
    """Around one check of a password: NotAuthenticated raised inside is a failure, all else is not counted.

    It counts before the check and gives back afterwards, so that parallel guesses cannot slip through.
    Failures count by (user name, address) and by address alone: nobody can lock another out from elsewhere.
    Raises Throttled when a limit is used up; the password is then not checked.
    """
    limits = current_limits()
    address = client_key()
    pair = f"{_name_key(username)}/{address}"
    # The pair first: hammering on one name that is used up takes nothing from others behind the same address.
    taken = [(limits.signin, pair, limits.hit(limits.signin, pair))]
    if not taken[0][2][-1].exceeded:
        taken.append((limits.signin_address, address, limits.hit(limits.signin_address, address)))
    failed = False
    try:
        last = taken[-1][2][-1]
        if last.exceeded:
            g.limit_policy, _, g.limit_usages = taken[-1]  # what refuses is what the headers tell of
            metrics.LIMITED.labels(g.limit_policy.name).inc()
            raise Throttled(last.seconds)
        yield
    except NotAuthenticated:
        failed = True
        raise
    finally:
        if not failed:
            for policy, key, usages in taken:
                limits.give_back(policy, key, usages)


def _name_key(username: str) -> str:
    """The user name as part of a key: bounded in length, and the same in any letter case."""
    return hashlib.sha256(username.strip().casefold().encode(errors="replace")).hexdigest()[:32]


def _redis_options() -> dict[str, Any]:
    # The client is an optional dependency, installed where a Redis is used.
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.retry import Retry

    return {
        "key_prefix": "ecatalog:limits",
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        # A closed connection is opened anew, once. A time-out is not repeated: it may have counted.
        "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    }


def init_limits(app: Flask, settings: Settings) -> None:
    """Bind the limiter and count every request of the API. Comes after ``identify`` in the order of steps.

    Raises ValueError for a limit that cannot be read.
    """
    from ecatalog.extensions import limiter  # extensions imports this module

    app.config["RATELIMIT_STORAGE_URI"] = "memory://"
    if settings.redis_url:
        app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url.replace("unix://", "redis+unix://", 1)
        app.config["RATELIMIT_STORAGE_OPTIONS"] = _redis_options()
    # As if it were bound already: its own hooks, which would look for limits of each route, stay out.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    app.extensions[_EXTENSION] = Limits(
        counter=Counter(limiter.storage, shared=bool(settings.redis_url)),
        anonymous=Policy.parse("anon", settings.ratelimit_anon),
        user=Policy.parse("user", settings.ratelimit_user),
        signin=Policy.parse("signin", settings.ratelimit_signin),
        signin_address=Policy.parse("signin-address", settings.ratelimit_signin_address),
    )
    app.before_request(_count_request)
    app.after_request(_tell)
