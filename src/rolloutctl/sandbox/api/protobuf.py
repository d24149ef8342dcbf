"""The few objects kubectl sends in Protocol Buffers: they are turned into what their JSON would be.

Only the messages of the kinds below are known, and of them only the fields below; anything else
makes the whole body unreadable, so that nothing is ever lost in silence.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\0"
_TEXT, _BOOL, _INT, _BYTES = "text", "bool", "int", "bytes"
_FLAG, _NUMBER = "flag", "number"
"""As _BOOL and _INT where false and 0 are what an absent one is, and are left out."""
_CHOICE = "int-or-text"
_EMPTY = "empty"
"""A message of which nothing is kept: times and status, which are the server's."""

_Message = dict[int, tuple[str, Any]]

_OWNER: _Message = {
    1: ("kind", _TEXT),
    3: ("name", _TEXT),
    4: ("uid", _TEXT),
    5: ("apiVersion", _TEXT),
    6: ("controller", _BOOL),
    7: ("blockOwnerDeletion", _BOOL),
}
_METADATA: _Message = {
    1: ("name", _TEXT),
    2: ("generateName", _TEXT),
    3: ("namespace", _TEXT),
    4: ("selfLink", _TEXT),
    5: ("uid", _TEXT),
    6: ("resourceVersion", _TEXT),
    7: ("generation", _NUMBER),
    8: ("creationTimestamp", _EMPTY),
    11: ("labels", {"map": _TEXT}),
    12: ("annotations", {"map": _TEXT}),
    13: ("ownerReferences", [_OWNER]),
    14: ("finalizers", [_TEXT]),
}
_ATTRIBUTES: _Message = {
    1: ("namespace", _TEXT),
    2: ("verb", _TEXT),
    3: ("group", _TEXT),
    4: ("version", _TEXT),
    5: ("resource", _TEXT),
    6: ("subresource", _TEXT),
    7: ("name", _TEXT),
}
_SELECTOR: _Message = {1: ("matchLabels", {"map": _TEXT})}
_CONTAINER: _Message = {
    1: ("name", _TEXT),
    2: ("image", _TEXT),
    3: ("command", [_TEXT]),
    4: ("args", [_TEXT]),
    5: ("workingDir", _TEXT),
    6: (
        "ports",
        [
            {
                1: ("name", _TEXT),
                2: ("hostPort", _NUMBER),
                3: ("containerPort", _INT),
                4: ("protocol", _TEXT),
                5: ("hostIP", _TEXT),
            }
        ],
    ),
    7: ("env", [{1: ("name", _TEXT), 2: ("value", _TEXT)}]),
    8: ("resources", {}),
    13: ("terminationMessagePath", _TEXT),
    14: ("imagePullPolicy", _TEXT),
    16: ("stdin", _FLAG),
    17: ("stdinOnce", _FLAG),
    18: ("tty", _FLAG),
    20: ("terminationMessagePolicy", _TEXT),
}
_POD_SPEC: _Message = {
    2: ("containers", [_CONTAINER]),
    3: ("restartPolicy", _TEXT),
    4: ("terminationGracePeriodSeconds", _INT),
    5: ("activeDeadlineSeconds", _INT),
    6: ("dnsPolicy", _TEXT),
    8: ("serviceAccountName", _TEXT),
    9: ("serviceAccount", _TEXT),
    10: ("nodeName", _TEXT),
    11: ("hostNetwork", _FLAG),
    12: ("hostPID", _FLAG),
    13: ("hostIPC", _FLAG),
    14: ("securityContext", {}),
    16: ("hostname", _TEXT),
    17: ("subdomain", _TEXT),
    19: ("schedulerName", _TEXT),
    20: ("initContainers", [_CONTAINER]),
    24: ("priorityClassName", _TEXT),
}
_TEMPLATE: _Message = {1: ("metadata", _METADATA), 2: ("spec", _POD_SPEC)}
_DEPLOYMENT_SPEC: _Message = {
    1: ("replicas", _INT),
    2: ("selector", _SELECTOR),
    3: ("template", _TEMPLATE),
    4: (
        "strategy",
        {
            1: ("type", _TEXT),
            2: ("rollingUpdate", {1: ("maxUnavailable", _CHOICE), 2: ("maxSurge", _CHOICE)}),
        },
    ),
    5: ("minReadySeconds", _NUMBER),
    6: ("revisionHistoryLimit", _INT),
    7: ("paused", _FLAG),
    9: ("progressDeadlineSeconds", _INT),
}
_JOB_SPEC: _Message = {
    1: ("parallelism", _INT),
    2: ("completions", _INT),
    3: ("activeDeadlineSeconds", _INT),
    4: ("selector", _SELECTOR),
    5: ("manualSelector", _BOOL),
    6: ("template", _TEMPLATE),
    7: ("backoffLimit", _INT),
    8: ("ttlSecondsAfterFinished", _INT),
    10: ("suspend", _BOOL),
}
_SERVICE_SPEC: _Message = {
    1: (
        "ports",
        [
            {
                1: ("name", _TEXT),
                2: ("protocol", _TEXT),
                3: ("port", _INT),
                4: ("targetPort", _CHOICE),
                5: ("nodePort", _NUMBER),
                6: ("appProtocol", _TEXT),
            }
        ],
    ),
    2: ("selector", {"map": _TEXT}),
    3: ("clusterIP", _TEXT),
    4: ("type", _TEXT),
    5: ("externalIPs", [_TEXT]),
    7: ("sessionAffinity", _TEXT),
    8: ("loadBalancerIP", _TEXT),
    9: ("loadBalancerSourceRanges", [_TEXT]),
    10: ("externalName", _TEXT),
    11: ("externalTrafficPolicy", _TEXT),
    12: ("healthCheckNodePort", _NUMBER),
    13: ("publishNotReadyAddresses", _FLAG),
}
_KINDS: dict[str, _Message] = {
    "ConfigMap": {
        1: ("metadata", _METADATA),
        2: ("data", {"map": _TEXT}),
        3: ("binaryData", {"map": _BYTES}),
        4: ("immutable", _BOOL),
    },
    "Secret": {
        1: ("metadata", _METADATA),
        2: ("data", {"map": _BYTES}),
        3: ("type", _TEXT),
        4: ("stringData", {"map": _TEXT}),
        5: ("immutable", _BOOL),
    },
    "Namespace": {
        1: ("metadata", _METADATA),
        2: ("spec", {1: ("finalizers", [_TEXT])}),
        3: ("status", _EMPTY),
    },
    "ServiceAccount": {1: ("metadata", _METADATA)},
    "Service": {1: ("metadata", _METADATA), 2: ("spec", _SERVICE_SPEC), 3: ("status", _EMPTY)},
    "Deployment": {
        1: ("metadata", _METADATA),
        2: ("spec", _DEPLOYMENT_SPEC),
        3: ("status", _EMPTY),
    },
    "Job": {1: ("metadata", _METADATA), 2: ("spec", _JOB_SPEC), 3: ("status", _EMPTY)},
    "SelfSubjectRulesReview": {
        1: ("metadata", _METADATA),
        2: ("spec", {1: ("namespace", _TEXT)}),
        3: ("status", _EMPTY),
    },
    "SelfSubjectReview": {1: ("metadata", _METADATA), 2: ("status", _EMPTY)},
    "SelfSubjectAccessReview": {
        1: ("metadata", _METADATA),
        2: (
            "spec",
            {
                1: ("resourceAttributes", _ATTRIBUTES),
                2: ("nonResourceAttributes", {1: ("path", _TEXT), 2: ("verb", _TEXT)}),
            },
        ),
        3: ("status", _EMPTY),
    },
}


