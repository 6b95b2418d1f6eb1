"""Find images by words, filters and likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import CTE, ColumnElement, FromClause, Select, Subquery, func, literal, select, true
from sqlalchemy.orm import Session

from laudo.catalog.batches import BATCH, batches
from laudo.catalog.columns import CASE_TEXTS
from laudo.catalog.filters import Filters, conditions_of, find_run, part_of
from laudo.catalog.nearest import Nearest
from laudo.catalog.open import Catalog
from laudo.catalog.result import Found, Hit, Wider
from laudo.catalog.snippet import make_snippet
from laudo.catalog.tables import Case, DataSet, Image, Prediction, Value
from laudo.catalog.words import Words, read_words, shortened, typed

ABOUT = (
    "modality", "modality_detail", "plane", "location", "location_category", "sex", "age", "age_years", "split", "label", "mask",
    "patient",
)  # fmt: skip
"""What a hit tells of its image."""

FEW = 2000
"""Hits up to which all their vectors are looked at."""


def search(
    catalog: Catalog, words: str = "", filters: Filters | None = None, limit: int = 20, nearest: Nearest | None = None
) -> Found:
    """Images whose texts hold the words and that fulfil the filters: the best first, with their cases.

    Args:
        catalog: an open catalogue.
        words: see :func:`laudo.catalog.words.read_words`; every text is a valid question.
        filters: what else must be.
        limit: hits at most.
        nearest: order them by the likeness of their vectors to this one; images without a vector are left out.

    Raises:
        DataError: a filter's value that no image has, or the catalogue can not be read.
    """
    question, filters = read_words(words), filters or Filters()
    with catalog.reading() as session:
        conditions = conditions_of(filters, session)
        asked = [*conditions.values()]
        likeness: dict[int, float] = {}
        scores: dict[int, float] = {}
        if nearest is not None:
            keyed, _score = _answering(catalog, question, asked, Image.id, Image.file_key)
            counted, _score = _answering(catalog, question, asked, Image.case_id)
            images, cases = _count(session, counted) if question or asked else _everything(session)
            order = likeness = _likest(session, keyed, limit, nearest, few=images <= FEW)
        elif question or asked:
            images, cases, scores = _first(session, _matching(catalog, question, asked), limit)
            order = scores
        else:
            images, cases = _everything(session)
            order = dict.fromkeys(session.execute(select(Image.id).order_by(Image.id).limit(limit)).scalars(), 0.0)
        hits = _hits(session, list(order), question, filters)
        hits = [
            replace(hit, score=scores.get(hit.number) if question.wanted else None, similarity=likeness.get(hit.number))
            for hit in hits
        ]
        wider = [] if images else _wider(catalog, session, question, filters, conditions)
        notes = [] if nearest is None else nearest.notes(session)
    return Found(images, cases, hits, question.dropped, wider, notes)


def search_numbers(catalog: Catalog, words: str, filters: Filters, limit: int | None = None) -> list[int]:
    """Numbers of all images that answer, the best first; as :func:`search`, for those who want no more than that."""
    with catalog.reading() as session:
        matching = _matching(catalog, read_words(words), [*conditions_of(filters, session).values()])
        rows = select(matching.c.id).order_by(matching.c.score.desc(), matching.c.id)
        return list(session.execute(rows if limit is None else rows.limit(limit)).scalars())


def _matching(catalog: Catalog, question: Words, conditions: Sequence[ColumnElement[bool]]) -> CTE:
    """``id, case_id, score`` of all images that answer, worked out once for all that asks for them in a statement."""
    rows, score = _answering(catalog, question, conditions, Image.id, Image.case_id)
    return rows.add_columns(score.label("score")).cte("matching").prefix_with("MATERIALIZED")


def _answering(
    catalog: Catalog, question: Words, conditions: Sequence[ColumnElement[bool]], *columns: Any
) -> tuple[Select[Any], ColumnElement[Any]]:
    """Columns of all images that answer, and their score.

    The words are looked up first and by themselves: a planner that began with a filter would ask the index of words about one
    image after the other.
    """
    rows: Select[Any] = select(*columns)
    score: ColumnElement[Any] = literal(0.0)
    if question.wanted:
        found = catalog.words.matches(question.wanted).cte("found").prefix_with("MATERIALIZED")
        rows, score = rows.join(found, found.c.image_id == Image.id), found.c.score
    if question.excluded:
        rows = rows.where(Image.id.not_in(catalog.words.holding(question.excluded)))
    return rows.where(*conditions), score


def _first(session: Session, matching: CTE, limit: int) -> tuple[int, int, dict[int, float]]:
    """How many images and cases, and the numbers and scores of the best; one statement, so that they are worked out once."""
    counted = _counted(matching)
    rows = select(matching.c.id, matching.c.score, counted.c.images, counted.c.cases).join(counted, true())
    best = session.execute(rows.order_by(matching.c.score.desc(), matching.c.id).limit(limit)).all()
    images, cases = (int(best[0][2]), int(best[0][3])) if best else (0, 0)
    return images, cases, {number: float(score) for number, score, _images, _cases in best}


def _count(session: Session, rows: Select[Any]) -> tuple[int, int]:
    """How many images and cases some rows with ``case_id`` are."""
    images, cases = session.execute(select(_counted(rows.subquery()))).one()
    return int(images or 0), int(cases)


def _counted(rows: FromClause) -> Subquery:
    """``images, cases`` in one pass: a count of distinct cases would sort them."""
    each = select(func.count().label("images")).select_from(rows).group_by(rows.c.case_id).subquery()
    return select(func.sum(each.c.images).label("images"), func.count().label("cases")).select_from(each).subquery()


def _everything(session: Session) -> tuple[int, int]:
    """How many images and cases there are; the images were counted by the last import."""
    images = session.execute(select(func.sum(Value.images)).where(Value.name == "modality")).scalar_one()
    return int(images or 0), int(session.execute(select(func.count()).select_from(Case)).scalar_one())


def _likest(session: Session, keyed: Select[Any], limit: int, nearest: Nearest, few: bool) -> dict[int, float]:
    """Numbers and likeness of the nearest of the images that answer.

    Args:
        session: that reads.
        keyed: number and file key of all images that answer.
        limit: how many.
        nearest: their likeness.
        few: there are so few that all of them can be looked at.
    """
    if few:
        keys: dict[str, list[int]] = {}
        for number, key in session.execute(keyed):
            keys.setdefault(key, []).append(number)
        best = nearest.among(list(keys), limit)
        return dict([(number, value) for key, value in best for number in sorted(keys[key])][:limit])
    chosen: dict[int, float] = {}
    seen = 0
    for ranked in nearest.ranked(start=4 * limit):  # each time more of them, until enough fulfil the conditions
        fresh = dict(ranked[seen:])
        seen = len(ranked)
        for batch in batches(fresh, BATCH):
            rows = session.execute(keyed.where(Image.file_key.in_(batch)))
            chosen |= {number: fresh[key] for number, key in rows}
        if len(chosen) >= limit:
            break
    order = sorted(chosen, key=lambda number: (-chosen[number], number))[:limit]
    return {number: chosen[number] for number in order}


def _hits(session: Session, numbers: Sequence[int], question: Words, filters: Filters) -> list[Hit]:
    """Everything that is known of some images, in their order."""
    rows = select(Image, Case, DataSet.name, DataSet.root).join(Image.case).join(DataSet, DataSet.id == Image.set_id)
    found: dict[int, Hit] = {}
    answers = _predictions(session, numbers, filters)
    for batch in batches(numbers, BATCH):
        for image, case, name, root in session.execute(rows.where(Image.id.in_(batch))):
            told = {one: getattr(case, one) for one in CASE_TEXTS}
            own = {one: text for one, text in image.extra["own"].items() if one in told}
            texts = {"caption": image.caption, **told, **own}
            about = {one: getattr(image, one) for one in ABOUT}
            snippet = make_snippet(texts, question.wanted)
            found[image.id] = Hit(
                image.id, name, root, image.sample, image.image, case.uid, None, None, about, texts,
                answers.get(image.id), snippet,
            )  # fmt: skip
    return [found[number] for number in numbers]


def _predictions(session: Session, numbers: Sequence[int], filters: Filters) -> Mapping[int, dict[str, Any]]:
    """What the run that was asked about said of the images."""
    if not filters.wrong or not numbers:
        return {}
    run = find_run(session, filters.wrong)
    rows = select(Prediction).where(Prediction.run_id == run.id, Prediction.part == part_of(session, run, filters.part))
    return {
        one.image_id: {"run": run.name, "part": one.part, "truth": one.truth, "predicted": one.predicted,
                       "probability": one.probability}
        for batch in batches(numbers, BATCH)
        for one in session.execute(rows.where(Prediction.image_id.in_(batch))).scalars()
    }  # fmt: skip


def _wider(
    catalog: Catalog, session: Session, question: Words, filters: Filters, conditions: Mapping[str, ColumnElement[bool]]
) -> list[Wider]:
    """Searches with one condition less that find something; the tightest first."""
    tried: list[tuple[str, Words, dict[str, object]]] = []
    longer = shortened(question)
    if longer != question:
        tried.append(("words", longer, filters.as_dict()))
    if question and conditions:
        tried.append(("all words", Words(), filters.as_dict()))
    if len(conditions) > 1 or question:
        for name in conditions:
            kept = {one: value for one, value in filters.as_dict().items() if one != name}
            if name == "wrong":
                kept.pop("part", None)
            tried.append((name, question, kept))
    made = []
    for name, words, kept in tried:
        left = [condition for one, condition in conditions.items() if one in kept]
        images, _cases = _count(session, _answering(catalog, words, left, Image.case_id)[0])
        if images:
            made.append(Wider(name, typed(words), kept, images))
    return sorted(made, key=lambda one: one.images)
