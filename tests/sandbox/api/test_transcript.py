"""Every exchange recorded from a real API server, replayed in process and compared.

What differs from run to run (uids, resourceVersions, times, generated names, continue tokens) is
replaced on both sides. What remains must be equal: status, content type, headers, and the whole
body, managedFields included. Exchanges that are not reproduced are in `NOT_REPRODUCED`, each with
its reason; one that starts to pass fails the test.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.api.errors import Aborted
from rolloutctl.sandbox.api.messages import Request, Response, Stream
from rolloutctl.sandbox.store import Store

TOKEN = "secret"
MOMENT = datetime(2026, 11, 22, 23, 16, 56, tzinfo=UTC)
EXCHANGES: list[dict[str, Any]] = [
    json.loads(line)
    for line in gzip.decompress(
        (Path(__file__).parent / "transcript.jsonl.gz").read_bytes()
    ).splitlines()
]

NOT_REPRODUCED: dict[int, str] = {
    0: "the version is the sandbox's own",
    2: "only the groups somebody needs are served",
    3: "only the resources somebody needs are served",
    4: "only the resources somebody needs are served",
    12: "only the groups and resources somebody needs are served",
}

_VOLATILE = {
    "uid": "(uid)",
    "resourceVersion": "(version)",
    "creationTimestamp": "(time)",
    "deletionTimestamp": "(time)",
    "time": "(time)",
    "storageVersionHash": "(hash)",
    "serverAddress": "(address)",
}
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def canonical(value: Any, key: str = "") -> Any:
    """`value` with everything that differs between two runs replaced."""
    if isinstance(value, dict):
        found = {k: canonical(v, k) for k, v in value.items()}
        if "generateName" in found and "name" in found:
            found["name"] = f"{found['generateName']}(suffix)"
        return found
    if isinstance(value, list):
        return [canonical(item, key) for item in value]
    if not isinstance(value, str) or not value:
        return value
    if key in _VOLATILE and value != "admin":
        return _VOLATILE[key]
    if key == "continue":
        return "(token)"
    if key == "cells" or re.fullmatch(r"\d+s", value):
        return re.sub(r"\b\d+s\b", "(age)", value)
    if 'Invalid value: "{' in value:
        value = _embedded(value)
    value = _UID.sub("(uid)", value)
    value = re.sub(r"resource version: (\d+) \(\d+\)", r"resource version: \1 (oldest)", value)
    return re.sub(r"current: \d+", "current: (version)", value)


def _embedded(text: str) -> str:
    """An object quoted inside a message, in canonical form too."""
    start = text.index('"{')
    quoted, end = json.JSONDecoder().raw_decode(text, start)
    shown = json.dumps(canonical(json.loads(quoted)), sort_keys=True)
    return f"{text[:start]}{shown}{text[end:]}"


class Replay:
    """Sends the recorded requests to a server of ours, with our own versions and tokens in them."""

    def __init__(self) -> None:
        self.store = Store(first_version=900)
        # Within one second, as most of the recording: entries of one time are sorted by manager.
        self.api = Api(self.store, tokens={TOKEN: ADMIN}, now=lambda: MOMENT)
        self.versions: dict[str, str] = {}
        self.uids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        for name in ("default", "transcript", "transcript3"):
            self.prepare("/api/v1/namespaces", {"metadata": {"name": name}})

    def prepare(
        self, path: str, body: Any, method: str = "POST", media: str = "application/json"
    ) -> Any:
        headers = {
            "authorization": f"Bearer {TOKEN}",
            "content-type": media,
            "user-agent": "python-requests/2",
        }
        answer = self.api.handle(Request(method, path, (), headers, json.dumps(body).encode()))
        assert isinstance(answer, Response)
        assert answer.status in (200, 201), answer.body
        return json.loads(answer.body)

    def send(self, recorded: dict[str, Any]) -> Response | Stream | None:
        """The answer, None when the connection would be closed without one."""
        url = urlsplit(recorded["path"])
        query = tuple(
            (name, self._ours(name, value))
            for name, value in parse_qsl(url.query, keep_blank_values=True)
        )
        headers = {
            "accept": recorded.get("accept", ""),
            "content-type": recorded.get("contentType", ""),
        }
        headers["authorization"] = f"Bearer {TOKEN}"
        headers["user-agent"] = "python-requests/2"
        headers.update({name.lower(): value for name, value in recorded.get("headers", {}).items()})
        body = recorded.get("body", "")
        text = body if isinstance(body, str) else json.dumps(self._own_metadata(body))
        try:
            return self.api.handle(
                Request(recorded["method"], url.path, query, headers, text.encode())
            )
        except Aborted:
            return None

    def learn(self, recorded: Any, ours: Any) -> None:
        """Remember which of our uids, versions and tokens stand for the recorded ones."""
        if isinstance(recorded, list) and isinstance(ours, list):
            for left, right in zip(recorded, ours, strict=False):
                self.learn(left, right)
        if not isinstance(recorded, dict) or not isinstance(ours, dict):
            return
        known = (("resourceVersion", self.versions), ("uid", self.uids), ("continue", self.tokens))
        for name, found in known:
            if isinstance(recorded.get(name), str) and isinstance(ours.get(name), str):
                found[recorded[name]] = ours[name]
        for name in recorded.keys() & ours.keys():
            self.learn(recorded[name], ours[name])

    def _ours(self, name: str, value: str) -> str:
        known = {"resourceVersion": self.versions, "continue": self.tokens}.get(name, {})
        return known.get(value, value)

    def _own_metadata(self, body: Any) -> Any:
        """The body with the versions and uids it copied from earlier answers made ours."""
        if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
            return body
        metadata = dict(body["metadata"])
        for name, known in (("resourceVersion", self.versions), ("uid", self.uids)):
            if name in metadata:
                metadata[name] = known.get(metadata[name], metadata[name])
        return {**body, "metadata": metadata}


def rollout(name: str, **labels: str) -> dict[str, Any]:
    """As the recording made them."""
    owner = {"argo-rollouts.argoproj.io/controller-instance-id": "nobody"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "labels": {**owner, **labels}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
            },
        },
    }


ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/transcript/rollouts"


def unrecorded(replay: Replay, number: int) -> None:
    """What happened between two recorded exchanges, as the later ones show."""
    if number == 28:
        for index in range(5):
            made = replay.prepare(ROLLOUTS, rollout(f"p{index}", idx=str(index)))
            replay.versions[str(1008 + index)] = made["metadata"]["resourceVersion"]
    elif number == 77:
        merge = "application/merge-patch+json"
        replay.prepare(f"{ROLLOUTS}/a", {"spec": {"replicas": 5}}, "PATCH", merge)
        replay.prepare(f"{ROLLOUTS}/p1", {"metadata": {"labels": {"idx": "9"}}}, "PATCH", merge)
        replay.prepare(f"{ROLLOUTS}/p2", {}, "DELETE")
    elif number == 95:
        replay.prepare(ROLLOUTS.replace("transcript", "transcript3"), rollout("j"))


def outcomes() -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """(number, recorded, ours) of each exchange, in canonical form."""
    replay = Replay()
    for number, exchange in enumerate(EXCHANGES):
        unrecorded(replay, number)
        expected = exchange["response"]
        answer = replay.send(exchange["request"])
        ours: dict[str, Any]
        if answer is None:
            ours = {"status": 0, "contentType": None, "body": expected["body"]}
        else:
            ours = {"status": answer.status, "contentType": answer.content_type}
            if isinstance(answer, Stream):
                ours["stream"] = events(answer, len(expected.get("stream", ())))
                replay.learn(expected.get("stream"), ours["stream"])
            else:
                ours["body"] = decoded(answer)
                replay.learn(expected.get("body"), ours["body"])
                for header, name in (("Warning", "warning"), ("Retry-After", "retryAfter")):
                    if header in answer.headers:
                        ours[name] = answer.headers[header]
        yield number, canonical(expected), canonical(ours)


def decoded(answer: Response) -> Any:
    if answer.content_type.startswith("application/json"):
        return json.loads(answer.body)
    return answer.body.decode()


def events(answer: Stream, expected: int) -> list[Any]:
    """The first events of a watch, and one more should there be more than recorded."""
    found: list[Any] = []
    for chunk in answer.chunks:
        found += [json.loads(line) for line in chunk.splitlines()]
        if len(found) >= expected:
            break
    return found


@pytest.fixture(scope="module")
def replayed() -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    return {number: (expected, ours) for number, expected, ours in outcomes()}


@pytest.mark.parametrize(
    "number", range(len(EXCHANGES)), ids=lambda n: f"{n}-{EXCHANGES[n]['note']}".replace(" ", "-")
)
def test_the_recorded_exchange_is_reproduced(
    number: int, replayed: dict[int, tuple[dict[str, Any], dict[str, Any]]]
) -> None:
    expected, ours = replayed[number]
    if number in NOT_REPRODUCED:
        assert ours != expected, "it is reproduced now: take it off the list"
    else:
        assert ours == expected


def test_the_transcript_is_whole() -> None:
    assert len(EXCHANGES) == 122
    assert NOT_REPRODUCED.keys() <= set(range(122))


def served(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """(recorded, ours) resources of one discovery exchange, by name."""
    exchange = EXCHANGES[number]
    answer = Replay().send(exchange["request"])
    assert isinstance(answer, Response)
    found = json.loads(answer.body)["resources"]
    recorded = canonical(exchange["response"]["body"]["resources"])
    return {r["name"]: r for r in recorded}, {r["name"]: r for r in canonical(found)}


@pytest.mark.parametrize("number", [3, 4])
def test_what_discovery_lists_is_described_as_a_real_server_does(number: int) -> None:
    recorded, ours = served(number)
    assert ours
    for name, entry in ours.items():
        assert entry == recorded[name]
