"""What gives the answer away: texts, marks, sizes and borders, copies elsewhere; and what can not be judged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_example import audited, finding, manifest, samples, save, scan
from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.balance import FEWEST_GROUPS, SMALLEST_CLASS
from laudo.audit.marks import COLOURED_PIXELS
from laudo.audit.probe import FEWEST, MOST, WARN_FROM, rank_auc, run_probe, usable_rows
from laudo.audit.proposals import write_proposals
from laudo.audit.words import pattern, words_of

N = 60


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> tuple[list[dict[str, object]], Path]:
    """60 pictures of two classes that nothing but chance tells apart."""
    root = tmp_path_factory.mktemp("clean")
    return samples(root, N), root


def audit_of(clean, **columns) -> Audit:
    rows, root = clean
    rows = [{**row, **{name: values[number] for name, values in columns.items()}} for number, row in enumerate(rows)]
    return audited(rows, root)


# the nuisance probe ------------------------------------------------------------------------------------------


def forest():
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(n_estimators=50, min_samples_leaf=4, random_state=0)


def test_a_probe_finds_nothing_in_noise():
    generator = np.random.default_rng(5)
    probe = run_probe(forest, generator.normal(size=(300, 8)), np.arange(300) % 2, np.arange(300))
    assert abs(probe.auc - 0.5) < 0.1
    assert probe.auc_ci95[0] < 0.5 < probe.auc_ci95[1]
    assert not probe.predicts


def test_a_probe_finds_a_planted_nuisance():
    generator = np.random.default_rng(5)
    labels = np.arange(200) % 2
    features = generator.normal(size=(200, 5))
    features[:, 3] += 4 * labels
    probe = run_probe(forest, features, labels, np.arange(200))
    assert probe.auc > 0.9
    assert probe.predicts
    assert probe.auc_ci95[0] > WARN_FROM


def test_groups_are_what_the_probe_divides_by():
    """A feature that names the group predicts its label only when the group stands on both sides."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    labels = generator.permutation(np.arange(40) % 2)[groups]
    features = generator.normal(size=40)[groups][:, None]
    honest = run_probe(forest, features, labels, groups)
    careless = run_probe(forest, features, labels, np.arange(400))
    assert careless.auc > 0.9
    assert honest.auc < 0.75
    assert honest.groups == 40


