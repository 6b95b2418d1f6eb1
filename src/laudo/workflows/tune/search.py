"""Search over a recipe's settings: trials one after the other, as many processes as one likes, until all have ended."""

from __future__ import annotations

import gc
import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from laudo.core.atomic import write_json
from laudo.core.errors import DataError, LaudoError, RecipeError, RunError
from laudo.core.lock import HeldError, lock
from laudo.core.messages import _
from laudo.core.progress import Advance, say, step
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import dump_recipe
from laudo.core.recipe_tune import LOWER_IS_BETTER, Tune
from laudo.core.run import Run
from laudo.evaluate.label_metrics import LABEL_METRICS
from laudo.train.history import Epochs
from laudo.train.loop import Deadline
from laudo.workflows.tune.board import MOST_ATTEMPTS, Board, Claim, Search, open_board
from laudo.workflows.tune.epoch_figure import epoch_figure
from laudo.workflows.tune.material import Material
from laudo.workflows.tune.result import Ending, write_result
from laudo.workflows.tune.samplers import SamplerName, population_of
from laudo.workflows.tune.space import Space
from laudo.workflows.tune.storage import search_address
from laudo.workflows.tune.trial import Outcome, clear_checkpoints, finished_value, run_trial

FILE = "search.json"
PAUSE_S = 1.0
"""Between two looks whether a trial in somebody else's hands is over, or free."""
PATIENCE_S = 10.0
"""So long a process waits for others before it says so."""


@dataclass(frozen=True)
class Options:
    """What `laudo tune` was asked beside the recipe.

    Attributes:
        trials: how many in all; None: of a grid every combination, else 30.
        sampler: who chooses.
        storage: data base; None: a file in the folder of the search.
        inner: judge by inner folds.
        deadline: stop after the epoch in which it passes.
        language: of the page.
        grace_s: after so many seconds without a sign a process counts as dead.
    """

    trials: int | None
    sampler: SamplerName
    storage: str | None
    inner: bool
    deadline: Deadline
    language: str
    grace_s: float = 60.0


def tune_recipe(recipe: Recipe, data: Path | None, out: Path, options: Options) -> dict[str, Any]:
    """Search, and write recipe.yaml, tune.json and tune.html into ``out``.

    Returns:
        What tune.json holds.

    Raises:
        LaudoError: nothing can be searched over, the data or the data base can not be used, or the folder holds another search.
    """
    space = Space.of(recipe)
    folds = (recipe.tune.folds or recipe.split.folds) if options.inner else None
    _check_metric(recipe)
    material = Material(recipe, data)
    address = search_address(options.storage, out)
    trials = _number_of_trials(space, options)
    search = _search(recipe, space, options, folds, trials)
    _open_folder(out, search)
    samples = material.samples(recipe)
    _outside(out, samples.manifest.root)
    parts = material.parts(samples.manifest)
    if folds is not None:
        material.folds(parts, folds)  # refused now, or never
    facts = json.dumps({"data": parts.content_hash(), "population": search.population})
    search = replace(search, facts=facts)
    with open_board(search, address) as board:
        begun = json.loads(board.begun_with)
        if begun["data"] != parts.content_hash():
            raise DataError(
                _("Another process of this search, or an earlier one, has other data."),
                file=samples.manifest.root,
                cure=_("Bring the same images everywhere, or begin a new search in another data base."),
            )
        board.search = replace(board.search, population=begun["population"])
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / FILE, {"study": search.study, "data_base": address.shown})
        ending = Ending(board, out, recipe.tuned_metric, folds, options.language)
        try:
            _work(board, material, out, folds, options)
        except BaseException as error:
            with suppress(Exception):  # what has stopped the search is told, not what it has broken too
                write_result(ending)
            if isinstance(error, KeyboardInterrupt):
                say(_("The same command goes on with the search."))
            raise
        return write_result(ending)


def _work(board: Board, material: Material, out: Path, folds: int | None, options: Options) -> None:
    """Take trials until all have ended or time is over."""
    quiet = 0.0
    with step(_("Trials"), board.search.trials) as advance:
        shown = 0
        while not options.deadline.is_over():
            claim = board.claim()
            shown = _show(board, shown, advance)
            if claim is not None:
                quiet = 0.0
                _attempt(board, claim, material, out, folds, options)
                shown = _show(board, shown, advance)
            elif shown == board.search.trials:
                return
            else:
                if quiet < PATIENCE_S <= quiet + PAUSE_S:
                    say(_("Waiting for trials that other processes work on; what a dead one has left is taken up."))
                quiet += PAUSE_S
                time.sleep(PAUSE_S)


def _show(board: Board, shown: int, advance: Advance) -> int:
    ended = sum(one.state.is_finished() for one in board.trials())
    if ended > shown:
        advance(ended - shown)
    return ended


def _attempt(board: Board, claim: Claim, material: Material, out: Path, folds: int | None, options: Options) -> None:
    """Train one trial; whatever is wrong with its settings ends the trial, whatever is wrong with the machine gives it back."""
    run = Run(out / f"trial-{claim.number + 1:04d}")
    try:
        with lock(run.folder / ".lock"), board.held(claim):
            _train(board, claim, run, material, folds, options)
    except HeldError:  # its last owner is slow, not dead
        board.give_back(claim)
        time.sleep(PAUSE_S)
    except BaseException:
        board.give_back(claim)
        raise
    finally:
        if torch.cuda.is_available():  # a trial that ran out of memory leaves its share to the next
            gc.collect()
            torch.cuda.empty_cache()


