"""What the checks look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from laudo.audit.duplicates import NearPair, clusters, near_pairs
from laudo.audit.finding import Finding, Status
from laudo.audit.inspect import Inspected
from laudo.audit.usable import usual_factor
from laudo.core.manifest import Manifest


@dataclass(frozen=True)
class Likeness:
    """Which samples are copies of each other, and which look alike.

    Attributes:
        cluster: (n,) number of each sample's group of pictures that a split keeps together: copies, and those so alike that they
            may be of one person when it is not known whose they are; -1 for images that could not be read.
        pairs: pairs that look alike, by row number.
        copies: (n,) number of each sample's cluster of copies; -1 as above.
    """

    cluster: np.ndarray
    pairs: tuple[NearPair, ...] = ()
    copies: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class Seen:
    """A data set as the checks see it.

    Attributes:
        manifest: the samples.
        images: what each looks like.
        likeness: which are copies of each other.
        against: another data set and what its samples look like; None when none was named.
    """

    manifest: Manifest
    images: Sequence[Inspected]
    likeness: Likeness
    against: tuple[Manifest, Sequence[Inspected]] | None = None

    @property
    def cluster(self) -> np.ndarray:
        """(n,) group of pictures of each sample that stay together."""
        return self.likeness.cluster

    @property
    def copies(self) -> np.ndarray:
        """(n,) cluster of copies of each sample."""
        return self.likeness.copies

    @cached_property
    def samples(self) -> list[str]:
        """Names, in order."""
        return [str(name) for name in self.manifest.table["sample"]]

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) class index of each sample; -1 when it has none."""
        places = {name: place for place, name in enumerate(self.manifest.classes)}
        return np.array([places.get(str(name), -1) for name in self.manifest.table["label"]], dtype=np.int64)

    @cached_property
    def has_masks(self) -> bool:
        """Whether any sample has a mask."""
        return bool((self.manifest.table["mask"] != "").any())

    @cached_property
    def has_classes(self) -> bool:
        """Whether there is a class to be predicted."""
        return len(self.manifest.classes) > 1

    @cached_property
    def factor(self) -> tuple[float, ...] | None:
        """How much larger masks are than their images in most of the set."""
        return usual_factor(self.images)

    @cached_property
    def groups(self) -> np.ndarray:
        """(n,) number of what must stay together: samples of one patient, and copies."""
        n = len(self.samples)
        edges: list[tuple[int, int]] = []
        copies = [int(number) if number >= 0 else "" for number in self.cluster]
        for keys in (self.manifest.table["patient"], copies):
            first: dict[Hashable, int] = {}
            edges += [(first.setdefault(key, row), row) for row, key in enumerate(keys) if key != ""]
        return clusters(n, edges)

    @cached_property
    def parts(self) -> list[str]:
        """Part of the split that each sample stands in, or else its fold; "" of a sample that is in none."""
        table = self.manifest.table
        if (table["split"] != "").any():
            return [str(part) for part in table["split"]]
        return [str(fold) if fold > 0 else "" for fold in table["fold"]]

    def where(self, test: Callable[[Inspected], bool]) -> list[int]:
        """Rows of the readable samples of which something is true."""
        return [row for row, image in enumerate(self.images) if image.error is None and test(image)]

    def names(self, rows: Iterable[int]) -> tuple[tuple[str, ...], ...]:
        """Sample names as a finding wants them, one each."""
        return tuple((self.samples[row],) for row in rows)

    def about(self, check: str, bad: Status, rows: Sequence[int], **facts: object) -> Finding:
        """A finding about single samples: ``bad`` when there are any."""
        return Finding(check, bad if rows else "pass", len(rows), self.names(rows), facts)


def find_likeness(images: Sequence[Inspected], patients: Sequence[str]) -> Likeness:
    """Identical, near-identical and alike samples.

    Args:
        images: what each sample looks like.
        patients: whose each is, "" when unknown. Pictures that look alike are joined when one is nobody's, and those
            of known patients only when they are of one examination: then the identifiers are wrong, or two stand for one person.
    """
    readable = [row for row, image in enumerate(images) if image.thumbnail is not None]
    cluster, copies = (np.full(len(images), -1, dtype=np.int64) for _kind in range(2))
    if not readable:
        return Likeness(cluster, (), copies)
    thumbnails = np.stack([image.thumbnail for image in images if image.thumbnail is not None])
    near = near_pairs(thumbnails)
    same = [(pair.first, pair.second) for pair in near if pair.is_copy]
    first_with: dict[str, int] = {}
    for place, row in enumerate(readable):
        same.append((first_with.setdefault(images[row].pixels_sha256, place), place))
    known = [bool(patients[row]) for row in readable]
    alike = [(p.first, p.second) for p in near if p.is_one_scan or not (known[p.first] and known[p.second])]
    copies[readable] = clusters(len(readable), same)
    cluster[readable] = clusters(len(readable), same + alike)
    pairs = tuple(replace(pair, first=readable[pair.first], second=readable[pair.second]) for pair in near)
    return Likeness(cluster, pairs, copies)


def sharing(samples: Sequence[str], keys: Iterable[Hashable]) -> tuple[tuple[str, ...], ...]:
    """Samples that share a key, cluster by cluster; an empty key is shared with nobody."""
    members: dict[Hashable, list[str]] = defaultdict(list)
    for name, key in zip(samples, keys, strict=True):
        if key != "":
            members[key].append(name)
    return tuple(tuple(names) for names in members.values() if len(names) > 1)
