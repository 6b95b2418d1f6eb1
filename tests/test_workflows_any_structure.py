"""Runs that outline other structures of the same images, compared by what is marked at all."""

import shutil

import numpy as np
import pytest

from laudo.core.errors import DataError, RunError
from laudo.core.mask_scores import score_column
from laudo.core.run import Run
from laudo.read.mask import read_mask
from laudo.report.compared_run import read_compared_run
from laudo.workflows import steps, train_run
from laudo.workflows.any_structure import ANY, by_any_structure
from mask_example import PICTURES, mask_recipe, write_pictures
from training_example import plain_report, train

JOINT = {"data": {"target": "mask_and_label"}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One outlines, the other outlines and names, the same pictures."""
    home = tmp_path_factory.mktemp("any")
    pictures = write_pictures(home / "pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_run, "write_reports", plain_report)
        return [
            train(mask_recipe(PICTURES), pictures, home / "separate"),
            train(mask_recipe(PICTURES, JOINT), pictures, home / "joint"),
        ]


def test_runs_of_other_structures_meet_only_by_what_is_marked_at_all(runs, tmp_path):
    folders = [run.folder for run in runs]
    with pytest.raises(DataError, match="same structures") as caught:
        steps.compare(folders, tmp_path / "refused")
    assert "--any-structure" in caught.value.cure
    found = steps.compare(folders, tmp_path / "out", any_structure=True)
    assert found["structures"] == [ANY]
    assert (tmp_path / "out" / "compare.html").is_file()


def test_of_one_structure_nothing_changes(runs):
    separate = read_compared_run(runs[0].folder, "separate")
    (again,) = by_any_structure([separate])
    (own,) = separate.scores.structures
    for metric in ("dice", "hd95_mm", "volume_mm3"):
        mine, before = (
            one.table[score_column(metric, name)] for one, name in ((again.scores, ANY), (separate.scores, own))
        )
        assert np.allclose(mine, before, equal_nan=True), metric
    assert list(again.scores.table["sample"]) == list(separate.scores.table["sample"])


def test_of_several_it_is_the_dice_of_what_was_written(runs):
    joint = read_compared_run(runs[1].folder, "joint")
    (again,) = by_any_structure([joint])
    manifest = joint.manifest
    places = {str(sample): row for row, sample in enumerate(manifest.table["sample"])}
    for _index, row in again.scores.table.iterrows():
        truth = read_mask(manifest.mask_paths(places[row["sample"]])).labels > 0
        predicted = read_mask([runs[1].folder / row["mask"]], {1, 2}).labels > 0
        total = truth.sum() + predicted.sum()
        assert row[f"dice:{ANY}"] == pytest.approx(2 * (truth & predicted).sum() / total)


def test_a_mask_that_is_gone_is_named(runs, tmp_path):
    copy = Run(shutil.copytree(runs[1].folder, tmp_path / "run"))
    gone = copy.mask_scores("test").table["mask"].iloc[0]
    (copy.folder / gone).unlink()
    with pytest.raises(DataError, match="gone or damaged"):
        by_any_structure([read_compared_run(copy.folder, "run")])


def test_a_run_that_says_nothing_of_its_structures_is_refused(runs, tmp_path):
    copy = Run(shutil.copytree(runs[0].folder, tmp_path / "run"))
    copy.model_path.unlink()
    with pytest.raises(RunError, match="--any-structure"):
        by_any_structure([read_compared_run(copy.folder, "run")])