class _Unreadable(Exception):
    """Not a message of the kind expected, or with fields that are not known here."""


def decode(body: bytes, kind: str) -> dict[str, Any] | None:
    """The object in an enveloped body, None if it cannot be read here."""
    if not body.startswith(_MAGIC) or kind not in _KINDS:
        return None
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        about = dict(_fields(_data(envelope.get(1, b""))))
        found = _message(_KINDS[kind], _data(envelope.get(2, b"")))
        head = {"apiVersion": _data(about.get(1, b"")), "kind": _data(about.get(2, b""))}
        return {**found, **{name: value.decode() for name, value in head.items() if value}}
    except (_Unreadable, UnicodeDecodeError):
        return None


def _message(known: _Message, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(data):
        if number not in known:
            raise _Unreadable
        name, kind = known[number]
        if kind == _EMPTY:
            continue
        if isinstance(kind, list):
            found.setdefault(name, []).append(_value(kind[0], value))
        elif isinstance(kind, dict) and "map" in kind:
            entry = dict(_fields(_data(value)))
            key = _data(entry.get(1, b"")).decode()
            found.setdefault(name, {})[key] = _value(kind["map"], entry.get(2, b""))
        else:
            decoded = _value(kind, value)
            # The encoding cannot tell an empty text from an absent one.
            if decoded != "" and (kind not in (_FLAG, _NUMBER) or decoded):
                found[name] = decoded
    return found


def _value(kind: Any, value: int | bytes) -> Any:
    if kind == _TEXT:
        return _data(value).decode()
    if kind == _BYTES:
        return base64.b64encode(_data(value)).decode()
    if kind == _CHOICE:
        choice = dict(_fields(_data(value)))
        return _value(_TEXT, choice.get(3, b"")) if choice.get(1) else choice.get(2, 0)
    if isinstance(kind, str):
        if not isinstance(value, int):
            raise _Unreadable
        return bool(value) if kind in (_BOOL, _FLAG) else value - (value >> 63 << 64)
    return _message(kind, _data(value))


def _data(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise _Unreadable
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field: a number, or what a length stood before."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        if tag & 7 == 0:
            number, place = _varint(data, place)
            yield tag >> 3, number
        elif tag & 7 == 2:
            length, place = _varint(data, place)
            if place + length > len(data):
                raise _Unreadable
            yield tag >> 3, data[place : place + length]
            place += length
        else:
            raise _Unreadable


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise _Unreadable
