"""The search over settings as a function of the command's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from laudo.core.errors import LaudoError
from laudo.core.messages import _, current_language

PathLike = str | Path


class HowToTune(TypedDict, total=False):
    """Settings of a search beside the recipe.

    Attributes:
        trials: how many in all; default 30, of a grid every combination.
        sampler: ``tpe``, ``grid`` or ``genetic``.
        storage: data base that processes share; default a file in the folder.
        folds: ``inner`` judges by folds of training and validation part.
        max_minutes: stop after the epoch in which this time is over.
        language: of the page; default the current one.
        grace_s: seconds without a sign after which a process counts as dead.
    """

    trials: int | None
    sampler: str
    storage: str | None
    folds: str | None
    max_minutes: float | None
    language: str
    grace_s: float


def tune(
    recipe: PathLike,
    data: PathLike | None = None,
    out: PathLike | None = None,
    settings: Sequence[str] = (),
    **how: Unpack[HowToTune],
) -> dict[str, Any]:
    """Search for the best settings of a recipe: writes recipe.yaml, tune.json, tune.html and a run folder for each trial.

    Args:
        recipe: name of a shipped recipe, or a YAML file, with ranges in its section ``tune``.
        data: the data set's folder, or one that holds it; default ``LAUDO_DATA``.
        out: folder; default ``tunes/<recipe>-<sampler>``. A search that is in it is gone on with.
        settings: changes of the recipe, ``a.b=c`` each.
        how: see :class:`HowToTune`.

    Returns:
        What tune.json holds.

    Raises:
        LaudoError: the recipe, its ranges, the data or the data base can not be used; it says why and what to do.
    """
    sampler, folds = how.get("sampler", "tpe"), how.get("folds")
    names = ("tpe", "grid", "genetic")
    if sampler not in names:
        raise LaudoError(_("There is no sampler of this name."), found=sampler, expected=", ".join(names))
    if folds not in (None, "inner"):
        raise LaudoError(_("--folds takes one value."), found=str(folds), expected="inner")
    from laudo.core.recipe_file import load_recipe

    loaded = load_recipe(recipe, settings, search=True)

    from laudo.train.loop import Deadline
    from laudo.workflows.tune.search import Options, tune_recipe

    options = Options(
        trials=how.get("trials"),
        sampler=sampler,  # type: ignore[arg-type]
        storage=how.get("storage"),
        inner=folds == "inner",
        deadline=Deadline.after(how.get("max_minutes")),
        language=how.get("language") or current_language(),
        grace_s=how.get("grace_s", 60.0),
    )
    place = Path(out) if out else Path("tunes") / f"{loaded.name}-{sampler}"
    return tune_recipe(loaded, None if data is None else Path(data), place, options)
