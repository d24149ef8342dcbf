"""Plays scenarios and files into a cluster, as a client of its API."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence

from rolloutctl.errors import Failed, Timeout, UsageError
from rolloutctl.sandbox.api import resources
from rolloutctl.sandbox.client import JSON_PATCH, ApiError, Client
from rolloutctl.sandbox.clock import Clock
from rolloutctl.sandbox.restoring import Restorer

from . import catalogue, churn, crowd, fleet, generated, live
from .catalogue import Document

WAIT_SECONDS = 180.0
"""Of the sandbox's clock."""
LEAST_WAIT_SECONDS = 30.0
"""Of real time, since a machine does not get faster with the sandbox's clock."""

_LOOKS_LEFT_OUT = 20

_KEYS = {
    "set-image": {"rollout", "image"},
    "patch": {"rollout", "subresource", "body"},
    "wait": {"rollout", "phase", "step", "message", "plugin", "timeout"},
}


class Loader:
    """`idle` is called between two looks at what is waited for; it lets time pass.

    Each method yields what it did, line by line, and an empty line while it waits.
    """

    def __init__(
        self, client: Client, restorer: Restorer, clock: Clock, idle: Callable[[], None]
    ) -> None:
        self._client = client
        self._restorer = restorer
        self._clock = clock
        self._idle = idle

    def scenario(self, name: str, namespace: str | None = None) -> Iterator[str]:
        """Play the scenario `name`, in `namespace` instead of its own when given.

        Raises UsageError for an unknown one, Timeout when a wait does not end, Failed when the
        API refuses something.
        """
        wanted = generated.read(name)
        if wanted is not None:
            yield from self._generated(wanted, namespace)
            return
        story = catalogue.read(name)
        files = {
            file: [placed(document, namespace, move=True) for document in documents]
            for file, documents in story.files.items()
        }
        homes = {
            item["metadata"]["name"]: item["metadata"].get("namespace", "default")
            for documents in files.values()
            for item in documents
            if item["kind"] == "Rollout"
        }
        for action in story.actions:
            ((verb, what),) = action.items()
            if verb == "apply":
                yield from self._start_over(files[what])
                yield from self.documents(files[what])
                continue
            unknown = set(what) - _KEYS[verb]
            if unknown:
                raise Failed(f"story {name}: {verb} does not know {', '.join(sorted(unknown))}")
            home = homes[what["rollout"]]
            if verb == "set-image":
                yield self._set_image(home, what)
            elif verb == "patch":
                yield self._patch(home, what)
            else:
                yield from self._wait(home, what)

    def documents(self, documents: Sequence[Document]) -> Iterator[str]:
        """Create each object, or merge it into the one that exists; namespaces as needed.

        Raises UsageError for a kind the sandbox does not serve, Failed when the API refuses.
        """
        for document in documents:
            resource, namespaced = _resource(document)
            metadata = document["metadata"]
            namespace = metadata.get("namespace", "default") if namespaced else None
            name = metadata.get("name", "")
            subject = _subject(document["kind"], namespace, name or metadata.get("generateName"))
            if namespace is not None:
                yield from self._namespace(namespace)
            with _refusals(subject):
                if not name or not self._exists(resource, name, namespace):
                    made = self._client.create(resource, document, namespace)
                    name = made["metadata"]["name"]
                    yield f"created {_subject(document['kind'], namespace, name)}"
                else:
                    changes = {key: value for key, value in document.items() if key != "status"}
                    self._client.patch(resource, name, changes, namespace)
                    yield f"updated {subject}"

    def _namespace(self, name: str) -> Iterator[str]:
        if self._exists("namespaces", name, None):
            return
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        with _refusals(f"namespace {name}"):
            self._client.create("namespaces", body)
        yield f"created namespace {name}"

    def _start_over(self, documents: Sequence[Document]) -> Iterator[str]:
        for document in documents:
            if document["kind"] != "Rollout":
                continue
            name, namespace = document["metadata"]["name"], document["metadata"]["namespace"]
            if not self._exists("rollouts", name, namespace):
                continue
            yield f"deleted {_subject('Rollout', namespace, name)}, to start its story anew"
            owners = {self._client.get("rollouts", name, namespace)["metadata"]["uid"]}
            self._owned(owners, namespace)
            # Foreground: when the rollout is gone, so are its ReplicaSets and pods.
            with _refusals(_subject("Rollout", namespace, name)):
                self._client.delete("rollouts", name, namespace, propagation="Foreground")
            deadline = self._deadline(WAIT_SECONDS)
            while self._exists("rollouts", name, namespace) or self._owned(owners, namespace):
                self._pass(deadline, f"{name} is not gone yet", f"{namespace}/{name}")
                yield ""

    def _owned(self, owners: set[str], namespace: str) -> bool:
        """Whether anything is left that an object with one of these uids owns; it joins them."""
        found = False
        for resource in ("experiments", "replicasets", "pods"):
            for item in self._client.list(resource, namespace)[0]:
                references = item["metadata"].get("ownerReferences") or ()
                if any(reference.get("uid") in owners for reference in references):
                    owners.add(item["metadata"]["uid"])
                    found = True
        return found

    def _set_image(self, namespace: str, what: Document) -> str:
        name, image = what["rollout"], what["image"]
        with _refusals(f"{namespace}/{name}"):
            rollout = self._client.get("rollouts", name, namespace)
            containers = copy.deepcopy(rollout["spec"]["template"]["spec"]["containers"])
            containers[0]["image"] = image
            body = {"spec": {"template": {"spec": {"containers": containers}}}}
            self._client.patch("rollouts", name, body, namespace)
        return f"set image of {namespace}/{name} to {image}"

    def _patch(self, namespace: str, what: Document) -> str:
        name, subresource = what["rollout"], what.get("subresource")
        with _refusals(f"{namespace}/{name}"):
            self._client.patch("rollouts", name, what["body"], namespace, subresource=subresource)
        return f"patched {namespace}/{name}: {what['body']}"

    def _wait(self, namespace: str, what: Document) -> Iterator[str]:
        name = what["rollout"]
        deadline = self._deadline(what.get("timeout", WAIT_SECONDS))
        while True:
            with _refusals(f"{namespace}/{name}"):
                rollout = self._client.get("rollouts", name, namespace)
            if holds(rollout, what):
                yield f"{namespace}/{name} is {seen(rollout)}"
                return
            wanted = ", ".join(f"{key} {what[key]}" for key in what if key != "rollout")
            self._pass(
                deadline, f"not reached: {wanted}; it is {seen(rollout)}", f"{namespace}/{name}"
            )
            yield ""

    def _generated(self, wanted: generated.Wanted, namespace: str | None) -> Iterator[str]:
        first, *more = wanted.numbers
        match wanted.kind:
            case "fleet":
                yield from self._fleet(first)
            case "crowd":
                yield from self._crowd(first, namespace or crowd.NAMESPACE)
            case "live":
                yield from self._live(first)
            case "churn":
                seconds = float(more[0]) if more else None
                yield from self._churn(rate=first, seconds=seconds)
            case "deployments":
                yield from self._churn(rate=more[0] if more else 1000, deployments=first)

    def _fleet(self, total: int) -> Iterator[str]:
        spaces = fleet.namespaces(total)
        yield from self._namespaces(spaces)
        for number, rollout in enumerate(fleet.rollouts(total, self._clock.now()), 1):
            self._restorer.put("rollouts", rollout, shape=_shape(rollout))
            if number % 1000 == 0 or number == total:
                yield f"{number:,} of {total:,} rollouts"

    def _crowd(self, total: int, namespace: str) -> Iterator[str]:
        yield from self._namespaces([namespace])
        now = self._clock.now()
        for number in range(total):
            rollout = crowd.rollout(number, namespace, now)
            owner = self._restorer.put("rollouts", rollout, shape=_shape(rollout))
            for wanted in crowd.replica_sets(owner):
                made = self._restorer.put("replicasets", wanted, shape="crowd")
                for pod in crowd.pods(owner, made, now):
                    self._restorer.put("pods", pod, shape="crowd")
            if (number + 1) % 500 == 0 or number + 1 == total:
                yield f"{number + 1:,} of {total:,} rollouts with ReplicaSets and pods"

    def _live(self, total: int) -> Iterator[str]:
        yield from self._namespaces(live.namespaces(total))
        made = list(live.rollouts(total))
        for _ in self.documents(made):
            pass
        yield from self._all_are(total, "Healthy", "at their first version")
        for item in made:
            metadata = item["metadata"]
            edit = {"op": "replace", "path": live.PATH, "value": live.image(metadata["name"], 2)}
            with _refusals(f"{metadata['namespace']}/{metadata['name']}"):
                self._client.patch(
                    "rollouts",
                    metadata["name"],
                    [edit],
                    metadata["namespace"],
                    content_type=JSON_PATCH,
                )
        yield from self._all_are(total, "Paused", "waiting for a promotion")

    def _all_are(self, total: int, phase: str, words: str) -> Iterator[str]:
        """Waits until so many of the live rollouts are in a phase."""
        selector = ",".join(f"{key}={value}" for key, value in live.LABEL.items())
        deadline = self._deadline(WAIT_SECONDS)
        while True:
            items, _ = self._client.list("rollouts", label_selector=selector)
            there = sum(holds(item, {"phase": phase}) for item in items)
            if there >= total:
                yield f"{total:,} rollouts {words}"
                return
            # Looking at all of them takes time that their controller needs.
            for _ in range(_LOOKS_LEFT_OUT):
                self._pass(deadline, f"{there} of {total} rollouts are {phase}", "live rollouts")
                yield ""

    def _churn(
        self, *, rate: int, seconds: float | None = None, deployments: int | None = None
    ) -> Iterator[str]:
        selector = ",".join(f"{key}={value}" for key, value in fleet.OWNER.items())
        items, _ = self._client.list("rollouts", label_selector=selector)
        places = [
            (item["metadata"]["namespace"], item["metadata"]["name"], number)
            for item in items
            if (number := fleet.number_of(item["metadata"]["name"])) is not None
        ]
        del items
        yield from churn.play(
            self._restorer,
            places,
            self._clock,
            self._idle,
            rate=rate,
            seconds=seconds,
            deployments=deployments,
        )

    def _namespaces(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            for _ in self._namespace(name):
                pass
        yield f"{len(names)} namespaces" if len(names) > 1 else f"namespace {names[0]}"

    def _exists(self, resource: str, name: str, namespace: str | None) -> bool:
        try:
            self._client.get(resource, name, namespace)
        except ApiError as error:
            if error.status == 404:
                return False
            raise Failed(str(error), subject=_subject(resource, namespace, name)) from error
        return True

    def _deadline(self, seconds: float) -> float:
        return self._clock.monotonic() + max(seconds / self._clock.speed, LEAST_WAIT_SECONDS)

    def _pass(self, deadline: float, message: str, subject: str) -> None:
        if self._clock.monotonic() > deadline:
            raise Timeout(message, subject=subject, hint="rolloutctl sandbox logs --controller")
        self._idle()


def holds(rollout: Document, what: Document) -> bool:
    """Whether a `wait` is over. A spec the controller has not seen yet never ends one."""
    status = rollout.get("status") or {}
    if status.get("observedGeneration") != str(rollout["metadata"].get("generation")):
        return False
    if "phase" in what:
        if status.get("phase") != what["phase"]:
            return False
        promoted = status.get("stableRS") == status.get("currentPodHash")
        if what["phase"] == "Healthy" and not promoted:
            return False
    if "step" in what and status.get("currentStepIndex", 0) + 1 != what["step"]:
        return False
    if not status.get("message", "").startswith(what.get("message", "")):
        return False
    plugin = what.get("plugin")
    return plugin is None or plugin["phase"] == _run_phase(status, plugin["step"] - 1)


def seen(rollout: Document) -> str:
    """ "Paused (CanaryPauseStep) at step 4 of 7"."""
    status = rollout.get("status") or {}
    text = str(status.get("phase") or "not seen by the controller")
    if status.get("message"):
        text += f" ({status['message']})"
    steps = ((rollout.get("spec") or {}).get("strategy") or {}).get("canary", {}).get("steps") or []
    index = status.get("currentStepIndex")
    return (
        text
        if index is None or index >= len(steps)
        else f"{text} at step {index + 1} of {len(steps)}"
    )


def _run_phase(status: Document, index: int) -> str:
    for record in (status.get("canary") or {}).get("stepPluginStatuses") or []:
        if record.get("index") == index and record.get("operation") == "Run":
            return str(record.get("phase", ""))
    return ""


def placed(document: Document, namespace: str | None, *, move: bool = False) -> Document:
    """The object with a namespace written down, if it is of a kind that has one.

    That is its own, else `namespace`, else "default"; with `move`, `namespace` comes first.
    """
    _, namespaced = _resource(document)
    if not namespaced:
        return document
    metadata = dict(document["metadata"])
    own = metadata.get("namespace")
    metadata["namespace"] = (namespace or own if move else own or namespace) or "default"
    return {**document, "metadata": metadata}


def _shape(rollout: Document) -> str:
    """What rollouts of a fleet have in common that have the same fields."""
    strategy, status = rollout["spec"]["strategy"], rollout["status"]
    canary = strategy.get("canary", {})
    return f"{bool(canary)} {bool(canary.get('steps'))} {sorted(status)} {sorted(status['canary'])}"


def _subject(kind: str, namespace: str | None, name: object) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _resource(document: Document) -> tuple[str, bool]:
    """(plural, whether it has namespaces) of an object. Raises UsageError for an unknown kind."""
    kind, version = document["kind"], document["apiVersion"]
    for resource in resources.RESOURCES:
        served = {resource.api_version(each) for each in resource.versions}
        if resource.kind == kind and version in served:
            return resource.plural, resource.namespaced
    raise UsageError(
        f"the sandbox does not serve {kind} of {version}", subject=str(document["metadata"])
    )


@contextlib.contextmanager
def _refusals(subject: str) -> Iterator[None]:
    """What the API refuses becomes an error about `subject`."""
    try:
        yield
    except ApiError as error:
        raise Failed(error.message or error.reason, subject=subject) from error