def test_small_classes_are_left_out_and_counted():
    labels = np.array([0] * 30 + [1] * 30 + [2] * (FEWEST - 1) + [-1] * 5)
    rows = usable_rows(labels, np.arange(len(labels)))
    assert set(labels[rows]) == {0, 1}
    probe = run_probe(forest, np.random.default_rng(0).normal(size=(len(labels), 2)), labels, np.arange(len(labels)))
    assert (probe.classes, probe.left_out, probe.n) == (2, 1, 60)
    assert run_probe(forest, np.zeros((20, 1)), np.array([0] * 20), np.arange(20)) is None
    assert run_probe(forest, np.zeros((40, 1)), np.arange(40) % 2, np.arange(40) // 10) is None, "four groups"


def test_of_a_large_set_whole_groups_are_drawn():
    groups = np.repeat(np.arange(MOST), 3)
    rows = usable_rows(np.arange(3 * MOST) % 2, groups)
    assert len(rows) <= MOST
    assert abs(len(rows) - MOST) < 5
    assert np.bincount(groups[rows])[np.unique(groups[rows])].mean() > 2.9


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
def test_the_strength_of_one_feature_is_the_share_of_pairs_in_order(pairs):
    values, truth = np.array([one for one, _two in pairs]), np.array([two for _one, two in pairs])
    inside, outside = values[truth], values[~truth]
    expected = 0.5
    if len(inside) and len(outside):
        area = float(np.mean((inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)))
        expected = max(area, 1 - area)
    assert rank_auc(values, truth) == pytest.approx(expected)


def test_sizes_that_follow_the_class_are_a_warning(tmp_path):
    rows = samples(tmp_path, N)
    assert finding(audited(rows, tmp_path), "nuisance_predicts").status == "pass"
    for number in range(1, N, 2):
        save(scan(number, 64, 70 + number % 3), tmp_path / f"images/{number:03d}.png")
    one = finding(audited(rows, tmp_path), "nuisance_predicts")
    assert one.status == "warn"
    assert one.facts["auc"] > 0.9
    assert one.facts["features"][0]["name"] in {"width", "aspect"}
    assert one.facts["features"][0]["auc"] == 1.0


def test_metadata_that_follow_the_class_are_named(clean):
    one = finding(audit_of(clean, scanner=[f"S{number % 2}" for number in range(N)]), "nuisance_predicts")
    assert (one.status, one.facts["features"][0]["name"]) == ("warn", "scanner")


def test_too_few_samples_are_not_judged(tmp_path):
    one = finding(audited(samples(tmp_path, 12), tmp_path), "nuisance_predicts")
    assert (one.status, one.facts["why"]) == ("not_run", "too_few")


# texts -------------------------------------------------------------------------------------------------------


def captions(share: float, names: tuple[str, str] = ("Axial T2 FLAIR image", "Contrast CT shows")) -> list[str]:
    """Captions of which this share names the modality of classes a (MR) and b (CT)."""
    generator = np.random.default_rng(1)
    words = ["lesion", "margin", "left", "right", "upper", "lobe", "normal", "small", "mass", "finding"]
    return [
        " ".join([*(names[n % 2 : n % 2 + 1] if n < share * N else ()), *generator.choice(words, 6)]) for n in range(N)
    ]


def modality_audit(clean, texts: list[str]) -> Audit:
    rows, root = clean
    named = [{**row, "label": ("MR", "CT")[n % 2], "text": texts[n]} for n, row in enumerate(rows)]
    return audited(named, root, classes=("CT", "MR"))


def test_texts_that_name_the_class_are_counted_with_their_words(clean):
    one = finding(modality_audit(clean, captions(0.5)), "text_names_label")
    assert (one.status, one.count, one.facts["share"]) == ("warn", 30, 0.5)
    assert one.facts["counts"] == {"t2": 15, "flair": 15, "ct": 15}
    assert finding(modality_audit(clean, captions(0.0)), "text_names_label").status == "pass"


def test_words_that_predict_the_class_are_found_whatever_they_are(clean):
    telling = finding(modality_audit(clean, captions(1.0, ("bright gadox rim", "dense bone"))), "text_predicts")
    assert telling.status == "warn"
    assert telling.facts["auc"] > 0.95
    assert {"gadox", "dense"} <= {one["word"] for one in telling.facts["words"]}
    silent = finding(modality_audit(clean, captions(0.0)), "text_predicts")
    assert silent.status == "pass"
    assert silent.facts["auc_ci95"][0] < 0.55


def test_texts_are_not_judged_where_there_are_none(clean):
    done = audit_of(clean)
    assert {"text_names_label", "text_predicts"}.isdisjoint({one.check for one in done.findings})


@pytest.mark.parametrize(
    ("label", "text", "named"),
    [
        ("CT", "ct of the chest", True),
        ("CT", "CTs were made".lower(), True),
        ("CT", "distinct, fact, ctenoid", False),
        ("MR", "t1-weighted axial", True),
        ("MRI", "an mr image", True),
        ("meningioma", "two meningiomas", True),
        ("yes", "yes, a tumour", False),
        ("3", "3 lesions", False),
        ("Brain and Neuro", "the brain", True),
        ("Malignant", "invasive carcinoma", True),
    ],
)
def test_words_of_a_class(label, text, named):
    found = pattern(words_of(label))
    assert bool(found and found.search(text)) == named


# marks -------------------------------------------------------------------------------------------------------


def test_coloured_marks_in_grey_pictures(tmp_path):
    rows = samples(tmp_path)
    for number, pixels in ((3, COLOURED_PIXELS), (5, COLOURED_PIXELS - 1)):
        colour = np.dstack([scan(number)] * 3)
        colour[10, 10 : 10 + pixels] = (255, 220, 0)
        save(colour, tmp_path / f"images/{number:03d}.png")
    one = finding(audited(rows, tmp_path), "coloured_marks")
    assert (one.samples, one.facts["counts"]) == ((("s003",),), {"a": 0, "b": 1})


def test_photographs_are_no_grey_pictures_with_marks(tmp_path):
    rows = samples(tmp_path)
    for number in range(12):
        save(np.dstack([scan(number), scan(number + 50), scan(number + 90)]), tmp_path / f"images/{number:03d}.png")
    assert "coloured_marks" not in {one.check for one in audited(rows, tmp_path).findings}


def test_letters_in_the_margin(tmp_path):
    rows = samples(tmp_path)
    for number in range(12):
        framed = np.pad(scan(number, 100, 100), 40)
        if number == 2:
            framed[6:16, 6:60:3] = 255
        save(framed, tmp_path / f"images/{number:03d}.png")
    assert finding(audited(rows, tmp_path), "margin_marks").samples == (("s002",),)


# another data set --------------------------------------------------------------------------------------------


def test_copies_in_another_data_set(tmp_path, clean):
    rows, root = clean
    own = samples(tmp_path / "own", 12)
    for number in range(12):
        save(scan(1000 + number), tmp_path / f"own/images/{number:03d}.png")
    (tmp_path / "own/images/004.png").write_bytes((root / "images/009.png").read_bytes())
    save(np.asarray(scan(20)) // 2 + 20, tmp_path / "own/images/007.png")
    done = audit_manifest(manifest(own, tmp_path / "own"), "skip", manifest(rows, root))
    one = finding(done, "against")
    assert (one.status, one.count, one.facts["same_file"]) == ("warn", 2, 1)
    assert one.samples == (("s004", "s009"), ("s007", "s020"))
    nothing = audit_manifest(manifest(rows[:20], root), "skip", manifest(own[:3], tmp_path / "own"))
    assert finding(nothing, "against").status == "pass"


# balance -----------------------------------------------------------------------------------------------------


def test_classes_and_groups_that_are_too_few(clean):
    rows, root = clean
    labels = ["rare" if n < SMALLEST_CLASS - 1 else "b" if n % 2 else "a" for n in range(N)]
    patients = [f"P{min(n, FEWEST_GROUPS - 2)}" if label == "rare" else f"Q{n}" for n, label in enumerate(labels)]
    named = [{**row, "label": labels[n], "patient": patients[n]} for n, row in enumerate(rows)]
    done = audited(named, root, classes=("a", "b", "rare"))
    assert finding(done, "class_balance").facts["small"] == {"rare": SMALLEST_CLASS - 1}
    assert finding(done, "class_groups").facts["counts"] == {"rare": FEWEST_GROUPS - 1}
    assert finding(done, "class_groups").status == "warn"


def test_a_part_without_a_class(clean):
    split = ["test" if n % 2 == 0 and n < 20 else "train" for n in range(N)]
    one = finding(audit_of(clean, split=split), "part_balance")
    assert (one.status, one.facts["counts"]) == ("warn", {"test: b": 0})


def test_a_fold_without_a_class(clean):
    folds = [1 if n % 2 == 0 and n < 20 else 2 + n % 2 for n in range(N)]
    one = finding(audit_of(clean, fold=folds), "part_balance")
    assert (one.status, one.facts["counts"]) == ("warn", {"1: b": 0, "2: b": 0, "3: a": 0})


def test_samples_in_no_part_are_in_no_other_part(clean):
    split = ["", "train", *["train" if n % 2 else "test" for n in range(N - 2)]]
    patient = ["P", "P", *[f"Q{n}" for n in range(N - 2)]]
    assert finding(audit_of(clean, split=split, patient=patient), "across_parts").status == "pass"


def test_one_patient_who_decides_everything(clean):
    done = audit_of(clean, patient=["P" if n < 30 else f"Q{n}" for n in range(N)])
    one = finding(done, "group_size")
    assert (one.status, one.count, one.facts["share"]) == ("warn", 30, 0.5)
    assert finding(audit_of(clean), "group_size").status == "pass"


def test_a_patient_in_two_folds(clean):
    folds = [1 + n % 5 for n in range(N)]
    done = audit_of(clean, fold=folds, patient=[f"P{n // 5 if n < 5 else n}" for n in range(N)])
    one = finding(done, "across_parts")
    assert (one.status, one.count) == ("fail", 5)
    assert finding(audit_of(clean, fold=folds), "across_parts").status == "pass"


# proposals ---------------------------------------------------------------------------------------------------


def test_proposals_name_every_finding_and_delete_nothing(tmp_path):
    rows = samples(tmp_path)
    (tmp_path / "images/004.png").write_bytes((tmp_path / "images/007.png").read_bytes())
    (tmp_path / "images/001.png").write_bytes(b"no image")
    done = audited(rows, tmp_path)
    path = write_proposals(done, tmp_path / "out" / "proposals.csv", str)
    table = pd.read_csv(path, keep_default_na=False).set_index(["check", "sample"])
    assert table.loc[("usable", "s001"), "proposal"] == "mend or leave out"
    assert table.loc[("identical_bytes", "s004"), "proposal"] == "keep"
    assert table.loc[("identical_bytes", "s007"), "proposal"] == "keep in the same part, or leave out"
    assert table.loc[("identical_bytes", "s007"), "with"] == "s004"
    assert table.loc[("label_conflict", "s007"), "proposal"] == "check the label"
    assert len(list((tmp_path / "images").iterdir())) == 12
