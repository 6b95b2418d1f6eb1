"""The cases that one run or recipe has right and another has wrong, in both directions, with both probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laudo.core.messages import _ as in_command_language
from laudo.core.progress import track
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice

SHOWN = 12
"""Cases in each direction."""

SIDE = 180
"""Longest side of a thumbnail in pixels."""


def changed_answers(result: Mapping[str, Any], number: int, album: Album, voice: Voice) -> dict[str, Any]:
    """Give the cases that are right more often on the second side, and those that are on the first.

    Of two runs these are the ones that McNemar's test counts. Largest change of the true class's probability first.

    Args:
        result: of the comparison.
        number: of the pair.
        album: thumbnails of the images.
        voice: language.

    Returns:
        ``gained, lost``: lists of cases; ``gained_in_all, lost_in_all``: how many there are, as text; ``pictures``: whether any
        image could be read.
    """
    pair = result["pairs"][number]
    sides = [result["sides"][pair[side]]["runs"] for side in "ab"]
    ways: dict[bool, list[tuple[float, float, int]]] = {True: [], False: []}
    for row, case in enumerate(result["cases"]):
        shares = [_mean(case["right"], runs) for runs in sides]
        chances = [_mean(case["probability"], runs) for runs in sides]
        if None in shares or None in chances or shares[0] == shares[1]:
            continue
        change, moved = float(shares[1]) - float(shares[0]), float(chances[1]) - float(chances[0])  # type: ignore[arg-type]
        ways[change > 0].append((-abs(change), -moved if change > 0 else moved, row))
    found: dict[str, Any] = {}
    for name, better in (("gained", True), ("lost", False)):
        rows = [row for _change, _moved, row in sorted(ways[better])[:SHOWN]]
        found[name] = [
            _card(result, row, pair, album, voice) for row in track(rows, in_command_language("Drawing cases"))
        ]
        found[f"{name}_in_all"] = voice.images(len(ways[better]))
    found["pictures"] = any(card["uri"] for name in ("gained", "lost") for card in found[name])
    return found


def _mean(values: Sequence[float | bool | None], runs: Sequence[int]) -> float | None:
    known = [float(value) for run in runs if (value := values[run]) is not None]
    return sum(known) / len(known) if known else None


def _card(result: Mapping[str, Any], row: int, pair: Mapping[str, Any], album: Album, voice: Voice) -> dict[str, Any]:
    _ = voice.gettext
    case = result["cases"][row]
    label = case["label"] or _("none")
    answers = [_answer(case, result["sides"][pair[side]], voice) for side in "ab"]
    told = "; ".join(f"{one['name']}: {one['answer']}, {one['chance']}" for one in answers)
    alt = _("Image {sample} is “{label}”. {answers}").format(sample=case["sample"], label=label, answers=told)
    return {
        "sample": case["sample"],
        "label": label,
        "answers": answers,
        "alt": alt,
        "uri": album.sample(str(case["sample"]), SIDE),
    }


def _answer(case: Mapping[str, Any], side: Mapping[str, Any], voice: Voice) -> dict[str, Any]:
    """What a side answered: its class; of several runs, how many were right."""
    _ = voice.gettext
    runs = [run for run in side["runs"] if case["right"][run] is not None]
    right = sum(bool(case["right"][run]) for run in runs)
    if len(side["runs"]) == 1:
        answer = case["predicted"][runs[0]] or _("none")
    else:
        answer = _("right with {n} of {m} seeds").format(n=voice.integer(right), m=voice.integer(len(runs)))
    return {
        "name": side["name"],
        "answer": answer,
        "right": 2 * right > len(runs),
        "shape": "●" if 2 * right > len(runs) else "✕",
        "chance": voice.percent(_mean(case["probability"], runs)),
    }
