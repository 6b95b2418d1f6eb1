"""A manifest: one row a sample, in a plain table that the user can open (Parquet, and CSV beside it)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from laudo.core.atomic import atomic_path
from laudo.core.errors import DataError
from laudo.core.labels import join_labels, label_matrix, split_labels
from laudo.core.messages import _

COLUMNS: dict[str, str] = {
    "sample": "identifier, unique in the manifest",
    "image": "path of the image, relative to the root; several, in the order of the channels, are joined by |",
    "mask": "path of its mask, relative to the root; several are joined by |; empty when there is none",
    "label": "class name; of a sample with several labels their names, joined by the manifest's separator",
    "patient": "patient identifier of the data set; empty when unknown",
    "duplicates": "cluster of identical and near-identical images; empty when not looked for",
    "group": "what must never be divided between two parts of a split",
    "text": "caption or report text; empty when there is none",
    "split": "train, val or test; empty before splitting",
    "fold": "test fold, from 1; 0 when there are no folds",
    "sha256": "hash of the image file's bytes; of several files, the hash of their hashes",
    "mask_sha256": "the same of the mask; empty when there is none",
}
"""Every manifest has these columns, in this order; a source may add more."""

SEPARATOR = "|"
"""Stands between the paths of one sample's images (its modalities) or masks (its lesions)."""

