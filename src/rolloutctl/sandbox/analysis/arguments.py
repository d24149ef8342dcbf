"""Arguments of a run: their values, and the placeholders for them in metrics.

Source: argo-rollouts, utils/template/template.go and analysis/analysis.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rolloutctl.sandbox.client import ApiError, Client
from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, text

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.S)
STANDS_FOR_SECRET = "temp-for-secret"
"""In place of a Secret's value where only the form of a metric counts."""
REDACTED = "*****"


class Unresolved(Exception):
    """An argument without a value, or a placeholder without an argument."""


def without_secrets(run: Obj) -> dict[str, str]:
    """The value of each argument, with a stand-in for those from Secrets. Raises Unresolved."""
    found = {}
    for each in _arguments(run):
        if dig(each, "valueFrom", "secretKeyRef") is not None:
            found[text(each, "name")] = STANDS_FOR_SECRET
        else:
            found[text(each, "name")] = _plain(each)
    return found


def with_secrets(run: Obj, client: Client) -> tuple[dict[str, str], list[str]]:
    """The value of each argument, and which of the values are secret. Raises Unresolved."""
    found, secret = {}, []
    for each in _arguments(run):
        reference = mapping(each, "valueFrom", "secretKeyRef")
        if reference:
            value = _secret(client, text(run, "metadata", "namespace"), reference)
            secret.append(value)
        else:
            value = _plain(each)
        found[text(each, "name")] = value
    return found, secret


def _arguments(run: Obj) -> list[Obj]:
    return [each for each in items(run, "spec", "args") if isinstance(each, dict)]


def _plain(argument: Obj) -> str:
    value = argument.get("value")
    if not isinstance(value, str):
        raise Unresolved(f'argument "{text(argument, "name")}" was not supplied')
    return value


def _secret(client: Client, place: str, reference: Obj) -> str:
    called, key = text(reference, "name"), text(reference, "key")
    try:
        data = mapping(client.get("secrets", called, place), "data")
    except ApiError as error:
        raise Unresolved(error.message) from error
    if key not in data:
        raise Unresolved(f"key '{key}' does not exist in secret '{called}'")
    return decoded(data[key])


def decoded(data: Any) -> str:
    """A value of a Secret's `data` as text; what is no base64 or no text becomes "\ufffd"."""
    try:
        return base64.b64decode(str(data)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return "\ufffd"


def resolved(value: Any, arguments: Mapping[str, str]) -> Any:
    """`value` with all placeholders in its texts replaced. Raises Unresolved."""
    if isinstance(value, str):
        return _replaced(value, arguments)
    if isinstance(value, list):
        return [resolved(each, arguments) for each in value]
    if isinstance(value, dict):
        return {_replaced(key, arguments): resolved(each, arguments) for key, each in value.items()}
    return value


def _replaced(template: str, arguments: Mapping[str, str]) -> str:
    if "{{" not in template:
        return template

    def value(found: re.Match[str]) -> str:
        scope, _, called = found[1].strip().partition(".")
        if scope != "args" or called not in arguments:
            raise Unresolved(f"failed to resolve {{{{{found[1]}}}}}")
        return arguments[called]

    if "{{" in _PLACEHOLDER.sub("", template):
        raise Unresolved(f'Cannot find end tag="}}}}" in the template="{template}"')
    return _PLACEHOLDER.sub(value, template)


def redacted(said: str, secrets: Sequence[str]) -> str:
    """`said` without any of the secret values."""
    for each in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(each, REDACTED)
    return said
