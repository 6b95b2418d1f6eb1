"""Whatever stands in a folder: every source answers with a manifest or with an error that a person can act on."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.sources.source import Source
from laudo.sources.table import PUBLIC, detect
from source_layouts import LAYOUTS

PLACES = st.sampled_from(
    [
        "yes/1.jpg", "no/1.jpg", "images/1.jpg", "images/x.png", "masks/1.png", "labels.csv", "cvind.mat", "1.mat", "a/2.mat",
        "splitted_dataset/descriptions_train.jsonl", "splitted_dataset/descriptions_dev.jsonl", "Descriptions.json",
        "splitted_dataset/descriptions_test.jsonl", "splitted_dataset/data_train.jsonl", "splitted_dataset/data_dev.jsonl",
        "splitted_dataset/data_test.jsonl", "Case_topic.json", "uid_list.json", "Benign/images/1.png", "Benign/masks/1.png",
        "Malignant/images/1.png", "Malignant/masks/1.png", "benign/benign (1).png", "benign/benign (1)_mask_1.png",
        "malignant/malignant (1).png", "normal/normal (1).png", "imagesTr/a_1.nii.gz", "labelsTr/a_1.nii.gz", "dataset.json",
        "Brats18_1/Brats18_1_flair.nii.gz", "Brats18_1/Brats18_1_seg.nii.gz", "HGG/BraTS19_2/BraTS19_2_t1.nii", "|.png", "é#1.mat",
    ]
)  # fmt: skip
TEXTS = st.sampled_from(
    [
        b"", b"\0\xff\xfe", b"index,label,fold\n1,1,1\n", b"index,label\n1,9\n", b"{}", b"[]", b"[{}]", b"{}\n{}\n", b"null",
        b'{"U_id": "M1", "image": "x", "Type": "CT"}\n', b'[{"U_id": "M1", "image": "x", "Type": "MR", "Description": 3}]',
        b"[1]",
        b'{"train": ["M1"], "dev": 3}', b'{"labels": {"1": "x"}, "training": [{"image": "imagesTr/a_1.nii.gz", "label": "b"}]}',
        b'{"labels": 3, "training": {"a": 1}}', b'{"training": [{"image": "a|b", "label": "c"}]}', b"[" * 2000, b"MATLAB 5.0",
    ]
)  # fmt: skip


def outcome(source: Source, root: Path) -> Manifest | DataError:
    try:
        return source.list_samples(root)
    except DataError as error:
        return error


@settings(max_examples=100)
@given(st.dictionaries(PLACES, TEXTS, max_size=10))
def test_any_folder_gives_a_manifest_or_a_clear_error(files):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for place, text in files.items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(text)
        detect(root)
        for source in PUBLIC:
            assert source.fits(root) in {True, False}
            found = outcome(source, root)
            if isinstance(found, DataError):
                assert found.what
                assert found.file
                assert found.found
            else:
                assert len(found) > 0
                assert found.table["sample"].is_unique


@pytest.mark.parametrize("source", PUBLIC, ids=lambda source: source.name)
def test_the_folder_of_another_set_is_refused_with_what_was_found_instead(source, tmp_path):
    for name, layout in LAYOUTS.items():
        if name == source.name:
            continue
        layout.make(tmp_path / name)
        found = outcome(source, tmp_path / name)
        if isinstance(found, DataError):
            assert found.found
            assert found.expected
        else:
            assert (source.name, name) == ("kaggle-brain", "phantom-brain"), "the same two folders"
