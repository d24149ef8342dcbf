"""Lists kept on disk between two runs, one file for each server, user and scope."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decoders import unpacker
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.fleet.snapshot import Snapshot
from rolloutctl.kube.decoding import MALFORMED
from rolloutctl.kube.transport import Transport

FORMAT = 1
"""Raise it when the same fields come to mean something else."""
SHAPE = "c7b690cabd6b"
"""What an Entry is made of, as a hash: files of another shape are not read. A test computes it."""

_SUFFIX = ".snapshot"
_MAGIC = b"rolloutctl list\n"
_START = struct.Struct(">16sH12sIIQ")
"""Magic, format, shape, length of the header, checksum and length of all that follows."""
_LARGEST = 1 << 30
_UNUSED = 30 * 86_400.0
"""Seconds after which a file nobody used is removed."""
_ABANDONED = 3600.0
"""Seconds after which a file somebody began to write will not be finished."""
_PATIENCE = 5.0
"""Seconds to wait for the cluster's uid."""
_MANY = 2_000
"""From so many entries on, the garbage collector need not look through them again."""

# Other systems than POSIX know no owner here, and then nothing is trusted.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class _Header(msgspec.Struct, frozen=True, array_like=True):
    identity: str
    cluster_uid: str
    resource_version: str
    read_at: datetime
    count: int


class _Unsound(Exception):
    """A file that is not what was written."""


class FileSnapshots:
    """Meets `domain.fleet.snapshot.Snapshots`: files of mode 0600 in `folder`, which is made 0700.

    `identity` says which server is asked as whom; a hash of it and of the scope names the file.
    Only a regular file of one's own that nobody else may read is trusted, and only if checksum,
    format, identity and the cluster's uid are right; anything else is dropped. Whoever may not
    read the namespace kube-system does not know the cluster's uid, and gets no snapshot.

    A read-only or full disk means no snapshot. Files are replaced as a whole, so that several
    processes may read and write at once.
    """

    def __init__(self, folder: Path, identity: Callable[[], str]) -> None:
        self._folder = folder
        self._identity = identity

    def load(self, cluster: Cluster, namespace: str | None) -> Snapshot | None:
        identity, path = self._place(namespace)
        try:
            data = _read(path)
        except (OSError, ValueError):
            return None
        # Nobody has to wait for the answer while the file is decoded.
        asking = threading.Thread(target=cluster.uid, name="cluster-uid", daemon=True)
        asking.start()
        try:
            header, entries = _decoded(data)
            if header.identity != identity:
                raise _Unsound
        except _Unsound:
            _remove(path)
            return None
        asking.join(_PATIENCE)
        # A server that does not answer is waited for once, by the reading itself.
        uid = "" if asking.is_alive() else cluster.uid()
        if not uid or header.cluster_uid != uid:
            if uid:
                _remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return Snapshot(uid, header.resource_version, header.read_at, entries)

    def save(self, cluster: Cluster, namespace: str | None, snapshot: Snapshot) -> None:
        if not snapshot.cluster_uid or snapshot.cluster_uid != cluster.uid():
            return
        identity, path = self._place(namespace)
        header = _Header(
            identity,
            snapshot.cluster_uid,
            snapshot.resource_version,
            snapshot.read_at,
            len(snapshot.entries),
        )
        try:
            _own(self._folder)
            _write(path, _encoded(header, snapshot.entries))
            self._prune()
        except OSError:
            return

    def _place(self, namespace: str | None) -> tuple[str, Path]:
        import hashlib

        scope = "all" if namespace is None else f"namespace {namespace}"
        identity = hashlib.sha256(f"{self._identity()}\n{scope}".encode()).hexdigest()
        return identity, self._folder / f"{identity[:40]}{_SUFFIX}"

    def _prune(self) -> None:
        now = time.time()
        for found in os.scandir(self._folder):
            for suffix, longest in ((_SUFFIX, _UNUSED), (".part", _ABANDONED)):
                if found.name.endswith(suffix):
                    with contextlib.suppress(OSError):
                        if now - found.stat(follow_symlinks=False).st_mtime > longest:
                            _remove(Path(found.path))


def identity(transport: Transport) -> str:
    """Which server is asked, and as whom; without a secret."""
    settings = transport.settings
    parts = (
        settings.server,
        settings.context,
        settings.user(),
        *(f"{name}: {value}" for name, value in settings.impersonate),
    )
    return msgspec.json.encode(parts).decode()


def _own(folder: Path) -> None:
    """Makes the folder, for nobody else. Raises OSError where it is not ours."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or not _mine(found):
        raise PermissionError(f"{folder} is not a folder of this user")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _mine(found: os.stat_result) -> bool:
    return hasattr(os, "getuid") and found.st_uid == os.getuid()


def _read(path: Path) -> bytes:
    """The whole file. Raises OSError, ValueError where it cannot be trusted."""
    # A pipe in its place must not be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or not _mine(found) or found.st_mode & 0o077:
            raise ValueError(f"{path} may be somebody else's")
        if found.st_size > _LARGEST:
            raise ValueError(f"{path} is too large")
        return file.read()


def _write(path: Path, parts: tuple[bytes, ...]) -> None:
    """Puts a new file in place of whatever is there. Raises OSError."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.{time.monotonic_ns()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for data in parts:
                file.write(data)
        part.replace(path)
    except BaseException:
        _remove(part)
        raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _encoded(header: _Header, entries: tuple[Entry, ...]) -> tuple[bytes, bytes, bytes]:
    encoder = msgspec.msgpack.Encoder()
    about, body = encoder.encode(header), encoder.encode(entries)
    check = zlib.crc32(body, zlib.crc32(about))
    size = len(about) + len(body)
    start = _START.pack(_MAGIC, FORMAT, SHAPE.encode(), len(about), check, size)
    return start, about, body


def _decoded(data: bytes) -> tuple[_Header, tuple[Entry, ...]]:
    """What was written. Raises _Unsound."""
    if len(data) < _START.size:
        raise _Unsound
    magic, number, shape, length, check, size = _START.unpack_from(data)
    expected = (_MAGIC, FORMAT, SHAPE.encode(), len(data) - _START.size)
    rest = memoryview(data)[_START.size :]
    if (magic, number, shape, size) != expected or zlib.crc32(rest) != check or length > size:
        raise _Unsound
    try:
        header: _Header = unpacker(_Header).decode(rest[:length])
        with _uncollected(header.count):
            entries = unpacker(tuple[Entry, ...]).decode(rest[length:])
    except MALFORMED as error:
        raise _Unsound from error
    if len(entries) != header.count:
        raise _Unsound
    return header, entries


@contextlib.contextmanager
def _uncollected(count: int) -> Iterator[None]:
    """Without the garbage collector, which would look through all that is made again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        if count >= _MANY:
            gc.freeze()
    finally:
        if enabled:
            gc.enable()
