"""Credentials that come from elsewhere: exec plugins and auth providers."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rolloutctl.domain.cluster import ROLLOUTS
from rolloutctl.errors import ClusterError
from rolloutctl.kube.config import settings
from rolloutctl.kube.credentials import Credentials
from support.scripted import refuse, reply, serving, thing, write_kubeconfig

V1 = "client.authentication.k8s.io/v1"


def script(path: Path, body: str) -> Path:
    """A plugin in Python."""
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n")
    path.chmod(0o755)
    return path


def answering(status: str, version: str = V1) -> str:
    """The body of a plugin that prints this status, a Python expression."""
    head = f"'apiVersion': {version!r}, 'kind': 'ExecCredential'"
    return f"print(json.dumps({{{head}, 'status': {status}}}))"


def ask(folder: Path, given: dict[str, str] | None = None, **spec: Any) -> Credentials:
    user = {"exec": {"apiVersion": V1, "command": "./plugin", **spec}}
    cluster = {
        "certificate-authority-data": "eA==",
        "extensions": [
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
        ],
    }
    path = write_kubeconfig(folder / "config", "https://api", user=user, cluster=cluster)
    return settings(kubeconfig=str(path), context=None, env=given or {}).credentials()


def test_a_plugin_gives_a_token(tmp_path: Path) -> None:
    said = "os.environ['A'] + sys.argv[1] + os.environ['B']"
    script(tmp_path / "plugin", answering(f"{{'token': {said}}}"))
    found = ask(tmp_path, {"A": "1"}, args=["2"], env=[{"name": "B", "value": "3"}])
    assert found == Credentials("Bearer 123")


def test_a_plugin_is_found_in_the_path(tmp_path: Path) -> None:
    script(tmp_path / "get-token", answering("{'token': 'x'}"))
    found = ask(tmp_path, {"PATH": str(tmp_path)}, command="get-token")
    assert found.authorization == "Bearer x"


def test_a_plugin_is_told_of_the_cluster_when_it_asks(tmp_path: Path) -> None:
    script(tmp_path / "plugin", answering("{'token': os.environ['KUBERNETES_EXEC_INFO']}"))
    for wanted in (True, False):
        token = ask(tmp_path, provideClusterInfo=wanted).authorization or ""
        info = json.loads(token.removeprefix("Bearer "))
        assert (info["apiVersion"], info["kind"]) == (V1, "ExecCredential")
        cluster = info["spec"].get("cluster")
        assert (cluster is not None) is wanted
    assert info["spec"]["interactive"] is False


def test_the_cluster_info_holds_the_plugins_own_part(tmp_path: Path) -> None:
    script(tmp_path / "plugin", answering("{'token': os.environ['KUBERNETES_EXEC_INFO']}"))
    token = ask(tmp_path, provideClusterInfo=True).authorization or ""
    cluster = json.loads(token.removeprefix("Bearer "))["spec"]["cluster"]
    assert cluster["server"] == "https://api"
    assert cluster["config"] == {"audience": "x"}


def test_a_plugin_gives_a_certificate(tmp_path: Path) -> None:
    script(tmp_path / "plugin", answering("{'clientCertificateData': 'C', 'clientKeyData': 'K'}"))
    assert ask(tmp_path) == Credentials(None, b"C", b"K")


def test_a_plugin_that_fails_says_why(tmp_path: Path) -> None:
    script(tmp_path / "plugin", "sys.exit('login first')")
    with pytest.raises(ClusterError, match="gave no credentials, exit code 1") as caught:
        ask(tmp_path)
    assert 'context "test" of kubeconfig' in caught.value.message
    assert str(tmp_path / "plugin") in caught.value.message
    assert "login first" in caught.value.hint


def test_a_plugin_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="no-such-plugin, which does not exist") as caught:
        ask(tmp_path, command="no-such-plugin", installHint="get it at the counter")
    assert caught.value.hint == "get it at the counter"


def test_a_plugin_that_may_not_be_run(tmp_path: Path) -> None:
    (tmp_path / "plugin").write_text("x")
    with pytest.raises(ClusterError, match="cannot be run"):
        ask(tmp_path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('hello')", "printed no JSON"),
        ("pass", "printed no JSON"),
        ("sys.stdout.buffer.write(b'\\xff')", "printed no JSON"),
        ("print('[]')", "printed no ExecCredential"),
        ("print('{}')", "printed no ExecCredential"),
        (answering("None"), "printed no ExecCredential"),
        (answering("{}"), "neither a token nor a client certificate"),
        (answering("{'token': 5}"), "neither a token nor a client certificate"),
        (answering("{'clientCertificateData': 'C'}"), "neither a token nor"),
        (answering("{'token': 'x'}", "v0"), "answered with apiVersion v0"),
    ],
)
def test_a_plugin_that_prints_rubbish(tmp_path: Path, body: str, message: str) -> None:
    script(tmp_path / "plugin", f"print('a warning', file=sys.stderr)\n{body}")
    with pytest.raises(ClusterError, match=message) as caught:
        ask(tmp_path)
    assert str(tmp_path / "config") in caught.value.message
    assert "a warning" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "has apiVersion"),
        ({"command": ""}, "names no command"),
        ({"interactiveMode": "Always"}, "stdin is no terminal"),
    ],
)
def test_an_entry_that_cannot_be_used(tmp_path: Path, spec: dict[str, Any], message: str) -> None:
    script(tmp_path / "plugin", answering("{'token': 'x'}"))
    with pytest.raises(ClusterError, match=message):
        ask(tmp_path, **spec)


def test_a_plugin_runs_once_and_again_after_a_401(tmp_path: Path) -> None:
    counting = "n = len(open('{0}').read())\nopen('{0}', 'a').write('x')\n".format(
        tmp_path / "runs"
    )
    (tmp_path / "runs").write_text("")
    script(tmp_path / "plugin", counting + answering("{'token': str(n)}"))
    web = reply(200, thing("web", 1))
    with serving(web, web, refuse(401, "expired"), web) as server:
        user = {"exec": {"apiVersion": V1, "command": "./plugin"}}
        cluster = server.cluster(folder=tmp_path, user=user)
        for _ in range(3):
            cluster.get_raw(ROLLOUTS, "default", "web")
    sent = [asked.headers["Authorization"] for asked in server.asked]
    assert sent == ["Bearer 0", "Bearer 0", "Bearer 0", "Bearer 1"]


def jwt(expires: float) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'exp': int(expires), 'sub': 'ann'})}.c2ln"


def provided(folder: Path, **config: str) -> Credentials:
    user = {"auth-provider": {"name": "oidc", "config": config}}
    path = write_kubeconfig(folder / "config", "https://api", user=user)
    return settings(kubeconfig=str(path), context=None, env={}).credentials()


def test_an_oidc_token_that_is_still_valid(tmp_path: Path) -> None:
    token = jwt(time.time() + 3600)
    config = {"id-token": token, "client-id": "x", "idp-issuer-url": "https://idp.invalid"}
    assert provided(tmp_path, **config).authorization == f"Bearer {token}"


@pytest.mark.parametrize("token", ["no-jwt", "a.b.c"])
def test_an_oidc_login_that_gives_nothing(
    tmp_path: Path, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config = {"id-token": token, "client-id": "x", "idp-issuer-url": "https://idp.invalid"}
    with pytest.raises(ClusterError, match='auth-provider of context "test" in kubeconfig'):
        provided(tmp_path, **config)
    assert capfd.readouterr() == ("", "")


def test_of_several_clusters_only_one_plugin_has_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    class Turn:
        """A lock that knows how many have come for it."""

        def __init__(self) -> None:
            self.lock = threading.Lock()
            self.come = threading.Barrier(3)

        def __enter__(self) -> None:
            self.come.wait(30)
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    alone = threading.Lock()

    def plugin(argv: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        assert alone.acquire(blocking=False)
        said = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "x"}}
        alone.release()
        return subprocess.CompletedProcess(argv, 0, json.dumps(said).encode(), b"")

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("rolloutctl.kube.exec_plugin._terminal", Turn())
    monkeypatch.setattr("rolloutctl.kube.exec_plugin.subprocess.run", plugin)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(3) as pool:
        tokens = [pool.submit(ask, folder) for folder in folders]
    assert [token.result().authorization for token in tokens] == ["Bearer x"] * 3
