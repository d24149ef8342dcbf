"""Reading and following the events of rollouts. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rolloutctl.actions import owned
from rolloutctl.actions.following_objects import Listed, Tidings, Told, follow
from rolloutctl.actions.inspect import Missing, get_rollout, names
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import EVENTS, Cluster
from rolloutctl.domain.happenings import Happening, happening, in_order, is_of, may_have_been_of
from rolloutctl.domain.owned import tree
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire_details import EventDetails
from rolloutctl.errors import RolloutctlError

FEW = 6
"""Objects whose events are asked for one by one; of more, those of the namespace are read."""


class Circle:
    """A rollout with what belongs to it, as far as events go.

    `own`: only the rollout itself. `gone`: also what belonged to it and is not there any more, told
    by its name.
    """

    def __init__(
        self,
        cluster: Cluster,
        ref: Ref,
        *,
        own: bool = False,
        gone: bool = False,
    ) -> None:
        """Raises NotFound with near names, and what reading the rollout raises."""
        self.ref = ref
        self.own = own
        self.gone = gone
        self.missing: tuple[Missing, ...] = ()
        self._cluster = cluster
        self._rollout = get_rollout(cluster, ref)
        self._foreign: set[str] = set()
        self._uids: set[str] = set()
        self._names: set[tuple[str, str]] = set()
        self._others = self._longer_names() if gone else []
        self._read()

    def _read(self) -> None:
        rollout = self._rollout
        self._uids.add(rollout.metadata.uid)
        self._names.add(("Rollout", self.ref.name))
        if self.own:
            return
        found = owned.around(self._cluster, rollout)
        self.missing = found.missing
        for node in tree(found.belongings).walk():
            self._uids.add(node.uid)
            self._names.add((node.kind, node.name))
        self._uids.discard("")

    def _longer_names(self) -> list[str]:
        """The rollouts whose objects have names that could as well be of this one."""
        try:
            known = [ref.name for ref in names(self._cluster, self.ref.namespace)]
        except RolloutctlError:
            return []
        return [f"{name}-" for name in known if name.startswith(f"{self.ref.name}-")]

    def selectors(self) -> list[str]:
        """The field selectors that pick the events, [""] for all of the namespace."""
        if not self.gone and len(self._names) <= FEW:
            return [
                f"involvedObject.kind={kind},involvedObject.name={name}"
                for kind, name in sorted(self._names, key=lambda each: (each[0] != "Rollout", each))
            ]
        return [""]

    @property
    def selector(self) -> str:
        """One field selector for all that may come."""
        if not self.own:
            return ""
        return f"involvedObject.kind=Rollout,involvedObject.name={self.ref.name}"

    def holds(self, about: wire.ObjectReference, *, look: bool = False) -> bool:
        """Whether an event is of the circle; with `look` it is read anew for a new object."""
        if is_of(about, self._uids, self._names):
            return True
        if self.own:
            return self.gone and (about.kind, about.name) == ("Rollout", self.ref.name)
        if not may_have_been_of(about, self.ref.name):
            return False
        if self.gone:
            return not about.name.startswith(tuple(self._others))
        if not look or about.uid in self._foreign:
            return False
        # It may be new. What is not found then is of another rollout, and not looked for again.
        self._read()
        if is_of(about, self._uids, self._names):
            return True
        self._foreign.add(about.uid)
        return False


Wanted = Callable[[Happening], bool]


def read(
    cluster: Cluster, circles: Sequence[Circle], wanted: Wanted
) -> tuple[list[Happening], list[Missing]]:
    """The events there are, the oldest first, and what could not be read of the rest.

    Raises what reading events raises.
    """
    found: list[Happening] = []
    missing = [each for circle in circles for each in circle.missing]
    for namespace in dict.fromkeys(circle.ref.namespace for circle in circles):
        within = [circle for circle in circles if circle.ref.namespace == namespace]
        selectors = [one for circle in within for one in circle.selectors()]
        for selector in [""] if "" in selectors else list(dict.fromkeys(selectors)):
            for page in cluster.pages(EVENTS, namespace, EventDetails, field_selector=selector):
                missing += [Missing(f"Event {each.name}", each.problem) for each in page.unreadable]
                found += (
                    happening(event)
                    for event in page.items
                    if any(circle.holds(event.involved_object) for circle in within)
                )
    return [event for event in in_order(found) if wanted(event)], missing


def watch(
    cluster: Cluster, circles: Sequence[Circle], wanted: Wanted, *, timeout: float | None = None
) -> Iterator[Happening | Told | None]:
    """The events there are, None, then each that comes or is repeated; Told of the connection.

    Raises what the cluster raises.
    """
    scopes = dict.fromkeys((circle.ref.namespace, circle.selector) for circle in circles)
    whole = {namespace for namespace, selector in scopes if not selector}
    lists = [
        Listed(EVENTS, namespace, EventDetails, fields=selector)
        for namespace, selector in scopes
        if not selector or namespace not in whole
    ]
    synced = False
    known: dict[str, Happening] = {}
    for told in follow(cluster, lists, timeout=timeout):
        if told.what is Tidings.READ:
            yield from (event for event in in_order(known.values()) if wanted(event))
            synced = True
            yield None
        elif told.item is None:
            yield told
        elif told.what is Tidings.CHANGE:
            event: EventDetails = told.item
            about, namespace = event.involved_object, event.metadata.namespace
            if not any(
                circle.ref.namespace == namespace and circle.holds(about, look=synced)
                for circle in circles
            ):
                continue
            row = happening(event)
            if known.get(row.key) == row:
                continue
            known[row.key] = row
            if synced and wanted(row):
                yield row
