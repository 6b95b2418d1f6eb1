"""Which text of a table belongs to which image."""

from __future__ import annotations

from pathlib import Path

import pytest

from laudo.core.errors import DataError, UnreadableImageError
from laudo.predict.text_table import TextTable


def table(folder: Path, text: str, name: str = "texts.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("written", ["a/one.png", "one", "one.png", "a\\one.png", "{root}/a/one.png", "./a/one.png"])
def test_paths_and_names_are_understood_with_and_without_the_ending(written, tmp_path):
    found = TextTable(table(tmp_path, f"image,text\n{written.format(root=tmp_path)},Hello\n"), ["text"])
    assert found.of(tmp_path / "a" / "one.png") == "Hello"
    assert found.of(tmp_path / "a" / "two.png") == ""


def test_the_longer_common_path_wins(tmp_path):
    found = TextTable(table(tmp_path, "image,text\none,name\na/one,near\nb/one,far\n"), ["text"])
    assert found.of(tmp_path / "a" / "one.png") == "near"
    assert found.of(tmp_path / "c" / "one.png") == "name"


def test_of_two_files_of_one_name_the_ending_decides(tmp_path):
    found = TextTable(table(tmp_path, "image,text\none.png,first\none.jpg,second\n"), ["text"])
    assert (found.of(tmp_path / "one.png"), found.of(tmp_path / "one.jpg")) == ("first", "second")


def test_two_rows_for_one_image_must_say_the_same(tmp_path):
    found = TextTable(table(tmp_path, "image,text\none,same\none,same\ntwo,x\ntwo,y\n"), ["text"])
    assert found.of(tmp_path / "one.png") == "same"
    with pytest.raises(UnreadableImageError, match="Several texts"):
        found.of(tmp_path / "two.png")


def test_columns_are_found_by_their_usual_names_and_joined(tmp_path):
    path = table(tmp_path, "Arquivo;legenda;findings\none.png;Tórax;Nódulo\n")
    assert TextTable(path, ["text", "findings"]).of(tmp_path / "one.png") == "Tórax\nNódulo"


@pytest.mark.parametrize("content", ["image,words\na,b\n", "words,text\na,b\n", "image,text\n", ""])
def test_a_table_without_images_or_texts_is_refused(content, tmp_path):
    with pytest.raises(DataError, match="which text belongs"):
        TextTable(table(tmp_path, content), ["text"])
