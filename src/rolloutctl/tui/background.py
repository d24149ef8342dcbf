"""Work that takes time, beside the screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from rolloutctl.errors import RolloutctlError

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns, or raises, from a thread nobody waits for when the dashboard is left.

    (An executor's threads are waited for at the end of the program, however long they take.)
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = work()
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            return  # the loop is closed: the dashboard was left meanwhile

    threading.Thread(target=run, name="work", daemon=True).start()
    return await future


def told(error: Exception) -> str:
    """An error in a line, whatever it is: what is not ours says its kind too."""
    if isinstance(error, RolloutctlError):
        return error.message
    return f"{type(error).__name__}: {error}"
