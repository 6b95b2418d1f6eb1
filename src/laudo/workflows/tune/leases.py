"""Who works on which trial: one row a trial, taken by one process at a time and kept alive by a beat.

Optuna's own heartbeat declares a stale trial failed and then adds a new one: two steps, between which a second kill loses it.
Here a trial is never replaced: its row passes to another process in one statement of the data base, which also reads the
clock, so that machines need not agree on the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from laudo.workflows.tune.worker import is_gone

NOBODY = ""
_METADATA = MetaData()
_LEASES = Table(
    "laudo_leases",
    _METADATA,
    Column("study", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("beat", Float, nullable=False),
    Column("attempts", Integer, nullable=False),
)
_SEARCHES = Table(
    "laudo_searches",
    _METADATA,
    Column("study", String(200), primary_key=True),
    Column("facts", Text, nullable=False),
)


@dataclass(frozen=True)
class Lease:
    """A row as it was read.

    Attributes:
        number: of the trial, from 0.
        owner: name of the process; empty when nobody has it.
        attempts: how often it was taken since its last epoch.
        quiet_s: seconds since the owner was last heard of.
    """

    number: int
    owner: str
    attempts: int
    quiet_s: float


class Leases:
    """The rows of one study.

    Args:
        engine: the data base.
        study: its name.
        me: name of this process.
        grace_s: after so many seconds without a beat a process counts as dead.
    """

    def __init__(self, engine: Engine, study: str, me: str, grace_s: float) -> None:
        self.engine = engine
        self.study = study
        self.me = me
        self.grace_s = grace_s

    def create(self, trials: int, facts: str) -> str:
        """Make tables and rows that are not there yet; only for who holds the search's lock. What the search was begun with."""
        _METADATA.create_all(self.engine)
        with self.engine.begin() as connection:
            known = connection.execute(select(func.count()).where(_LEASES.c.study == self.study)).scalar_one()
            rows = [self._row(number) for number in range(known, trials)]
            if rows:
                connection.execute(insert(_LEASES), rows)
            found = connection.execute(select(_SEARCHES.c.facts).where(_SEARCHES.c.study == self.study)).scalar()
            if found is None:
                connection.execute(insert(_SEARCHES), [{"study": self.study, "facts": facts}])
        return facts if found is None else str(found)

    def _row(self, number: int) -> dict[str, Any]:
        return {"study": self.study, "number": number, "owner": NOBODY, "beat": 0.0, "attempts": 0}

    def read(self) -> list[Lease]:
        """All rows, in order."""
        columns = (_LEASES.c.number, _LEASES.c.owner, _LEASES.c.attempts, self._now - _LEASES.c.beat)
        with self.engine.begin() as connection:
            rows = connection.execute(
                select(*columns).where(_LEASES.c.study == self.study).order_by(_LEASES.c.number)
            ).all()
        return [Lease(int(row[0]), str(row[1]), int(row[2]), float(row[3])) for row in rows]

    def take(self, seen: Lease) -> bool:
        """Take a row if it is still as it was seen, and free: nobody's, or of a process that is gone or no longer heard of."""
        statement = self._mine(seen.number, seen.owner).where(_LEASES.c.attempts == seen.attempts)
        if seen.owner not in (NOBODY, self.me) and not is_gone(seen.owner):
            if seen.quiet_s <= self.grace_s:
                return False
            statement = statement.where(_LEASES.c.beat < self._now - self.grace_s)
        return self._done(statement.values(owner=self.me, beat=self._now, attempts=seen.attempts + 1))

    def beat(self, number: int) -> bool:
        """Say that this process is still there; False when the trial was given to another one."""
        return self._done(self._mine(number, self.me).values(beat=self._now))

    def progressed(self, number: int) -> bool:
        """The same after an epoch: earlier attempts are forgotten."""
        return self._done(self._mine(number, self.me).values(beat=self._now, attempts=1))

    def give_back(self, number: int) -> bool:
        """Let somebody else take it at once."""
        return self._done(self._mine(number, self.me).values(owner=NOBODY, attempts=0))

    def _mine(self, number: int, owner: str) -> Any:
        return update(_LEASES).where(
            _LEASES.c.study == self.study, _LEASES.c.number == number, _LEASES.c.owner == owner
        )

    def _done(self, statement: Any) -> bool:
        with self.engine.begin() as connection:
            return bool(connection.execute(statement).rowcount == 1)

    @property
    def _now(self) -> ColumnElement[float]:
        """Seconds since 1970 by the data base's clock."""
        if self.engine.dialect.name == "sqlite":
            return literal_column("((julianday('now') - 2440587.5) * 86400.0)", Float)
        return literal_column("CAST(extract(epoch FROM clock_timestamp()) AS double precision)", Float)
