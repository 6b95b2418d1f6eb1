"""Classical models: contract of all kinds, files from which nothing is executed, and the choice on validation."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import skops.io
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from laudo.core.errors import DataError, RunError
from laudo.core.recipe import Network
from laudo.networks.classical import KINDS, load_classical
from laudo.networks.classical_file import LOADERS, TYPES
from laudo.train.classical import fit_classical


def network(kind, **classical):
    return Network(
        backbone="descriptors", descriptors=("texture",), classifier=kind, classical={"trees": 12, **classical}
    )


def blobs(classes, n=40, seed=0, features=6):
    """Clouds around one centre a class, far enough apart to be learned."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    centres = np.random.default_rng(99).normal(size=(classes, features)) * 2
    return (centres[targets] + rng.normal(size=(n, features))).astype(np.float32), targets.astype(np.int64)


@pytest.fixture(scope="module", params=[(kind, classes) for kind in KINDS for classes in (2, 3)], ids=str)
def fitted(request):
    kind, classes = request.param
    return fit_classical(network(kind, leaf=(2,)), blobs(classes), blobs(classes, seed=1), classes, seed=0)


def test_every_kind_learns_and_comes_back_from_its_file_as_it_was(fitted, tmp_path):
    classifier = fitted.classifier
    features, targets = blobs(classifier.classes, n=60, seed=2)
    before = classifier.probabilities(features)
    assert before.dtype == np.float64
    assert before.shape == (60, classifier.classes)
    np.testing.assert_allclose(before.sum(axis=1), 1)
    assert (before.argmax(axis=1) == targets).mean() > 0.7
    classifier.save(tmp_path / "model.skops")
    after = load_classical(tmp_path / "model.skops")
    np.testing.assert_array_equal(after.probabilities(features), before)
    assert (after.kind, after.classes) == (classifier.kind, classifier.classes)
    assert after.probabilities(features[:0]).shape == (0, classifier.classes)
    with pytest.raises(ValueError, match="fitted on 6"):
        after.probabilities(features[:, :5])


