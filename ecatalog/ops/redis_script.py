"""A script in Redis that every request calls, without what a client does around each call.

redis-py's pool looks whether a connection has died before it hands it out: three system calls more, and each
of them lets other threads have the interpreter. Here a dead connection is noticed when it is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from limits.storage import RedisStorage


class RedisScript:
    """A Lua script of one key, called on connections of its own: at most one for each thread at a time."""

    def __init__(self, storage: RedisStorage, script: str) -> None:
        client: Any = storage.get_connection()
        self._connect: Callable[[], Any] = client.connection_pool.make_connection
        self._script = script
        self._digest: str = client.register_script(script).sha
        self._idle: deque[Any] = deque()  # whose ends are atomic

    def __call__(self, key: str, *arguments: int) -> Any:
        """What the script returns. Raises redis.RedisError.

        A connection that Redis has closed is opened anew, once. A time-out is not repeated: it may have
        counted.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            return self._call(connection, "EVALSHA", self._digest, 1, key, *arguments)
        except BaseException:
            connection.disconnect()  # what is still to come must not be taken for the next answer
            raise
        finally:
            self._idle.append(connection)

    def _call(self, connection: Any, *call: str | int) -> Any:
        from redis import exceptions

        try:
            return _ask(connection, *call)
        except exceptions.ConnectionError:
            return _ask(connection, *call)
        except exceptions.NoScriptError:  # Redis was started anew
            _ask(connection, "SCRIPT", "LOAD", self._script)
            return _ask(connection, *call)


def _ask(connection: Any, *command: str | int) -> Any:
    connection.send_packed_command(connection.pack_command(*command), check_health=False)
    return connection.read_response()
