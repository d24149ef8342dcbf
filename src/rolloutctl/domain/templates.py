"""Pod templates compared as a person means it: what the API server fills in does not count.

A template in a ReplicaSet carries defaults that the same template in a Rollout does not, so both
are brought to the form with nothing in it that goes without saying. Templates are plain JSON here,
so that a field nobody here knows of is compared, and goes back, like any other.

Source of the defaults: Kubernetes, pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from rolloutctl.domain.wire import Json

HASH_LABELS = ("rollouts-pod-template-hash", "pod-template-hash")
ABSENT = msgspec.UNSET
"""Stands for a value that is not there, where None would be one."""


class Edit(msgspec.Struct, frozen=True):
    """One difference. `path` names list entries by what tells them apart, as people do:
    "spec.containers[app].image". `before` or `after` is ABSENT where there is none; with both
    there it is the order of a list when `reordered`."""

    path: str
    before: Any
    after: Any
    reordered: bool = False


def same(one: Any, other: Any) -> bool:
    """Whether two templates make the same pods."""
    return bool(normalised(one) == normalised(other))


def edits(before: Any, after: Any) -> tuple[Edit, ...]:
    """What has to be changed to get from one template to the other, defaults left out; empty
    exactly when they are the `same`."""
    return tuple(_edits("", normalised(before), normalised(after)))


def plain(template: Any) -> Any:
    """A template as it is compared, in plain JSON: without what goes without saying."""
    return _plain(normalised(template))


def normalised(template: Any) -> Any:
    """A copy without hash labels, defaults, nulls and empty lists; amounts in one way of writing.

    What is not of the form a template has is left as it is.
    """
    return _stripped("", template)


# --- defaults -----------------------------------------------------------------------------------

_CONTAINER = r"spec\.(?:initContainers|containers|ephemeralContainers)\[\]"
_HANDLER = rf"{_CONTAINER}\.(?:livenessProbe|readinessProbe|startupProbe|lifecycle\.\w+)"
_PROBE = rf"{_CONTAINER}\.(?:livenessProbe|readinessProbe|startupProbe)"
_VOLUME = r"spec\.volumes\[\]"
_EMPTY: tuple[Any, ...] = ({},)
_DEFAULTS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    (r"metadata(?:\.labels|\.annotations)?", _EMPTY),
    (r"spec\.restartPolicy", ("Always",)),
    (r"spec\.dnsPolicy", ("ClusterFirst",)),
    (r"spec\.schedulerName", ("default-scheduler",)),
    (r"spec\.terminationGracePeriodSeconds", (30,)),
    (r"spec\.enableServiceLinks", (True,)),
    (r"spec\.(?:hostNetwork|hostPID|hostIPC)", (False,)),
    (r"spec\.(?:securityContext|nodeSelector|affinity)", _EMPTY),
    (rf"{_CONTAINER}\.(?:resources|securityContext)", _EMPTY),
    (rf"{_CONTAINER}\.resources\.(?:limits|requests)", _EMPTY),
    (rf"{_CONTAINER}\.terminationMessagePath", ("/dev/termination-log",)),
    (rf"{_CONTAINER}\.terminationMessagePolicy", ("File",)),
    (rf"{_CONTAINER}\.(?:stdin|stdinOnce|tty)", (False,)),
    (rf"{_CONTAINER}\.ports\[\]\.protocol", ("TCP",)),
    (rf"{_CONTAINER}\.env\[\]\.value", ("",)),
    (rf"{_CONTAINER}\.env\[\]\.valueFrom\.fieldRef\.apiVersion", ("v1",)),
    (rf"{_CONTAINER}\.volumeMounts\[\]\.readOnly", (False,)),
    (rf"{_PROBE}\.(?:timeoutSeconds|successThreshold)", (1,)),
    (rf"{_PROBE}\.periodSeconds", (10,)),
    (rf"{_PROBE}\.failureThreshold", (3,)),
    (rf"{_PROBE}\.initialDelaySeconds", (0,)),
    (rf"{_PROBE}\.grpc\.service", ("",)),
    (rf"{_HANDLER}\.httpGet\.scheme", ("HTTP",)),
    (rf"{_HANDLER}\.httpGet\.path", ("/",)),
    (rf"{_VOLUME}\.emptyDir", _EMPTY),
    (rf"{_VOLUME}\.(?:secret|configMap|downwardAPI|projected)\.defaultMode", (420,)),
    (rf"{_VOLUME}\.hostPath\.type", ("",)),
    (rf"{_VOLUME}\.(?:.*\.)?items\[\]\.fieldRef\.apiVersion", ("v1",)),
    (rf"{_VOLUME}\.projected\.sources\[\]\.serviceAccountToken\.expirationSeconds", (3600,)),
    (rf"{_VOLUME}\.ephemeral\.volumeClaimTemplate\.spec\.volumeMode", ("Filesystem",)),
)
_IMAGE_PULL = rf"{_CONTAINER}\.imagePullPolicy"
_AMOUNT = (
    rf"{_CONTAINER}\.resources\.(?:limits|requests)\..+|{_VOLUME}\.emptyDir\.sizeLimit"
    r"|spec\.overhead\..+"
)


@functools.lru_cache(maxsize=4096)
def _defaults(path: str) -> tuple[Any, ...]:
    """What goes without saying at this place."""
    return tuple(
        value for pattern, values in _DEFAULTS if re.fullmatch(pattern, path) for value in values
    )


def _stripped(path: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _stripped_map(path, value)
    if isinstance(value, list):
        return [_stripped(f"{path}[]", item) for item in value]
    if re.fullmatch(_AMOUNT, path):
        return _amount(value)
    return value


def _stripped_map(path: str, value: Mapping[str, Any]) -> Json:
    result: Json = {}
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        if path == "metadata.labels" and key in HASH_LABELS:
            continue
        if inner == "spec.serviceAccount" and value.get("serviceAccountName") == item:
            continue  # the old name of the same field, filled in beside it
        if inner == "metadata.creationTimestamp":
            continue
        if (
            key == "imagePullPolicy"
            and re.fullmatch(_IMAGE_PULL, inner)
            and item == _pull_policy(value.get("image"))
        ):
            continue
        found = _stripped(inner, item)
        if found is None or found == [] or _is_default(inner, found):
            continue
        result[key] = found
    return result


def _is_default(path: str, value: Any) -> bool:
    return any(value == one and type(value) is type(one) for one in _defaults(path))


def _pull_policy(image: Any) -> str:
    """What the API server makes of an image without a policy."""
    text = image if isinstance(image, str) else ""
    name, at, _ = text.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "IfNotPresent" if at or tag not in ("", "latest") else "Always"


_QUANTITY = re.compile(r"([+-]?(?:\d{1,20}\.?\d{0,20}|\.\d{1,20}))(.{0,6})", re.ASCII)
_SCALES = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("", "k", "M", "G", "T", "P"))},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("", "Ki", "Mi", "Gi", "Ti"))},
    "E": Decimal(1000) ** 6,
    "Pi": Decimal(1024) ** 5,
    "Ei": Decimal(1024) ** 6,
    "m": Decimal("1e-3"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
}


def _amount(value: Any) -> Any:
    """An amount in one way of writing: "1000m", "1" and 1 are the same."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    parts = _QUANTITY.fullmatch(str(value).strip())
    if parts is None:
        return value
    number, unit = Decimal(parts.group(1)), parts.group(2)
    exponent = re.fullmatch(r"[eE]([+-]?\d{1,2})", unit, re.ASCII)
    scale = Decimal(10) ** int(exponent.group(1)) if exponent else _SCALES.get(unit)
    return value if scale is None else Amount(number * scale, str(value))