PARTS: tuple[str, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Manifest:
    """Samples of one data set.

    Attributes:
        table: one row a sample, with :data:`COLUMNS`.
        root: folder that the paths are relative to.
        source: name of the source that made it.
        classes: class names in the order of the network's outputs; of two classes, the second is the positive one. Empty
            when the samples have no class, only masks.
        channels: names of each sample's images in their order (``flair``, ``t1`` …); empty when each sample is one image.
        mask_labels: value in the masks → name of the structure; empty when a mask is one region, of whatever value.
        seed: of the split or the folds in the table; None before splitting.
        separator: text between the labels of a sample that may have several or none; None when each has one class.
    """

    table: pd.DataFrame
    root: Path
    source: str
    classes: tuple[str, ...]
    channels: tuple[str, ...] = ()
    mask_labels: dict[int, str] = field(default_factory=dict)
    seed: int | None = None
    separator: str | None = None

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[dict[str, object]],
        root: Path,
        source: str,
        classes: Sequence[str],
        channels: Sequence[str] = (),
        mask_labels: dict[int, str] | None = None,
    ) -> Manifest:
        """Make a manifest; missing columns are empty, rows are sorted by sample so that a split never depends on the disk.

        Raises:
            DataError: a sample appears twice, or a label is not among the classes.
        """
        table = pd.DataFrame(list(rows))
        for column in COLUMNS:
            if column not in table:
                table[column] = 0 if column == "fold" else ""
        table = table[[*COLUMNS, *[name for name in table.columns if name not in COLUMNS]]]
        table = table.sort_values("sample", kind="stable").reset_index(drop=True)
        repeated = table["sample"][table["sample"].duplicated()].tolist()
        if repeated:
            raise DataError(_("A sample appears twice in the manifest."), found=", ".join(map(str, repeated[:5])))
        strange = sorted(set(table["label"]) - {"", *classes})
        if strange:
            raise DataError(
                _("A label is not among the classes."),
                expected=", ".join(classes),
                found=", ".join(map(str, strange[:5])),
            )
        return cls(table, Path(root), source, tuple(classes), tuple(channels), dict(mask_labels or {}))

    def __len__(self) -> int:
        return len(self.table)

    def _repr_html_(self) -> str:
        """What a notebook shows: counts a class and part, and the first rows."""
        counts = pd.crosstab(self.table["label"], self.table["split"].replace("", "–"), margins=True)
        return f"<p><b>{escape(self.source)}</b>: {len(self)}</p>{counts.to_html()}{self.table.head().to_html(escape=True)}"

    @property
    def multilabel(self) -> bool:
        """Whether a sample may have several labels, or none."""
        return self.separator is not None

    @property
    def targets(self) -> np.ndarray:
        """What is to be predicted: (n,) int64 :attr:`labels`, or (n, K) uint8, 1 for each label that a sample has."""
        return self.membership.astype(np.uint8) if self.multilabel else self.labels

    @property
    def membership(self) -> np.ndarray:
        """(n, K) bool: which classes each sample has; of one class a sample, at most one is true."""
        return label_matrix(self.table["label"], self.classes, self.separator)

    @property
    def counts(self) -> dict[str, int]:
        """Samples of each class, in the order of the classes."""
        return {name: int(n) for name, n in zip(self.classes, self.membership.sum(axis=0), strict=True)}

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64 class index of each sample; -1 where it is not known, as of a file that can not be read.

        Where a sample may have several, -1 of those that have not exactly one: ask :attr:`targets`.
        """
        known = {name: index for index, name in enumerate(self.classes)}
        return self.table["label"].map(known).fillna(-1).to_numpy(dtype=np.int64)

    @property
    def paths(self) -> list[Path]:
        """Absolute path of each sample's image; of several, the first."""
        return [self.root / relative.partition(SEPARATOR)[0] for relative in self.table["image"]]

    def image_paths(self, index: int) -> list[Path]:
        """Absolute paths of one sample's images, in the order of the channels."""
        return [self.root / relative for relative in self.table["image"].iloc[index].split(SEPARATOR)]

    def mask_paths(self, index: int) -> list[Path]:
        """Absolute paths of one sample's masks; none when it has no mask."""
        joined = self.table["mask"].iloc[index]
        return [self.root / relative for relative in joined.split(SEPARATOR)] if joined else []

    def file_keys(self, column: Literal["image", "mask"] = "image") -> list[str]:
        """What each sample's images or masks are known by: the hash of their files, and the members of them that are meant.

        Two arrays of one file have one hash and are two pictures. Empty when a file can not be opened, or there is none.
        """
        hashes = self.table["sha256" if column == "image" else "mask_sha256"].astype(str)
        return [
            "#".join([sha256, *self._members(str(joined))]) if sha256 and "#" in joined else sha256
            for sha256, joined in zip(hashes, self.table[column], strict=True)
        ]

    def _members(self, joined: str) -> list[str]:
        """Name of the member that each path means, "" of one that exists as it stands; nothing when all do."""
        members = [
            path.rpartition("#")[2] if "#" in path and not (self.root / path).exists() else ""
            for path in joined.split(SEPARATOR)
        ]
        return members if any(members) else []

    def labelled_by(self, column: str) -> Manifest:
        """The samples whose class is what another column says; samples that it says nothing of are left out.

        Raises:
            DataError: there is no such column, or it names fewer than two classes.
        """
        named = self._texts(column)
        chosen = self.rows(np.flatnonzero((named != "").to_numpy()))
        labels = named[named != ""].reset_index(drop=True)
        classes = tuple(sorted(labels.unique()))
        if len(classes) < 2:
            raise DataError(
                _("A classifier needs at least two classes."), found=f"{column}: {', '.join(classes) or '–'}"
            )
        return replace(chosen.with_columns(label=labels.to_numpy()), classes=classes)

    def with_several_labels(self, separator: str, none_label: str | None = None, column: str = "label") -> Manifest:
        """Every sample with all labels that its text names, or none; the classes are all that occur, in alphabetical order.

        Args:
            separator: what stands between two labels.
            none_label: a text that is no label; an empty one never is.
            column: where the text stands.

        Raises:
            DataError: there is no such column, or it names fewer than two labels.
        """
        found = [split_labels(text, separator, none_label) for text in self._texts(column)]
        classes = tuple(sorted({name for names in found for name in names}))
        if len(classes) < 2:
            raise DataError(
                _("A classifier needs at least two classes."), found=f"{column}: {', '.join(classes) or '–'}"
            )
        joined = [join_labels(names, classes, separator) for names in found]
        return replace(self.with_columns(label=np.array(joined, dtype=object)), classes=classes, separator=separator)

    def _texts(self, column: str) -> pd.Series:
        """The texts of a column that the source has added.

        Raises:
            DataError: there is no such column.
        """
        if column not in self.table:
            known = [str(name) for name in self.table if name not in COLUMNS]
            raise DataError(
                _("The data have no such column to take the class from."),
                found=column,
                expected=", ".join(known) or "–",
            )
        return self.table[column].astype(str).str.strip()

    def part(self, name: str) -> Manifest:
        """The samples of one part of the split."""
        return self.rows(self.indices(name))

    def indices(self, part: str) -> np.ndarray:
        """(m,) int64 row numbers of one part of the split."""
        return np.flatnonzero((self.table["split"] == part).to_numpy())

    def rows(self, indices: np.ndarray) -> Manifest:
        """The samples at these row numbers."""
        return replace(self, table=self.table.iloc[indices].reset_index(drop=True))

    def with_columns(self, **values: Sequence[str] | np.ndarray) -> Manifest:
        """A copy in which some columns are replaced."""
        table = self.table.copy()
        for name, column in values.items():
            table[name] = column
        return replace(self, table=table)

    def with_seed(self, seed: int) -> Manifest:
        """A copy that says which seed its parts or folds were drawn with."""
        return replace(self, seed=seed)

    def content_hash(self) -> str:
        """Hash of what was learned from: files, labels, groups and parts, wherever they lie."""
        columns = self.table[["sample", "sha256", "mask_sha256", "label", "group", "split", "fold"]].astype(str)
        return hashlib.sha256(columns.to_csv(index=False).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Write ``path`` (.parquet) and the same table as .csv beside it."""
        facts = {
            "root": str(self.root),
            "source": self.source,
            "classes": list(self.classes),
            "channels": list(self.channels),
            "mask_labels": {str(value): name for value, name in self.mask_labels.items()},
            "seed": self.seed,
            "separator": self.separator,
        }
        table = pa.Table.from_pandas(self.table, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"laudo": json.dumps(facts).encode()})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)
        with atomic_path(path.with_suffix(".csv")) as temporary:
            self.table.to_csv(temporary, index=False)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest that :meth:`save` wrote.

        Raises:
            DataError: the file is missing, damaged, or not a manifest of laudo.
        """
        expected = _("a manifest.parquet written by laudo")
        try:
            table = pq.read_table(path)
            facts = json.loads((table.schema.metadata or {})[b"laudo"])
            frame = table.to_pandas()
            missing = [name for name in COLUMNS if name not in frame]
            if missing:
                raise KeyError(", ".join(missing))
            return cls(
                frame,
                Path(facts["root"]),
                facts["source"],
                tuple(facts["classes"]),
                tuple(facts["channels"]),
                {int(value): name for value, name in facts["mask_labels"].items()},
                facts.get("seed"),
                facts.get("separator"),
            )
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise DataError(
                _("The manifest can not be read."),
                file=path,
                expected=expected,
                found=f"{type(error).__name__}: {error}",
                cure=_("Train again, or bring the file back from a copy."),
            ) from error
