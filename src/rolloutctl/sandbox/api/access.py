"""Who asks, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import errors

MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request wants to do, in the words of an RBAC rule."""

    verb: str
    group: str = ""
    resource: str = ""
    """With its subresource: `rollouts/status`."""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as RBAC writes them; "*" stands for everything, no namespaces for all of them."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    namespaces: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Mapping[str, Sequence[str]]) -> Rule:
        """From {apiGroups, resources, verbs, namespaces, resourceNames}."""
        return cls(
            tuple(rule.get("apiGroups", ())),
            tuple(rule.get("resources", ())),
            tuple(rule.get("verbs", ())),
            tuple(rule.get("namespaces", ())),
            tuple(rule.get("resourceNames", ())),
        )

    def allows(self, asked: Asked) -> bool:
        _, _, part = asked.resource.partition("/")
        names = {"*", asked.resource} | ({f"*/{part}"} if part else set())
        return (
            not {"*", asked.group}.isdisjoint(self.api_groups)
            and not names.isdisjoint(self.resources)
            and not {"*", asked.verb}.isdisjoint(self.verbs)
            and (not self.namespaces or asked.namespace in self.namespaces)
            and (not self.resource_names or asked.name in self.resource_names)
        )


@dataclass(frozen=True, slots=True)
class User:
    """Who a token stands for. Members of the group system:masters may do everything."""

    name: str
    groups: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def allows(self, asked: Asked) -> bool:
        return MASTERS in self.groups or any(rule.allows(asked) for rule in self.rules)

    def info(self) -> dict[str, Any]:
        """As a SelfSubjectReview shows it."""
        groups = [*self.groups, "system:authenticated"]
        return {"username": self.name, "uid": self.name, "groups": groups}


ADMIN = User("admin", (MASTERS,))


def authenticate(tokens: Mapping[str, User], headers: Mapping[str, str]) -> User:
    """Whom the request acts as. Raises Refused: 401, or 403 for an impersonation not allowed."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    user = tokens.get(token.strip()) if scheme.lower() == "bearer" else None
    if user is None:
        raise errors.unauthorized()
    name = headers.get("impersonate-user", "")
    if not name:
        return user
    if not user.allows(Asked("impersonate", "", "users", "", name)):
        why = (
            f'User "{user.name}" cannot impersonate resource "users" in API group ""'
            " at the cluster scope"
        )
        raise errors.forbidden("users", "", name, why)
    known = next((other for other in tokens.values() if other.name == name), None)
    groups = tuple(g.strip() for g in headers.get("impersonate-group", "").split(",") if g.strip())
    if groups:
        return User(name, groups, known.rules if known else ())
    return known or User(name)


def authorize(user: User, asked: Asked) -> None:
    """Raises Refused (403) in the words of a real server."""
    if user.allows(asked):
        return
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    why = (
        f'User "{user.name}" cannot {asked.verb} resource "{asked.resource}"'
        f' in API group "{asked.group}" {where}'
    )
    raise errors.forbidden(asked.resource.partition("/")[0], asked.group, asked.name, why)
