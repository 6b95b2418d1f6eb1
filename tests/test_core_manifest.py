"""The table of samples: what goes in comes out, and what is damaged is said to be."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from laudo.core.errors import DataError
from laudo.core.manifest import COLUMNS, Manifest

CLASSES = ("no", "yes")


def row(sample: str, label: str = "no", **more: object) -> dict[str, object]:
    return {"sample": sample, "image": f"{label}/{sample}", "label": label, "sha256": f"hash of {sample}", **more}


@pytest.fixture
def manifest() -> Manifest:
    rows = [row("c.png", "yes", split="val"), row("a.png", split="train"), row("b ã.png", split="train", patient="P1")]
    return Manifest.from_rows(rows, Path("somewhere"), "folders", CLASSES)


def test_rows_are_sorted_and_every_column_is_there(manifest):
    assert list(manifest.table["sample"]) == ["a.png", "b ã.png", "c.png"]
    assert list(manifest.table.columns) == list(COLUMNS)
    assert list(manifest.table["fold"]) == [0, 0, 0]
    assert list(manifest.table["mask"]) == ["", "", ""]
    assert manifest.labels.tolist() == [0, 0, 1]
    assert manifest.labels.dtype == np.int64
    assert manifest.paths[2] == Path("somewhere/yes/c.png")
    assert len(manifest) == 3


def test_the_index_of_a_label_follows_the_order_of_the_classes(manifest):
    swapped = Manifest(manifest.table, manifest.root, manifest.source, ("yes", "no"))
    assert swapped.labels.tolist() == [1, 1, 0]


def test_columns_of_a_source_are_kept_after_ours():
    made = Manifest.from_rows([row("a", age=40)], Path(), "x", CLASSES)
    assert list(made.table.columns) == [*COLUMNS, "age"]


def test_a_sample_twice_is_an_error_that_names_it():
    with pytest.raises(DataError) as caught:
        Manifest.from_rows([row("a"), row("b"), row("a", "yes")], Path(), "x", CLASSES)
    assert caught.value.found == "a"


def test_an_unknown_label_is_an_error_that_names_it():
    with pytest.raises(DataError) as caught:
        Manifest.from_rows([row("a"), row("b", "maybe")], Path(), "x", CLASSES)
    assert caught.value.found == "maybe"
    assert caught.value.expected == "no, yes"


def test_parts_are_rows_of_the_table(manifest):
    assert manifest.indices("train").tolist() == [0, 1]
    assert list(manifest.part("val").table["sample"]) == ["c.png"]
    assert len(manifest.part("test")) == 0
    assert list(manifest.rows(np.array([2, 0])).table["sample"]) == ["c.png", "a.png"]


def test_with_columns_leaves_the_original_alone(manifest):
    changed = manifest.with_columns(group=["g1", "g2", "g3"])
    assert list(changed.table["group"]) == ["g1", "g2", "g3"]
    assert list(manifest.table["group"]) == ["", "", ""]


def test_saved_and_loaded_is_the_same(manifest, tmp_path):
    manifest.save(tmp_path / "m.parquet")
    loaded = Manifest.load(tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(loaded.table, manifest.table)
    assert (loaded.root, loaded.source, loaded.classes) == (manifest.root, manifest.source, manifest.classes)
    assert loaded.content_hash() == manifest.content_hash()
    csv = pd.read_csv(tmp_path / "m.csv", keep_default_na=False)
    assert list(csv["sample"]) == list(manifest.table["sample"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv", "m.parquet"]


def test_the_hash_does_not_see_where_files_lie(manifest):
    elsewhere = Manifest(
        manifest.table.assign(image=["x/1", "x/2", "x/3"], mask=["m", "", ""]), Path("moved"), "other", CLASSES
    )
    assert elsewhere.content_hash() == manifest.content_hash()


@pytest.mark.parametrize(
    ("column", "value"),
    [("sample", "z"), ("sha256", "0"), ("label", "yes"), ("group", "g9"), ("split", "test"), ("fold", 3)],
)
def test_the_hash_sees_whatever_was_learned_from(manifest, column, value):
    table = manifest.table.copy()
    table.loc[0, column] = value
    assert Manifest(table, manifest.root, manifest.source, CLASSES).content_hash() != manifest.content_hash()


def damage_missing(path: Path) -> None:
    path.unlink()


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_text(path: Path) -> None:
    path.write_text("sample,label\na,b\n")


def damage_foreign(path: Path) -> None:
    pd.DataFrame({"sample": ["a"]}).to_parquet(path)


def damage_column(path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["sha256"]).replace_schema_metadata(table.schema.metadata), path)


def damage_facts(path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"laudo": json.dumps(["not", "facts"]).encode()}), path)


@pytest.mark.parametrize(
    "damage", [damage_missing, damage_empty, damage_text, damage_foreign, damage_column, damage_facts]
)
def test_a_file_that_is_no_manifest_is_a_data_error_that_names_it(manifest, tmp_path, damage):
    path = tmp_path / "m.parquet"
    manifest.save(path)
    damage(path)
    with pytest.raises(DataError) as caught:
        Manifest.load(path)
    assert caught.value.file == str(path)
    assert caught.value.cure


def test_a_file_cut_anywhere_is_a_data_error(manifest, tmp_path):
    path = tmp_path / "m.parquet"
    manifest.save(path)
    whole = path.read_bytes()
    for length in np.linspace(1, len(whole) - 1, 40, dtype=int):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            Manifest.load(path)
