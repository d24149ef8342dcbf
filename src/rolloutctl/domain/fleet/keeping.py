"""Which rollouts of many are meant: by phase, by step plugin, by who waits for a person."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rolloutctl.domain.fleet.entry import Entry, Keep


def keep_for(phases: Collection[str] = (), plugin: str = "", awaiting: bool = False) -> Keep | None:
    """The filter of those that meet all that is asked, None when nothing is asked.

    `plugin` is the name of a step plugin, with or without what stands before its "/".
    """
    if not phases and not plugin and not awaiting:
        return None

    def keep(found: Entry) -> bool:
        if phases and found.row.phase not in phases:
            return False
        if awaiting and found.row.awaiting is None:
            return False
        return not plugin or any(names_plugin(plugin, name) for name in found.plugins)

    return keep


def names_plugin(wanted: str, name: str) -> bool:
    """Whether a plugin is called that, with or without what stands before its "/"."""
    return name == wanted or name.partition("/")[2] == wanted