def _train(board: Board, claim: Claim, run: Run, material: Material, folds: int | None, options: Options) -> None:
    space, metric = board.search.space, board.search.space.recipe.tuned_metric
    if claim.attempts > MOST_ATTEMPTS:
        what = _("Its process was killed {n} times before the end of an epoch.").format(n=claim.attempts - 1)
        _fail(board, claim, run, {"error": "Killed", "what": what})
        return
    known = board.told(claim)

    def after_epoch(epochs: Epochs) -> bool:
        # members of an ensemble, and folds, count their epochs anew: only the first one is told
        last = epochs[-1]
        figure = epoch_figure(last, space.recipe, metric) if last["epoch"] > known_now[0] else None
        known_now[0] = max(known_now[0], last["epoch"])
        return board.epoch(claim, last["epoch"], figure)

    known_now = [known]
    try:
        recipe = space.recipe_with(space.values(claim.params))
        outcome = finished_value(run, folds, metric)
        if outcome is None:
            outcome = run_trial(recipe, material, run, metric, folds, Deadline(options.deadline.at, after_epoch))
    except (OSError, SQLAlchemyError, StorageInternalError):
        raise
    except ValidationError as error:
        what = _("These values do not go together.")
        found = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        _fail(board, claim, run, RecipeError(what, found=found).as_dict())
    except LaudoError as error:
        if error.file is not None and str(error.file) == board.address.shown:  # the data base, not the settings
            raise
        _fail(board, claim, run, error.as_dict())
    except Exception as error:  # memory, shapes that do not fit: it is these settings that can not be trained
        _fail(board, claim, run, {"error": type(error).__name__, "what": _first_line(error)})
    else:
        _tell(board, claim, run, outcome)


def _tell(board: Board, claim: Claim, run: Run, outcome: Outcome) -> None:
    if board.lost:  # whoever has the trial now may need what is in the folder
        return
    name = claim.number + 1
    if outcome.reason == "max_minutes":
        board.give_back(claim)
    elif outcome.reason == "given_up":
        board.end(claim, TrialState.PRUNED, None, outcome.facts)
        clear_checkpoints(run)
        say(_("Trial {number}: ended early").format(number=name))
    else:
        board.end(claim, TrialState.COMPLETE, outcome.value, outcome.facts)
        metric = board.search.space.recipe.tuned_metric
        say(_("Trial {number}: {metric} {value}").format(number=name, metric=metric, value=f"{outcome.value:.4f}"))


def _fail(board: Board, claim: Claim, run: Run, facts: dict[str, Any]) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    run.set_state("failed", **facts)
    board.end(claim, TrialState.FAIL, None, facts)
    say(_("Trial {number} has failed: {what}").format(number=claim.number + 1, what=facts["what"]))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


# before the first trial -----------------------------------------------------------------------------------------


def _number_of_trials(space: Space, options: Options) -> int:
    if options.sampler != "grid":
        return options.trials or 30
    total = space.grid_size()
    wanted = total if options.trials is None else min(options.trials, total)
    text = (
        _("The grid has {n} combinations")
        if wanted == total
        else _("The grid has {n} combinations, of which {m} are tried")
    )
    say(text.format(n=total, m=wanted))
    return wanted


def _search(recipe: Recipe, space: Space, options: Options, folds: int | None, trials: int) -> Search:
    """A search and its name, which says everything that must be the same in every process."""
    bare = dump_recipe(recipe.model_copy(update={"tune": Tune()}))
    told = [bare, space.facts(), options.sampler, recipe.tune.seed, recipe.tuned_metric, folds, recipe.tune.pruning]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:10]
    return Search(
        study=f"{recipe.name[:100]}-{options.sampler}-{digest}",
        space=space,
        sampler=options.sampler,
        trials=trials,
        population=population_of(trials),
        higher=recipe.tuned_metric not in LOWER_IS_BETTER,
        facts="",
        grace_s=options.grace_s,
    )


def _check_metric(recipe: Recipe) -> None:
    if recipe.network.output == "multilabel" and recipe.tuned_metric not in LABEL_METRICS:
        raise RecipeError(
            _("This metric is not for samples with several labels."),
            file=recipe.name,
            found=f"tune.metric: {recipe.tuned_metric}",
            expected=", ".join(LABEL_METRICS),
        )


def _open_folder(out: Path, search: Search) -> None:
    """Refuse a folder that holds something else than this search.

    Raises:
        RunError: it does.
    """
    if not out.is_dir():
        return
    try:
        begun = json.loads((out / FILE).read_text(encoding="utf-8"))["study"]
    except FileNotFoundError:
        if any(path for path in out.iterdir() if not path.name.startswith((".", "search."))):
            raise RunError(_("The folder is not empty."), file=out, cure=_("Choose another one with --out.")) from None
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(_("The run is incomplete or damaged."), file=out / FILE, found=str(error)) from error
    if begun != search.study:
        raise RunError(
            _("The folder holds a search over other ranges, or of another recipe, sampler, figure or seed."),
            file=out,
            expected=search.study,
            found=str(begun),
            cure=_("Give the same command to go on with it, or choose another folder with --out."),
        )


def _outside(out: Path, root: Path) -> None:
    """Refuse to write trials among the images: their pictures would become images of a class."""
    if out.resolve().is_relative_to(root.resolve()):
        raise RunError(
            _("The run folder lies inside the folder of the images."),
            file=out,
            expected=_("a folder outside {root}").format(root=root),
            cure=_("Choose another one with --out."),
        )
