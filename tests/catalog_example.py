"""A small catalogue: eight cases in three languages, told as MedPix tells its own, and the manifest that it is made of."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from laudo.catalog.open import open_catalog
from laudo.catalog.store import store_manifest
from laudo.core.environment import file_hash
from laudo.core.manifest import Manifest

CASES = {
    "A1": ("CT", "Axial", "Gastrointestinal", "Abdomen", "female", "64", "train", {
        "text": "Dilated appendix with fat stranding", "diagnosis": "Acute appendicitis", "title": "Acute appendicitis",
        "history": "64 y/o woman with right lower quadrant pain", "findings": "Appendicolith; no abscess",
        "discussion": "Appendicitis is the most common surgical emergency.", "topic": "About the vermiform organ."}),
    "A2": ("CT", "Coronal", "Gastrointestinal", "Abdomen", "male", "9", "train", {
        "text": "Perforated appendix", "diagnosis": "Perforated appendicitis", "title": "Belly pain",
        "history": "9 yo boy with fever", "findings": "Abscess near the cecum"}),
    "B1": ("MR", "Axial", "Brain and Neuro", "Head", "female", "60", "val", {
        "text": "T2-weighted image with edema", "diagnosis": "Glioblastoma", "title": "Brain mass",
        "history": "60 year old woman with headache", "findings": "Mass with edema and midline shift"}),
    "B2": ("MR", "Sagittal", "Brain and Neuro", "Head", "male", "18", "test", {
        "text": "Massa heterogênea na fossa posterior com edema", "diagnosis": "Meduloblastoma", "title": "Massa cerebelar",
        "history": "Paciente de 18 anos com cefaleia e vômitos", "findings": "Lesão expansiva com realce após contraste"}),
    "C1": ("CT", "Axial", "Chest, Pulmonary", "Thorax", "Masculino", "45 años", "train", {
        "text": "Nódulo pulmonar en el lóbulo superior derecho", "diagnosis": "Carcinoma pulmonar", "title": "Nódulo",
        "history": "Varón de 45 años con tos", "findings": "Nódulo espiculado; sin adenopatías en la región hiliar"}),
    "C2": ("CT", "Axial", "Chest, Pulmonary", "Thorax", "F", "6 months", "test", {
        "text": "Consolidation of the lung", "diagnosis": "Pneumonia", "title": "Fever", "history": "Infant girl with fever",
        "findings": "Os calcis is normal, says β-hCG 1e5 and 3.5 cm"}),
    "D1": ("CT", "Axial", "Spine", "Spine and Muscles", "", "", "train", {
        "text": "", "diagnosis": "Os odontoideum", "title": "Ossicle", "history": "", "findings": "Ossicle above the dens"}),
    "E1": ("MR", "", "Brain and Neuro", "Head", "female", "77", "train", {
        "text": "Coração e cérebro; ação, pão, AÇÃO", "diagnosis": "Normal", "title": "", "history": "",
        "findings": "It's 100% \"normal\" & fine -- O'Brien's *star*"}),
}  # fmt: skip
"""Case → modality, plane, location, category, sex, age, part, texts."""

DETAILS = {"CT": "CT w/contrast (IV)", "MR": "MR - FLAIR"}


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)).save(path)


def rows(root: Path) -> list[dict[str, object]]:
    """Two images a case but for D1, which has one; the second one's caption is the first one's with a word more."""
    made = []
    for seed, (case, (modality, plane, location, category, sex, age, part, texts)) in enumerate(CASES.items()):
        for number in (1,) if case == "D1" else (1, 2):
            name = f"images/{case}_{number}.png"
            picture(root / name, 10 * seed + number)
            told = {
                name: texts.get(name, "")
                for name in ("title", "diagnosis", "history", "findings", "discussion", "topic")
            }
            made.append(
                {
                    "sample": name, "image": name, "label": modality, "patient": case, "group": case, "split": part,
                    "text": texts["text"] + (" again" if number == 2 else ""), "sha256": file_hash(root / name),
                    "modality": modality, "modality_detail": DETAILS[modality], "location": location,
                    "location_category": category, "plane": plane, "sex": sex, "age": age, **told, "scanner": 7 + seed,
                }
            )  # fmt: skip
    return made


def manifest(root: Path) -> Manifest:
    return Manifest.from_rows(rows(root), root, "medpix2", ("CT", "MR"))


def fill(db: str, listed: Manifest, name: str = "example", prune: bool = False) -> object:
    with open_catalog(db, create=True) as catalog, catalog.writing() as session:
        return store_manifest(session, catalog.words, listed, name, prune=prune)


def address(kind: str, tmp_path: Path, request) -> str:
    """An empty data base of one kind."""
    return str(tmp_path / "catalog.sqlite") if kind == "sqlite" else request.getfixturevalue("postgres").schema()


def example(root: Path, db: str) -> SimpleNamespace:
    listed = manifest(root)
    fill(db, listed)
    return SimpleNamespace(db=db, manifest=listed, root=root)
