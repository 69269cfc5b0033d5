"""Whether the target takes what a transform makes: every value fits its column, and every document is JSON to the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pymysql

from replicator.mysql.connection import error_code, row
from replicator.mysql.encoding import HALF_A_CHARACTER, half_character
from replicator.mysql.literals import no_json
from replicator.mysql.refusals import ROW_ERRORS
from replicator.preflight.context import Context
from replicator.transform.plan import PlannedTransform
from replicator.transform.produce import RowEncoder, Values

_OCTETS, _MOST = 1 << 18, 500
"""Of documents that are asked about at once."""
_NO_JSON = {*ROW_ERRORS, 3141, 3146}
"""Errors of a document; 3141 and 3146 are those of a cast."""
_REST = 1024
"""Octets of a statement around a document."""


class Fitting:
    """Holds the rows of one transform against its target table."""

    def __init__(self, context: Context, transform: PlannedTransform) -> None:
        target = context.target
        self.transform = transform
        self._connection = target.connection
        self._encoder = RowEncoder(transform.target, transform.target_columns)
        held = context.targets.documents.get(transform.target.name, frozenset())
        if target.server.flavour == "mariadb" and not target.is_on("check_constraint_checks"):
            held = frozenset()
        self._documents = [place for place, name in enumerate(transform.target_columns) if name in held]
        self._longest = int(target.variables["max_allowed_packet"]) - _REST

    def check(self, made: Iterable[Values]) -> None:
        """Raises BadRow for the first row with a value that its column refuses."""
        documents: dict[str, tuple[Values, int]] = {}
        for values in made:
            literals = self._encoder.encode(values)
            if (place := half_character(literals)) is not None:
                raise self._encoder.bad_row(values, place, HALF_A_CHARACTER)
            for place in self._documents:
                if literals[place] != "NULL":
                    documents.setdefault(literals[place], (values, place))
        for part in self._parts(documents):
            for literal, valid in zip(part, self._valid(part), strict=True):
                if not valid:
                    values, place = documents[literal]
                    raise self._encoder.bad_row(values, place, str(no_json(values[place])))

    def _parts(self, literals: Iterable[str]) -> Iterator[list[str]]:
        part: list[str] = []
        octets = 0
        for literal in literals:
            size = len(literal.encode())
            if size > self._longest:
                continue  # it cannot be asked about, nor written
            if part and (octets + size > min(_OCTETS, self._longest) or len(part) == _MOST):
                yield part
                part, octets = [], 0
            part.append(literal)
            octets += size + len("JSON_VALID(),")
        if part:
            yield part

    def _valid(self, literals: Sequence[str]) -> list[bool]:
        """What the server says: it knows depths, numbers and escapes that Python takes in another way."""
        try:
            found = row(self._connection, f"SELECT {', '.join(f'JSON_VALID({literal})' for literal in literals)}")
        except pymysql.MySQLError as error:
            if error_code(error) not in _NO_JSON:
                raise
            return [False] if len(literals) == 1 else [valid for one in literals for valid in self._valid([one])]
        assert found is not None
        return [bool(valid) for valid in found]
