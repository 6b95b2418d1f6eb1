"""Masks and volumes: each fault is found, named, and nothing else is."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from audit_example import audited, disc, finding, manifest, samples, save, scan
from laudo.audit.audit import Audit, audit_manifest
from laudo.core.errors import DataError
from laudo.core.recipe_file import load_recipe
from laudo.workflows.dataset import open_samples

MASK_CHECKS = {
    "mask_readable",
    "mask_missing",
    "mask_size",
    "mask_empty",
    "mask_full",
    "mask_binary",
    "mask_values",
    "swapped",
    "tiny_structures",
    "mask_geometry",
    "channels_agree",
    "modalities",
}


def bad(audit: Audit) -> set[str]:
    return {one.check for one in audit.findings if one.check in MASK_CHECKS and one.status != "pass"}


def test_clean_masks_pass(tmp_path):
    done = audited(samples(tmp_path, masks=True), tmp_path)
    assert bad(done) == set()
    assert done.skipped == ()
    assert {"mask_size", "mask_empty", "mask_binary", "swapped", "tiny_structures"} <= {f.check for f in done.findings}


def empty(path: Path) -> None:
    save(np.zeros((64, 64), np.uint8), path)


def full(path: Path) -> None:
    save(np.full((64, 64), 255, np.uint8), path)


def soft(path: Path) -> None:
    save(np.asarray(Image.fromarray(disc()).resize((31, 31)).resize((64, 64), Image.Resampling.BILINEAR)), path)


def other_size(path: Path) -> None:
    save(disc(60, 64), path)


def gone(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def tiny(path: Path) -> None:
    big = np.zeros((400, 400), np.uint8)
    big[200, 200:203] = 255
    save(big, path)
    save(scan(3, 400, 400), path.parent.parent / "images" / path.name)


FAULTS = [
    (empty, "mask_empty", "warn", False),
    (full, "mask_full", "warn", False),
    (soft, "mask_binary", "warn", False),
    (other_size, "mask_size", "fail", True),
    (gone, "mask_readable", "fail", True),
    (cut, "mask_readable", "fail", True),
    (tiny, "tiny_structures", "warn", False),
]


@pytest.mark.parametrize(("damage", "check", "status", "unusable"), FAULTS)
def test_a_faulty_mask_is_found_and_named(tmp_path, damage, check, status, unusable):
    rows = samples(tmp_path, masks=True)
    damage(tmp_path / "masks" / "003.png")
    done = audited(rows, tmp_path)
    assert bad(done) == {check}
    assert (finding(done, check).status, finding(done, check).samples) == (status, (("s003",),))
    assert [sample for sample, _why in done.skipped] == (["s003"] if unusable else [])
    if unusable:
        with pytest.raises(DataError) as caught:
            audit_manifest(manifest(rows, tmp_path), "stop")
        assert "s003" in caught.value.details[0]


@pytest.mark.parametrize("damage", [other_size, gone, cut])
def test_a_bad_mask_leaves_no_image_out_where_none_is_needed(tmp_path, damage):
    rows = samples(tmp_path, masks=True)
    damage(tmp_path / "masks" / "003.png")
    listed = manifest(rows, tmp_path)
    needed, whole = (audit_manifest(listed, "skip", masks_needed=needed) for needed in (True, False))
    assert [item.as_dict() for item in whole.findings] == [item.as_dict() for item in needed.findings]
    assert whole.skipped == ()
    assert len(audit_manifest(listed, "stop", masks_needed=False).manifest) == 12
    ((_sample, reason),) = needed.skipped
    assert reason.startswith("its mask")
    assert reason.endswith("it can be used where no masks are needed")


def test_a_recipe_says_whether_masks_are_needed(tmp_path):
    rows = samples(tmp_path, masks=True)
    other_size(tmp_path / "masks" / "003.png")
    manifest(rows, tmp_path).save(tmp_path / "manifest.parquet")
    recipe = load_recipe("kaggle-vgg19", ["data.positive=b"])
    assert open_samples(recipe, tmp_path).skipped == ()
    lesions = load_recipe("kaggle-vgg19", ["data.positive=b", "prepare.crop=lesion", "data.unreadable=skip"])
    assert [sample for sample, _why in open_samples(lesions, tmp_path).skipped] == ["s003"]


def test_a_sample_without_a_mask_where_others_have_one(tmp_path):
    rows = samples(tmp_path, masks=True)
    rows[5]["mask"] = ""
    assert finding(audited(rows, tmp_path), "mask_missing").samples == (("s005",),)


def test_how_many_values_a_grey_mask_has_is_said(tmp_path):
    rows = samples(tmp_path, masks=True)
    soft(tmp_path / "masks" / "003.png")
    assert finding(audited(rows, tmp_path), "mask_binary").facts["values"] > 10


def test_what_is_true_of_most_masks_is_one_line(tmp_path):
    rows = samples(tmp_path, masks=True)
    for path in sorted((tmp_path / "masks").iterdir())[:9]:
        soft(path)
    one = finding(audited(rows, tmp_path), "mask_binary")
    assert (one.count, one.samples, one.facts["common"]) == (9, (), 0.75)


def test_masks_twice_as_large_throughout_are_a_property_of_the_set(tmp_path):
    rows = samples(tmp_path, masks=True)
    for path in (tmp_path / "masks").iterdir():
        save(disc(128, 128, 24), path)
    save(disc(100, 64), tmp_path / "masks" / "000.png")
    done = audited(rows, tmp_path)
    assert finding(done, "mask_size").samples == (("s000",),)
    assert [sample for sample, _why in done.skipped] == ["s000"]
    save(disc(128, 128, 20), tmp_path / "masks" / "000.png")
    done = audited(rows, tmp_path)
    assert (finding(done, "mask_size").status, finding(done, "mask_size").facts["factor"]) == ("warn", 2.0)
    assert done.skipped == ()


def test_image_and_mask_swapped(tmp_path):
    rows = samples(tmp_path, masks=True)
    image, mask = tmp_path / "images" / "004.png", tmp_path / "masks" / "004.png"
    image.rename(tmp_path / "x.png")
    mask.rename(image)
    (tmp_path / "x.png").rename(mask)
    assert finding(audited(rows, tmp_path), "swapped").samples == (("s004",),)


def test_strange_labels(tmp_path):
    rows = samples(tmp_path, masks=True)
    for path in (tmp_path / "masks").iterdir():
        save(disc() // 255 * 2, path)
    done = audited(rows, tmp_path, mask_labels={1: "core", 2: "rim"})
    assert bad(done) == set()
    save(disc() // 255 * 5, tmp_path / "masks" / "007.png")
    one = finding(audited(rows, tmp_path, mask_labels={1: "core", 2: "rim"}), "mask_values")
    assert (one.status, one.samples, one.facts["strange"]) == ("fail", (("s007",),), "5")


# volumes -----------------------------------------------------------------------------------------------------


def volume(
    seed: int, path: Path, spacing: float = 1.0, shape: tuple[int, int, int] = (20, 22, 18), shift: float = 0.0
) -> None:
    data = np.random.default_rng(seed).integers(1, 900, shape).astype(np.int16)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[0, 3] = shift
    path.parent.mkdir(exist_ok=True, parents=True)
    nib.save(nib.Nifti1Image(data, affine), path)


def label_map(path: Path, spacing: float = 1.0, small: int = 0) -> None:
    data = np.zeros((20, 22, 18), np.uint8)
    data[5:12, 5:12, 5:12] = 1
    data.ravel()[:small] = 2
    nib.save(nib.Nifti1Image(data, np.diag([spacing] * 3 + [1.0])), path)


def cases(root: Path, n: int = 4) -> list[dict[str, object]]:
    rows = []
    for number in range(n):
        for place, channel in enumerate(("t1", "t2")):
            volume(10 * number + place, root / f"c{number}" / f"{channel}.nii.gz")
        label_map(root / f"c{number}" / "seg.nii.gz")
        rows.append(
            {
                "sample": f"c{number}",
                "image": f"c{number}/t1.nii.gz|c{number}/t2.nii.gz",
                "mask": f"c{number}/seg.nii.gz",
            }
        )
    return rows


def audit_cases(rows, root) -> Audit:
    return audited(rows, root, classes=(), channels=("t1", "t2"), mask_labels={1: "core", 2: "rim"})


def test_clean_volumes_pass(tmp_path):
    done = audit_cases(cases(tmp_path), tmp_path)
    assert bad(done) == set()
    assert len(done.manifest) == 4
    assert done.images[0].size == (20, 22, 18)
    assert {"nuisance_predicts", "class_balance", "label_conflict"}.isdisjoint({f.check for f in done.findings})


def test_a_modality_that_is_not_there(tmp_path):
    rows = cases(tmp_path)
    (tmp_path / "c2" / "t2.nii.gz").unlink()
    done = audit_cases(rows, tmp_path)
    one = finding(done, "modalities")
    assert (one.status, one.samples, one.facts["counts"]) == ("fail", (("c2",),), {"t2": 1})
    assert [sample for sample, _why in done.skipped] == ["c2"]


def test_channels_that_differ_in_shape_or_place(tmp_path):
    rows = cases(tmp_path)
    volume(3, tmp_path / "c1" / "t2.nii.gz", shape=(20, 22, 17))
    volume(4, tmp_path / "c3" / "t2.nii.gz", shift=7.0)
    done = audit_cases(rows, tmp_path)
    assert finding(done, "channels_agree").samples == (("c1",), ("c3",))
    assert [sample for sample, _why in done.skipped] == ["c1"]


def test_a_mask_of_another_spacing(tmp_path):
    rows = cases(tmp_path)
    label_map(tmp_path / "c1" / "seg.nii.gz", spacing=1.5)
    done = audit_cases(rows, tmp_path)
    assert (finding(done, "mask_geometry").status, finding(done, "mask_geometry").samples) == ("fail", (("c1",),))


def test_a_tiny_structure_is_named_with_its_voxels(tmp_path):
    rows = cases(tmp_path)
    big = np.random.default_rng(0).integers(1, 900, (40, 40, 40)).astype(np.int16)
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[5:20, 5:20, 5:20] = 1
    labels[30, 30, 30:34] = 2
    for name, data in (("t1", big), ("t2", big + 1), ("seg", labels)):
        nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "c0" / f"{name}.nii.gz")
    one = finding(audit_cases(rows, tmp_path), "tiny_structures")
    assert one.facts["structures"] == [{"sample": "c0", "structure": "rim", "label": 2, "voxels": 4, "total": 64_000}]


def test_intensities_of_other_magnitude(tmp_path):
    rows = cases(tmp_path)
    assert finding(audit_cases(rows, tmp_path), "intensity_range").status == "pass"
    for name in ("t1", "t2"):
        data = np.random.default_rng(1).integers(1, 2_000_000, (20, 22, 18)).astype(np.float32)
        nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "c3" / f"{name}.nii.gz")
    one = finding(audit_cases(rows, tmp_path), "intensity_range")
    assert (one.status, one.samples) == ("warn", (("c3",),))
    assert one.facts["highest"] > 1000 * one.facts["lowest"]


def test_copies_of_volumes_are_found(tmp_path):
    rows = cases(tmp_path)
    (tmp_path / "c3" / "t1.nii.gz").write_bytes((tmp_path / "c0" / "t1.nii.gz").read_bytes())
    (tmp_path / "c3" / "t2.nii.gz").write_bytes((tmp_path / "c0" / "t2.nii.gz").read_bytes())
    done = audit_cases(rows, tmp_path)
    assert finding(done, "identical_bytes").samples == (("c0", "c3"),)
    assert done.manifest.table["duplicates"].nunique() == 3
