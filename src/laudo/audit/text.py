"""Does the text give the answer away: which words name the class, how often, and how well words alone predict it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from laudo.audit.finding import Finding, Status
from laudo.audit.probe import run_probe, usable_rows
from laudo.audit.seen import Seen
from laudo.audit.words import pattern, words_of
from laudo.core.letters import plain

NAMING_SHARE = 0.01
"""Share of the texts that may name their class before it is told."""
TOLD_WORDS = 12
"""Words that are told."""
FREQUENT = 5
"""Texts that a word must stand in to be called predictive."""


def text_names_label(seen: Seen) -> Finding | None:
    """Texts do not name the class that is to be predicted from them."""
    texts = _texts(seen)
    if texts is None:
        return None
    patterns = {label: pattern(words_of(label)) for label in seen.manifest.classes}
    if not any(patterns.values()):
        return None
    labels = list(seen.manifest.table["label"])
    words: Counter[str] = Counter()
    naming, any_class = [], 0
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        own = patterns.get(label)
        hits = set(own.findall(text)) if own else set()
        if hits:
            naming.append(row)
            words.update(hits)
        any_class += bool(hits) or any(other.search(text) for other in patterns.values() if other)
    written = sum(bool(text) for text in texts)
    facts = {
        "texts": written,
        "share": len(naming) / max(1, len(texts)),
        "names_any": any_class,
        "counts": dict(words.most_common(TOLD_WORDS)),
    }
    status: Status = "warn" if len(naming) > NAMING_SHARE * written else "pass"
    return Finding("text_names_label", status, len(naming), (), facts)


def text_predicts(seen: Seen) -> Finding | None:
    """The class does not follow from the words of the text."""
    texts = _texts(seen)
    if texts is None:
        return None
    written = np.array([bool(text) for text in texts])
    labels = np.where(written, seen.labels, -1)
    probe = run_probe(_model, texts, labels, seen.groups)
    if probe is None:
        return Finding("text_predicts", "not_run", facts={"why": "too_few"})
    rows = usable_rows(labels, seen.groups)
    facts = {**probe.as_facts(), "words": _telling(texts, labels, rows, seen.manifest.classes)}
    return Finding("text_predicts", "warn" if probe.predicts else "pass", probe.n, facts=facts)


def _texts(seen: Seen) -> list[str] | None:
    """Plain text of each sample; None when there are no texts, or no classes."""
    table = seen.manifest.table
    if not seen.has_classes or not (table["text"] != "").any():
        return None
    return [plain(str(text)) for text in table["text"]]


def _model() -> object:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(min_df=2, sublinear_tf=True, max_features=20_000)
    return make_pipeline(words, LogisticRegression(max_iter=300, class_weight="balanced", C=3.0))


def _telling(texts: list[str], labels: np.ndarray, rows: np.ndarray, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The words whose presence says most about the class (chi-squared): in how many texts, and of which class mostly."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.feature_selection import chi2

    counter = CountVectorizer(binary=True, min_df=min(FREQUENT, max(1, len(rows) // 10)), max_features=20_000)
    try:
        table = counter.fit_transform([texts[row] for row in rows])
    except ValueError:  # no word is left
        return []
    strength = np.nan_to_num(chi2(table, labels[rows])[0])
    names = counter.get_feature_names_out()
    found = []
    for column in np.argsort(-strength, kind="stable")[:TOLD_WORDS]:
        inside = labels[rows][np.asarray(table[:, [column]].todense()).ravel() > 0]
        most = int(np.bincount(inside).argmax())
        found.append(
            {
                "word": str(names[column]),
                "n": len(inside),
                "class": classes[most],
                "share": float((inside == most).mean()),
            }
        )
    return found
