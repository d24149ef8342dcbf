"""Creating, replacing and patching."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rolloutctl.sandbox.store import Managed, Record, Store, stamped

from . import (
    apply,
    bodies,
    defaults,
    deleting,
    errors,
    managers,
    metadata,
    patching,
    reading,
    strategic,
    validation,
)
from .apply import Applied
from .collecting import Collector
from .messages import Request
from .routing import Query, Target


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write: the object, and warnings for the client."""

    record: Record
    warnings: tuple[str, ...] = ()
    created: bool = False


class Writer:
    """Every write to `store`; each is one transaction."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._collector = Collector(store)

    def create(self, target: Target, request: Request) -> Written:
        query = Query(request)
        obj = bodies.read_object(request, target.resource, target.api_version)
        if target.name and obj["metadata"].get("name") != target.name:
            raise errors.method_not_allowed(target.resource.plural, "create")
        return self._create(target, obj, query, managers.of(request))

    def _create(
        self,
        target: Target,
        obj: dict[str, Any],
        query: Query,
        manager: managers.Manager,
        sent: Applied | None = None,
    ) -> Written:
        resource = target.resource
        self._decodes(target, obj)
        given = obj["metadata"].get("namespace")
        if resource.namespaced and given and given != target.namespace:
            raise errors.bad_request(
                "the namespace of the provided object does not match"
                " the namespace sent on the request"
            )
        if resource.namespaced and not target.namespace:
            raise errors.bad_request("an empty namespace may not be set during creation")
        if obj["metadata"].get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        obj, warnings = self._pruned(target, obj, query)
        with self._store.transaction():
            if resource.namespaced:
                self._namespace_open(target)
            metadata.fill(resource, obj, target.namespace, self._now())
            if resource.status:
                obj.pop("status", None)
            defaults.on_create(resource, obj)
            validation.check(resource, obj)
            name = obj["metadata"]["name"]
            if self._store.get(resource.plural, target.namespace, name):
                raise errors.already_exists(resource.plural, resource.group, name)
            if sent is None:
                shown = _without(obj, "status") if resource.status else obj
                fields = managers.all_of(resource, shown)
            else:
                fields = sent.fields
            managed = managers.created(target.api_version, manager, fields, self._now())
            if deleting.dry(query):
                return Written(_unsaved(obj, "0", managed), warnings, created=True)
            return Written(self._store.put(resource.plural, obj, managed), warnings, created=True)

    def update(self, target: Target, request: Request) -> Written:
        query = Query(request)
        obj = bodies.read_object(request, target.resource, target.api_version)
        if obj["metadata"].get("name", target.name) != target.name:
            given = obj["metadata"].get("name")
            raise errors.bad_request(
                f"the name of the object ({given}) does not match"
                f" the name on the URL ({target.name})"
            )
        self._decodes(target, obj)
        if obj["metadata"].get("namespace", target.namespace) not in (target.namespace, ""):
            raise errors.bad_request(
                "the namespace of the provided object does not match"
                " the namespace sent on the request"
            )
        obj, warnings = self._pruned(target, obj, query)
        with self._store.transaction():
            record = reading.existing(self._store, target)
            if target.resource.custom and not obj["metadata"].get("resourceVersion"):
                said = "Invalid value: 0: must be specified for an update"
                cause = errors.Cause("metadata.resourceVersion", "FieldValueInvalid", said)
                raise errors.invalid(
                    target.resource.kind, target.resource.group, target.name, [cause]
                )
            return self._replace(
                target, record, obj, query, warnings, managers.of(request, target.part)
            )

    def patch(self, target: Target, request: Request) -> Written:
        """Patch the object, or its status. Raises Refused."""
        resource, query, media = target.resource, Query(request), bodies.media_type(request)
        kinds: tuple[str, ...] = (patching.JSON_PATCH, patching.MERGE_PATCH)
        kinds += (patching.APPLY,) if resource.custom else (patching.STRATEGIC, patching.APPLY)
        if media not in kinds:
            raise errors.unsupported_media(*kinds)
        with self._store.transaction():
            if media == patching.APPLY:
                return self._apply(target, request, query)
            record = reading.existing(self._store, target)
            patch = bodies.read_json(request, "error decoding patch: ")
            # Few clients touch managedFields, and only then they have to be there.
            bare = b"managedFields" not in request.body
            before = _typed(target, record, bare=bare)
            if media == patching.JSON_PATCH:
                after = patching.apply_json_patch(before, patch)
            elif media == patching.MERGE_PATCH:
                after = patching.apply_merge(before, patch)
            else:
                after = strategic.apply(resource, before, patch)
            if not isinstance(after.get("metadata"), dict):
                raise errors.unpatchable()
            return self._patched(target, record, after, query, managers.of(request, target.part))

    def patch_with(
        self,
        target: Target,
        request: Request,
        change: Callable[[dict[str, Any], Any], dict[str, Any]],
    ) -> Written:
        """Replace the object by what `change(object, patch)` makes of it: a part's patch."""
        media = bodies.media_type(request)
        if media not in (patching.JSON_PATCH, patching.MERGE_PATCH, patching.STRATEGIC):
            raise errors.unsupported_media(patching.JSON_PATCH, patching.MERGE_PATCH)
        patch = bodies.read_json(request, "error decoding patch: ")
        with self._store.transaction():
            record = reading.existing(self._store, target)
            after = change(_typed(target, record), patch)
            manager = managers.of(request, target.part)
            return self._replace(target, record, after, Query(request), (), manager)

    def _patched(
        self,
        target: Target,
        record: Record,
        after: dict[str, Any],
        query: Query,
        manager: managers.Manager,
        sent: Applied | None = None,
    ) -> Written:
        resource = target.resource
        for name in ("apiVersion", "kind"):
            after.setdefault(name, target.api_version if name == "apiVersion" else resource.kind)
        old = record.decode()
        problem = validation.undecodable(resource, after, old)
        if problem:
            raise _undecodable_patch(after, record, problem)
        after = {**after, "metadata": dict(after["metadata"])}
        metadata.tidy(after)
        if query.bare and not resource.custom:
            return self._replace(target, record, after, query, (), manager, sent)
        pruned, unknown = validation.prune(resource, after, old)
        if unknown and query.text("fieldValidation") == "Strict":
            said = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise _undecodable_patch(after, record, f"strict decoding error: {said}")
        warnings = _warnings(unknown, query)
        return self._replace(target, record, pruned, query, warnings, manager, sent)

    def _apply(self, target: Target, request: Request, query: Query) -> Written:
        """Server-side apply: create, or merge."""
        resource, version = target.resource, target.api_version
        if not query.text("fieldManager"):
            said = "Required value: is required for apply patch"
            cause = errors.Cause("fieldManager", "FieldValueRequired", said)
            raise errors.invalid("PatchOptions", "meta.k8s.io", "", [cause])
        wanted = apply.read(request, target)
        manager = managers.of(request, target.part, managers.APPLY)
        record = self._store.get(resource.plural, target.namespace, target.name)
        own = apply.own(target, wanted)
        if record is None:
            if target.part:
                raise errors.not_found(resource.plural, resource.group, target.name)
            sent = Applied(managers.applied(resource, own))
            return self._create(target, wanted, query, manager, sent)
        managed = managers.before_first_apply(record.managed, resource, version, record)
        record = replace(record, managed=managed)
        after, sent = apply.merged(target, manager, managed, record.decode(), own)
        return self._patched(target, record, after, query, manager, sent)

    def _replace(
        self,
        target: Target,
        record: Record,
        after: dict[str, Any],
        query: Query,
        warnings: tuple[str, ...],
        manager: managers.Manager,
        sent: Applied | None = None,
    ) -> Written:
        resource = target.resource
        self._preconditions(target, record, after)
        before = record.decode()
        after = copy.copy(after)
        after["metadata"] = dict(after["metadata"])
        given = after["metadata"].get("managedFields")
        metadata.keep(before, after)
        if target.part == "status":
            status = after.get("status")
            after = (
                {**before, "status": status} if status is not None else _without(before, "status")
            )
        elif resource.status:
            after = _without(after, "status")
            if "status" in before:
                after["status"] = before["status"]
        if target.part != "status":
            defaults.on_update(resource, before, after)
        validation.check(resource, after, before)
        after = _without(_without(after, "apiVersion"), "kind")
        entries = record.managed if given is None else managers.read(given)
        entries = record.managed if entries is None else entries
        same = patching.same(before, after)
        if same and sent is None and entries == record.managed:
            return Written(record, warnings)
        more, less = ({}, {}) if same else managers.changed(resource, before, after)
        fields = sent.fields if sent else None
        managed = managers.updated(
            entries, target.api_version, manager, more, less, self._now(), fields
        )
        if sent and sent.note:
            after = apply.remembered(after, sent.note)
            same = patching.same(before, after)
        if same and managed == record.managed:
            return Written(record, warnings)
        if resource.generation and metadata.specification(
            resource, before
        ) != metadata.specification(resource, after):
            after["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        if deleting.dry(query):
            return Written(_unsaved(after, str(record.version), managed), warnings)
        stored = self._store.put(resource.plural, after, managed)
        if "deletionTimestamp" in after["metadata"] and resource.plural != "namespaces":
            self._collector.settle(resource.plural, stored.key, self._now())
        return Written(stored, warnings)

    def _decodes(self, target: Target, obj: dict[str, Any]) -> None:
        problem = validation.undecodable(target.resource, obj)
        if problem:
            kind, version = target.resource.kind, target.version
            raise errors.bad_request(
                f'{kind} in version "{version}" cannot be handled as a {kind}: {problem}'
            )
        metadata.tidy(obj)

    def _pruned(
        self, target: Target, obj: dict[str, Any], query: Query
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        if query.bare and not target.resource.custom:
            return obj, ()
        pruned, unknown = validation.prune(target.resource, obj)
        if unknown and query.text("fieldValidation") == "Strict":
            said = ", ".join(f'unknown field "{path}"' for path in unknown)
            kind, version = target.resource.kind, target.version
            raise errors.bad_request(
                f'{kind} in version "{version}" cannot be handled as a {kind}:'
                f" strict decoding error: {said}"
            )
        return pruned, _warnings(unknown, query)

    def _namespace_open(self, target: Target) -> None:
        namespace = self._store.get("namespaces", "", target.namespace)
        if namespace is None:
            raise errors.not_found("namespaces", "", target.namespace)
        if "deletionTimestamp" in namespace.decode()["metadata"]:
            why = (
                f"unable to create new content in namespace {target.namespace}"
                " because it is being terminated"
            )
            raise errors.forbidden(target.resource.plural, target.resource.group, "", why)

    def _preconditions(self, target: Target, record: Record, after: dict[str, Any]) -> None:
        resource, given = target.resource, after["metadata"]
        version, uid = given.get("resourceVersion"), given.get("uid")
        if uid and uid != record.uid:
            why = (
                f"Precondition failed: UID in precondition: {uid}, UID in object meta: {record.uid}"
            )
            raise errors.conflict(resource.plural, resource.group, target.name, why)
        if version and version != str(record.version):
            raise errors.conflict(resource.plural, resource.group, target.name)


def _without(obj: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key != name}


def _typed(target: Target, record: Record, *, bare: bool = True) -> dict[str, Any]:
    head = {"apiVersion": target.api_version, "kind": target.resource.kind}
    return {**head, **managers.decoded(record, bare=bare)}


def _warnings(unknown: list[str], query: Query) -> tuple[str, ...]:
    if query.text("fieldValidation", "Warn") == "Ignore":
        return ()
    return tuple(f'unknown field "{path}"' for path in unknown)


def _undecodable_patch(after: dict[str, Any], record: Record, problem: str) -> errors.Refused:
    about = {"managedFields": managers.listed(record.managed), **after["metadata"]}
    after = {**after, "metadata": about}
    shown = bodies.go_quoted(bodies.encode(after).decode())
    message = f"Invalid value: {shown}: {problem}"
    return errors.invalid("", "", "", [errors.Cause("patch", "FieldValueInvalid", message)])


def _unsaved(obj: dict[str, Any], version: str, managed: tuple[Managed, ...]) -> Record:
    """The answer to a dry run."""
    record = stamped(obj, int(version), managed)
    if version != "0":
        return record
    # What was never stored has no version.
    found = record.decode()
    del found["metadata"]["resourceVersion"]
    raw = b'{"metadata":' + bodies.encode(found.pop("metadata"))
    return replace(record, raw=raw + b"," + bodies.encode(found)[1:] if found else raw + b"}")
