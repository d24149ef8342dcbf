"""The kubeconfig of a sandbox: one cluster, one user with a token, one context."""

from __future__ import annotations

import json

from .state import DEFAULT_NAME


def context_name(name: str) -> str:
    return "rolloutctl-sandbox" if name == DEFAULT_NAME else f"rolloutctl-sandbox-{name}"


def text(*, name: str, url: str, token: str) -> str:
    """A kubeconfig for the API server at `url`. Values are JSON strings, which YAML reads."""
    context, server, secret = json.dumps(context_name(name)), json.dumps(url), json.dumps(token)
    return f"""\
# Written by rolloutctl sandbox up, removed by rolloutctl sandbox down.
apiVersion: v1
kind: Config
current-context: {context}
clusters:
- name: {context}
  cluster:
    server: {server}
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
