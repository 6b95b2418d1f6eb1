"""Classes of other images as those of a model."""

import numpy as np
import pytest

from laudo.core.errors import DataError, LaudoError
from laudo.core.manifest import Manifest
from laudo.workflows.class_map import map_classes, read_map

OURS = ("glioma", "healthy", "Pituitary tumour")


def manifest_of(*labels, separator=None):
    rows = [{"sample": f"{number:02}", "image": f"{number}.png", "label": name} for number, name in enumerate(labels)]
    manifest = Manifest.from_rows(rows, ".", "folders", sorted(set(labels)))
    return manifest if separator is None else manifest.with_several_labels(separator)


def mapped(manifest, given=None, classes=OURS, folder="other"):
    from pathlib import Path

    found, facts = map_classes(manifest, classes, given or {}, Path(folder))
    return list(found.table["label"]), found, facts.facts()


def test_capitals_accents_and_signs_do_not_count():
    labels, found, facts = mapped(manifest_of("GLIOMA", "pituitary_Tumoúr", "healthy"))
    assert labels == ["glioma", "Pituitary tumour", "healthy"]
    assert found.classes == OURS
    assert found.labels.tolist() == [0, 2, 1]
    assert facts["named"] == {"GLIOMA": "glioma", "pituitary_Tumoúr": "Pituitary tumour"}


def test_what_the_user_says_goes_first_and_may_leave_a_class_out():
    labels, found, facts = mapped(manifest_of("a", "b", "glioma", "a"), {"a": "healthy", "b": "", "glioma": "healthy"})
    assert labels == ["healthy", "healthy", "healthy"]
    assert list(found.table["sample"]) == ["00", "02", "03"]
    assert facts == {"named": {"a": "healthy", "glioma": "healthy"}, "left_out": {"b": 1}}


def test_of_several_labels_each_is_matched():
    ours = ("effusion", "mass")
    manifest = manifest_of("Mass|Effusion", "Mass", "Hernia|Mass", "", separator="|")
    labels, found, facts = mapped(manifest, {"Hernia": ""}, ours)
    assert labels == ["effusion|mass", "mass", ""]
    assert found.membership.astype(int).tolist() == [[1, 1], [0, 1], [0, 0]]
    assert facts["left_out"] == {"Hernia": 1}


def test_a_class_without_counterpart_is_told_with_the_cure():
    with pytest.raises(DataError, match="not those of the model") as caught:
        mapped(manifest_of("glioma", "meningioma", "zebra"))
    assert caught.value.found == "meningioma, zebra"
    assert "meningioma=glioma" in caught.value.cure


@pytest.mark.parametrize(
    ("given", "words", "found"),
    [
        ({"dog": "glioma"}, "these images do not have", "dog"),
        ({"glioma": "wolf"}, "the model does not have", "wolf"),
    ],
)
def test_names_that_do_not_exist_are_refused(given, words, found):
    with pytest.raises(DataError, match=words) as caught:
        mapped(manifest_of("glioma", "healthy"), given)
    assert caught.value.found == found


def test_the_form_of_a_map():
    assert read_map(["a=b", " c = d=e ", "f="]) == {"a": "b", "c": "d=e", "f": ""}
    for wrong in (["a"], ["=b"], ["a=b", "a=c"]):
        with pytest.raises(LaudoError, match="THEIRS=OURS"):
            read_map(wrong)


def test_nothing_is_left_when_all_are_left_out():
    labels, found, _facts = mapped(manifest_of("x", "x"), {"x": ""})
    assert labels == []
    assert len(found) == 0
    assert found.targets.dtype == np.int64
