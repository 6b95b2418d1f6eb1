"""Temperature scaling: it recovers a known temperature, never changes the answer, and its interval covers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from laudo.evaluate.temperature import fit_temperature, scale


def overconfident(n, classes, temperature, seed=0):
    """Probabilities of logits that are ``temperature`` times too large, and the truth drawn from the right ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (n, classes))
    right = softmax(logits, axis=1)
    truth = (random.random((n, 1)) > right.cumsum(axis=1)).sum(axis=1)
    return softmax(logits * temperature, axis=1), right, truth


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_recovered(classes, temperature):
    given_, right, truth = overconfident(6000, classes, temperature)
    found = fit_temperature(given_, truth, np.arange(6000))
    assert found.rule == "validation"
    assert found.value == pytest.approx(temperature, rel=0.08)
    low, high = found.ci95
    assert low < temperature < high
    assert np.abs(scale(given_, found.value) - right).max() < 0.05
    assert found.log_loss[1] <= found.log_loss[0]
    assert found.log_loss[1] == pytest.approx(log_loss(truth, scale(given_, found.value)))


def test_it_is_the_least_log_loss_by_another_search():
    given_, _right, truth = overconfident(400, 3, 1.8)
    best = minimize_scalar(
        lambda t: log_loss(truth, softmax(np.log(given_) / t, axis=1)), bounds=(0.1, 10), method="bounded"
    )
    assert fit_temperature(given_, truth, np.arange(400)).value == pytest.approx(best.x, rel=1e-3)


def test_labels_share_one_temperature():
    random = np.random.default_rng(1)
    logits = random.normal(-1, 1.5, (3000, 4))
    truth = (random.random(logits.shape) < expit(logits)).astype(int)
    found = fit_temperature(expit(2 * logits), truth, np.arange(3000), several=True)
    assert found.value == pytest.approx(2, rel=0.08)
    assert found.n == 3000
    assert np.allclose(scale(expit(2 * logits), 2.0, several=True), expit(logits), atol=1e-9)


@given(st.integers(0, 10**6), st.floats(0.05, 20), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_the_answer_never_changes_and_rows_stay_probabilities(seed, temperature, classes):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(classes, 0.4), 50)
    scaled = scale(probabilities, temperature)
    assert np.allclose(scaled.sum(axis=1), 1)
    rows = np.arange(50)
    assert np.allclose(scaled[rows, probabilities.argmax(axis=1)], scaled.max(axis=1))


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=30, unique=True), st.floats(0.2, 8))
@settings(max_examples=50, deadline=None)
def test_the_order_of_two_classes_or_labels_never_changes(values, temperature):
    scores = np.array(values)
    two = scale(np.stack([1 - scores, scores], axis=1), temperature)[:, 1]
    several = scale(scores[:, None], temperature, several=True)[:, 0]
    assert np.allclose(two, several)
    assert (np.diff(two[np.argsort(scores)]) >= 0).all()


def test_one_changes_nothing_at_all():
    probabilities = np.array([[0.0, 1.0], [0.3, 0.7]])
    assert np.array_equal(scale(probabilities, 1.0), probabilities)


def test_without_an_error_or_without_skill_one_is_kept():
    truth = np.array([0, 1] * 20)
    sure = np.where(np.eye(2)[truth] == 1, 0.8, 0.2)
    right = fit_temperature(sure, truth, np.arange(40))
    assert (right.value, right.rule, right.ci95) == (1.0, "no_error", None)
    wrong = fit_temperature(sure[::-1], truth, np.arange(40))
    assert (wrong.value, wrong.rule) == (1.0, "no_better")


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_what_is_no_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        scale(np.full((1, 2), 0.5), temperature)


@pytest.mark.parametrize("copies", [1, 4])
def test_the_interval_covers_and_copies_add_nothing(copies):
    """Nominal 95 %: with 400 simulations 97 % and 92.5 % are two standard errors away."""
    hits, widths = 0, []
    for seed in range(400):
        given_, _right, truth = overconfident(150, 3, 1.7, seed)
        found = fit_temperature(given_.repeat(copies, axis=0), truth.repeat(copies), np.arange(150).repeat(copies))
        low, high = found.ci95
        hits += low <= 1.7 <= high
        widths.append(high - low)
    assert 0.925 <= hits / 400 <= 0.975


def test_labels_of_one_sample_are_one_piece_of_evidence():
    """Labels that always come together say no more than one of them does."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (300, 1))
    truth = (random.random(logits.shape) < expit(logits)).astype(int)
    one = fit_temperature(expit(1.5 * logits), truth, np.arange(300), several=True)
    four = fit_temperature(expit(1.5 * logits).repeat(4, 1), truth.repeat(4, 1), np.arange(300), several=True)
    assert four.value == pytest.approx(one.value)
    assert four.ci95 == pytest.approx(one.ci95)
