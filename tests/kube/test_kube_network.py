"""Connections: TLS, client certificates, proxies, and what is said when there is none."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutctl import kube
from rolloutctl.domain.cluster import ROLLOUTS
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, Unreachable
from rolloutctl.kube.cluster import KubeCluster
from rolloutctl.sandbox.tls import certificate
from support.scripted import Scripted, drop, reply, serving, thing, write_kubeconfig

WEB = reply(200, thing("web", 7))


def get(cluster: KubeCluster) -> str:
    cluster.transport.sleep = lambda seconds: None
    return cluster.get(ROLLOUTS, "default", "web", Rollout).metadata.name


def at(folder: Path, url: str, **more: Any) -> KubeCluster:
    config = write_kubeconfig(folder / "config", url, **more)
    return kube.connect(kubeconfig=str(config), request_timeout=3.0, env={})


def data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 and localhost, and its key."""
    return certificate("127.0.0.1")


@pytest.fixture
def files(pair: tuple[bytes, bytes], tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(pair[0])
    key.write_bytes(pair[1])
    return cert, key


@pytest.fixture
def tls(files: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@pytest.fixture
def secure(tls: ssl.SSLContext) -> Iterator[Scripted]:
    with serving(WEB, tls=tls) as script:
        yield script


def test_a_trusted_server(secure: Scripted, pair: tuple[bytes, bytes], tmp_path: Path) -> None:
    cluster = {"certificate-authority-data": data(pair[0])}
    assert get(secure.cluster(folder=tmp_path, cluster=cluster)) == "web"


def test_the_authority_may_be_a_file_next_to_the_kubeconfig(
    secure: Scripted, files: tuple[Path, Path], tmp_path: Path
) -> None:
    cluster = {"certificate-authority": "cert.pem"}
    assert get(secure.cluster(folder=tmp_path, cluster=cluster)) == "web"


def test_a_server_that_is_not_trusted(secure: Scripted, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="is not trusted: self") as caught:
        get(secure.cluster(folder=tmp_path))
    assert "certificate-authority" in caught.value.hint
    assert secure.asked == []


def test_a_server_with_another_name(tmp_path: Path) -> None:
    cert, key = certificate("127.0.0.2")
    (tmp_path / "c").write_bytes(cert)
    (tmp_path / "k").write_bytes(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c", tmp_path / "k")
    cluster = {"certificate-authority-data": data(cert)}
    with serving(WEB, tls=context) as script:
        with pytest.raises(Unreachable, match="is for another name") as caught:
            get(script.cluster(folder=tmp_path, cluster=cluster))
        assert "tls-server-name" in caught.value.hint
        assert script.asked == []
        named = {**cluster, "tls-server-name": "localhost"}
        assert get(script.cluster(folder=tmp_path, cluster=named)) == "web"


def test_trust_can_be_waived(secure: Scripted, tmp_path: Path) -> None:
    assert get(secure.cluster(folder=tmp_path, cluster={"insecure-skip-tls-verify": True})) == "web"


def test_https_asked_of_a_server_that_speaks_none(tmp_path: Path) -> None:
    with serving(WEB) as script, pytest.raises(Unreachable, match="does not speak TLS"):
        get(at(tmp_path, script.url.replace("http:", "https:")))


def test_a_get_over_tls_is_sent_again_when_the_connection_drops(
    tls: ssl.SSLContext, pair: tuple[bytes, bytes], tmp_path: Path
) -> None:
    cluster = {"certificate-authority-data": data(pair[0])}
    with serving(drop, WEB, tls=tls) as script:
        assert get(script.cluster(folder=tmp_path, cluster=cluster)) == "web"
    assert len(script.asked) == 2


@pytest.mark.parametrize("inline", [True, False])
def test_a_client_certificate(
    tls: ssl.SSLContext,
    pair: tuple[bytes, bytes],
    files: tuple[Path, Path],
    tmp_path: Path,
    inline: bool,
) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(files[0])
    cluster = {"certificate-authority-data": data(pair[0])}
    user: dict[str, Any] = {"client-certificate": "cert.pem", "client-key": "key.pem"}
    if inline:
        user = {"client-certificate-data": data(pair[0]), "client-key-data": data(pair[1])}
    with serving(WEB, tls=tls) as script:
        assert get(script.cluster(folder=tmp_path, cluster=cluster, user=user)) == "web"
        with pytest.raises(Unreachable):
            get(script.cluster(folder=tmp_path, cluster=cluster))
    assert "Authorization" not in script.asked[0].headers


def test_a_certificate_without_its_key(
    secure: Scripted, pair: tuple[bytes, bytes], tmp_path: Path
) -> None:
    user = {"client-certificate-data": data(pair[0])}
    with pytest.raises(ClusterError, match=r"certificates in kubeconfig .* no client-key"):
        get(secure.cluster(folder=tmp_path, user=user))


def test_an_encrypted_key_asks_nobody_for_its_password(
    secure: Scripted, pair: tuple[bytes, bytes], tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pair[1], None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    user = {"client-certificate-data": data(pair[0]), "client-key-data": data(locked)}
    with pytest.raises(ClusterError, match="cannot be used"):
        get(secure.cluster(folder=tmp_path, user=user))


@pytest.mark.parametrize("text", [b"no PEM", "grün".encode(), b"-----BEGIN CERTIFICATE-----\nx"])
def test_an_authority_that_is_no_certificate(secure: Scripted, tmp_path: Path, text: bytes) -> None:
    with pytest.raises(ClusterError, match="certificates in kubeconfig"):
        get(secure.cluster(folder=tmp_path, cluster={"certificate-authority-data": data(text)}))


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(Unreachable, match="refuses connections"):
            get(at(tmp_path, f"http://127.0.0.1:{port}"))


def test_a_name_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"name in http://api.invalid cannot be resolved"):
        get(at(tmp_path, "http://api.invalid"))


@pytest.mark.parametrize("server", ["ftp://x", "http://[", "http://a b", "https://:99999"])
def test_an_address_that_is_none(tmp_path: Path, server: str) -> None:
    with pytest.raises(ClusterError):
        get(at(tmp_path, server))


def test_a_proxy_is_asked_instead(tmp_path: Path) -> None:
    with serving(WEB) as proxy:
        given = {"proxy-url": proxy.url.replace("//", "//ann:pw@")}
        assert get(at(tmp_path, "http://api.invalid", cluster=given)) == "web"
    (asked,) = proxy.asked
    assert asked.headers["Host"] == "api.invalid"
    assert asked.headers["proxy-authorization"] == "Basic " + data(b"ann:pw")


def test_a_proxy_that_refuses_the_tunnel(tmp_path: Path) -> None:
    with serving(reply(407, b"no")) as proxy:
        given = {"proxy-url": proxy.url}
        with pytest.raises(Unreachable):
            get(at(tmp_path, "https://api.invalid", cluster=given))
    assert proxy.asked[0].method == "CONNECT"


def test_a_proxy_of_a_kind_nobody_knows_keeps_its_password(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        get(at(tmp_path, "http://api.invalid", cluster={"proxy-url": "gopher://ann:pw@proxy:1"}))
    assert "pw" not in caught.value.message


# --- servers that are not there -----------------------------------------------------------------


def test_a_server_that_takes_no_connection(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        config = write_kubeconfig(tmp_path / "config", f"http://127.0.0.1:{full.getsockname()[1]}")
        cluster = kube.connect(kubeconfig=str(config), request_timeout=0.2, env={})
        cluster.transport.sleep = lambda seconds: None
        with pytest.raises(Unreachable, match="no connection came about") as caught:
            get(cluster)
        assert "--request-timeout" not in caught.value.hint
        for one in waiting:
            one.close()


@pytest.mark.parametrize(("asked", "connect"), [(None, 10.0), (3.0, 3.0), (60.0, 10.0), (0, 10.0)])
def test_a_connection_is_not_waited_for_as_long_as_an_answer(
    tmp_path: Path, asked: float | None, connect: float
) -> None:
    config = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    transport = kube.connect(kubeconfig=str(config), request_timeout=asked, env={}).transport
    assert transport._connect_timeout() == connect
