"""Distance to the nearest training images: by hand, against scikit-learn, and what it says of images of another kind."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler, normalize

from laudo.core.errors import RunError
from laudo.core.run import Run
from laudo.networks.feature_distance import NEIGHBOUR, FeatureDistance, drawn
from laudo.predict.ood_score import OodScore


def features(n, seed, shift=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(shift, 1, (n, 12)) * np.arange(1, 13)).astype(np.float32)


def fitted(seed=0, measured=True):
    return FeatureDistance.fit(features(80, seed), features(40, seed + 1), measured)


def test_between_features_of_length_one_it_is_what_scikit_learn_finds():
    found = NearestNeighbors(n_neighbors=NEIGHBOUR).fit(normalize(features(80, 0)))
    expected = found.kneighbors(normalize(features(30, 5)))[0][:, -1]
    one = fitted(measured=False)
    assert one.distances(features(30, 5)) == pytest.approx(expected, rel=1e-5)
    assert one.distances(3 * features(30, 5)) == pytest.approx(one.distances(features(30, 5)), rel=1e-4)


def test_between_descriptors_it_is_what_scikit_learn_finds():
    scaler = StandardScaler().fit(features(80, 0).astype(float))
    found = NearestNeighbors(n_neighbors=NEIGHBOUR).fit(scaler.transform(features(80, 0)))
    expected = found.kneighbors(scaler.transform(features(30, 5)))[0][:, -1] / np.sqrt(12)
    assert fitted().distances(features(30, 5)) == pytest.approx(expected, rel=1e-5)


def test_a_training_image_is_not_its_own_neighbour():
    one = fitted()
    scaler = StandardScaler().fit(features(80, 0).astype(float))
    given = scaler.transform(features(80, 0))
    expected = NearestNeighbors(n_neighbors=NEIGHBOUR + 1).fit(given).kneighbors(given)[0][:, -1] / np.sqrt(12)
    assert one.training == pytest.approx(np.sort(expected), rel=1e-5)


def test_percentiles_and_multiples_are_those_of_validation():
    one = fitted()
    again = one.distances(features(40, 1))
    assert one.percentiles(again).max() == pytest.approx(97.5)
    assert one.percentiles(np.array([0.0, 1e9])).tolist() == [0, 100]
    assert np.median(one.relative(again)) == pytest.approx(1, rel=1e-6)


def test_what_lies_elsewhere_is_farther():
    one = fitted()
    here, there = one.distances(features(50, 7)), one.distances(features(50, 8, shift=3))
    assert there.min() > np.median(here)
    assert (one.percentiles(there) > 99).mean() > 0.9
    assert (one.percentiles(here) > 99).mean() < 0.2


def test_a_feature_that_never_changes_and_a_handful_of_images_do_no_harm():
    train = np.column_stack([np.full(3, 7.0), np.arange(3)])
    one = FeatureDistance.fit(train, train + np.array([0.0, 0.1]), measured=True)
    assert np.isfinite(one.distances(np.array([[7.0, 1.0], [9.0, 1.0]]))).all()
    assert one.distances(np.array([[9.0, 1.0]]))[0] > one.distances(np.array([[7.0, 1.0]]))[0]
    assert np.isfinite(FeatureDistance.fit(np.zeros((3, 2)), np.ones((2, 2))).distances(np.zeros((1, 2)))).all()
    with pytest.raises(ValueError, match="training and validation"):
        FeatureDistance.fit(train, train[:0])
    with pytest.raises(ValueError, match="features of shape"):
        one.distances(np.zeros((2, 5)))


def test_of_many_images_some_are_drawn_always_the_same():
    rows = np.arange(5000)
    assert len(drawn(rows, 3)) == 1000
    assert np.array_equal(drawn(rows, 3), drawn(rows, 3))
    assert not np.array_equal(drawn(rows, 3), drawn(rows, 4))
    assert np.array_equal(drawn(rows[:50], 3), rows[:50])


def test_what_is_read_again_gives_the_same(tmp_path):
    run, score = Run(tmp_path), OodScore((fitted(0), fitted(10, measured=False)))
    score.save(run)
    looks = [features(9, 20), features(9, 21)]
    for one, other in zip(score.score(looks), OodScore.load(run, 2).score(looks), strict=True):
        assert np.array_equal(one, other)
    assert OodScore.load(Run(tmp_path / "elsewhere"), 1) is None
    with pytest.raises(RunError):
        OodScore.load(run, 1)
    run.ood_path.write_bytes(run.ood_path.read_bytes()[:200])
    with pytest.raises(RunError):
        OodScore.load(run, 2)


def test_the_score_of_several_networks_is_their_mean():
    both = OodScore((fitted(0), fitted(10)))
    looks = [features(9, 20), features(9, 21)]
    alone = [OodScore((one,)).score([look]) for one, look in zip(both.networks, looks, strict=True)]
    for place in (0, 1):
        assert both.score(looks)[place] == pytest.approx(np.mean([one[place] for one in alone], axis=0))
    assert OodScore.together([both, None]) is None
    assert len(OodScore.together([both, OodScore((fitted(),))]).networks) == 3
