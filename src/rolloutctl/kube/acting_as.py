"""Whom requests are made as: what a kubeconfig says of it, and the options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rolloutctl.errors import ClusterError, UsageError

_AS_USER, _AS_UID, _AS_GROUP = "Impersonate-User", "Impersonate-Uid", "Impersonate-Group"
_IN_A_NAME = "!#$&'*+-.^_`|~"
"""What a header's name may hold besides letters and digits (RFC 7230)."""


def in_kubeconfig(user: dict[str, Any], origin: Path) -> tuple[tuple[str, str], ...]:
    """The headers that an entry of `users` asks for. Raises ClusterError."""
    headers = [(_AS_USER, str(user["as"]))] if user.get("as") else []
    if user.get("as-uid"):
        headers.append((_AS_UID, str(user["as-uid"])))
    groups = user.get("as-groups")
    for group in groups if isinstance(groups, list) else ():
        headers.append((_AS_GROUP, str(group)))
    extra = user.get("as-user-extra")
    for key, values in extra.items() if isinstance(extra, dict) else ():
        # A header's name takes less than such a key may hold: client-go escapes it this way.
        name = f"Impersonate-Extra-{quote(str(key), safe=_IN_A_NAME)}"
        headers += [(name, str(value)) for value in (values if isinstance(values, list) else ())]
    for name, value in headers:
        if not fits_header(value):
            raise ClusterError(
                f"kubeconfig {origin}: whom to act as ({name}) holds characters that cannot be sent"
            )
    return tuple(headers)


def with_options(
    kubeconfig: Sequence[tuple[str, str]], user: str | None, groups: Sequence[str], uid: str | None
) -> tuple[tuple[str, str], ...]:
    """The headers of whom to act as: what is given replaces that field of the kubeconfig's.

    The others stay, as client-go merges them: --as alone keeps the groups. Raises UsageError.
    """
    headers = list(kubeconfig)
    for option, header, values in (
        ("--as", _AS_USER, [user] if user else []),
        ("--as-uid", _AS_UID, [uid] if uid else []),
        ("--as-group", _AS_GROUP, list(groups)),
    ):
        if not all(map(fits_header, values)):
            raise UsageError(f"{option} names somebody with characters that cannot be sent")
        if values:
            kept = [found for found in headers if found[0] != header]
            headers = [*kept, *((header, value) for value in values)]
    if (groups or uid) and not any(name == _AS_USER for name, _ in headers):
        option = "--as-group" if groups else "--as-uid"
        raise UsageError(
            f"{option} needs a user to act as", hint="name one with --as; the server asks for it"
        )
    return tuple(headers)


def fits_header(text: str) -> bool:
    """Whether a header can hold it as it is."""
    return text.isascii() and text.isprintable()
