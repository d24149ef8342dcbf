"""What the sandbox's controllers get to see: nothing of another controller instance."""

from __future__ import annotations

from rolloutctl.sandbox.api import Api
from rolloutctl.sandbox.api.messages import Request, Response
from rolloutctl.sandbox.api.watching import Watch as WatchStream

from .api.resources import BY_PLURAL
from .client import ApiError, Client, Watch

INSTANCE_ID = "argo-rollouts.argoproj.io/controller-instance-id"
_SHARED = frozenset({"analysisruns", "experiments", "rollouts"})
"""What controllers of several instance ids share a cluster's list of."""


class ControllerClient(Client):
    """A client that leaves out what has an instance id, as a controller without one does.

    The server selects, so a fleet of others' costs the controllers nothing. What it writes,
    the controller has written, as managedFields name it.

    Source: argo-rollouts, the label of Rollouts, AnalysisRuns and Experiments, and the controller's
    `--instance-id`.
    """

    def __init__(self, api: Api, token: str) -> None:
        super().__init__(api, token)
        self._headers["user-agent"] = "rollouts-controller"

    def list(
        self,
        resource: str,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> tuple[list[dict[str, object]], str]:
        return super().list(
            resource,
            namespace,
            label_selector=",".join(filter(None, (label_selector, _own(resource)))),
            field_selector=field_selector,
        )

    def watch(self, resource: str, namespace: str | None = None, *, resource_version: str) -> Watch:
        selector = _own(resource)
        if not selector:
            return super().watch(resource, namespace, resource_version=resource_version)
        known = BY_PLURAL[resource]
        inside = f"/namespaces/{namespace}" if namespace else ""
        query = (
            ("watch", "true"),
            ("resourceVersion", resource_version),
            ("timeoutSeconds", "86400"),
            ("labelSelector", selector),
        )
        path = f"/apis/{known.api_version()}{inside}/{resource}"
        answer = self._api.handle(Request("GET", path, query, self._headers, bare=True))
        if isinstance(answer, Response):
            raise ApiError(answer.status, "", answer.body.decode(errors="replace"))
        assert isinstance(answer.chunks, WatchStream)
        return Watch(answer.chunks)


def _own(resource: str) -> str:
    return f"!{INSTANCE_ID}" if resource in _SHARED else ""
