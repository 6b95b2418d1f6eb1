"""The sides of a comparison: each is one recipe, trained once or with several seeds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

Seeds = tuple[int, int]
"""``training.seed`` and ``split.seed``."""


@dataclass(frozen=True)
class Side:
    """A recipe and its runs.

    Attributes:
        name: of the recipe; of a single run, that run's.
        runs: indices of its runs.
        seeds: of each of them.
    """

    name: str
    runs: tuple[int, ...]
    seeds: tuple[Seeds, ...]

    @property
    def several(self) -> bool:
        """Whether it was trained more than once."""
        return len(self.runs) > 1

    def run_of(self, seeds: Seeds) -> int:
        """Index of the run of a seed."""
        return self.runs[self.seeds.index(seeds)]


def sides_of(names: Sequence[str], recipes: Sequence[Hashable], seeds: Sequence[Seeds]) -> list[Side]:
    """Put runs of one recipe together, in the order in which they were given.

    Args:
        names: of the runs.
        recipes: what is equal for runs whose recipes differ in seeds only.
        seeds: of the runs.
    """
    members: dict[Hashable, list[int]] = {}
    for run, recipe in enumerate(recipes):
        members.setdefault(recipe, []).append(run)
    groups = list(members.values())
    called = _names([[names[run] for run in group] for group in groups])
    return [
        Side(name, tuple(group), tuple(seeds[run] for run in group)) for name, group in zip(called, groups, strict=True)
    ]


def single_sides(names: Sequence[str], seeds: Sequence[Seeds]) -> list[Side]:
    """Every run a side of its own."""
    return [Side(name, (run,), (seeds[run],)) for run, name in enumerate(names)]


def common_seeds(a: Side, b: Side) -> tuple[Seeds, ...]:
    """Seeds that both sides have, each once, in the order of the first."""
    alone = [one for one in a.seeds if a.seeds.count(one) == 1 and b.seeds.count(one) == 1]
    return tuple(alone)


def are_paired(a: Side, b: Side) -> bool:
    """Whether every run of either side has its partner of the same seed in the other."""
    return len(a.runs) == len(b.runs) == len(common_seeds(a, b))


def _names(groups: Sequence[Sequence[str]]) -> list[str]:
    """What the names of a side's runs begin with; where that does not tell the sides apart, the first run's name."""
    found = [group[0] if len(group) == 1 else _beginning(group) for group in groups]
    return [
        name if name and found.count(name) == 1 else group[0] + ("" if len(group) == 1 else " …")
        for name, group in zip(found, groups, strict=True)
    ]


def _beginning(names: Sequence[str]) -> str:
    """``ce`` of ``ce-seed-1`` and ``ce-seed-2``."""
    length = 0
    shortest = min(names, key=len)
    while length < len(shortest) and all(name[length] == shortest[length] for name in names):
        length += 1
    start = shortest[:length]
    cut = start.rstrip("-_./ ")
    if cut == start:
        cut = start.rstrip("0123456789").rstrip("-_./ ")
    for word in ("seeds", "seed", "s"):
        shorter = cut.removesuffix(word)
        if shorter != cut and shorter[-1:] in "-_./ ":
            return shorter.rstrip("-_./ ")
    return cut
