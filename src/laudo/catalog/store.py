"""Bring a manifest into a catalogue: what is new is added, what has changed is changed, what is the same is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from laudo.catalog.batches import BATCH, batches
from laudo.catalog.columns import CASE_TEXTS
from laudo.catalog.document import Document, make_document
from laudo.catalog.rows import CaseRows, Values, rows_of, set_facts
from laudo.catalog.tables import PICTURES, Case, DataSet, Image, Value
from laudo.catalog.vectors import forget_vectors
from laudo.catalog.word_index import WordIndex
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.sources.broken_rows import BrokenRow

MANY = 1000
"""Changed texts from which on the index is put in order at once."""


@dataclass
class Counts:
    """What an import has done to one table."""

    new: int = 0
    changed: int = 0
    same: int = 0


@dataclass
class Stored:
    """What an import has done.

    Attributes:
        data_set: its name in the catalogue.
        images: rows of images.
        cases: rows of cases.
        gone: images of this data set that the manifest does not list.
        removed: how many of those were removed.
        skipped: rows that could not be used.
        set_id: number of the data set.
        numbers: sample → number of its image, of all samples of the manifest that are in the catalogue.
    """

    data_set: str
    images: Counts = field(default_factory=Counts)
    cases: Counts = field(default_factory=Counts)
    gone: int = 0
    removed: int = 0
    skipped: list[BrokenRow] = field(default_factory=list)
    set_id: int = 0
    numbers: dict[str, int] = field(default_factory=dict)


def store_manifest(
    session: Session, words: WordIndex, manifest: Manifest, name: str, *, add_only: bool = False, prune: bool = False
) -> Stored:
    """Bring a manifest's cases and images into the catalogue.

    Args:
        session: that writes.
        words: where the texts are searched.
        manifest: samples with their hashes.
        name: of the data set in the catalogue.
        add_only: leave what is known as it is: the manifest of a run knows less than that of its data set.
        prune: remove images of the data set that the manifest does not list.

    Raises:
        DataError: another data set has this name.
    """
    found, broken = rows_of(manifest)
    stored = Stored(name, skipped=broken)
    stored.set_id = _data_set(session, manifest, name, add_only)
    cases, told_anew = _store_cases(session, stored, found, add_only)
    changed = _store_images(session, stored, found, cases, add_only)
    if prune and not add_only:
        _remove_gone(session, words, stored, found)
    # an image that the manifest does not list answers with its case's new texts too
    _store_words(session, words, sorted({*changed, *_images_of(session, told_anew)}))
    if changed or stored.removed or stored.cases.changed:
        _count_values(session)
        forget_vectors(session)
    if len(changed) >= MANY or stored.removed >= MANY:
        words.settle(session)
    return stored


def _data_set(session: Session, manifest: Manifest, name: str, add_only: bool) -> int:
    """Number of the data set, made or brought up to date."""
    known = session.execute(select(DataSet).where(DataSet.name == name)).scalar_one_or_none()
    root = str(manifest.root.absolute())
    facts = set_facts(manifest)
    if known is None:
        made = DataSet(name=name, source=manifest.source, root=root, facts=facts)
        session.add(made)
        session.flush()
        return made.id
    if known.root != root:
        _refuse_another(session, manifest, known)
        known.root = root
    if not add_only:
        known.source = manifest.source
        known.facts = {**known.facts, **facts, "columns": _union(known.facts["columns"], facts["columns"]),
                       "fields": {**known.facts["fields"], **facts["fields"]}}  # fmt: skip
    session.flush()
    return known.id


def _refuse_another(session: Session, manifest: Manifest, known: DataSet) -> None:
    """A data set may have moved: then its files are the same. Two of one name may not be mixed up."""
    stored = session.execute(select(Image.sample, Image.sha256).where(Image.set_id == known.id))
    hashes = dict(stored.all())
    listed = zip(manifest.table["sample"], manifest.table["sha256"], strict=True)
    same = sum(hashes.get(sample) == sha256 for sample, sha256 in listed)
    if hashes and 2 * same < min(len(hashes), len(manifest)):
        raise DataError(
            _("The catalogue has another data set of this name."),
            file=manifest.root,
            expected=known.root,
            found=known.name,
            cure=_("Give this one a name of its own: --name NAME"),
        )


def _images_of(session: Session, cases: Sequence[int]) -> list[int]:
    """Numbers of all images of some cases."""
    found: list[int] = []
    for batch in batches(cases, BATCH):
        found += session.execute(select(Image.id).where(Image.case_id.in_(batch))).scalars()
    return found


def _store_cases(
    session: Session, stored: Stored, found: Mapping[str, CaseRows], add_only: bool
) -> tuple[dict[str, int], list[int]]:
    """Number of each case, and the numbers of those whose texts have changed."""
    rows = session.execute(select(Case.uid, Case.id, Case.fingerprint).where(Case.set_id == stored.set_id))
    known = {uid: (number, fingerprint) for uid, number, fingerprint in rows}
    new = [{**_EMPTY_CASE, "set_id": stored.set_id, **case.values} for uid, case in found.items() if uid not in known]
    old = [(known[uid], case.values) for uid, case in found.items() if uid in known]
    changed = [] if add_only else [(number, values) for (number, mark), values in old if mark != values["fingerprint"]]
    for batch in batches(new, BATCH):
        session.execute(insert(Case), batch)
    _update(session, Case, changed)
    stored.cases = Counts(len(new), len(changed), len(old) - len(changed))
    pairs = session.execute(select(Case.uid, Case.id).where(Case.set_id == stored.set_id))
    return dict(pairs.all()), [number for number, _values in changed]


def _store_images(
    session: Session, stored: Stored, found: Mapping[str, CaseRows], cases: Mapping[str, int], add_only: bool
) -> list[int]:
    """Numbers of the images that are new or have changed."""
    rows = session.execute(select(Image.sample, Image.id, Image.fingerprint).where(Image.set_id == stored.set_id))
    known = {sample: (number, fingerprint) for sample, number, fingerprint in rows}
    listed = [{**one, "case_id": cases[uid]} for uid, case in found.items() for one in case.images]
    new = [{**_EMPTY_IMAGE, "set_id": stored.set_id, **one} for one in listed if one["sample"] not in known]
    new.sort(key=lambda one: str(one["sample"]))
    old = [(known[one["sample"]], one) for one in listed if one["sample"] in known]
    changed = [] if add_only else [(number, one) for (number, mark), one in old if mark != one["fingerprint"]]
    with step(_("Storing the images"), len(new) + len(changed)) as advance:
        for batch in batches(new, BATCH):
            session.execute(insert(Image), batch)
            advance(len(batch))
        _update(session, Image, changed)
        advance(len(changed))
    stored.images = Counts(len(new), len(changed), len(old) - len(changed))
    numbers = session.execute(select(Image.sample, Image.id).where(Image.set_id == stored.set_id))
    every = dict(numbers.all())
    samples = {one["sample"] for one in listed}
    stored.numbers = {sample: number for sample, number in every.items() if sample in samples}
    stored.gone = 0 if add_only else len(every) - len(stored.numbers)
    return [stored.numbers[one["sample"]] for one in new] + [number for number, _values in changed]


def _update(session: Session, table: type[Case] | type[Image], rows: Sequence[tuple[int, Values]]) -> None:
    """Change rows; what further columns they have that the new values do not speak of stays."""
    for batch in batches(rows, BATCH):
        if table is Image:
            kept = select(Image.id, Image.extra).where(Image.id.in_([number for number, _values in batch]))
            before: dict[int, dict[str, Any]] = dict(session.execute(kept).all())
            for number, values in batch:
                columns = {**before[number].get("columns", {}), **values["extra"]["columns"]}
                values["extra"] = {**values["extra"], "columns": columns}
        session.execute(update(table), [{"id": number, **values} for number, values in batch])


def _remove_gone(session: Session, words: WordIndex, stored: Stored, found: Mapping[str, CaseRows]) -> None:
    """Images that the manifest does not list, and cases that have no image any more."""
    listed = {one["sample"] for case in found.values() for one in case.images}
    rows = session.execute(select(Image.sample, Image.id).where(Image.set_id == stored.set_id))
    gone = [number for sample, number in rows if sample not in listed]
    for batch in batches(gone, BATCH):
        words.remove(session, batch)
        session.execute(delete(Image).where(Image.id.in_(batch)))
    used = select(Image.case_id).where(Image.set_id == stored.set_id)
    session.execute(delete(Case).where(Case.set_id == stored.set_id, Case.id.not_in(used)))
    stored.removed, stored.gone = len(gone), 0


def _store_words(session: Session, words: WordIndex, images: Sequence[int]) -> None:
    with step(_("Indexing the texts"), len(images)) as advance:
        for batch in batches(images, BATCH):
            words.put(session, list(documents_of(session, batch)))
            advance(len(batch))


def documents_of(session: Session, images: Sequence[int]) -> Iterator[tuple[int, Document]]:
    """The searched words of some images, from what is stored of them and of their cases.

    Where a data set tells no diagnosis, an image's class is taken for it.
    """
    columns = [getattr(Case, name) for name in CASE_TEXTS]
    rows = select(Image.id, Image.caption, Image.label, Image.extra, DataSet.facts, *columns).join(Image.case)
    chosen = rows.join(DataSet, DataSet.id == Image.set_id).where(Image.id.in_(images)).order_by(Image.id)
    for number, caption, label, extra, facts, *told in session.execute(chosen):
        texts = {**dict(zip(CASE_TEXTS, told, strict=True)), **extra["own"], "caption": caption}
        if "diagnosis" not in facts["fields"]:
            texts["diagnosis"] = label
        yield number, make_document(texts)


def _count_values(session: Session) -> None:
    """Count anew how many images have each value that is filtered by."""
    session.execute(delete(Value))
    for name, column, beside in (
        ("modality", Image.modality, Image.modality_detail),
        ("plane", Image.plane, None),
        ("location", Image.location, Image.location_category),
    ):
        keys = [column] if beside is None else [column, beside]
        for row in session.execute(select(*keys, func.count()).group_by(*keys).order_by(*keys)).all():
            detail = "" if beside is None else row[1]
            session.add(Value(name=name, value=row[0], detail=detail, images=row[-1]))
    pictures = session.execute(select(func.count(Image.file_key.distinct()))).scalar_one()
    session.add(Value(name=PICTURES, value="", images=pictures))
    session.flush()


def _union(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))


_EMPTY_CASE: Values = {**dict.fromkeys(CASE_TEXTS, ""), "sex": "", "age_years": None, "age": ""}
_EMPTY_IMAGE: Values = {
    **dict.fromkeys(("modality", "modality_detail", "plane", "location", "location_category", "sex", "sex_text"), ""),
    "age_years": None,
    "age": "",
}
