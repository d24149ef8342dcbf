"""The kubeconfig of a sandbox: one cluster, one user with a token, one context."""

from __future__ import annotations

import base64
import json

from .state import DEFAULT_NAME


def context_name(name: str) -> str:
    return "rolloutctl-sandbox" if name == DEFAULT_NAME else f"rolloutctl-sandbox-{name}"


def text(*, name: str, url: str, token: str, authority: bytes) -> str:
    """A kubeconfig for the API server at `url`; `authority` is its certificate, PEM.

    The address is that of TLS, since kubectl sends no token without it. Values are JSON strings,
    which YAML reads.
    """
    context, secret = json.dumps(context_name(name)), json.dumps(token)
    server = json.dumps(url.replace("http://", "https://", 1))
    trusted = base64.b64encode(authority).decode()
    return f"""\
# Written by rolloutctl sandbox up, removed by rolloutctl sandbox down.
apiVersion: v1
kind: Config
current-context: {context}
clusters:
- name: {context}
  cluster:
    server: {server}
    certificate-authority-data: {trusted}
contexts:
- name: {context}
  context:
    cluster: {context}
    user: {context}
    namespace: default
users:
- name: {context}
  user:
    token: {secret}
"""
