"""Answers of a search."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Snippet:
    """Where the words stand: a piece of one text, and the letters of it that are to be marked."""

    field: str
    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"field": self.field, "text": self.text, "marks": [list(one) for one in self.marks]}


@dataclass(frozen=True)
class Hit:
    """An image that answers, with its case.

    Attributes:
        number: of the image in the catalogue.
        data_set: name of the data set.
        root: folder that its paths start from.
        sample: its name in the manifest.
        image: path relative to the root.
        case: name of the case.
        score: of the words; higher is better, comparable within one search only; None without words.
        similarity: cosine with the image that was asked about, -1 to 1; None when none was.
        about: what is known of the image: ``modality``, ``plane``, ``location``, ``sex``, ``age``, ``age_years``, ``split`` …
        texts: what is told of it and of its case: ``caption``, ``title``, ``diagnosis``, ``findings`` …
        prediction: of the run that was asked about: ``truth, predicted, probability``; None when none was.
        snippet: where the words stand; of no words, the beginning of the caption.
    """

    number: int
    data_set: str
    root: str
    sample: str
    image: str
    case: str
    score: float | None
    similarity: float | None
    about: dict[str, Any]
    texts: dict[str, str]
    prediction: dict[str, Any] | None
    snippet: Snippet

    @property
    def path(self) -> Path:
        """The image's file; of several, the first."""
        return Path(self.root) / self.image.partition("|")[0]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        facts = {name: value for name, value in vars(self).items() if name not in ("number", "root")}
        return {**facts, "path": str(self.path), "snippet": self.snippet.as_dict()}


@dataclass(frozen=True)
class Wider:
    """What a search without an answer would give with one condition less.

    Attributes:
        without: name of the condition that was left out; ``words`` stands for their beginnings being enough.
        words: the words of that search.
        conditions: the filters of that search.
        images: how many images it finds.
    """

    without: str
    words: str
    conditions: dict[str, Any]
    images: int


@dataclass(frozen=True)
class Found:
    """Everything that a search gives.

    Attributes:
        images: how many images answer.
        cases: how many cases they belong to.
        hits: the best of them.
        dropped: words that were left out because they stand everywhere.
        wider: searches with one condition less, when no image answers.
        notes: what else there is to know.
    """

    images: int
    cases: int
    hits: list[Hit]
    dropped: tuple[str, ...] = ()
    wider: list[Wider] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "images": self.images,
            "cases": self.cases,
            "shown": len(self.hits),
            "dropped": list(self.dropped),
            "wider": [asdict(one) for one in self.wider],
            "notes": self.notes,
            "hits": [hit.as_dict() for hit in self.hits],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        columns = ("modality", "plane", "location", "sex", "age")
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(text))}</td>" for text in (hit.image, *(hit.about[one] for one in columns)))
            + f"<td>{escape(hit.texts['diagnosis'])}</td><td>{_marked(hit.snippet)}</td></tr>"
            for hit in self.hits
        )  # fmt: skip
        return f"<p><b>{self.images}</b> · {self.cases}</p><table>{rows}</table>"


def _marked(snippet: Snippet) -> str:
    parts, end = [], 0
    for start, stop in snippet.marks:
        parts += [escape(snippet.text[end:start]), f"<mark>{escape(snippet.text[start:stop])}</mark>"]
        end = stop
    return "".join(parts) + escape(snippet.text[end:])
