"""One invocation: the options common to all commands, and what a command may ask of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rolloutctl.cli.environment import Environment
from rolloutctl.errors import RolloutctlError, UsageError

if TYPE_CHECKING:
    import typer

    from rolloutctl.cli.picking import Pick
    from rolloutctl.cli.settings import Settings
    from rolloutctl.domain.cluster import Cluster
    from rolloutctl.domain.refs import Ref
    from rolloutctl.render.surface import Surface
    from rolloutctl.render.text import Line


class ReaderGone(Exception):
    """Whoever read our stdout has closed it, as `head` does; there is nothing left to say."""


class Broken(NamedTuple):
    """A cluster among several that could not be read, and why."""

    label: str
    error: RolloutctlError


@dataclass
class Common:
    """The options every command takes, before or after its name; the later one wins."""

    namespace: str | None = None
    all_namespaces: bool = False
    context: Sequence[str] = ()
    """As given: each a context's name, or several with commas between them."""
    all_contexts: bool = False
    kubeconfig: str | None = None
    impersonate: str | None = None
    as_group: Sequence[str] = ()
    as_uid: str | None = None
    request_timeout: float | None = None
    no_color: bool = False
    timings: bool = False
    read_only: bool = False
    query: str | None = None
    columns: str | None = None
    no_headers: bool = False