def test_the_whitelist_holds_what_the_files_hold_and_nothing_more(tmp_path):
    types, loaders = set(), set()

    def walk(node):
        if isinstance(node, dict):
            if "__class__" in node:
                types.add(f"{node['__module__']}.{node['__class__']}")
                loaders.add(node["__loader__"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for kind in KINDS:
        for classes in (2, 3):
            for standardise in (True, False):
                for weights in ("none", "balanced"):
                    chosen = network(kind, leaf=(2,), standardise=standardise)
                    path = tmp_path / "model.skops"
                    train, val = blobs(classes), blobs(classes, seed=1)
                    fit_classical(chosen, train, val, classes, 0, weights).classifier.save(path)
                    walk(json.loads(zipfile.ZipFile(path).read("schema.json")))
    assert types == TYPES
    assert loaders == LOADERS


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_that_training_lacks_has_probability_zero(kind, tmp_path):
    features, targets = blobs(2)
    lacking = (features, targets * 2)  # classes 0 and 2 of 4
    val = (features, np.arange(len(features)) % 4)
    classifier = fit_classical(network(kind, leaf=(2,)), lacking, val, 4, seed=0).classifier
    found = classifier.probabilities(features)
    assert found.shape == (40, 4)
    assert (found[:, [1, 3]] == 0).all()
    assert (found.argmax(axis=1) == targets * 2).mean() > 0.8
    classifier.save(tmp_path / "m")
    np.testing.assert_array_equal(load_classical(tmp_path / "m").probabilities(features), found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_classifier(kind):
    train, val = blobs(3), blobs(3, seed=1)
    one, two = (fit_classical(network(kind), train, val, 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.classifier.probabilities(val[0]), two.classifier.probabilities(val[0]))
    assert one.tried == two.tried


def test_validation_chooses_and_every_candidate_is_reported():
    train, val = blobs(3, features=2, n=60), blobs(3, seed=1, features=2, n=61)
    fitted = fit_classical(network("knn", neighbours=(1, 3, 9, 500), standardise=False), train, val, 3, seed=0)
    assert [one["settings"]["neighbours"] for one in fitted.tried] == [1, 3, 9, 500]
    for one in fitted.tried:
        peer = KNeighborsClassifier(min(one["settings"]["neighbours"], 60)).fit(*train)
        expected = peer.predict_proba(val[0])
        assert one["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(val[1], expected.argmax(axis=1)))
        assert one["log_loss"] == pytest.approx(log_loss(val[1], expected, labels=[0, 1, 2]), rel=1e-6)
    ranks = [(-one["balanced_accuracy"], one["log_loss"]) for one in fitted.tried]
    assert fitted.chosen == ranks.index(min(ranks))
    best = KNeighborsClassifier(fitted.tried[fitted.chosen]["settings"]["neighbours"]).fit(*train)
    np.testing.assert_allclose(fitted.classifier.probabilities(val[0]), best.predict_proba(val[0]))


def test_one_candidate_is_scored_too():
    fitted = fit_classical(network("svm"), blobs(2), blobs(2, seed=1), 2, seed=0)
    assert [one["settings"] for one in fitted.tried] == [{"c": 1.0}]
    assert fitted.chosen == 0
    assert 0 <= fitted.tried[0]["balanced_accuracy"] <= 1


def test_a_feature_with_large_numbers_drowns_the_others_unless_they_are_standardised():
    features, targets = blobs(2, n=200, features=3)
    noise = np.random.default_rng(3).normal(size=(200, 1)).astype(np.float32) * 1e4
    sample = np.concatenate([features, noise], axis=1)
    found = {
        standardise: fit_classical(
            network("knn", standardise=standardise),
            (sample[:100], targets[:100]),
            (sample[100:], targets[100:]),
            2,
            seed=0,
        ).tried[0]["balanced_accuracy"]
        for standardise in (True, False)
    }
    assert found[True] > 0.85
    assert found[False] < 0.65


def test_balanced_weights_find_more_of_the_rare_class():
    rng = np.random.default_rng(0)
    targets = (rng.random(400) < 0.1).astype(np.int64)
    features = (rng.normal(size=(400, 2)) + targets[:, None] * 1.2).astype(np.float32)
    for kind in ("logistic_regression", "svm", "random_forest", "gradient_boosting"):
        chosen = network(kind, leaf=(20,))
        share = [
            fit_classical(chosen, (features, targets), (features, targets), 2, 0, weights)  # type: ignore[arg-type]
            .classifier.probabilities(features)
            .argmax(axis=1)
            .mean()
            for weights in ("none", "balanced")
        ]
        assert share[1] > share[0] + 0.05, kind


def test_probabilities_of_a_support_vector_machine_agree_with_its_answers_and_are_fitted_on_validation():
    train, val = blobs(3, n=90), blobs(3, seed=1, n=90)
    model = fit_classical(network("svm"), train, val, 3, seed=0).classifier
    found = model.probabilities(val[0])
    np.testing.assert_array_equal(found.argmax(axis=1), model.pipeline.decision_function(val[0]).argmax(axis=1))
    losses = {
        factor: log_loss(val[1], replace(model, temperature=model.temperature * factor).probabilities(val[0]))
        for factor in (0.8, 1.0, 1.25)
    }
    assert losses[1.0] == min(losses.values())


def test_what_can_not_be_learned_from_is_said():
    features, targets = blobs(2)
    with pytest.raises(DataError, match="fewer than two classes"):
        fit_classical(network("knn"), (features, targets * 0), (features, targets), 2, 0)
    with pytest.raises(DataError, match="validation part is empty"):
        fit_classical(network("knn"), (features, targets), (features[:0], targets[:0]), 2, 0)


def touch(path):
    """What a tampered file would run."""
    open(path, "w").close()  # noqa: PTH123


def _content(pipeline, **more):
    return {"version": 1, "kind": "knn", "classes": 2, "temperature": 1.0, "pipeline": pipeline, **more}


@pytest.mark.parametrize("place", ["step", "value"])
def test_a_file_with_a_foreign_type_is_refused_and_never_executed(place, tmp_path):
    mark = tmp_path / "executed"
    good = fit_classical(network("knn"), blobs(2), blobs(2, seed=1), 2, 0).classifier.pipeline
    foreign = FunctionTransformer(touch, kw_args={"path": str(mark)})
    content = (
        _content(Pipeline([("bad", foreign), *good.steps])) if place == "step" else _content(good, extra=io.BytesIO)
    )
    skops.io.dump(content, tmp_path / "model.skops")
    with pytest.raises(RunError) as caught:
        load_classical(tmp_path / "model.skops")
    name = "FunctionTransformer" if place == "step" else "BytesIO"
    assert name in str(caught.value.found)
    assert "nothing of it was executed" in caught.value.what
    assert not mark.exists()


@pytest.mark.parametrize("edit", ["loader", "module", "hidden"])
def test_a_file_whose_description_was_edited_is_refused(edit, tmp_path):
    path = tmp_path / "model.skops"
    fit_classical(network("knn"), blobs(2), blobs(2, seed=1), 2, 0).classifier.save(path)

    def change(schema):
        if edit == "loader":
            schema["__loader__"] = "FunctionNode"
        elif edit == "module":
            schema["__module__"], schema["__class__"] = "os", "system"
        else:
            schema["unused"] = [
                {"__loader__": "OperatorFuncNode", "__module__": "operator", "__class__": "methodcaller"}
            ]

    _rewrite(path, change)
    with pytest.raises(RunError, match="holds what no classical model"):
        load_classical(path)


def test_a_tree_that_points_outside_itself_is_refused(tmp_path):
    for kind in ("random_forest", "gradient_boosting"):
        model = fit_classical(network(kind), blobs(2), blobs(2, seed=1), 2, 0).classifier
        if kind == "random_forest":
            tree = model.pipeline.steps[-1][1].estimators_[0].tree_
            state = tree.__getstate__()
            state["nodes"]["left_child"][0] = 10**6
            tree.__setstate__(state)
        else:
            model.pipeline.steps[-1][1]._predictors[0][0].nodes["left"][0] = 10**6
        model.save(tmp_path / kind)
        with pytest.raises(RunError, match="can not be read") as caught:
            load_classical(tmp_path / kind)
        assert "outside itself" in str(caught.value.found)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "other", "kind", "classes", "unfitted"])
def test_a_damaged_file_is_a_clear_error(damage, tmp_path):
    path = tmp_path / "model.skops"
    model = fit_classical(network("knn"), blobs(2), blobs(2, seed=1), 2, 0).classifier
    model.save(path)
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        path.write_bytes(data[:200] + bytes(255 - byte for byte in data[200:260]) + data[260:])
    elif damage == "other":
        skops.io.dump(["a list"], path)
    elif damage == "kind":
        replace(model, kind="svm").save(path)
    elif damage == "classes":
        replace(model, classes=1).save(path)
    else:
        skops.io.dump(_content(Pipeline([("classifier", KNeighborsClassifier())])), path)
    with pytest.raises(RunError) as caught:
        load_classical(path)
    assert caught.value.file == str(path)
    assert caught.value.cure


def _rewrite(path, change):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    change(schema)
    files["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
