"""An API in process, and requests to it in one line."""

from __future__ import annotations

import json
from typing import Any

from rolloutctl.sandbox.api import ADMIN, Api, Rule, User
from rolloutctl.sandbox.api.messages import Request, Response, Stream
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.store import Store

READER = User(
    "reader",
    rules=(Rule(("argoproj.io",), ("rollouts",), ("get", "list"), ("default",)),),
)


class Server:
    """An API with namespace `default`, the token `admin` and the token `reader`."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.api = Api(self.store, tokens={"admin": ADMIN, "reader": READER})
        self.client = Client(self.api, "admin")
        self.client.create("namespaces", {"metadata": {"name": "default"}})

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "admin",
        media: str = "application/json",
        query: dict[str, str] | None = None,
        **headers: str,
    ) -> Response | Stream:
        given = {"content-type": media, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token:
            given["authorization"] = f"Bearer {token}"
        encoded = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        return self.api.handle(Request(method, path, tuple((query or {}).items()), given, encoded))

    def answer(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        """(status, decoded body)"""
        answer = self.send(*args, **kwargs)
        assert isinstance(answer, Response)
        return answer.status, json.loads(answer.body)

    def rollout(self, name: str, **metadata: Any) -> dict[str, Any]:
        """Create a small rollout."""
        return self.client.create("rollouts", rollout(name, **metadata), "default")

    def replicaset(self, name: str, owner: dict[str, Any], **reference: Any) -> dict[str, Any]:
        """Create a ReplicaSet owned by `owner`."""
        about = owner["metadata"]
        kind = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
        owned = {**kind, "name": about["name"], "uid": about["uid"], **reference}
        body = {
            "metadata": {"name": name, "ownerReferences": [owned]},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name)},
        }
        return self.client.create("replicasets", body, "default")


def template(app: str) -> dict[str, Any]:
    containers = [{"name": "app", "image": "demo:v1", "env": [{"name": "A", "value": "1"}]}]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers}}


def rollout(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
            "template": template(name),
        },
    }