class Amount(str):
    """An amount of something, compared by how much it is, and shown as it was written."""

    __slots__ = ("much",)
    much: Decimal

    def __new__(cls, much: Decimal, text: str) -> Amount:
        made = super().__new__(cls, text)
        made.much = much
        return made

    def __eq__(self, other: object) -> bool:
        return self.much == other.much if isinstance(other, Amount) else str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(self.much)


# --- differences --------------------------------------------------------------------------------

_TOLD_APART_BY = ("name", "mountPath", "containerPort", "key", "topologyKey")


def _edits(path: str, before: Any, after: Any) -> Iterator[Edit]:
    if before == after and type(before) is type(after):
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in (*before, *(key for key in after if key not in before)):
            inner = _inner(path, key)
            yield from _edits(inner, before.get(key, ABSENT), after.get(key, ABSENT))
        return
    if isinstance(before, list) and isinstance(after, list):
        names = _names(before, after)
        if names is not None:
            yield from _of_named(path, names, before, after)
            return
    if before != after:
        yield Edit(path, _plain(before), _plain(after))


def _plain(value: Any) -> Any:
    """Without what only the comparison needs."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str.__str__(value) if isinstance(value, Amount) else value


def _inner(path: str, key: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w-]*", key, re.ASCII):
        return f'{path}["{key}"]' if path else key
    return f"{path}.{key}" if path else key


def _names(before: list[Any], after: list[Any]) -> str | None:
    """The field that tells the entries of both lists apart."""
    entries = [*before, *after]
    if not entries or not all(isinstance(item, Mapping) for item in entries):
        return None
    for field in _TOLD_APART_BY:
        if all(isinstance(item.get(field), str | int) for item in entries) and all(
            len({item[field] for item in one}) == len(one) for one in (before, after)
        ):
            return field
    return None


def _of_named(path: str, field: str, before: list[Any], after: list[Any]) -> Iterator[Edit]:
    old = {item[field]: item for item in before}
    new = {item[field]: item for item in after}
    for name in (*old, *(name for name in new if name not in old)):
        yield from _edits(f"{path}[{name}]", old.get(name, ABSENT), new.get(name, ABSENT))
    kept_before = [name for name in old if name in new]
    kept_after = [name for name in new if name in old]
    if kept_before != kept_after:
        yield Edit(path, kept_before, kept_after, reordered=True)
