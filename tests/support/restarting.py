"""An API server that is restarted in the middle of a test."""

from __future__ import annotations

from pathlib import Path

from rolloutctl import kube
from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.sandbox.api import ADMIN, Api
from rolloutctl.sandbox.client import Client
from rolloutctl.sandbox.http import Server, serve
from rolloutctl.sandbox.store import Store
from support.api_server import READER, rollout
from support.scripted import write_kubeconfig


class Site:
    """An API server that can be stopped and started again with what it held."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.store = Store(**limits)
        self.folder = folder
        self.server: Server | None = None
        self.port = 0
        self.start()
        self.client.create("namespaces", {"metadata": {"name": "default"}})

    def start(self) -> None:
        self.api = Api(self.store, tokens={"admin": ADMIN, "reader": READER})
        self.client = Client(self.api, "admin")
        self.server = serve(self.api, port=self.port)
        self.port = self.server.port
        self.server.start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def cluster(self, token: str = "admin") -> KubeCluster:
        url = f"http://127.0.0.1:{self.port}"
        config = write_kubeconfig(self.folder / f"config-{token}", url, token=token)
        return kube.connect(kubeconfig=str(config), request_timeout=5.0, env={})

    def rollout(self, name: str) -> None:
        self.client.create("rollouts", rollout(name), "default")
