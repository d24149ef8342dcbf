"""Which cluster is meant: kubeconfig files, contexts, and a pod's service account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ClusterError, NoCluster
from rolloutctl.kube.config import Context, Settings, contexts, proxy, settings
from support.scripted import write_kubeconfig


def found(path: Path | str, context: str | None = None, **env: str) -> Settings:
    return settings(kubeconfig=str(path), context=context, env=env)


def written(path: Path, config: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return path


def config(*contexts: str, current: str = "") -> dict[str, Any]:
    """Contexts whose cluster, user and server are called as they are."""
    return {
        "current-context": current,
        "contexts": [
            {"name": c, "context": {"cluster": c, "user": c, "namespace": f"ns-{c}"}}
            for c in contexts
        ],
        "clusters": [{"name": c, "cluster": {"server": f"https://{c}/"}} for c in contexts],
        "users": [{"name": c, "user": {"token": f"t-{c}"}} for c in contexts],
    }


def test_the_current_context(tmp_path: Path) -> None:
    path = written(tmp_path / "c", config("prod", "stage", current="stage"))
    given = found(path)
    assert (given.context, given.server, given.namespace) == ("stage", "https://stage", "ns-stage")
    assert given.credentials().authorization == "Bearer t-stage"
    assert found(path, "prod").server == "https://prod"


def test_files_of_the_variable_are_merged_the_first_wins(tmp_path: Path) -> None:
    one = written(tmp_path / "one", config("a", current="b"))
    two = config("a", "b", current="a")
    two["clusters"][0]["cluster"]["server"] = "https://other"
    listed = os.pathsep.join(
        (str(one), str(tmp_path / "missing"), "", str(written(tmp_path / "two", two)))
    )
    given = settings(kubeconfig=None, context=None, env={"KUBECONFIG": listed})
    assert given.context == "b"
    given = settings(kubeconfig=None, context="a", env={"KUBECONFIG": listed})
    assert given.server == "https://a"


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    first = config("a", current="a")
    del first["clusters"], first["users"]
    second = config("a")
    second["clusters"][0]["cluster"]["certificate-authority"] = "pki/ca.crt"
    second["users"][0]["user"] = {"tokenFile": "pki/token"}
    one = written(tmp_path / "one" / "config", first)
    two = written(tmp_path / "two" / "config", second)
    written(tmp_path / "two" / "pki" / "ca.crt", "x")
    written(tmp_path / "two" / "pki" / "token", "tok\n")
    env = {"KUBECONFIG": f"{one}{os.pathsep}{two}"}
    given = settings(kubeconfig=None, context=None, env=env)
    assert given.ca_file == str(tmp_path / "two" / "pki" / "ca.crt")
    assert given.credentials().authorization == "Bearer tok"


def test_home_is_looked_at_when_nothing_is_said(tmp_path: Path) -> None:
    written(tmp_path / ".kube" / "config", config("home", current="home"))
    assert settings(kubeconfig=None, context=None, env={"HOME": str(tmp_path)}).context == "home"


def test_nothing_is_configured(tmp_path: Path) -> None:
    for env in ({}, {"HOME": str(tmp_path)}, {"HOME": str(tmp_path), "KUBECONFIG": ""}):
        with pytest.raises(NoCluster) as caught:
            settings(kubeconfig=None, context=None, env=env)
        assert caught.value.message == (
            "no cluster: there is no kubeconfig (looked at $KUBECONFIG, ~/.kube/config,"
            " the pod's service account)"
        )
        assert "rolloutctl demo, or rolloutctl sandbox up" in caught.value.hint


def test_the_variable_names_files_that_are_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(NoCluster, match=f"KUBECONFIG: {missing}"):
        settings(kubeconfig=None, context=None, env={"KUBECONFIG": missing})


def test_the_option_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ClusterError, match="there is no kubeconfig"):
            found(path)


def test_no_current_context(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match="has no current context") as caught:
        found(written(tmp_path / "c", config("a")))
    assert "--context" in caught.value.hint


def test_an_unknown_context_suggests_near_names(tmp_path: Path) -> None:
    path = written(tmp_path / "c", config("production", "staging", *(f"x{n}" for n in range(50))))
    with pytest.raises(ClusterError, match='no context "prodution"') as caught:
        found(path, "prodution")
    assert "did you mean production?" in caught.value.hint
    assert len(caught.value.hint) < 200


@pytest.mark.parametrize(("kind", "single"), [("clusters", "cluster"), ("users", "user")])
def test_a_context_that_points_nowhere(tmp_path: Path, kind: str, single: str) -> None:
    given = config("a", current="a")
    given[kind] = []
    with pytest.raises(ClusterError, match=f'no {single} "a" in kubeconfig'):
        found(written(tmp_path / "c", given))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [}", r"is no YAML \(line 1, column 5\)"),
        ("a: b: c", "is no YAML"),
        ("x: 2021-99-99", "is no YAML"),
        ("\tx", "is no YAML"),
        ("- a", "holds no mapping"),
        ("text", "holds no mapping"),
        ("contexts: 5", "contexts is no list"),
        ("contexts: [5]", "an entry of contexts has no name"),
        ("contexts: [{name: [1]}]", "an entry of contexts has no name"),
        ("", "no current context"),
        ("current-context: a\ncontexts: [{name: a}]", "names no cluster"),
        ("current-context: a\ncontexts: [{name: a, context: 7}]", "names no cluster"),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\n"
            "clusters: [{name: c}]",
            "has no server",
        ),
    ],
)
def test_a_broken_file(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path / "broken", text)
    with pytest.raises(ClusterError, match=message) as caught:
        found(path)
    assert str(path) in caught.value.message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ClusterError, match="is no YAML"):
        found(tmp_path / "c")


@pytest.mark.parametrize("key", ["client-certificate", "client-key"])
def test_a_file_named_in_it_is_missing(tmp_path: Path, key: str) -> None:
    path = write_kubeconfig(tmp_path / "c", "https://x", user={key: "gone.pem"})
    with pytest.raises(ClusterError, match=f"{key} .*gone.pem does not exist"):
        found(path)


def test_data_that_is_no_base64(tmp_path: Path) -> None:
    path = write_kubeconfig(
        tmp_path / "c", "https://x", cluster={"certificate-authority-data": "?"}
    )
    with pytest.raises(ClusterError, match="certificate-authority-data is no base64"):
        found(path)


def test_base64_may_be_wrapped(tmp_path: Path) -> None:
    wrapped = "UEVN\nUEVN\n"
    path = write_kubeconfig(
        tmp_path / "c", "https://x", cluster={"certificate-authority-data": wrapped}
    )
    assert found(path).ca_data == b"PEMPEM"


def test_a_token_file_wins_over_a_token(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("fresh")
    user = {"token": "stale", "tokenFile": "t"}
    given = found(write_kubeconfig(tmp_path / "c", "https://x", user=user))
    assert given.credentials().authorization == "Bearer fresh"
    (tmp_path / "t").unlink()
    with pytest.raises(ClusterError, match=r"token file .* cannot be read"):
        given.credentials()


def test_a_password(tmp_path: Path) -> None:
    user = {"username": "ann", "password": "pä"}
    given = found(write_kubeconfig(tmp_path / "c", "https://x", user=user))
    assert given.credentials().authorization == "Basic YW5uOnDDpA=="


@pytest.mark.parametrize("token", ["a\nb", "grün", "a\x00"])
def test_a_token_that_cannot_be_sent_is_not_shown(tmp_path: Path, token: str) -> None:
    from rolloutctl import kube
    from rolloutctl.domain.cluster import ROLLOUTS

    path = write_kubeconfig(tmp_path / "c", "http://127.0.0.1:9", token=token)
    cluster = kube.connect(kubeconfig=str(path), env={})
    with pytest.raises(ClusterError, match="cannot be sent") as caught:
        cluster.get_raw(ROLLOUTS, "a", "b")
    assert token not in caught.value.message


@pytest.mark.parametrize(
    ("entry", "server"),
    [
        ({"server": "host:8080"}, "http://host:8080"),
        ({"server": "host", "insecure-skip-tls-verify": True}, "https://host"),
        ({"server": "https://host/k8s/clusters/c-1/"}, "https://host/k8s/clusters/c-1"),
    ],
)
def test_an_address_is_completed(tmp_path: Path, entry: dict[str, Any], server: str) -> None:
    assert found(write_kubeconfig(tmp_path / "c", "", cluster=entry)).server == server


@pytest.mark.parametrize(
    ("server", "env", "expected"),
    [
        ("https://api", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://api", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://api", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://api.corp", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .corp"}, None),
        ("https://api.corp", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "corp"}, None),
        ("https://apicorp", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "corp"}, "http://p:1"),
        ("https://api", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://api:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api:6443"}, None),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        (
            "https://11.1.2.3",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,x/y"},
            "http://p:1",
        ),
    ],
)
def test_proxies_by_gos_rules(server: str, env: dict[str, str], expected: str | None) -> None:
    assert proxy(server, env) == expected


def test_in_a_pod(tmp_path: Path) -> None:
    for name, text in (("token", "one\n"), ("namespace", "team"), ("ca.crt", "x")):
        (tmp_path / name).write_text(text)
    env = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    given = settings(kubeconfig=None, context=None, env=env, service_account=tmp_path)
    assert (given.server, given.namespace) == ("https://[fd00::1]:443", "team")
    assert given.credentials().authorization == "Bearer one"
    (tmp_path / "token").write_text("two\n")
    assert given.credentials().authorization == "Bearer two"
    assert given.ca_file == str(tmp_path / "ca.crt")


def test_a_pod_may_be_told_its_namespace(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    (tmp_path / "namespace").write_text("team")
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    def namespace(**more: str) -> str:
        env = {**pod, **more}
        given = settings(kubeconfig=None, context=None, env=env, service_account=tmp_path)
        return given.namespace

    assert namespace(POD_NAMESPACE="shop") == "shop"
    assert namespace(POD_NAMESPACE="") == "team"
    (tmp_path / "namespace").write_text("\n")
    assert namespace() == "default"
    path = written(tmp_path / "c", config("a", current="a"))
    assert namespace(POD_NAMESPACE="shop", KUBECONFIG=str(path)) == "ns-a"


def test_a_kubeconfig_wins_over_the_pod(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    path = written(tmp_path / "c", config("a", current="a"))
    env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBECONFIG": str(path)}
    given = settings(kubeconfig=None, context=None, env=env, service_account=tmp_path)
    assert given.context == "a"


def test_the_contexts_in_the_order_of_the_files(tmp_path: Path) -> None:
    first = written(tmp_path / "a", config("z", "b"))
    second = written(tmp_path / "b", config("b", "c"))
    found = contexts(kubeconfig=None, env={"KUBECONFIG": f"{first}{os.pathsep}{second}"})
    assert [context.name for context in found] == ["z", "b", "c"]
    assert found[0] == Context("z", "https://z", "z", "ns-z")


def test_contexts_that_lead_nowhere_are_listed_too(tmp_path: Path) -> None:
    path = written(tmp_path / "a", {"contexts": [{"name": "x", "context": {"cluster": "gone"}}]})
    assert contexts(kubeconfig=str(path), env={}) == [Context("x")]


def test_a_pod_has_no_contexts(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    env = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert contexts(kubeconfig=None, env=env, service_account=tmp_path) == []


def test_a_kubeconfig_that_was_changed_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a", config("one", current="one"))
    assert found(path).context == "one"
    written(path, config("another", current="another"))
    assert found(path).context == "another"
