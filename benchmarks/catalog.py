"""How long a catalogue of 100,000 images takes to answer, on SQLite and on a real PostgreSQL; see README.md.

Texts are those of the synthetic teaching cases. The vectors are random: their values do not change the time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from laudo.catalog.filters import Filters
from laudo.catalog.nearest import find_nearest, open_matrix
from laudo.catalog.open import Catalog, open_catalog
from laudo.catalog.search import search
from laudo.catalog.store import store_manifest
from laudo.catalog.tables import Embedding, Encoder, Image
from laudo.catalog.vectors import ImageEncoder
from laudo.core.manifest import Manifest
from laudo.sources.phantom_case_texts import TOPICS
from laudo.sources.phantom_medpix import PLANES

LIMIT_MS = 100.0
DIMENSION = 512
ENCODER = ImageEncoder("random", "random", lambda paths: np.zeros((len(paths), DIMENSION), dtype=np.float32))

QUESTIONS = (
    ("glioblastoma", {}),
    ("glioblastoma headache", {"modality": "MR", "sex": "female"}),
    ('"mass effect"', {"modality": "CT", "age": "60-"}),
    ("seizure -abscess", {"age": "40-60"}),
    ("frontal lobe edema", {"location": "brain", "plane": "axial", "split": "train"}),
    ("pulm*", {"sex": "male"}),
    ("upper lobe nodule", {"modality": "CT", "sex": "female", "age": "60-"}),
    ("the mass of the lung", {"location": "Thorax"}),
    ("edema", {}),
    ("synthetic case", {"modality": "CT"}),  # stands in every text
    ("", {"modality": "CT", "sex": "female", "age": "60-"}),
    ("", {}),
)
"""Words and filters: rare and common words, phrases, excluded words, beginnings, filters alone."""


def made_manifest(images: int, root: Path) -> Manifest:
    """As many images, two a case, as the synthetic set tells them."""
    rng = np.random.default_rng(0)
    places = list(TOPICS)
    rows = []
    for number in range((images + 1) // 2):
        topic = TOPICS[location := places[int(rng.integers(len(places)))]]
        diagnosis, category = topic.diagnoses[int(rng.integers(len(topic.diagnoses)))]
        finding = str(rng.choice((*topic.findings, *topic.local))).format(side=rng.choice(["right", "left"]))
        modality, sex, age = (
            str(rng.choice(["CT", "MR"])),
            str(rng.choice(["male", "female"])),
            int(rng.integers(1, 90)),
        )
        person = f"{age} y.o. {'man' if sex == 'male' else 'woman'}"
        case = {
            "patient": f"C{number:06}", "group": f"C{number:06}", "label": modality, "modality": modality, "sex": sex,
            "age": str(age),
            "modality_detail": f"{modality} - {rng.choice(['montage', 'contrast', 'other'])}", "location": location,
            "location_category": topic.category, "plane": PLANES.get(location, "Axial"), "title": diagnosis, "diagnosis": diagnosis,
            "history": f"{person} with {rng.choice(topic.complaints)}.", "findings": finding, "category": category,
            "discussion": f"A synthetic case of {diagnosis.lower()}, written by a program.",
            "split": str(rng.choice(["train", "val", "test"], p=[0.8, 0.1, 0.1])),
        }  # fmt: skip
        for part in (1, 2):
            name = f"images/C{number:06}_{part}.png"
            caption = f"{case['plane']} {modality} of the {topic.place}: {finding}"
            rows.append({"sample": name, "image": name, "text": caption, "sha256": f"{number:032}{part:032}", **case})
    return Manifest.from_rows(rows[:images], root, "medpix2", ("CT", "MR"))


def put_vectors(catalog: Catalog, images: int) -> float:
    """Random vectors for all images; seconds until the matrix lies in the cache."""
    rng = np.random.default_rng(1)
    with catalog.writing() as session:
        row = Encoder(name=ENCODER.name, identity=ENCODER.identity, dimension=DIMENSION, revision="one")
        session.add(row)
        session.flush()
        keys = list(session.execute(Image.__table__.select().with_only_columns(Image.file_key)).scalars())[:images]
        for start in range(0, len(keys), 2000):
            part = keys[start : start + 2000]
            vectors = rng.standard_normal((len(part), DIMENSION), np.float32)
            session.execute(
                insert(Embedding),
                [
                    {"encoder_id": row.id, "file_key": k, "vector": v.tobytes()}
                    for k, v in zip(part, vectors, strict=True)
                ],
            )
    started = time.perf_counter()
    open_matrix(catalog, ENCODER)
    return time.perf_counter() - started


def timed(catalog: Catalog, rounds: int) -> dict[str, object]:
    """Milliseconds of each question, of all, and of likeness with and without a filter; how many images answered each."""
    each: dict[str, float] = {}
    counts: dict[str, int] = {}
    every: list[float] = []
    for words, conditions in QUESTIONS:
        filters = Filters.of(conditions)  # type: ignore[arg-type]
        name = f"{words} {' '.join(f'{k}={v}' for k, v in conditions.items())}".strip() or "(everything)"
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            found = search(catalog, words, filters, 20)
            times.append((time.perf_counter() - started) * 1000)
        each[name], counts[name] = round(statistics.median(times), 1), found.images
        every += times
    vector = np.random.default_rng(2).standard_normal(DIMENSION).astype(np.float32)
    alone, filtered, cosine = [], [], []
    for _ in range(rounds):
        started = time.perf_counter()
        near = find_nearest(catalog, ENCODER, vector)
        cosine.append((time.perf_counter() - started) * 1000)
        search(catalog, "", Filters(), 20, near)
        alone.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        search(catalog, "", Filters.of({"modality": "CT", "sex": "female"}), 20, find_nearest(catalog, ENCODER, vector))
        filtered.append((time.perf_counter() - started) * 1000)
    return {
        "median_ms": round(statistics.median(every), 1), "slowest_ms": max(each.values()), "each_ms": each, "images": counts,
        "cosine_ms": round(statistics.median(cosine), 1), "like_ms": round(statistics.median(alone), 1),
        "like_filtered_ms": round(statistics.median(filtered), 1),
    }  # fmt: skip


@contextmanager
def server() -> Iterator[str | None]:
    """Address of a PostgreSQL that is started for this; None when none is installed. LAUDO_POSTGRES names another one."""
    if os.environ.get("LAUDO_POSTGRES"):
        yield os.environ["LAUDO_POSTGRES"]
        return
    found = [p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin")) if (p / "initdb").is_file()]
    named = shutil.which("initdb")
    programs = Path(named).parent if named else found[-1] if found else None
    if programs is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="laudo-pg-"))
    other: dict[str, object] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        other = {"user": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres")
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **other}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "laudo", "-A", "trust", "-E", "UTF8", "--locale=C"], check=True, **quiet
    )  # type: ignore[call-overload]
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"],
        **quiet,
    )  # type: ignore[call-overload]
    try:
        while not list(folder.glob(".s.PGSQL.*")) or _starting(folder):
            time.sleep(0.1)
        yield f"postgresql://laudo@/postgres?host={folder}"
    finally:
        process.send_signal(2)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _starting(folder: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(f"host={folder} user=laudo dbname=postgres").close()
    except psycopg.OperationalError:
        return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as temporary, server() as address:
        os.environ["LAUDO_CACHE"] = str(Path(temporary) / "cache")
        listed = made_manifest(options.images, Path(temporary))
        for name, db in (("sqlite", str(Path(temporary) / "catalog.sqlite")), ("postgresql", address)):
            if db is None:
                print("PostgreSQL is not installed: only SQLite is measured", file=sys.stderr)
                continue
            with open_catalog(db, create=True) as catalog:
                started = time.perf_counter()
                with catalog.writing() as session:
                    store_manifest(session, catalog.words, listed, "phantoms")
                stored = time.perf_counter() - started
                matrix = put_vectors(catalog, options.images)
                results[name] = {
                    "import_s": round(stored, 1),
                    "matrix_s": round(matrix, 1),
                    **timed(catalog, options.rounds),
                }
    same = len({json.dumps(result["images"]) for result in results.values()}) == 1
    figures = {
        name: {k: v for k, v in one.items() if k.endswith("ms") and k != "each_ms"} for name, one in results.items()
    }
    slow = [
        f"{name} {key}"
        for name, one in figures.items()
        for key in ("median_ms", "cosine_ms", "like_ms")
        if one[key] > LIMIT_MS
    ]  # type: ignore[operator]
    if options.json:
        print(json.dumps({"images": options.images, "same_answers": same, "slow": slow, **results}))
    else:
        for name, one in results.items():
            print(
                f"{name}: {options.images} images imported in {one['import_s']} s, matrix of vectors written in {one['matrix_s']} s"
            )
            for question, value in one["each_ms"].items():  # type: ignore[attr-defined]
                print(f"  {value:8.1f} ms  {one['images'][question]:>7}  {question}")  # type: ignore[index]
            print("  " + "  ".join(f"{key} {value}" for key, value in figures[name].items()))
        print(f"both found the same: {same}; above {LIMIT_MS:.0f} ms: {', '.join(slow) or 'none'}")
    sys.exit(0 if same and not slow else 1)


if __name__ == "__main__":
    main()
