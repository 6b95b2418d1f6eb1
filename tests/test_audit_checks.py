"""The audit of a folder: what is wrong with it is found, counted and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from audit_example import head, save, scan
from audit_example import manifest as made
from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.checks import CHECKS
from laudo.audit.detail import COPY_DETAIL, SCAN_DETAIL
from laudo.audit.finding import Finding
from laudo.audit.sentences import sentence, title
from laudo.audit.usable import require_usable
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.sources.phantom_brain import slices
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups
from read_examples import write_dicom


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """24 slices of 24 patients, twelve a class."""
    root = tmp_path_factory.mktemp("clean")
    for number, item in enumerate(slices(24, seed=4, size=64, per_patient=1)):
        path = root / item.label / f"{number:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(item.image).save(path)
    return root


@pytest.fixture
def folder(clean, tmp_path) -> Path:
    shutil.copytree(clean, tmp_path / "set")
    return tmp_path / "set"


def one_of(folder: Path, label: str, place: int = 0) -> Path:
    return sorted((folder / label).iterdir())[place]


def audit(folder: Path, unreadable: str = "skip") -> Audit:
    return audit_manifest(import_manifest("folders", folder), unreadable)


def finding(done: Audit, check: str) -> Finding:
    (one,) = [item for item in done.findings if item.check == check]
    return one


def identity(text: str) -> str:
    return text


def test_a_clean_folder_passes_every_check_but_the_patients(clean):
    done = audit(clean, "stop")
    status = {item.check: item.status for item in done.findings}
    assert list(status) == [check for check in CHECKS if check in status], "in the order of the table"
    assert {check for check, value in status.items() if value == "warn"} <= {"patient_ids", "nuisance_predicts"}
    assert {check for check, value in status.items() if value == "not_run"} == {
        "across_parts",
        "alike_across_parts",
        "part_balance",
    }
    assert not {"mask_empty", "text_predicts", "channels_agree", "against"} & status.keys(), "these do not apply"
    assert done.skipped == ()
    assert len(done.manifest) == len(done.images) == 24
    assert done.manifest.table["duplicates"].nunique() == 24
    told = done.as_dict()
    assert told["checks_run"] == len(status) - 3
    assert told["checks_total"] == len(status)
    assert len(told["not_applicable"]) == len(CHECKS) - len(status)


def test_every_check_has_its_title_and_its_sentences():
    for check in CHECKS:
        assert title(check, identity)
        for status in ("pass", "warn", "fail", "not_run"):
            for facts in ({}, FACTS):
                text = sentence(Finding(check, status, 3, (), facts), identity)
                assert text
                assert "{" not in text
            assert "–" not in text.replace("0.500–0.700", ""), "the facts name everything that the sentence wants"


FACTS = {
    "side_px": 32,
    "groups": 2,
    "counts": {"a": 3},
    "small": {"a": 3},
    "least": 10,
    "values": 9,
    "sure": 1,
    "tags": "PatientName",
    "lowest": 1.0,
    "highest": 900.0,
    "finest_mm": 0.5,
    "coarsest_mm": 5.0,
    "strange": "7",
    "known": "0, 1",
    "factor": 2.0,
    "others": 10,
    "same_file": 1,
    "texts": 20,
    "share": 0.5,
    "largest": 8,
    "level": 0.55,
    "baseline": 0.5,
    "auc": 0.6,
    "auc_ci95": [0.5, 0.7],
    "accuracy": 0.6,
    "accuracy_ci95": [0.5, 0.7],
    "features": [{"name": "width", "auc": 0.7}],
    "words": [{"word": "ct", "n": 4, "class": "CT", "share": 1.0}],
    "structures": [{"sample": "a", "structure": "core", "label": 1, "voxels": 3, "total": 90_000}],
}


def test_findings_survive_json(folder):
    shutil.copy(one_of(folder, "no"), folder / "no" / "again.png")
    for item in audit(folder).findings:
        assert Finding.from_dict(item.as_dict()) == item


# copies ------------------------------------------------------------------------------------------------------


def test_identical_files_are_counted_by_copies_and_groups(folder):
    first, second = one_of(folder, "no"), one_of(folder, "yes")
    for number in range(2):
        shutil.copy(first, folder / "no" / f"copy {number}.png")
    shutil.copy(second, folder / "yes" / "copy.png")
    done = audit(folder)
    assert (finding(done, "identical_bytes").count, finding(done, "identical_bytes").facts["groups"]) == (3, 2)
    assert set(map(len, finding(done, "identical_bytes").samples)) == {2, 3}
    # What is already said is not said again.
    assert finding(done, "identical_pixels").status == "pass"
    assert finding(done, "near_identical").status == "pass"
    assert done.manifest.table["duplicates"].nunique() == 24


def test_the_same_pixels_in_another_file_are_found(folder):
    Image.open(one_of(folder, "no")).save(folder / "no" / "again.bmp")
    done = audit(folder)
    assert finding(done, "identical_bytes").status == "pass"
    assert finding(done, "identical_pixels").count == 1
    assert finding(done, "near_identical").status == "pass"


def test_a_picture_saved_again_is_near_identical_only(folder):
    source = one_of(folder, "no")
    Image.open(source).save(folder / "no" / "again.jpg", quality=85)
    done = audit(folder)
    assert finding(done, "identical_bytes").status == finding(done, "identical_pixels").status == "pass"
    near = finding(done, "near_identical")
    assert (near.status, near.count, near.facts["groups"]) == ("warn", 1, 1)
    assert set(near.samples[0]) == {f"no/{source.name}", "no/again.jpg"}


def test_alike_slices_of_one_known_patient_are_no_finding_but_stay_together(folder):
    source = one_of(folder, "no")
    Image.open(source).save(folder / "no" / "again.jpg", quality=85)
    manifest = import_manifest("folders", folder)
    pair = manifest.table["sample"].isin([f"no/{source.name}", "no/again.jpg"])
    done = audit_manifest(manifest.with_columns(patient=np.where(pair, "P1", "")))
    assert finding(done, "near_identical").status == "pass"
    assert done.manifest.table.loc[pair, "duplicates"].nunique() == 1


def test_copies_with_different_labels_are_a_conflict(folder):
    assert finding(audit(folder), "label_conflict").status == "pass"
    Image.open(one_of(folder, "no")).save(folder / "yes" / "same picture.jpg", quality=85)
    conflict = finding(audit(folder), "label_conflict")
    assert (conflict.status, conflict.count) == ("warn", 1)
    assert set(conflict.samples[0]) == {f"no/{one_of(folder, 'no').name}", "yes/same picture.jpg"}


# pictures that look alike -------------------------------------------------------------------------------------


def heads_of(root: Path, *pictures: tuple[int, float], patients: str = "", **parts: object) -> Audit:
    """The audit of slices of heads, each (person, depth); ``patients`` has a letter for each, or is empty."""
    rows = []
    for number, (person, depth) in enumerate(pictures):
        save(head(person, depth), root / f"{number}.png")
        patient = patients[number] if patients else ""
        rows.append({"sample": f"s{number}", "image": f"{number}.png", "label": "ab"[number % 2], "patient": patient})
    return audit_manifest(made(rows, root))


FOUR = ((0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0))
NEIGHBOUR = (0, 0.8)


def test_alike_pictures_of_nobody_known_are_kept_together_and_are_no_copies(tmp_path):
    done = heads_of(tmp_path, *FOUR, NEIGHBOUR)
    assert finding(done, "near_identical").status == "pass"
    alike = finding(done, "near_alike")
    assert (alike.status, alike.count, alike.facts["groups"]) == ("warn", 5, 1)
    assert done.manifest.table["duplicates"].nunique() == 1
    closest = max(alike.facts["pairs"], key=lambda pair: pair["detail"])
    assert (closest["first"], closest["second"]) == ("s0", "s4")
    assert SCAN_DETAIL < closest["detail"] < COPY_DETAIL


def test_alike_pictures_of_known_patients_are_not_joined(tmp_path):
    done = heads_of(tmp_path, *FOUR, NEIGHBOUR, patients="ABCDA")
    assert {finding(done, check).status for check in ("near_identical", "near_alike")} == {"pass"}
    assert finding(done, "near_alike").facts["pairs"] == []
    assert done.manifest.table["duplicates"].nunique() == 4, "two slices of A, and three others"


def test_neighbouring_slices_under_two_patients_are_joined_and_told(tmp_path):
    done = heads_of(tmp_path, *FOUR, NEIGHBOUR, patients="ABCDE")
    alike = finding(done, "near_alike")
    assert (alike.status, alike.samples) == ("warn", (("s0", "s4"),))
    assert [(pair["first"], pair["second"]) for pair in alike.facts["pairs"]] == [("s0", "s4")]
    assert assign_groups(done.manifest).table["group"].nunique() == 4


ACROSS = {
    "alike, of nobody known": ("", NEIGHBOUR, "pass", "warn"),
    "alike, of one patient": ("ABCDA", NEIGHBOUR, "fail", "pass"),
    "alike, under two patients": ("ABCDE", NEIGHBOUR, "pass", "warn"),
    "alike at first sight, of known patients": ("ABCDE", (4, 0.0), "pass", "pass"),
    "a copy, under two patients": ("ABCDE", (0, 0.0), "fail", "pass"),
}


@pytest.mark.parametrize("case", ACROSS)
def test_across_parts_copies_and_patients_fail_and_pictures_that_look_alike_warn(tmp_path, case):
    patients, last, known, alike = ACROSS[case]
    done = heads_of(tmp_path, *FOUR, last, patients=patients)
    torn = done.with_split(divided(done, {"s4"}))
    assert finding(torn, "across_parts").status == known
    assert finding(torn, "alike_across_parts").status == alike
    if alike == "warn":
        assert "s4" in finding(torn, "alike_across_parts").samples[0]


def test_a_copy_without_a_label_is_no_conflict(tmp_path):
    for number in range(5):
        save(head(number), tmp_path / f"{number}.png")
    rows = [{"sample": f"s{n}", "image": f"{n % 5}.png", "label": ["a", "b", "a", "b", "a", ""][n]} for n in range(6)]
    assert finding(audit_manifest(made(rows, tmp_path)), "label_conflict").status == "pass"
    rows[5]["label"] = "b"
    assert finding(audit_manifest(made(rows, tmp_path)), "label_conflict").samples == (("s0", "s5"),)


# single images -----------------------------------------------------------------------------------------------


def add_mask(folder: Path) -> str:
    Image.fromarray(np.where(np.indices((64, 64)).sum(0) < 50, 255, 0).astype(np.uint8)).save(folder / "yes" / "m.png")
    return "yes/m.png"


def add_flat(folder: Path) -> str:
    Image.new("L", (64, 64), 30).save(folder / "yes" / "flat.png")
    return "yes/flat.png"


def add_broken(folder: Path) -> str:
    whole = one_of(folder, "no").read_bytes()
    (folder / "no" / "cut.png").write_bytes(whole[: len(whole) // 2])
    return "no/cut.png"


def add_gone(folder: Path) -> str:
    (folder / "no" / "gone.png").symlink_to(folder / "nowhere.png")
    return "no/gone.png"


UNUSABLE = [(add_mask, "looks_like_mask"), (add_flat, "constant"), (add_broken, "readable"), (add_gone, "readable")]


@pytest.mark.parametrize(("add", "check"), UNUSABLE)
def test_unusable_images_stop_or_are_left_out_and_listed(folder, add: Callable[[Path], str], check):
    name = add(folder)
    with pytest.raises(DataError) as caught:
        audit(folder, "stop")
    assert any(name in detail for detail in caught.value.details)
    assert "data.unreadable=skip" in caught.value.cure
    done = audit(folder, "skip")
    assert (finding(done, check).status, finding(done, check).samples) == ("fail", ((name,),))
    assert [sample for sample, _reason in done.skipped] == [name]
    assert done.skipped[0][1]
    assert name not in set(done.manifest.table["sample"])
    assert len(done.manifest) == len(done.images) == 24


def test_unusual_images_are_named_and_used(folder):
    source = one_of(folder, "no")
    (folder / "no" / "liar.jpg").write_bytes(source.read_bytes())
    pixels = np.asarray(Image.open(one_of(folder, "yes")))
    Image.fromarray(np.dstack([pixels] * 3 + [np.full_like(pixels, 200)])).save(folder / "yes" / "glass.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (31, 90), dtype=np.uint8)).save(folder / "yes" / "s.png")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (32, 32), dtype=np.uint8)).save(folder / "yes" / "t.png")
    done = audit(folder, "stop")
    assert finding(done, "ending").samples == (("no/liar.jpg",),)
    assert finding(done, "alpha").samples == (("yes/glass.png",),)
    assert finding(done, "too_small").samples == (("yes/s.png",),)
    assert {finding(done, check).status for check in ("ending", "alpha", "too_small")} == {"warn"}
    assert len(done.manifest) == 28


def test_pictures_almost_without_contrast_are_named_and_compared_with_nothing(folder):
    for number in range(2):
        picture = np.full((64, 64), 90, np.uint8)
        picture[number, :3] = 255, 180, 40
        Image.fromarray(picture).save(folder / "yes" / f"faint {number}.png")
    done = audit(folder, "stop")
    assert finding(done, "near_uniform").status == "warn"
    assert finding(done, "near_uniform").samples == (("yes/faint 0.png",), ("yes/faint 1.png",))
    assert finding(done, "near_identical").status == finding(done, "near_alike").status == "pass"


# what a DICOM header says ------------------------------------------------------------------------------------


def scans_of(root: Path, *elements: dict[str, object]) -> Audit:
    """The audit of CT pictures with these header elements, more than are changed, so that no finding is true of most."""
    rows = []
    for number in range(12):
        more = elements[number] if number < len(elements) else {}
        plain = {"PatientName": "", "PatientID": "", "BurnedInAnnotation": "NO", "SeriesInstanceUID": f"1.2.3.{number}"}
        picture = scan(number).astype(np.int16) * 8
        write_dicom(root / f"{number:02d}.dcm", picture, **{**plain, **more})
        rows.append({"sample": f"s{number:02d}", "image": f"{number:02d}.dcm", "label": "ab"[number % 2]})
    return audit_manifest(made(rows, root))


def test_headers_that_say_nothing_amiss_pass(tmp_path):
    done = scans_of(tmp_path)
    assert {finding(done, check).status for check in ("burned_in", "patient_tags", "spacing")} == {"pass"}


def test_text_burned_into_the_pixels_is_a_warning_when_the_header_says_so_or_is_not_to_be_believed(tmp_path):
    done = scans_of(tmp_path, {"BurnedInAnnotation": "YES"}, {"BurnedInAnnotation": ""}, {"Modality": "US"})
    one = finding(done, "burned_in")
    assert (one.status, one.count, one.facts["sure"]) == ("warn", 3, 1)
    assert one.samples == (("s00",), ("s01",), ("s02",))


def test_headers_that_name_a_patient_are_a_warning_that_does_not_repeat_it(tmp_path):
    done = scans_of(tmp_path, {"PatientName": "Silva^Ana"}, {"PatientID": "4711"}, {"PatientName": "ANONYMOUS"})
    one = finding(done, "patient_tags")
    assert (one.status, one.samples, one.facts["tags"]) == ("warn", (("s00",), ("s01",)), "PatientID, PatientName")
    told = json.dumps(done.as_dict())
    assert "Silva" not in told
    assert "4711" not in told


def test_pixels_of_very_different_sizes_are_named(tmp_path):
    done = scans_of(tmp_path, {"PixelSpacing": [4.0, 4.0]}, {"PixelSpacing": [0.75, 0.75]})
    one = finding(done, "spacing")
    assert (one.status, one.count, one.samples) == ("warn", 1, (("s00",),))
    assert (one.facts["finest_mm"], one.facts["coarsest_mm"]) == (0.5, 4.0)


def test_small_classes_and_known_patients(clean, tmp_path):
    for label, count in (("no", 12), ("yes", 9)):
        (tmp_path / label).mkdir()
        for place in range(count):
            shutil.copy(one_of(clean, label, place), tmp_path / label)
    done = audit(tmp_path)
    assert finding(done, "class_balance").status == "warn"
    assert finding(done, "class_balance").facts["counts"] == {"no": 12, "yes": 9}
    assert finding(done, "class_balance").facts["small"] == {"yes": 9}
    assert finding(done, "patient_ids").count == 21
    manifest = import_manifest("folders", tmp_path)
    known = audit_manifest(manifest.with_columns(patient=[f"P{n}" for n in range(len(manifest))]))
    assert finding(known, "patient_ids").status == "pass"


@pytest.mark.parametrize("left", [0, 1])
def test_a_class_without_usable_images_is_audited_but_not_trained_on(folder, left):
    for path in sorted((folder / "yes").iterdir())[left:]:
        path.write_bytes(b"")
    done = audit(folder, "skip")
    assert dict(done.manifest.table["label"].value_counts()).get("yes", 0) == left
    with pytest.raises(DataError) as caught:
        require_usable(done.manifest)
    assert caught.value.found == f"yes: {left}"


def test_a_folder_of_broken_images_is_an_error_and_nothing_worse(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"GIF89a")
    with pytest.raises(DataError):
        audit(folder, "stop")
    done = audit(folder, "skip")
    assert len(done.manifest) == 0
    assert finding(done, "readable").count == len(done.skipped) > 0
    with pytest.raises(DataError):
        require_usable(done.manifest)


# across the parts of a split ---------------------------------------------------------------------------------


def divided(done: Audit, test: set[str]) -> Manifest:
    manifest = assign_groups(done.manifest)
    return manifest.with_columns(split=["test" if name in test else "train" for name in manifest.table["sample"]])


def test_a_planted_leak_is_caught(folder):
    source = one_of(folder, "no")
    Image.open(source).save(folder / "no" / "again.jpg", quality=85)
    done = audit(folder)
    torn = done.with_split(divided(done, {"no/again.jpg"}))
    leak = finding(torn, "across_parts")
    assert (leak.status, leak.count) == ("fail", 2)
    assert set(leak.samples[0]) == {f"no/{source.name}", "no/again.jpg"}
    whole = done.with_split(divided(done, {"no/again.jpg", f"no/{source.name}"}))
    assert finding(whole, "across_parts").status == "pass"
    assert [item.check for item in whole.findings] == [item.check for item in done.findings], "in the same order"
    assert finding(whole, "part_balance").status == "warn", "the test part has two images"


def test_a_patient_in_two_parts_is_caught(clean):
    manifest = import_manifest("folders", clean)
    done = audit_manifest(manifest.with_columns(patient=["P1", "P1", *[f"Q{n}" for n in range(22)]]))
    first, second, third = done.manifest.table["sample"].iloc[:3]
    leak = finding(done.with_split(divided(done, {first})), "across_parts")
    assert (leak.status, leak.count, set(leak.samples[0])) == ("fail", 2, {first, second})
    assert finding(done.with_split(divided(done, {first, second})), "across_parts").status == "pass"
    assert finding(done.with_split(divided(done, {third})), "across_parts").status == "pass"


def test_the_leak_is_found_after_broken_images_were_left_out(folder):
    """Cluster numbers belong to the images that are left, not to the places they had."""
    add_broken(folder)
    (folder / "no" / "00 first.png").write_bytes(b"broken, and first in the order")
    source = one_of(folder, "yes")
    Image.open(source).save(folder / "yes" / "again.jpg", quality=85)
    done = audit(folder)
    leak = finding(done.with_split(divided(done, {"yes/again.jpg"})), "across_parts")
    assert set(leak.samples[0]) == {f"yes/{source.name}", "yes/again.jpg"}
