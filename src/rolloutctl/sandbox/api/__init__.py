"""A Kubernetes API server's answers, without a server: `Api.handle(request)`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from rolloutctl.sandbox.store import Record, Store

from . import (
    access,
    bodies,
    discovery,
    errors,
    logs,
    managers,
    metadata,
    parts,
    reading,
    reviews,
    routing,
    tables,
)
from .access import ADMIN, Rule, User
from .deleting import Deleter
from .messages import Request, Response, Stream
from .routing import Query, Target
from .watching import Watch
from .writing import Writer, Written

__all__ = ["ADMIN", "HEALTH", "Api", "Rule", "User"]

HEALTH = ("/healthz", "/readyz", "/livez")


class Api:
    """The API of one embedded cluster. Any thread may call it.

    `tokens` says whom a bearer token stands for.
    """

    def __init__(
        self,
        store: Store,
        *,
        tokens: Mapping[str, User],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store = store
        self._tokens = dict(tokens)
        self._now = now
        self._writer = Writer(store, now)
        self._deleter = Deleter(store, now)
        self._closing = threading.Event()

    def handle(self, request: Request) -> Response | Stream:
        """Answer one request. Raises nothing but `errors.Aborted`: close without an answer."""
        try:
            return self._answer(request)
        except errors.Refused as refused:
            return Response(refused.code, bodies.encode(refused.status()), headers=refused.headers)
        except routing.NoSuchPath:
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        except RecursionError:
            deep = errors.bad_request("the object is nested too deeply")
            return Response(deep.code, bodies.encode(deep.status()))

    def close(self) -> None:
        """End all watches, for good."""
        self._closing.set()
        self.store.wake()

    def _answer(self, request: Request) -> Response | Stream:
        path = request.path.rstrip("/") or "/"
        if path in HEALTH and request.method in ("GET", "HEAD"):
            return Response(200, b"ok", "text/plain; charset=utf-8")
        user = access.authenticate(self._tokens, request.headers)
        if request.method in ("GET", "HEAD") and (found := discovery.answer(request)):
            return found
        target = routing.locate(request)
        if target.resource.stored:
            plural = target.resource.plural
            access.authorize(
                user,
                access.Asked(
                    target.verb,
                    target.resource.group,
                    f"{plural}/{target.part}" if target.part else plural,
                    target.name if plural == "namespaces" else target.namespace,
                    target.name,
                ),
            )
        return self._dispatch(target, request, user)

    def _dispatch(self, target: Target, request: Request, user: User) -> Response | Stream:
        writer = self._writer
        if not target.resource.stored:
            return reviews.answer(target, request, user, self._now())
        if target.part == "log":
            return logs.answer(self.store, target, request, self._now, self._closing)
        if target.part and target.part != "status":
            return parts.answer(self.store, writer, self._deleter, target, request)
        if target.verb == "watch":
            return self._watch(target, request)
        if target.verb == "get":
            return self._one(target, request, reading.existing(self.store, target))
        if target.verb == "list":
            return self._many(target, request, reading.page(self.store, target, Query(request)))
        if target.verb == "create":
            return self._written(target, request, writer.create(target, request))
        if target.verb == "update":
            return self._written(target, request, writer.update(target, request))
        if target.verb == "patch":
            return self._written(target, request, writer.patch(target, request))
        if target.verb == "deletecollection":
            return self._many(target, request, self._deleter.delete_collection(target, request))
        record, shown = self._deleter.delete(target, request)
        if shown:
            return self._one(target, request, record)
        return Response(200, bodies.encode(_deleted(target, record)))

    def _one(self, target: Target, request: Request, record: Record) -> Response:
        form = tables.wanted(request)
        if form:
            return Response(
                200, form.one(target, record, Query(request), self._now()), form.content_type
            )
        kind, bare = target.resource.kind, request.bare
        return Response(200, managers.full(target.api_version, kind, record, bare=bare))

    def _many(self, target: Target, request: Request, page: reading.Page) -> Response:
        form = tables.wanted(request)
        if form:
            return Response(
                200, form.many(target, page, Query(request), self._now()), form.content_type
            )
        return Response(200, reading.join(target, page, bare=request.bare))

    def _watch(self, target: Target, request: Request) -> Stream:
        form = tables.wanted(request)
        query = Query(request)
        head = metadata.prefix(target.api_version, target.resource.kind)

        def render(record: Record) -> bytes:
            if form:
                return form.one(target, record, query, self._now())
            return head + (record.raw if request.bare else managers.spliced(record))[1:]

        chunks = Watch(self.store, target, query, render, self._closing)
        return Stream(200, chunks, form.stream_type if form else "application/json")

    def _written(self, target: Target, request: Request, written: Written) -> Response:
        answer = self._one(target, request, written.record)
        headers = {}
        if written.warnings:
            texts = (text.replace("\\", "\\\\").replace('"', '\\"') for text in written.warnings)
            headers["Warning"] = ", ".join(f'299 - "{text}"' for text in texts)
        status = 201 if written.created else 200
        return Response(status, answer.body, answer.content_type, headers)


def _deleted(target: Target, record: Record) -> dict[str, object]:
    resource = target.resource
    details = errors.details(record.key[1], resource.group, resource.plural)
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**details, "uid": record.uid},
    }