class Run:
    """What a command is given: `Run.of(ctx)`."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.common = Common()
        self.command = "rolloutctl"
        """What runs, in the words of the command line: "rolloutctl plugins list"."""
        self.broken: list[Broken] = []
        """The clusters among several that did not answer, in the order they were found out."""
        self.pick: Pick | None = None
        """What --query or --columns pick out of the documents; `output.write` heeds it."""
        self.picks_objects = False
        """Whether its paths are those of the API's objects, as kubectl's formats have them."""
        self.opened: list[Cluster] = []
        self.began = time.perf_counter()
        self.commanded: float | None = None
        """When the command itself began, by `time.perf_counter`."""
        self._warnings: dict[str, bool] = {}
        """What servers warned of, and whether it has been said."""
        self._warning = threading.Lock()
        self._drawn = False
        self._settings: Settings | None = None
        self._cluster: Cluster | None = None
        self._contexts: list[str | None] | None = None

    @classmethod
    def of(cls, ctx: typer.Context) -> Run:
        run = ctx.find_root().obj
        assert isinstance(run, Run)
        return run

    # --- settings -----------------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """What the user has set once. Raises UsageError where that cannot be understood."""
        if self._settings is None:
            from rolloutctl.cli import settings

            self._settings = settings.load(self.environment.env)
        return self._settings

    def context_name(self) -> str:
        """The one context meant, as settings know it; "" where there are several, or none."""
        try:
            return self.cluster().name if len(self.contexts()) == 1 else ""
        except RolloutctlError:
            return ""

    def read_only(self, context: str) -> str:
        """What makes a context read-only, "" where nothing does. Whoever says so wins."""
        if self.common.read_only:
            return "--read-only"
        settings = self.settings
        places = (settings.variables, settings.contexts.get(context, {}), settings.values)
        said = (place["read-only"] for place in places if "read-only" in place)
        return next((found.source for found in said if found.value), "")

    def must_be_writable(self) -> None:
        """Raises ReadOnlyError before anything is read for a change that cannot be made."""
        why = self.read_only(self.cluster().name)
        if why:
            from rolloutctl.actions.read_only import refusal

            raise refusal(why)

    # --- the cluster ---------------------------------------------------------------------------

    def contexts(self) -> list[str | None]:
        """The contexts the user means, each once, in the order given; None is the current one.

        Raises UsageError and ClusterError.
        """
        if self._contexts is None:
            common = self.common
            several = common.all_contexts or "," in "".join(common.context)
            if several or len(set(common.context)) > 1:
                from rolloutctl.cli.contexts import meant

                self._contexts = meant(self)
            else:
                self._contexts = [next(iter(common.context), None) or None]
        return self._contexts

    def cluster(self) -> Cluster:
        """The one cluster the user means, opened on first use.

        Raises UsageError when several are meant: what reads from many asks `sources`, and nothing
        else can ever act on the first of them. Raises ClusterError and its kin.
        """
        if self._cluster is None:
            self._cluster = self.open(self.one_context())
        return self._cluster

    def one_context(self, what: str = "") -> str | None:
        """The one context meant, None for the current one.

        Raises UsageError for several, saying that `what` (else the command) takes one.
        """
        names = self.contexts()
        if len(names) > 1:
            raise UsageError(
                f"{what or self.command} takes one cluster at a time, and {len(names)} contexts"
                " are meant",
                hint="name one of them with --context",
            )
        return names[0]

    def open(self, context: str | None) -> Cluster:
        """The cluster of a context; no request is sent. Raises ClusterError and its kin.

        Where it is read-only nothing can be changed through what is returned.
        """
        timeout = self.common.request_timeout
        if timeout is None:
            timeout = self.settings.of("request-timeout", context or "")
        found = self._connect(context, timeout)
        if self.common.request_timeout is None and found.name in self.settings.contexts:
            own = self.settings.of("request-timeout", found.name)
            found = found if own == timeout else self._connect(context, own)
        self.opened.append(found)
        why = self.read_only(found.name)
        if why:
            from rolloutctl.actions.read_only import read_only

            return read_only(found, why)
        return found

    def _connect(self, context: str | None, timeout: float | None) -> Cluster:
        return self.environment.connect(
            kubeconfig=self.common.kubeconfig,
            context=context,
            namespace=self.common.namespace,
            impersonate=self.common.impersonate,
            as_groups=self.common.as_group,
            as_uid=self.common.as_uid,
            request_timeout=timeout,
            env=self.environment.env,
            warn=self.warned,
        )

    def namespace(self) -> str | None:
        """The namespace to list, None for all of them (-A wins over -n, as in kubectl)."""
        return None if self.common.all_namespaces else self.one_namespace()

    def one_namespace(self) -> str:
        """The namespace of named objects: -n, else the context's, else "default"."""
        return self.common.namespace or self.cluster().namespace

    def names(self, names: Sequence[str]) -> list[str]:
        """The bare names of the rollouts on the command line, each once, in the order given.

        Raises UsageError for -A with names and for what cannot be a rollout's name.
        """
        from rolloutctl.domain.refs import parse_rollout

        if self.common.all_namespaces:
            raise UsageError(
                "a rollout cannot be named across all namespaces",
                hint="leave out -A, or name its namespace with -n",
            )
        return list(dict.fromkeys(parse_rollout(name, "").name for name in names))

    def refs(self, names: Sequence[str]) -> list[Ref]:
        """The rollouts named on the command line, in the one cluster. Raises as `names` does."""
        from rolloutctl.domain.refs import Ref

        known = self.names(names)
        namespace = self.one_namespace()
        return [Ref(namespace, name) for name in known]

    # --- streams -------------------------------------------------------------------------------

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: both ends of the question are a terminal."""
        return self.environment.stdin.isatty() and self.environment.stderr.isatty()

    def surface(self) -> Surface:
        """What stdout can show now."""
        from rolloutctl.render.surface import Surface

        environment = self.environment
        return Surface(
            width=environment.width,
            unicode=environment.unicode,
            now=environment.now(),
            colour=environment.colour(environment.stdout, wanted=not self.common.no_color),
            terminal=environment.stdout.isatty(),
        )

    def out(self, text: str) -> None:
        """Writes data to stdout; a missing final newline is added. Raises ReaderGone."""
        stream = self.environment.stdout
        text = text if text.endswith("\n") or not text else text + "\n"
        try:
            if self.environment.unicode or text.isascii():
                stream.write(text)
            else:
                # Views are in ASCII by now, so this is data, and data is always UTF-8.
                stream.flush()
                stream.buffer.write(text.encode("utf-8", "backslashreplace"))
            stream.flush()
        except BrokenPipeError:
            raise ReaderGone from None

    def emit(self, lines: Iterable[Line]) -> None:
        """Writes a view to stdout, in colour where that is a terminal."""
        from rolloutctl.render.theme import to_text

        environment = self.environment
        colour = environment.colour(environment.stdout, wanted=not self.common.no_color)
        self.out(to_text(lines, colour=colour, unicode=environment.unicode))

    def note(self, message: str | Iterable[Line]) -> None:
        """Narrates on stderr."""
        stream = self.environment.stderr
        if isinstance(message, str):
            text = message
        else:
            from rolloutctl.render.theme import to_text

            colour = self.environment.colour(stream, wanted=not self.common.no_color)
            text = to_text(message, colour=colour, unicode=self.environment.unicode)
        stream.write(text if text.endswith("\n") or not text else text + "\n")
        stream.flush()

    def warned(self, text: str) -> None:
        """Says on stderr what a server warns of, as kubectl does and each thing once."""
        from rolloutctl.render.text import safe

        with self._warning:
            self._warnings.setdefault(safe(text, 1000), False)
            if not self._drawn:
                self._say_warnings()

    def _say_warnings(self) -> None:
        from rolloutctl.render.text import Span

        for text in [text for text, said in self._warnings.items() if not said]:
            self._warnings[text] = True
            self.note([(Span("Warning:", "warn"), Span(f" {text}"))])

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """While a picture is redrawn in place, warnings wait: they would be written into it."""
        self._drawn = True
        try:
            yield
        finally:
            with self._warning:
                self._drawn = False
                self._say_warnings()

    def fail(self, error: RolloutctlError) -> None:
        """Says on stderr what went wrong, with which object, and what to do next."""
        from rolloutctl.cli.helping import named
        from rolloutctl.render.problems import error_lines

        surface = self.surface()._replace(terminal=self.environment.stderr.isatty())
        hint = named(error.hint, self.environment.program)
        self.note(error_lines(error.message, hint, surface, subject=error.subject))

    def tell_broken(self) -> bool:
        """Says which clusters did not answer, under what the others said; whether there are any."""
        if not self.broken:
            return False
        from rolloutctl.cli.sources import of_cluster

        for label, error in self.broken:
            self.fail(of_cluster(label, error))
        return True

    def confirm(
        self,
        question: str,
        *,
        yes: bool,
        typed: str | None = None,
    ) -> bool:
        """Asks before something that is hard to take back.

        `typed`: the text the person has to type; otherwise y or n. With `yes` nothing is asked.
        Raises UsageError where nobody can be asked, saying to pass --yes.
        """
        if yes:
            return True
        if not self.interactive:
            raise UsageError(
                "this needs a confirmation, and there is no terminal to ask on",
                hint="look at what --dry-run says, then pass --yes",
            )
        prompt = f"{question} [y/N] " if typed is None else f'{question} Type "{typed}": '
        self.environment.stderr.write(prompt)
        self.environment.stderr.flush()
        answer = self.environment.stdin.readline().strip()
        if typed is not None:
            return answer == typed
        return answer.lower() in {"y", "yes"}
