"""All that the checks look at, read once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pymysql

from replicator import state
from replicator.config import Config
from replicator.errors import ConfigError, ReplicatorError, TransformDeclarationError, WrongState
from replicator.mysql.catalog import ForeignKey, Table, read_foreign_keys, read_tables
from replicator.mysql.connection import Connection, Endpoint, connected, execute, rows
from replicator.mysql.flavour import Server, identify
from replicator.preflight.trial import Targets, read_targets
from replicator.transform.declarations import Declarations
from replicator.transform.loader import load
from replicator.transform.plan import MigrationPlan
from replicator.transform.planner import make_plan

_MISSING = {
    "source": re.compile('no source table "|(?<!target )table ".*" does not exist'),
    "target": re.compile('target table ".*" does not exist'),
}
"""What is wrong with a transform while no table of that end is to be seen."""


class NotSeen(Exception):
    """What a check asked for could not be had; the reason is told once, under another name."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class End:
    """One server, reached, and the migration's database on it."""

    endpoint: Endpoint
    connection: Connection
    server: Server
    variables: Mapping[str, str]
    """Global variables, in lower case."""
    tables: Mapping[str, Table]
    """The tables that are there now."""
    foreign_keys: tuple[ForeignKey, ...]
    """Of the source; the target's own play no part here."""

    @property
    def role(self) -> str:
        """`source` or `target`."""
        return self.endpoint.role

    @property
    def database(self) -> str:
        """The migration's database on this server."""
        return self.endpoint.database

    def is_on(self, variable: str) -> bool:
        """Whether a boolean variable is set; False where the server does not know it."""
        return self.variables.get(variable, "OFF").upper() in ("ON", "1")

    def __str__(self) -> str:
        return f"{self.role} {self.endpoint.address}"


@dataclass(frozen=True, slots=True)
class Context:
    """What could be had of both servers, the declarations and the plan."""

    config: Config
    reached: Mapping[str, End]
    unreached: Mapping[str, ReplicatorError]
    known_declarations: Declarations | None
    known_plan: MigrationPlan | None
    """Of the declarations without problems."""
    targets: Targets
    """The target tables as they are, or as the schema files will create them."""
    problems: tuple[str, ...]
    """What is wrong with the declarations or the schema files."""

    @property
    def source(self) -> End:
        """Raises NotSeen."""
        return self._end("source")

    @property
    def target(self) -> End:
        """Raises NotSeen."""
        return self._end("target")

    @property
    def ends(self) -> Iterator[End]:
        """Both ends; an end that could not be reached raises NotSeen after the others were looked at."""
        yield from self.reached.values()
        for role in self.unreached:
            raise NotSeen(role)

    @property
    def declarations(self) -> Declarations:
        """Raises NotSeen when the transforms could not be loaded."""
        if self.known_declarations is None:
            raise NotSeen("transforms")
        return self.known_declarations

    @property
    def plan(self) -> MigrationPlan:
        """Raises NotSeen when there is none; transforms with problems of their own are not in it."""
        for role in self.unreached:
            raise NotSeen(role)
        if self.known_plan is None:
            raise NotSeen("transforms")
        return self.known_plan

    @property
    def same_server(self) -> bool:
        """Whether both databases are on one server. Raises NotSeen."""
        return self.source.server.identity == self.target.server.identity

    def moved(self) -> set[str]:
        """Source tables that the cutover renames into the archive: all but the kept ones."""
        return set(self.source.tables) - {kept.table for kept in self.declarations.kept}

    def _end(self, role: str) -> End:
        if role not in self.reached:
            raise NotSeen(role)
        return self.reached[role]


@contextmanager
def opened(config: Config) -> Iterator[Context]:
    """Connect to both ends and read all that checks need; failures become part of the context.

    Raises WrongState between a cutover and a rollback.
    """
    with ExitStack() as stack:
        reached: dict[str, End] = {}
        unreached: dict[str, ReplicatorError] = {}
        for endpoint in (config.source, config.target):
            try:
                connection = stack.enter_context(
                    connected(endpoint, database=False, write=endpoint.role == "target")
                )
                reached[endpoint.role] = _end(endpoint, connection)
            except ReplicatorError as error:
                unreached[endpoint.role] = error
            except pymysql.MySQLError as error:
                unreached[endpoint.role] = endpoint.refused(error, "reading its tables")
        if "target" in reached:
            _before_the_cutover(config, reached["target"])
        problems: list[str] = []
        declarations = _load(config, problems)
        plan, targets = None, Targets({})
        if "target" in reached:
            targets = _targets(config, reached["target"], problems)
        if declarations is not None and not unreached:
            plan = _plan(declarations, reached["source"], targets.tables, problems)
        yield Context(config, reached, unreached, declarations, plan, targets, tuple(problems))


def _before_the_cutover(config: Config, target: End) -> None:
    known = state.of(config)
    if known.exists(target.connection) and known.phase(target.connection) == "reversing":
        raise WrongState(
            f"the migration {config.migration.name} is cut over: its tables are where they are not looked for before that."
            " `replicator status` and `replicator verify` say how the way back is doing"
        )


def _end(endpoint: Endpoint, connection: Connection) -> End:
    server = identify(connection)
    if server.flavour == "mysql":
        execute(connection, "SET SESSION information_schema_stats_expiry = 0")  # sizes of now, not of yesterday
    return End(
        endpoint,
        connection,
        server,
        {name.lower(): str(text) for name, text in rows(connection, "SHOW GLOBAL VARIABLES")},
        read_tables(connection, endpoint.database),
        read_foreign_keys(connection, endpoint.database) if endpoint.role == "source" else (),
    )


def _load(config: Config, problems: list[str]) -> Declarations | None:
    try:
        return load(config.migration.transforms)
    except ConfigError as error:
        problems += error.problems
        return None


def _targets(config: Config, target: End, problems: list[str]) -> Targets:
    try:
        return read_targets(target.connection, config, target.tables)
    except ConfigError as error:
        problems += error.problems
    except ReplicatorError as error:
        problems.append(str(error))
    except pymysql.MySQLError as error:
        problems.append(str(target.endpoint.refused(error, "trying the schema files")))
    return Targets(target.tables)


def _plan(
    declarations: Declarations, source: End, targets: Mapping[str, Table], problems: list[str]
) -> MigrationPlan | None:
    """The plan; where some declarations are wrong, that of the others, so that they are looked at as well."""
    options = {"logs_cascades": source.server.logs_cascades}
    try:
        return make_plan(declarations, source.tables, targets, source.foreign_keys, **options)
    except TransformDeclarationError as error:
        wrong = error.problems
    unseen = [end for end, tables in (("source", source.tables), ("target", targets)) if not tables]
    if unseen:  # why is told already; that each transform misses its table is not worth telling
        problems += [text for text in wrong if not any(_MISSING[end].search(text) for end in unseen)]
        return None
    problems += wrong
    good = Declarations(
        [one for one in declarations.transforms if not any(text.startswith(f"{one.place}:") for text in wrong)]
    )
    try:
        return make_plan(good, source.tables, targets, source.foreign_keys, **options)
    except TransformDeclarationError:
        return None
