"""One rollout whose traffic a router splits, on an embedded cluster with a fake clock."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.client import ApiError

from .controlled import PLACE, Controlled

Obj = dict[str, Any]

HASH = "rollouts-pod-template-hash"
MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"
ISTIO: Obj = {"istio": {"virtualService": {"name": "demo", "routes": ["primary"]}}}
SUBSETS: Obj = {
    "istio": {
        "virtualService": {"name": "demo", "routes": ["primary"]},
        "destinationRule": {
            "name": "demo",
            "canarySubsetName": "canary",
            "stableSubsetName": "stable",
        },
    }
}
KINDS = {
    "Service": "services",
    "VirtualService": "virtualservices",
    "DestinationRule": "destinationrules",
}


def service(name: str) -> Obj:
    spec = {"ports": [{"port": 80}], "selector": {"app": "demo"}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def to(host: str, weight: int, subset: str = "") -> Obj:
    """A destination of a route."""
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return {"destination": destination, "weight": weight}


def route(name: str = "primary", *destinations: Obj) -> Obj:
    """A route with that name, none for "" """
    shared = list(destinations) or [to("stable", 100), to("canary", 0)]
    return {**({"name": name} if name else {}), "route": shared}


def virtual_service(*http: Obj, name: str = "demo", place: str = PLACE, **kinds: Any) -> Obj:
    """A VirtualService with these HTTP routes, and those of other `kinds` (tls, tcp)."""
    spec = {"hosts": ["demo.example"], **({"http": list(http)} if http else {}), **kinds}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": place},
        "spec": spec,
    }


def destination_rule(*subsets: str) -> Obj:
    found = [{"name": each, "labels": {"app": "demo"}} for each in subsets]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "demo"},
        "spec": {"host": "demo", "subsets": found},
    }


def by_subset() -> tuple[Obj, ...]:
    """The objects a rollout with `SUBSETS` needs."""
    shared = route("primary", to("demo", 100, "stable"), to("demo", 0, "canary"))
    return virtual_service(shared), destination_rule("canary", "stable")


class Routed(Controlled):
    """The rollout `demo` with Services `stable` and `canary`, deployed as demo:v1.

    `objects`: what is there before it; without any the two Services and a VirtualService.
    """

    def __init__(
        self,
        *steps: Obj,
        routing: Obj | None = None,
        objects: tuple[Obj, ...] | None = None,
        canary: Obj | None = None,
        **more: Any,
    ) -> None:
        given = (service("stable"), service("canary"), virtual_service(route()))
        self._objects = given if objects is None else objects
        strategy: Obj = {"trafficRouting": ISTIO if routing is None else routing}
        if objects is None or any(each["kind"] == "Service" for each in objects):
            strategy |= {"stableService": "stable", "canaryService": "canary"}
        strategy = {**strategy, **(canary or {})}
        kept = {key: value for key, value in strategy.items() if value is not None}
        super().__init__(*steps, canary=kept, **more)

    def create(self, name: str, *steps: Obj, **more: Any) -> None:
        for each in self._objects:
            self.make(each)
        self._objects = ()
        super().create(name, *steps, **more)

    def make(self, found: Obj) -> None:
        """Create an object beside the rollout."""
        place = found["metadata"].get("namespace", PLACE)
        try:
            self.client.get("namespaces", place)
        except ApiError:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
            self.client.create("namespaces", body)
        self.client.create(KINDS[found["kind"]], found, place)
        self.cluster.settle()

    def http(self, name: str = "demo", place: str = PLACE) -> list[Obj]:
        """The HTTP routes of a VirtualService."""
        found: list[Obj] = self.client.get("virtualservices", name, place)["spec"]["http"]
        return found

    def shares(self, at: int = -1, name: str = "demo", place: str = PLACE) -> dict[str, int]:
        """How one HTTP route, by default the last, shares the traffic: subset or host to weight."""
        found = {}
        for each in self.http(name, place)[at]["route"]:
            destination = each["destination"]
            found[destination.get("subset") or destination["host"]] = each.get("weight", 0)
        return found

    @property
    def names_of_routes(self) -> list[str]:
        return [each.get("name", "") for each in self.http()]

    @property
    def weights(self) -> tuple[int, int] | None:
        """(canary, stable) as the status has them, None if it has none."""
        found = self.status.get("canary", {}).get("weights")
        return (found["canary"]["weight"], found["stable"]["weight"]) if found else None

    @property
    def revisions(self) -> dict[str, int]:
        """Pod template hash to revision."""
        note = "rollout.argoproj.io/revision"
        sets = self.client.list("replicasets", PLACE)[0]
        return {
            each["metadata"]["labels"][HASH]: int(each["metadata"]["annotations"][note])
            for each in sets
        }

    def selected(self, name: str) -> int | None:
        """The revision a Service selects, None while it selects all pods of its labels."""
        found = self.client.get("services", name, PLACE)["spec"]["selector"].get(HASH)
        return self.revisions[found] if found else None

    def lose(self, revision: int, pods: int) -> None:
        """So many pods of a revision are deleted; new ones come, and are ready in their time."""
        wanted = [h for h, number in self.revisions.items() if number == revision]
        found = [each for each in self.pods if each["metadata"]["labels"][HASH] in wanted]
        for each in found[:pods]:
            self.client.delete("pods", each["metadata"]["name"], PLACE)
        self.cluster.settle()

    def deadline(self, revision: int) -> str | None:
        """The `scale-down-deadline` of the ReplicaSet of that revision."""
        for each in self.client.list("replicasets", PLACE)[0]:
            if self.revisions[each["metadata"]["labels"][HASH]] == revision:
                found: str | None = each["metadata"]["annotations"].get("scale-down-deadline")
                return found
        raise LookupError(f"no revision {revision}")
