"""What the values of masks stand for: from the file to the network's outputs and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.core.errors import DataError, RecipeError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Data
from laudo.core.structures import Structures, structures_of

BRATS = Structures(("WT", "TC", "ET"), ((1, 2, 4), (1, 4), (4,)), overlapping=True)
TISSUES = Structures(("necrosis", "oedema", "enhancing"), ((1,), (2,), (4,)))


def manifest(tmp_path, mask="m.nii.gz", classes=(), labels=None, mask_labels=None):
    rows = [
        {"sample": f"s{n}", "image": f"{n}.nii.gz", "mask": mask, "label": label}
        for n, label in enumerate(labels or ["", ""])
    ]
    return Manifest.from_rows(rows, tmp_path, "test", classes, (), mask_labels)


def test_tissues_become_consecutive_outputs_and_come_back_as_their_own_values():
    mask = np.array([0, 1, 2, 4, 4])
    targets = TISSUES.targets(TISSUES.label_map(mask))
    assert targets.tolist() == [0, 1, 2, 3, 3]
    assert targets.dtype == np.uint8
    answers = np.eye(4)[targets].T
    assert TISSUES.written(answers).tolist() == mask.tolist()
    assert TISSUES.outputs == 4


def test_nested_regions_overlap_in_the_target_and_come_back_as_labels():
    mask = np.array([0, 1, 2, 4])
    targets = BRATS.targets(mask)
    assert targets.tolist() == [[0, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]]
    assert BRATS.own_values == (2, 1, 4)
    assert BRATS.written(targets.astype(np.float32)).tolist() == mask.tolist()
    assert BRATS.outputs == 3


def test_a_voxel_of_an_inner_region_is_written_even_where_the_outer_one_was_not_found():
    assert BRATS.written(np.array([[0.2], [0.1], [0.9]])).tolist() == [4]
    assert BRATS.written(np.array([[0.5], [0.49], [0.0]])).tolist() == [2], "one half counts"


def test_values_that_belong_to_no_structure_are_background():
    assert TISSUES.label_map(np.array([0, 3, 4, 9])).tolist() == [0, 0, 4, 0]


def test_a_mask_of_any_value_is_one_region_and_a_class_gives_its_own_value():
    lesion = Structures(("lesion",), ((1,),), any_value=True)
    assert lesion.label_map(np.array([0, 7, 255])).tolist() == [0, 1, 1]
    kinds = Structures(("a", "b"), ((1,), (2,)), of_label=True)
    assert kinds.label_map(np.array([0, 255]), 1).tolist() == [0, 2]


@given(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=1, max_size=30))
def test_there_and_back_is_the_same(values):
    mask = np.array(values)
    for structures in (BRATS, TISSUES):
        targets = structures.targets(mask)
        outputs = targets if structures.overlapping else np.eye(structures.outputs)[targets].T
        assert (structures.written(np.asarray(outputs, dtype=float)) == mask).all()
        assert Structures.from_dict(structures.as_dict()) == structures


def test_what_a_recipe_asks_for(tmp_path):
    labelled = manifest(tmp_path, mask_labels={1: "front", 2: "back"})
    assert structures_of(labelled, Data(source="msd", target="mask")).by_name == {"front": (1,), "back": (2,)}
    plain = structures_of(manifest(tmp_path), Data(source="msd", target="mask"))
    assert plain.any_value
    assert plain.names == ("lesion",)
    named = manifest(tmp_path, classes=("x", "y"), labels=["x", "y"])
    joint = structures_of(named, Data(source="msd", target="mask_and_label"))
    assert joint.names == ("x", "y")
    assert joint.of_label
    assert structures_of(manifest(tmp_path, mask_labels={1: "n", 2: "o", 4: "e"}), Data(
        source="brats", target="mask", regions={"WT": (1, 2, 4), "ET": (4,)}
    )).own_values == (1, 4)  # fmt: skip


def test_what_the_data_can_not_give_is_refused(tmp_path):
    with pytest.raises(DataError, match="mask"):
        structures_of(manifest(tmp_path, mask=""), Data(source="msd", target="mask"))
    with pytest.raises(DataError, match="two classes"):
        structures_of(manifest(tmp_path), Data(source="msd", target="mask_and_label"))
    with pytest.raises(RecipeError, match="regions") as error:
        structures_of(
            manifest(tmp_path, mask_labels={1: "front"}), Data(source="msd", target="mask", regions={"all": (1, 3)})
        )
    assert error.value.found == "3"
