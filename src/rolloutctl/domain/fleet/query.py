"""What a person types to find rollouts among many: terms that all have to hold.

A bare word is a part of "namespace/name" or of an image. `ns:shop`, `phase:degraded`,
`plugin:gate`, `image:v2`, `context:prod` and `label:team` say where to look; `team=payments` and
`team!=payments` are labels; `awaiting` and `aborted` are states. `!` or `-` before a term turns it
round.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Collection, Iterable
from fnmatch import fnmatchcase

from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.fleet.keeping import names_plugin
from rolloutctl.domain.status import DEGRADED, HEALTHY, PAUSED, PROGRESSING
from rolloutctl.errors import UsageError

PHASES = (HEALTHY, PROGRESSING, PAUSED, DEGRADED)
STATES = ("awaiting", "aborted")
KEYS = ("ns", "phase", "plugin", "image", "label", "context")
_MEANT = {"namespace": "ns", "cluster": "context", "status": "phase", "n": "ns", "l": "label"}

Test = Callable[[Entry, str], bool]
"""Whether an entry of a cluster is meant."""


class Query:
    """A filter; `text` is what was typed. Two of the same text are equal."""

    __slots__ = ("_tests", "_words", "text")

    def __init__(
        self, text: str = "", words: Iterable[tuple[str, bool]] = (), tests: Iterable[Test] = ()
    ) -> None:
        self.text = text
        self._words = tuple(words)
        self._tests = tuple(tests)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Query) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def keeps_all(self) -> bool:
        return not self._words and not self._tests

    def keeps(self, found: Entry, cluster: str = "", haystack: str | None = None) -> bool:
        """`haystack`: what `haystack(found)` gave before, to spare making it for every letter."""
        if self._words:
            text = haystack_of(found) if haystack is None else haystack
            for word, wanted in self._words:
                if (word in text) is not wanted:
                    return False
        return all(test(found, cluster) for test in self._tests)


def haystack_of(found: Entry) -> str:
    """In which bare words are looked for: one per line, in lower case."""
    row = found.row
    return "\n".join((str(row.ref), *row.images_to)).lower()


def parse(text: str) -> Query:
    """The filter that was typed. Raises UsageError for a key or a phase there is not.

    A term of which nothing is typed yet ("phase:") keeps everything.
    """
    words: list[tuple[str, bool]] = []
    tests: list[Test] = []
    for term in _terms(text):
        wanted = True
        while term[:1] in ("!", "-"):
            wanted, term = not wanted, term[1:]
        if not term:
            continue
        test = _test(term)
        if test is None:
            words.append((term.lower(), wanted))
        elif wanted:
            tests.append(test)
        elif test is not _anything:
            tests.append(_not(test))
    return Query(text, words, tests)


def complete(
    text: str,
    *,
    namespaces: Collection[str] = (),
    plugins: Collection[str] = (),
    phases: Collection[str] = (),
) -> list[str]:
    """How the text may go on: the whole of it, with its last term finished, best first."""
    before, space, last = text.rpartition(" ")
    sign = last[: len(last) - len(last.lstrip("!-"))]
    term = last[len(sign) :]
    if not term:
        return []
    key, colon, value = term.partition(":")
    if colon:
        known = {"phase": phases or PHASES, "ns": namespaces, "plugin": plugins}
        values = known.get(_MEANT.get(key.lower(), key.lower()), ())
        begun = sorted(name for name in values if name.lower().startswith(value.lower()))
        found = [f"{key}:{value}{name[len(value) :]}" for name in begun if name != value]
    else:
        found = [name for name in (*STATES, *(f"{key}:" for key in KEYS)) if name.startswith(term)]
        found = [name for name in found if name != term]
    return [f"{before}{space}{sign}{each}" for each in found]


# ------------------------------------------------------------------------------------------------


def _terms(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=False)
    except ValueError:  # a quotation that is not ended yet
        return text.replace('"', "").replace("'", "").split()


def _test(term: str) -> Test | None:
    """The test a term stands for; None for a bare word."""
    if term.lower() in STATES:
        return _awaiting if term.lower() == "awaiting" else _aborted
    key, colon, value = term.partition(":")
    equals = term.find("=")
    if equals > 0 and (not colon or equals < len(key)):
        return _label(term)
    if not colon or "/" in key or not key.isalpha():
        return None
    name = _MEANT.get(key.lower(), key.lower())
    if name not in KEYS:
        near = difflib.get_close_matches(key.lower(), [*KEYS, *_MEANT], 1)
        meant = f", did you mean {near[0]}:" if near else ""
        raise UsageError(f'no "{key}:" to filter by{meant}', hint=f"there are {', '.join(KEYS)}")
    if not value:
        return _anything
    return _BY_KEY[name](value)


def _anything(_found: Entry, _cluster: str) -> bool:
    return True


def _not(test: Test) -> Test:
    return lambda found, cluster: not test(found, cluster)


def _awaiting(found: Entry, _cluster: str) -> bool:
    return found.row.awaiting is not None


def _aborted(found: Entry, _cluster: str) -> bool:
    return found.row.aborted


def _ns(value: str) -> Test:
    if any(sign in value for sign in "*?["):
        return lambda found, _: fnmatchcase(found.row.ref.namespace, value)
    # While it is typed, what begins with it is meant.
    return lambda found, _: found.row.ref.namespace.startswith(value)


def _phase(value: str) -> Test:
    wanted = value.lower()
    meant = frozenset(name for name in PHASES if name.lower().startswith(wanted))
    if not meant:
        near = difflib.get_close_matches(wanted.capitalize(), PHASES, 1)
        hint = f", did you mean {near[0].lower()}" if near else ""
        raise UsageError(f'no phase "{value}"{hint}', hint=f"there are {', '.join(PHASES)}")
    return lambda found, _: found.row.phase in meant


def _plugin(value: str) -> Test:
    wanted = value.lower()

    def test(found: Entry, _cluster: str) -> bool:
        return any(
            names_plugin(value, name)
            or name.lower().startswith(wanted)
            or name.partition("/")[2].lower().startswith(wanted)
            for name in found.plugins
        )

    return test


def _image(value: str) -> Test:
    wanted = value.lower()
    return lambda found, _: any(wanted in image.lower() for image in found.row.images_to)


def _context(value: str) -> Test:
    return lambda _, cluster: value.lower() in cluster.lower()


def _has_label(value: str) -> Test:
    return _label(value) if "=" in value else lambda found, _: value in found.labels


def _label(term: str) -> Test:
    key, _, value = term.partition("=")
    if key.endswith("!"):
        return lambda found, _: found.labels.get(key[:-1]) != value
    value = value.removeprefix("=")
    if not value:
        return lambda found, _: key in found.labels
    if any(sign in value for sign in "*?"):
        return lambda found, _: fnmatchcase(found.labels.get(key, ""), value)
    return lambda found, _: found.labels.get(key) == value


_BY_KEY: dict[str, Callable[[str], Test]] = {
    "ns": _ns,
    "phase": _phase,
    "plugin": _plugin,
    "image": _image,
    "label": _has_label,
    "context": _context,
}
