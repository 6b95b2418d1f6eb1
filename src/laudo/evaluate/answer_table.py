"""Runs that named the same classes of the same cases: McNemar's and DeLong's tests, by groups where these hold several images.

Differences are the run given later minus the one given earlier. Intervals come from the same resamples of the groups in all
runs. Accuracy and the area under the ROC curve are tested; of sensitivity and specificity there is a test by the same rule, of
the other metrics an interval alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from laudo.evaluate.cases import POSITIVE
from laudo.evaluate.classification import PER_CLASS, Key, all_keys, plain, point_values
from laudo.evaluate.compared_table import Cell, Claim, ComparedTable
from laudo.evaluate.delong import AreaTest, area_test, mean_area_test
from laudo.evaluate.intervals import bootstrap_draws, difference_bounds, interval_of
from laudo.evaluate.label_metrics import PER_LABEL
from laudo.evaluate.mcnemar import exchange, mcnemar
from laudo.evaluate.resampled import Place, Resampled
from laudo.evaluate.same_answers import SameAnswers
from laudo.evaluate.signed_rank import LEVEL, POWER, detectable

LOWER_IS_BETTER = frozenset({"brier", "log_loss", "ece"})
PRIMARY = "accuracy"
AREA = "auc_roc"


class AnswerTable(ComparedTable):
    """Two classes, several, or several labels a sample.

    Args:
        answers: aligned predictions.
        bootstrap: resamples of the groups; 0: no intervals.
        seed: of the resamples; the same as a run's own gives the intervals of its report.
    """

    kind = "classification"
    per = "per_class"
    primary = PRIMARY
    lower_is_better = LOWER_IS_BETTER

    def __init__(self, answers: SameAnswers, bootstrap: int, seed: int) -> None:
        self.aligned = self.answers = answers
        first = answers.cases[0]
        self._alone = answers.multilabel or len(answers.classes) > 2
        keys = [key for key in all_keys(first) if key[1] is None or self._alone]
        metrics = tuple(dict.fromkeys(name for name, _index in keys))
        self._index: dict[Place, int | None] = {None: None}
        if self._alone:
            self._index |= {name: index for index, name in enumerate(answers.classes)}
        draws = bootstrap_draws(answers.cases, keys, bootstrap, seed) if bootstrap else None
        shape = (len(answers.cases), len(metrics), len(self._index))
        points, drawn = np.full(shape, np.nan), np.full((bootstrap, *shape), np.nan)
        for run, cases in enumerate(answers.cases):
            values = point_values(cases, keys)
            for metric, index in keys:
                place = (run, metrics.index(metric), 0 if index is None else index + 1)
                points[place] = values[metric, index]
                if draws is not None:
                    drawn[(slice(None), *place)] = draws[run][metric, index]
        self.resampled = Resampled(metrics, tuple(self._index), points, drawn, answers.n_groups)

    @property
    def families(self) -> tuple[tuple[Claim, ...], ...]:
        """Accuracy and the area of the whole; and, as a family of its own, the area of every class."""
        each = tuple((AREA, place) for place in self.places if place is not None)
        return (((PRIMARY, None), (AREA, None)), *((each,) if each else ()))

    @property
    def metrics_of_places(self) -> frozenset[str]:
        """What a class has against the rest."""
        if not self._alone:
            return frozenset()
        return frozenset(PER_LABEL if self.answers.multilabel else PER_CLASS)

    def _key(self, metric: str, place: Place) -> Key:
        return metric, self._index[place]

    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run, as in its own metrics.json."""
        found = self.resampled
        value = float(found.values([run], metric, place)[0])
        draws = found.drawn([run], metric, place)[:, 0]
        if not np.isfinite(value) or not len(draws):
            return {"value": plain(value), "ci95": None}
        interval = interval_of(self.answers.cases[run], self._key(metric, place), value, draws)
        return {"value": value, "ci95": interval.as_list()}

    def counted(self, metric: str, place: Place) -> tuple[int, int]:
        """All cases and groups; of sensitivity and specificity those that they are shares of."""
        rows = self._rows(metric, place)
        if rows is None:
            return len(self.answers), self.answers.n_groups
        return int(rows.sum()), len(np.unique(self.aligned.groups[rows]))

    def _rows(self, metric: str, place: Place) -> np.ndarray | None:
        """(n,) bool of the cases in whose number a rate is a share; None for other metrics, and for means over classes."""
        if metric == "accuracy" and place is None:
            return np.ones(len(self.answers), dtype=bool)
        if metric not in {"sensitivity", "specificity"} or (place is None and self._alone):
            return None
        truth = self._is_class(place)
        return truth if metric == "sensitivity" else ~truth

    def _is_class(self, place: Place) -> np.ndarray:
        """(n,) bool: the truth is this class, or holds this label; None: the positive one of two."""
        truth, index = self.answers.truth, self._class(place)
        return np.asarray(truth[:, index] == 1 if truth.ndim == 2 else truth == index)

    def _class(self, place: Place) -> int:
        index = self._index[place]
        return POSITIVE if index is None else index

    def _right(self, run: int, metric: str, place: Place) -> np.ndarray:
        """(n,) bool: the answer is right, in the sense of an accuracy or of a rate of one class."""
        if metric == "accuracy":
            return self.answers.right(run)
        decided, index = self.answers.cases[run].decided, self._class(place)
        called = decided[:, index] == 1 if decided.ndim == 2 else decided == index
        return np.asarray(called == self._is_class(place))

    def cell(self, a: int, b: int, metric: str, place: Place) -> Cell:
        """Difference, with the test that there is for such a metric."""
        points, draws = self.resampled.values([a, b], metric, place), self.resampled.drawn([a, b], metric, place)
        value = plain(points[1] - points[0])
        n, groups = self.counted(metric, place)
        none: Cell = {"value": value, "ci95": None, "n": n, "groups": groups, "p": None, "method": None}
        if value is None:
            return none
        if len(draws):
            pair = (self.answers.cases[a], self.answers.cases[b])
            ends = difference_bounds(pair, self._key(metric, place), value, draws[:, 1] - draws[:, 0])
            none["ci95"] = None if ends is None else [float(end) for end in ends]
        rows = self._rows(metric, place)
        if rows is not None:
            return none | self._of_rate(self._right(a, metric, place)[rows], self._right(b, metric, place)[rows], rows)
        if metric == AREA:
            return none | self._of_area(a, b, place)
        return none

    def _of_rate(self, right_a: np.ndarray, right_b: np.ndarray, rows: np.ndarray) -> Cell:
        """Test by groups, and McNemar's by images beside it."""
        counted = mcnemar(right_a, right_b)
        tested = exchange(right_a, right_b, self.aligned.groups[rows])
        return {
            "p": tested.p,
            "method": tested.method,
            "p_images": counted.p,
            "moved": tested.moved,
            "cohens_g": counted.cohens_g,
            "odds_ratio": counted.odds_ratio,
            "better": counted.only_b,
            "equal": counted.both + counted.neither,
            "worse": counted.only_a,
            "both_right": counted.both,
            "both_wrong": counted.neither,
        }

    def _of_area(self, a: int, b: int, place: Place) -> Cell:
        tested = self._area_test(a, b, place)
        if tested is None:
            return {}
        several = self.answers.n_groups < len(self.answers)
        same = self._scores(a, place) == self._scores(b, place)
        return {
            "p": tested.p,
            "method": "obuchowski" if several else "delong",
            "standard_error": tested.standard_error,
            "equal": int(same.all(axis=tuple(range(1, same.ndim))).sum()),
        }

    def _scores(self, run: int, place: Place) -> np.ndarray:
        """(n,) probability of a class, or (n, K) of all that can be judged."""
        cases = self.answers.cases[run]
        if place is None and self._alone:
            return np.asarray(cases.probabilities[:, cases.present])
        return np.asarray(cases.probabilities[:, self._class(place)])

    def _area_test(self, a: int, b: int, place: Place) -> AreaTest | None:
        scores = np.stack([self._scores(a, place), self._scores(b, place)])
        if scores.ndim == 2:
            return area_test(scores, self._is_class(place), self.aligned.groups)
        names = [self.answers.classes[index] for index in self.answers.cases[a].present]
        if not names:
            return None
        positive = np.stack([self._is_class(name) for name in names], axis=1)
        return mean_area_test(scores, positive, self.aligned.groups)

    def detectable(self, a: int, b: int, metric: str, tests: int) -> float | None:
        """Of accuracy by the spread of the groups' sums, of areas by the standard error."""
        if metric == AREA:
            tested = self._area_test(a, b, None)
            if tested is None or tested.standard_error == 0:
                return None
            return float(stats.norm.ppf(1 - LEVEL / tests / 2) + stats.norm.ppf(POWER)) * tested.standard_error
        gains = self._right(b, metric, None).astype(float) - self._right(a, metric, None)
        sums = np.bincount(self.aligned.groups, weights=gains)
        return detectable(sums * len(sums) / len(gains), tests)

    def facts(self) -> dict[str, Any]:
        """The classes, and whether a sample may have several."""
        return {"classes": list(self.answers.classes), "multilabel": self.answers.multilabel}

    def own_notes(self) -> list[dict[str, Any]]:
        """Classes that no case has, groups of several images, labels of which a sample may have several."""
        answers, first = self.answers, self.answers.cases[0]
        notes: list[dict[str, Any]] = []
        present = {answers.classes[index] for index in first.present}
        absent = [name for name in answers.classes if name not in present]
        if absent:
            notes.append({"id": "labels_absent" if answers.multilabel else "classes_absent", "classes": absent})
        if answers.multilabel:
            notes.append({"id": "all_labels"})
        if answers.n_groups < len(answers):
            notes.append({"id": "groups_of_images", "n": len(answers), "groups": answers.n_groups})
        return notes
