"""Synthetic teaching cases: MedPix's form, modality and place learnable, captions that name the modality in half of the cases."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from laudo.sources.phantom_body import LOCATIONS
from laudo.sources.phantom_medpix import SHARES, CaseImage, case_images, write


@pytest.fixture(scope="module")
def many() -> list[CaseImage]:
    return list(case_images(260, seed=1, size=64))


def test_every_place_is_drawn_and_described():
    assert set(SHARES) == {*LOCATIONS, "Brain and Neuro"}
    assert sum(share for share, _ct in SHARES.values()) == pytest.approx(1)


def test_an_image_depends_on_the_seed_and_its_number_only():
    few, more, other = list(case_images(5, 3, 48)), list(case_images(12, 3, 48)), list(case_images(5, 4, 48))
    for a, b in zip(few, more, strict=False):
        assert np.array_equal(a.image, b.image)
        assert (a.name, a.description, a.part) == (b.name, b.description, b.part)
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(few, other, strict=True))


def test_cases_have_one_to_four_images_and_one_part(many):
    cases: dict[str, list[CaseImage]] = {}
    for item in many:
        cases.setdefault(item.description["U_id"], []).append(item)
    sizes = [len(items) for items in cases.values()]
    assert set(sizes) == {1, 2, 3, 4}
    for items in cases.values():
        assert len({item.part for item in items}) == 1
        assert len({item.description["Location"] for item in items}) == 1
        listed = items[0].case["TAC"] + items[0].case["MRI"]
        assert sorted(listed) == sorted(item.name for item in items)
    assert len({item.name for item in many}) == len(many)
    shares = {part: sum(item.part == part for item in many) / len(many) for part in ("train", "dev", "test")}
    assert 0.6 < shares["train"] < 0.88
    assert {item.part for item in many[:24]} == {"train", "dev", "test"}


def test_half_of_the_captions_name_the_modality_and_say_it_rightly(many):
    named = []
    for item in many:
        words = set(item.description["Description"]["Caption"].replace(".", " ").replace(":", " ").split())
        says_ct, says_mr = bool(words & {"CT", "computed", "Computed"}), bool(words & {"MR", "MRI"})
        named.append(says_ct or says_mr)
        assert not (says_ct and says_mr)
        if named[-1]:
            assert item.description["Type"] == ("CT" if says_ct else "MR")
    assert 0.4 < np.mean(named) < 0.68


def test_pictures_have_many_shapes_and_are_neither_black_nor_white(many):
    assert len({item.image.shape for item in many}) > 10
    for item in many:
        assert max(item.image.shape) == 64
        assert item.image.dtype == np.uint8
        assert 8 < item.image.mean() < 200, (item.name, item.description["Location"])


def resized(item: CaseImage) -> np.ndarray:
    return np.asarray(Image.fromarray(item.image).resize((24, 24)), dtype=float).ravel() / 255


@pytest.mark.parametrize(("field", "least", "most"), [("Type", 0.7, 1.0), ("Location", 0.6, 1.0)])
def test_modality_and_place_can_be_learned(many, field, least, most):
    features = np.stack([resized(item) for item in many])
    truth = [item.description[field] for item in many]
    groups = [item.description["U_id"] for item in many]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.01))
    accuracy = cross_val_score(model, features, truth, groups=groups, cv=GroupKFold(4)).mean()
    assert least < accuracy <= most


def test_files_have_the_public_form(tmp_path):
    write(tmp_path, 14, seed=2, size=48)
    names = {f"{kind}_{part}.jsonl" for kind in ("data", "descriptions") for part in ("train", "dev", "test")}
    assert {path.name for path in (tmp_path / "splitted_dataset").iterdir()} == {*names, "uid_list.json"}
    described = []
    for part in ("train", "dev", "test"):
        for line in (tmp_path / "splitted_dataset" / f"descriptions_{part}.jsonl").read_text().splitlines():
            described.append(json.loads(line))
            assert ": " not in line.split('"Caption"')[0]
    assert list(described[0]) == ["Type", "U_id", "image", "Description", "Location", "Location Category"]
    assert list(described[0]["Description"]) == [
        "ACR Codes",
        "Age",
        "Caption",
        "Figure Part",
        "Modality",
        "Plane",
        "Sex",
    ]
    assert {f"{one['image']}.png" for one in described} == {path.name for path in (tmp_path / "images").iterdir()}
    case = json.loads((tmp_path / "splitted_dataset" / "data_train.jsonl").read_text().splitlines()[0])
    assert list(case) == ["U_id", "TAC", "MRI", "Case", "Topic"]
    assert "synthetic" in (tmp_path / "README.txt").read_text().lower()
