"""Whether the places plugins are downloaded from answer, as far as that can be seen from here.

The controller fetches every configured plugin when it starts, disabled ones too; one that it cannot
have keeps it from starting. It may reach what we cannot and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from rolloutctl.domain.plugin_change import LocationCheck
from rolloutctl.domain.plugin_config import PluginItem

Probe = Callable[[str], int]
"""HTTP status of a location. Raises OSError, whose text says why there is none."""

_TIMEOUT = 5.0
_AT_ONCE = 8


def check_locations(
    items: Sequence[PluginItem], probe: Probe | None = None
) -> tuple[LocationCheck, ...]:
    """One check per configured plugin, in their order; each location is asked once."""
    ask = probe or http_status
    remote = {
        item.location for item in items if urlsplit(item.location).scheme in ("http", "https")
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(remote, pool.map(lambda each: _answer(ask, each), remote), strict=True))
    return tuple(_check(item, answers.get(item.location)) for item in items)


def _answer(ask: Probe, location: str) -> int | str:
    try:
        return ask(location)
    except OSError as error:
        return str(error) or type(error).__name__


def _check(item: PluginItem, answer: int | str | None) -> LocationCheck:
    if answer is None:
        return LocationCheck(item.name, item.location, None, "a file of the controller's container")
    if isinstance(answer, str):
        return LocationCheck(item.name, item.location, False, answer)
    if answer in (401, 403) and item.secret_headers:
        detail = f"{answer} without the headers of its Secret"
        return LocationCheck(item.name, item.location, None, detail)
    return LocationCheck(item.name, item.location, answer < 400, f"answers {answer}")


def http_status(location: str) -> int:
    """Asks with HEAD, and with GET (body unread) where that is not liked. Raises OSError."""
    import urllib3

    try:
        with urllib3.PoolManager(retries=urllib3.Retry(0, redirect=5), timeout=_TIMEOUT) as pool:
            status = 0
            for method in ("HEAD", "GET"):
                answer = pool.request(method, location, preload_content=False)
                status = answer.status
                answer.close()
                if status < 400:
                    break
            return status
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        text = str(getattr(error, "reason", None) or error)
        # urllib3 puts the connection object before what went wrong.
        _, marker, short = text.partition("): ")
        raise ConnectionError(short if marker and text.startswith("HTTP") else text) from error
