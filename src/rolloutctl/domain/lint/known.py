"""All manifests as one of them sees them, found by kind and name and not one after the other.

Folders of several environments hold objects of the same names: those of the same file are meant,
then those of the same folder, then any.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar, overload

from rolloutctl.domain.lint.finding import Manifest

T = TypeVar("T")
_Key = tuple[str, str]


class _Index:
    """Every manifest by kind and name; as well by file and by folder."""

    def __init__(self, manifests: Sequence[Manifest], others: Sequence[Manifest]) -> None:
        self.all = [*manifests, *others]
        self.anywhere: dict[_Key, list[Manifest]] = {}
        self.in_file: dict[tuple[str, _Key], list[Manifest]] = {}
        self.in_folder: dict[tuple[str, _Key], list[Manifest]] = {}
        self.derived: dict[object, Any] = {}
        for each in manifests:
            key, file = (each.kind, each.name), each.where(()).file
            self.in_file.setdefault((file, key), []).append(each)
            self.in_folder.setdefault((posixpath.dirname(file), key), []).append(each)
        for each in self.all:
            self.anywhere.setdefault((each.kind, each.name), []).append(each)


class Known(Sequence[Manifest]):
    """`others` are known and not checked themselves; they come last."""

    def __init__(
        self,
        manifests: Sequence[Manifest],
        others: Sequence[Manifest] = (),
        *,
        _index: _Index | None = None,
        _file: str = "",
    ) -> None:
        self._index = _Index(manifests, others) if _index is None else _index
        self._file = _file

    def seen_from(self, manifest: Manifest) -> Known:
        """The same, nearest to `manifest` first."""
        return Known((), _index=self._index, _file=manifest.where(()).file)

    def called(self, kind: str, name: str) -> Iterator[Manifest]:
        """Those of a kind and a name, the nearest first; the near ones come again at the end."""
        index, key = self._index, (kind, name)
        return chain(
            index.in_file.get((self._file, key), ()),
            index.in_folder.get((posixpath.dirname(self._file), key), ()),
            index.anywhere.get(key, ()),
        )

    def beside(self, manifest: Manifest) -> Sequence[Manifest]:
        """Those of the same kind and name in the same folder, itself among them."""
        folder = posixpath.dirname(manifest.where(()).file)
        return self._index.in_folder.get((folder, (manifest.kind, manifest.name)), ())

    def derive(self, make: Callable[[Sequence[Manifest]], T]) -> T:
        """What `make` makes of all manifests, made once."""
        found = self._index.derived.get(make)
        if found is None:
            found = self._index.derived[make] = make(self._index.all)
        made: T = found
        return made

    def __len__(self) -> int:
        return len(self._index.all)

    @overload
    def __getitem__(self, index: int) -> Manifest: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Manifest]: ...
    def __getitem__(self, index: int | slice) -> Manifest | Sequence[Manifest]:
        return self._index.all[index]


def known(manifests: Sequence[Manifest]) -> Known:
    """Manifests that can be looked up; of the same list it is made once."""
    return manifests if isinstance(manifests, Known) else _made(_Same(manifests), len(manifests))


class _Same:
    """Something by its identity."""

    def __init__(self, of: Sequence[Manifest]) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.of is other.of


@lru_cache(maxsize=1)
def _made(same: _Same, _count: int) -> Known:
    return Known(same.of)
