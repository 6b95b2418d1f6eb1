"""Figures of a search, with the words around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laudo.report.figures import tune_history, tune_importance, tune_slices
from laudo.report.figures.sheet import Picture, Shelf, Words
from laudo.report.names import short_name
from laudo.report.voice import Voice

PANELS = 12
"""Most keys that are drawn; the table has them all."""


def history_figure(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> Picture:
    """Value of every trial and the best so far."""
    _ = voice.gettext
    label = short_name(result["metric"], voice)
    counts = result["counts"]
    alt = _("{metric} of every trial; finished: {finished}, ended early: {pruned}, failed: {failed}.").format(
        metric=label, **{name: voice.integer(counts[name]) for name in ("finished", "pruned", "failed")}
    )
    words = Words(
        alt=alt,
        caption=_("{metric} of every trial, in their order").format(metric=label),
        help=_(
            "Each dot is a finished trial with its 95 % interval, the line the best value so far. Where the intervals of many "
            "trials lie over each other, the search has found several settings that these images can not tell apart."
        ),
    )
    return shelf.add(
        "tune-history",
        words,
        lambda figure, v: tune_history.draw(figure, v, result["trials"], result["higher"], label),
        8.4,
        3.2,
    )


def slices_figure(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> Picture | None:
    """Values of each key against the figure; None without a finished trial."""
    _ = voice.gettext
    done = [{**one, "is_best": one["number"] == result["best"]} for one in result["trials"] if one["value"] is not None]
    if not done:
        return None
    ranges = dict(list(result["ranges"].items())[:PANELS])
    best = result["trials"][result["best"] - 1]
    label = short_name(result["metric"], voice)
    words = Words(
        alt=_("{metric} against the values of each key. Best: {best}.").format(
            metric=label, best="; ".join(f"{key} {value}" for key, value in best["shown"].items())
        ),
        caption=_("{metric} against the values of each key").format(metric=label),
        help=_(
            "Each dot is a finished trial, the later the darker; the star is the best one. A key matters where the dots rise or "
            "fall along it. All keys change together, so a cloud without a shape may still hide a key that matters beside another."
        ),
    )
    width, height = tune_slices.size(len(ranges))
    return shelf.add(
        "tune-slices", words, lambda figure, v: tune_slices.draw(figure, v, done, ranges, label), width, height
    )


def importance_figure(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> Picture | None:
    """Share of the differences that each key accounts for; None where it was not worked out."""
    _ = voice.gettext
    shares = result["importance"].get("keys")
    if not shares:
        return None
    spoken = ", ".join(f"{key} {voice.percent(share)}" for key, share in shares.items())
    words = Words(
        alt=_("Importance of each key: {shares}.").format(shares=spoken),
        caption=_("Share of the differences between trials that each key accounts for"),
        help=_(
            "A forest is fitted to the finished trials, and its variance divided among the keys (fANOVA). It is about the ranges "
            "that were searched: a key with a narrow range seems to matter little. With few trials it is rough."
        ),
    )
    return shelf.add(
        "tune-importance",
        words,
        lambda figure, v: tune_importance.draw(figure, v, shares),
        6.4,
        0.7 + 0.34 * len(shares),
    )
