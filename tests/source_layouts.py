"""How to make a small folder in the layout of each source: six samples each."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

from laudo.sources import phantom_brain


def image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 24), dtype=np.uint8)).save(path)


def mask(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((20, 24), dtype=np.uint8)
    pixels[4:12, 5 : 10 + seed % 8] = 255
    Image.fromarray(pixels).save(path)


def blob(path: Path, seed: int = 0) -> None:
    """Bytes that nobody reads: the listing of volumes looks at names alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"volume {seed} {path.name}".encode())


def mat(path: Path, label: float | None = 1, patient: object = "100360", seed: int = 0) -> None:
    """A slice as it is published, in MATLAB's older format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    fields: dict[str, object] = {
        "image": rng.integers(0, 4000, (20, 24), dtype=np.int16),
        "tumorMask": np.eye(20, 24, dtype=np.uint8),
        "PID": patient,
    }
    if label is not None:
        fields["label"] = float(label)
    scipy.io.savemat(path, {"cjdata": fields})


def folds(path: Path, values: list[int]) -> None:
    scipy.io.savemat(path, {"cvind": np.array([values], dtype=np.float64)})


def make_kaggle_brain(root: Path) -> None:
    for number in range(3):
        image(root / "yes" / f"Y{number}.jpg", number)
        image(root / "no" / f"No {number}.JPG", 10 + number)


def make_figshare(root: Path) -> None:
    for number in range(1, 7):
        folder = "brainTumorDataPublic_1-3" if number <= 3 else "brainTumorDataPublic_4-6"
        mat(root / folder / f"{number}.mat", 1 + number % 3, f"P{number // 2}", number)
    folds(root / "cvind.mat", [1, 2, 2, 3, 3, 4])


def make_figshare_pictures(root: Path) -> None:
    for number in range(1, 7):
        image(root / "images" / f"{number}.jpg", number)
        mask(root / "masks" / f"{number}.png", number)
    lines = ["index,label,name,fold", *(f"{n},{1 + n % 3},x,{1 + n % 5}" for n in range(1, 7))]
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def description(case: str, number: int, **more: object) -> dict[str, object]:
    """A document as MedPix 2.0 publishes it."""
    inner = {
        "Age": "44",
        "Caption": f"caption of {case}",
        "Modality": "CT - noncontrast",
        "Plane": "Axial",
        "Sex": "male",
    }
    return {
        "Type": "CT" if number % 2 else "MR",
        "U_id": case,
        "image": f"{case}_synpic{number}",
        "Description": {**inner, **{key: more.pop(key) for key in list(more) if key in inner}},
        "Location": "Spine",
        "Location Category": "Spine and Muscles",
        **more,
    }


def report(case: str) -> dict[str, object]:
    told = {
        "Title": f"title {case}",
        "History": "history",
        "Findings": "N/A",
        "Case Diagnosis": "diagnosis",
        "Exam": None,
    }
    return {"U_id": case, "TAC": [], "MRI": [], "Case": told, "Topic": {"Title": "topic"}}


CASES = {"train": ("MPX1001", "MPX1002"), "dev": ("MPX1003",), "test": ("MPX1004",)}
IMAGES = {"MPX1001": (1, 2), "MPX1002": (3,), "MPX1003": (4, 5), "MPX1004": (6,)}


def lines(documents: list[dict[str, object]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


def make_medpix2(root: Path) -> None:
    folder = root / "splitted_dataset"
    folder.mkdir(parents=True)
    for part, cases in CASES.items():
        told = [description(case, number) for case in cases for number in IMAGES[case]]
        (folder / f"descriptions_{part}.jsonl").write_text(lines(told))
        (folder / f"data_{part}.jsonl").write_text(lines([report(case) for case in cases]))
    for case, numbers in IMAGES.items():
        for number in numbers:
            image(root / "images" / f"{case}_synpic{number}.png", number)


def make_medpix2_repository(root: Path) -> None:
    for case, numbers in IMAGES.items():
        for number in numbers:
            image(root / "images" / f"{case}_synpic{number}.png", number)
    told = [description(case, number) for case, numbers in IMAGES.items() for number in numbers]
    (root / "Descriptions.json").write_text(json.dumps(told))
    (root / "Case_topic.json").write_text(json.dumps([report(case) for case in IMAGES]))
    (root / "uid_list.json").write_text(json.dumps(CASES))


def make_bus_uc(root: Path) -> None:
    for folder in ("Benign", "Malignant"):
        for seed, name in enumerate(("01.png", "001.png", "0319.png")):
            image(root / folder / "images" / name, seed + len(folder))
            mask(root / folder / "masks" / name, seed)


def make_busi(root: Path) -> None:
    for label in ("benign", "malignant", "normal"):
        for number in (1, 12):
            image(root / label / f"{label} ({number}).png", number + len(label))
            mask(root / label / f"{label} ({number})_mask.png", number)
    mask(root / "benign" / "benign (12)_mask_1.png", 3)


KINDS = ("flair", "t1", "t1ce", "t2", "seg")


def make_brats(root: Path) -> None:
    for number, grade in enumerate(("HGG", "HGG", "HGG", "LGG", "LGG", "LGG")):
        case = f"Brats18_TCIA0{number}_1"
        for kind in KINDS:
            blob(root / grade / case / f"{case}_{kind}.nii.gz", number)


def make_msd(root: Path) -> None:
    for number in range(6):
        for folder in ("imagesTr", "labelsTr"):
            blob(root / folder / f"hippocampus_00{number}.nii.gz", number)


def make_folders(root: Path) -> None:
    for number in range(3):
        image(root / "glioma" / "deep" / f"{number}.png", number)
        image(root / "healthy" / f"{number}.jpeg", 10 + number)


def make_images_masks(root: Path) -> None:
    for number in range(6):
        image(root / "images" / f"{number}.png", number)
        mask(root / "masks" / f"{number}.png", number)


def make_csv(root: Path) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["image", "label"])
    for number in range(6):
        image(root / "all" / f"{number}.png", number)
        writer.writerow([f"all/{number}.png", "ab"[number % 2]])
    (root / "table.csv").write_text(table.getvalue())


def make_jsonl(root: Path) -> None:
    for number in range(6):
        image(root / "all" / f"{number}.png", number)
    (root / "table.jsonl").write_text(lines([{"image": f"all/{n}.png", "label": "ab"[n % 2]} for n in range(6)]))


def make_dicom(root: Path) -> None:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    for number in range(6):
        path = root / f"visit{number % 2}" / f"IM{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        one = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        one.PatientID, one.StudyInstanceUID, one.SeriesInstanceUID = "P", "1.2.3", f"1.2.4.{number}"
        one.Modality, one.Rows, one.Columns, one.SamplesPerPixel = "US", 8, 8, 1
        one.PhotometricInterpretation, one.PixelRepresentation = "MONOCHROME2", 0
        one.BitsAllocated = one.BitsStored = 8
        one.HighBit = 7
        one.PixelData = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8).tobytes()
        one.save_as(path, enforce_file_format=True)


def make_phantom_brain(root: Path) -> None:
    phantom_brain.write(root, 6, size=32)


@dataclass(frozen=True)
class Layout:
    """A maker of a folder with six samples, and the classes that must come out."""

    make: Callable[[Path], None]
    classes: tuple[str, ...]
    n: int = 6


LAYOUTS: dict[str, Layout] = {
    "kaggle-brain": Layout(make_kaggle_brain, ("no", "yes")),
    "figshare": Layout(make_figshare, ("meningioma", "glioma", "pituitary")),
    "medpix2": Layout(make_medpix2, ("CT", "MR")),
    "bus-uc": Layout(make_bus_uc, ("benign", "malignant")),
    "busi": Layout(make_busi, ("benign", "malignant", "normal")),
    "brats": Layout(make_brats, ()),
    "msd": Layout(make_msd, ()),
    "folders": Layout(make_folders, ("healthy", "glioma")),
    "images-masks": Layout(make_images_masks, ()),
    "csv": Layout(make_csv, ("a", "b")),
    "jsonl": Layout(make_jsonl, ("a", "b")),
    "dicom": Layout(make_dicom, ("visit0", "visit1")),
    "phantom-brain": Layout(make_phantom_brain, ("no", "yes")),
}
"""A new source is a line here."""

OTHER_LAYOUTS: dict[str, Callable[[Path], None]] = {
    "figshare": make_figshare_pictures,
    "medpix2": make_medpix2_repository,
}
"""Second layouts of a source."""
