"""What is wrong with a connection, in words."""

from __future__ import annotations

import ssl

import urllib3

from rolloutctl.errors import Unreachable


class Unanswered(Unreachable):
    """A request was sent and no answer came; the server may or may not have acted."""


class Dropped(Unanswered):
    """The connection broke off half-way."""


def unreachable(server: str, error: Exception) -> Unreachable:
    """The error for a request that got no answer."""
    cause = _cause(error)
    text = str(cause)
    if isinstance(cause, ssl.SSLCertVerificationError) or "certificate verify failed" in text:
        return _not_trusted(server, cause)
    if isinstance(cause, (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError)):
        return Dropped(f"{server} broke the connection off: {cause}")
    if isinstance(cause, ssl.SSLError):
        return _no_tls(server, cause)
    if isinstance(error, urllib3.exceptions.NameResolutionError) or "resolve" in text:
        return Unreachable(
            f"the name in {server} cannot be resolved",
            hint="is the address in the kubeconfig right, and the network (VPN) up?",
        )
    if isinstance(cause, ConnectionRefusedError) or "refused" in text:
        return Unreachable(
            f"{server} refuses connections",
            hint="is the API server running, and the address right?",
        )
    if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)) or "timed out" in text:
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return Unanswered(
                f"{server} did not answer in time", hint="--request-timeout 60s gives it more"
            )
        return Unreachable(
            f"{server} did not answer in time: no connection came about",
            hint="is the address in the kubeconfig right, and the network (VPN) up?",
        )
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return Dropped(f"{server} broke the connection off: {text}")
    if isinstance(error, urllib3.exceptions.ProxyError):
        return Unreachable(f"the proxy on the way to {server} failed: {text}")
    return Unreachable(f"the connection to {server} failed: {text}")


def _cause(error: BaseException) -> BaseException:
    """The innermost of what urllib3 wraps, at most a few layers down."""
    for _ in range(8):
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        if inner is None and isinstance(error, urllib3.exceptions.HTTPError):
            inner = error.__cause__
        if inner is None or inner is error:
            break
        error = inner
    return error


def _not_trusted(server: str, cause: BaseException) -> Unreachable:
    why = getattr(cause, "verify_message", "") or str(cause)
    if "mismatch" in why or "not valid for" in why:
        return Unreachable(
            f"the certificate of {server} is for another name: {why}",
            hint="tls-server-name in the kubeconfig says which name it has",
        )
    return Unreachable(
        f"the certificate of {server} is not trusted: {why}",
        hint="the kubeconfig's certificate-authority does not fit this server",
    )


def _no_tls(server: str, cause: ssl.SSLError) -> Unreachable:
    reason = cause.reason or str(cause)
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return Unreachable(
            f"{server} does not speak TLS", hint="does its address begin with http:// ?"
        )
    hint = "the server refuses the kubeconfig's client certificate" if "ALERT" in reason else ""
    return Unreachable(f"no TLS with {server}: {reason}", hint=hint)
