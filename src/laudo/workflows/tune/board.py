"""The search as one process sees it: take a trial, tell its epochs, end it. All that were asked for end, each once."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from laudo.catalog.address import Address
from laudo.core.errors import DataError
from laudo.workflows.tune.leases import Leases
from laudo.workflows.tune.samplers import SamplerName, build_pruner, build_sampler
from laudo.workflows.tune.space import Space
from laudo.workflows.tune.storage import WAIT_S, explained, open_storage, set_up
from laudo.workflows.tune.worker import this_process

T = TypeVar("T")

MOST_ATTEMPTS = 5
"""So often a trial may be taken without reaching the end of an epoch: then it is what kills its process."""
FACTS = "laudo"
"""User attribute of a trial: what laudo knows of it beside its value."""


@dataclass(frozen=True)
class Search:
    """What is searched, and how; the same in every process.

    Attributes:
        study: its name in the data base.
        space: what may be chosen.
        sampler: who chooses.
        trials: how many.
        population: of the genetic search.
        higher: whether a larger figure is better.
        facts: further things that all processes must agree on, as text.
        grace_s: after so many seconds without a sign a process counts as dead.
    """

    study: str
    space: Space
    sampler: SamplerName
    trials: int
    population: int
    higher: bool
    facts: str
    grace_s: float = 60.0


@dataclass(frozen=True)
class Claim:
    """A trial that this process works on.

    Attributes:
        number: from 0.
        trial_id: Optuna's.
        params: what was drawn.
        attempts: how often it was taken without reaching the end of an epoch, this time counted.
    """

    number: int
    trial_id: int
    params: dict[str, Any]
    attempts: int


class Board:
    """See the module; made by :func:`open_board`.

    Attributes:
        begun_with: the facts that the search was begun with, by whichever process.
    """

    def __init__(self, search: Search, address: Address, storage: RDBStorage, leases: Leases, begun_with: str) -> None:
        self.search = search
        self.address = address
        self.storage = storage
        self.leases = leases
        self.begun_with = begun_with
        self.lost = False
        self._study = self._load()

    # looking ------------------------------------------------------------------------------------------------

    def trials(self) -> list[FrozenTrial]:
        """The trials that were asked for, in order."""
        found = self._patiently(self._all_trials)
        return [one for one in found if one.number < self.search.trials]

    def _all_trials(self) -> list[FrozenTrial]:
        return self.storage.get_all_trials(self.storage.get_study_id_from_name(self.search.study), deepcopy=False)

    def study(self) -> optuna.Study:
        """Optuna's study."""
        return self._study

    def _load(self, number: int | None = None) -> optuna.Study:
        """Optuna's study; with a trial's number, with the sampler that draws it."""
        search, sampler = self.search, None
        if number is not None:
            grid = search.space.grid() if search.sampler == "grid" else None
            seed = search.space.recipe.tune.seed
            sampler = build_sampler(search.sampler, seed, number, search.population, grid)
        pruner = build_pruner(search.space.recipe)
        return optuna.load_study(study_name=search.study, storage=self.storage, sampler=sampler, pruner=pruner)

    # working ------------------------------------------------------------------------------------------------

    def claim(self) -> Claim | None:
        """Take the first trial that is neither over nor in somebody's hands; None when there is none just now."""
        return self._patiently(self._claim)

    def _claim(self) -> Claim | None:
        open_ones = {one.number: one for one in self.trials() if not one.state.is_finished()}
        for lease in self.leases.read():
            if lease.number in open_ones and self.leases.take(lease):
                found = open_ones[lease.number]
                if self.storage.get_trial(found._trial_id).state.is_finished():
                    self.leases.give_back(lease.number)  # between our looking and our taking
                    continue
                self.lost = False
                self.storage.set_trial_state_values(found._trial_id, TrialState.RUNNING)
                params = self._drawn(lease.number, found._trial_id)
                return Claim(lease.number, found._trial_id, params, lease.attempts + 1)
        return None

    def _patiently(self, work: Callable[[], T]) -> T:
        """What the data base says; while it is away, ask again for a minute: a training of hours must not end with a restart of it.

        Raises:
            DataError: it stays away.
        """
        until, pause_s = time.monotonic() + WAIT_S, 0.2
        while True:
            try:
                with explained(self.address):
                    return work()
            except DataError:
                if time.monotonic() + pause_s > until:
                    raise
                time.sleep(pause_s)
                pause_s = min(10.0, 2 * pause_s)

    def _drawn(self, number: int, trial_id: int) -> dict[str, Any]:
        """The trial's parameters; those that an earlier process has drawn stay."""
        space = self.search.space
        if set(self.storage.get_trial(trial_id).params) != set(space.ranges):
            study = self._load(number)
            study.get_trials(deepcopy=False)  # Optuna's cache must have seen a trial before it is written to
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                space.suggest(optuna.Trial(study, trial_id))
        return dict(self.storage.get_trial(trial_id).params)

    @contextmanager
    def held(self, claim: Claim) -> Iterator[None]:
        """Within the block the trial's lease is kept alive; :attr:`lost` says when it was given to somebody else."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(self.search.grace_s / 5):
                with suppress(SQLAlchemyError):  # the data base is away: it may be back before the grace is over
                    if not self.leases.beat(claim.number):
                        self.lost = True

        thread = threading.Thread(target=beat, name="laudo-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def epoch(self, claim: Claim, number: int, figure: float | None) -> bool:
        """Tell the figure of an epoch, larger or smaller being better as of the search; whether to give the trial up."""
        return self._patiently(lambda: self._epoch(claim, number, figure))

    def _epoch(self, claim: Claim, number: int, figure: float | None) -> bool:
        if not self.leases.progressed(claim.number):
            self.lost = True
        if self.lost:
            return True
        if figure is None:
            return False
        with suppress(UpdateFinishedTrialError):
            self.storage.set_trial_intermediate_value(claim.trial_id, number, figure)
        return bool(self._study.pruner.prune(self._study, self.storage.get_trial(claim.trial_id)))

    def told(self, claim: Claim) -> int:
        """Last epoch whose figure is known."""
        return self._patiently(lambda: max(self.storage.get_trial(claim.trial_id).intermediate_values, default=0))

    def end(self, claim: Claim, state: TrialState, value: float | None, facts: Mapping[str, Any]) -> bool:
        """End a trial; False when somebody else has done so before."""
        return self._patiently(lambda: self._end(claim, state, value, facts))

    def _end(self, claim: Claim, state: TrialState, value: float | None, facts: Mapping[str, Any]) -> bool:
        try:
            self.storage.set_trial_user_attr(claim.trial_id, FACTS, dict(facts))
            values = None if value is None else [value]
            return bool(self.storage.set_trial_state_values(claim.trial_id, state, values))
        except UpdateFinishedTrialError:
            return False

    def give_back(self, claim: Claim) -> None:
        """Leave a trial where it stands: the next process goes on with it."""
        with suppress(SQLAlchemyError):
            self.leases.give_back(claim.number)


@contextmanager
def open_board(search: Search, address: Address) -> Iterator[Board]:
    """Open a search, or begin it: all its trials are made at once, waiting, under a lock, so that their number is certain.

    Raises:
        DataError: the data base can not be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with set_up(address):
        storage = open_storage(address)
        with explained(address):
            direction = StudyDirection.MAXIMIZE if search.higher else StudyDirection.MINIMIZE
            study = optuna.create_study(
                study_name=search.study, storage=storage, direction=direction, load_if_exists=True
            )
            leases = Leases(storage.engine, search.study, this_process(), search.grace_s)
            begun_with = leases.create(search.trials, search.facts)
            trials = study.get_trials(deepcopy=False)
            known, begun = len(trials), [one.number for one in trials if one.state != TrialState.WAITING]
            search = replace(
                search, trials=max(search.trials, 1 + max(begun, default=-1))
            )  # none that has begun is forgotten
            for number in range(known, search.trials):
                own = search.space.own() if number == 0 and search.sampler != "grid" else None
                fixed = {} if own is None else {"fixed_params": own}
                study.add_trial(optuna.create_trial(state=TrialState.WAITING, system_attrs=fixed))
    try:
        yield Board(search, address, storage, leases, begun_with)
    finally:
        storage.scoped_session.remove()
        storage.engine.dispose()
