"""What every reader promises, on sound, damaged and foreign files: one image or one clear error, quickly, and nothing dies.

``LAUDO_FUZZ=10000`` raises the number of damaged files of each kind.
"""

import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damaged_files import mutate
from laudo.core.errors import UnreadableImageError
from laudo.read import isolated
from laudo.read.image import NOTES, ReadImage
from laudo.read.table import DECODERS, ENDINGS, is_image_name, read_image
from read_examples import EXAMPLES, dicom, picture, write_dicom

MUTATIONS = int(os.environ.get("LAUDO_FUZZ", "150"))
SECONDS = 2.0
MEMORY_MB = 500

each_kind = pytest.mark.parametrize("kind", EXAMPLES)


def check_contract(image: ReadImage) -> None:
    """What every room after this one relies on."""
    array = image.array
    assert isinstance(image, ReadImage)
    assert array.dtype in (np.uint8, np.uint16, np.int16, np.float32)
    assert array.dtype.isnative
    assert array.size > 0
    assert array.flags.c_contiguous
    assert np.isfinite(array).all()
    if image.is_volume:
        assert array.ndim == 3
        assert image.affine.shape == (4, 4)
        assert image.affine.dtype == np.float64
        assert np.isfinite(image.affine).all()
        assert len(image.spacing_mm) == 3
    else:
        assert array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
        assert image.spacing_mm is None or len(image.spacing_mm) == 2
    assert image.spacing_mm is None or all(1e-4 <= one <= 500 for one in image.spacing_mm)
    assert image.format
    assert image.mode
    assert image.decoder
    assert len(set(image.notes)) == len(image.notes)
    assert set(image.notes) <= set(NOTES)


def queue() -> float:
    """How many programs wait for each core of this machine; 1 when it is idle."""
    return max(1.0, 1.5 * os.getloadavg()[0] / (os.cpu_count() or 1))


def read_or_refuse(path: Path) -> ReadImage | UnreadableImageError:
    """The only two outcomes, each in time; anything else is raised and fails the test."""
    process = getattr(isolated._threads, "process", None)
    began = time.perf_counter()
    try:
        outcome = read_image(path)
        check_contract(outcome)
    except UnreadableImageError as error:
        outcome = error
        assert error.what  # noqa: PT017
        assert error.file == str(path)  # noqa: PT017
    seconds = time.perf_counter() - began
    if getattr(isolated._threads, "process", None) is process:  # else a new process had to start, once for many files
        assert seconds < SECONDS * queue()
    return outcome


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def sound(scratch) -> dict[str, bytes]:
    """Bytes of a valid file of each kind."""
    return {kind: write(scratch / f"sound-{kind}{ending}").read_bytes() for kind, (ending, write) in EXAMPLES.items()}


@each_kind
def test_a_sound_file_is_an_image_that_keeps_the_contract(kind, tmp_path):
    ending, write = EXAMPLES[kind]
    image = read_image(write(tmp_path / f"x{ending}"))
    check_contract(image)
    assert "ending" not in image.notes
    assert is_image_name(f"x{ending}")
    name = image.decoder.split(",")[-1].strip()
    assert name in DECODERS, "a cache key would not change with this decoder"


@each_kind
@pytest.mark.parametrize("ending", [".txt", ".jpg", ".nii", ".mat", ".dcm"])
def test_a_wrong_ending_changes_nothing_but_a_note(kind, ending, tmp_path):
    own, write = EXAMPLES[kind]
    if own == ending:
        pytest.skip("its own ending")
    expected = read_image(write(tmp_path / f"x{own}"))
    (tmp_path / f"y{ending}").write_bytes((tmp_path / f"x{own}").read_bytes())
    image = read_image(tmp_path / f"y{ending}")
    assert np.array_equal(image.array, expected.array)
    if not (own == ".nii.gz" and ending == ".nii"):
        assert "ending" in image.notes
        assert image.facts["ending"] == ending


@each_kind
def test_a_file_cut_short_is_refused(kind, sound, tmp_path):
    path = tmp_path / "x.img"
    whole = sound[kind]
    # what stands after the pixels (end marks, indices) may be missing: the last tenth is left out
    for length in np.linspace(1, 0.9 * len(whole), 20, dtype=int):
        path.write_bytes(whole[:length])
        outcome = read_or_refuse(path)
        assert isinstance(outcome, UnreadableImageError), f"{length} of {len(whole)} bytes"


@pytest.mark.parametrize("ending", sorted(ENDINGS))
def test_missing_empty_and_a_folder_are_errors(ending, tmp_path):
    path = tmp_path / f"x{ending}"
    assert "not there" in read_or_refuse(path).what
    path.write_bytes(b"")
    assert "empty" in read_or_refuse(path).found
    path.unlink()
    path.mkdir()
    assert "folder" in read_or_refuse(path).what


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"sample,label\na.png,yes\n", "text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "document"),
        (b"PK\x03\x04\x14\x00\x00\x00", "document or archive"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03K\x04\x00C\xbe\xb7\xe8\x01\x00\x00\x00", "no NIfTI"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "NumPy"),
        (b"NRRD0004\n", "NRRD"),
        (b"\x00\x00\x00\x20ftypisom", "video"),
        (bytes(range(128, 192)), "80 81 82"),
    ],
)
def test_what_is_no_image_is_said_to_be_what_it_is(content, found, tmp_path):
    path = tmp_path / "x.dcm"
    path.write_bytes(content)
    error = read_or_refuse(path)
    assert found in error.found
    assert "DICOM" in error.expected


def test_the_table_imports_no_decoder_but_pillow():
    check = "import sys, laudo.read.table, laudo.read.mask; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert not {"torch", "pandas", "pydicom", "nibabel", "h5py", "scipy"} & set(done.stdout.split())


def test_names_of_images():
    for name in ("a.png", "A.DCM", "x.nii", "x.nii.gz", "1.mat", "i.ima"):
        assert is_image_name(name), name
    for name in (".a.png", "x.gz", "nii", "labels.csv", "x.mat.txt"):
        assert not is_image_name(name), name


def test_a_sign_in_a_name_is_no_member(tmp_path):
    path = write_dicom(tmp_path / "a#b.dcm", picture())
    assert np.array_equal(read_image(path).array, picture())
    assert "no named parts" in read_or_refuse(path.with_name("a#b.dcm#c")).what
    assert "not there" in read_or_refuse(tmp_path / "none.mat#image").what


# any bytes ---------------------------------------------------------------------------------------------------

STARTS = {
    "none": b"",
    "dicom": bytes(128) + b"DICM",
    "dicom meta": bytes(128)
    + b"DICM\x02\x00\x00\x00UL\x04\x00\x1e\x00\x00\x00\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00",
    "old dicom": b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100",
    "gzip": b"\x1f\x8b\x08\x00",
    "nifti": b"\x5c\x01\x00\x00" + bytes(340) + b"n+1\0",
    "nifti 2": b"\x1c\x02\x00\x00n+2\0\r\n\x1a\n",
    "matlab 5": b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM",
    "matlab 7.3": b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(384) + b"\x89HDF\r\n\x1a\n",
    "hdf5": b"\x89HDF\r\n\x1a\n",
}


@pytest.mark.parametrize("start", STARTS)
@settings(max_examples=max(40, MUTATIONS // 4))
@given(rest=st.binary(max_size=300))
def test_any_bytes_end_in_an_image_or_an_error(start, scratch, rest):
    path = scratch / "any"
    path.write_bytes(STARTS[start] + rest)
    read_or_refuse(path)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@each_kind
def test_damaged_files_end_in_an_image_or_an_error(kind, sound, tmp_path, capfd, record_property):
    rng = random.Random(kind)
    path = tmp_path / "x.img"
    outcomes = {"image": 0, "error": 0, "crash": 0, "late": 0}
    before, slowest = peak_mb(), 0.0
    for _ in range(MUTATIONS):
        path.write_bytes(mutate(sound[kind], rng, 1600))
        began = time.perf_counter()
        outcome = read_or_refuse(path)
        slowest = max(slowest, time.perf_counter() - began)
        found = str(getattr(outcome, "found", ""))
        name = "crash" if "crashed" in found else "late" if "longer than" in found else "error"
        outcomes["image" if isinstance(outcome, ReadImage) else name] += 1
    grown = peak_mb() - before
    for name, value in {**outcomes, "slowest_s": round(slowest, 2), "grown_mb": round(grown)}.items():
        record_property(name, value)
    with capfd.disabled():
        if MUTATIONS > 150:
            print(f"\n{kind}: {outcomes}, slowest {slowest:.2f} s, peak memory + {grown:.0f} MB")
    assert grown < MEMORY_MB
    assert outcomes["image"] > 0, "the mutations are not all fatal"
    assert outcomes["error"] > 0, "the mutations are not all harmless"


# too large ---------------------------------------------------------------------------------------------------


def test_a_small_dicom_that_claims_to_be_huge_is_refused(tmp_path):
    data = dicom(picture())
    data.Rows = data.Columns = 65535
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert "too large" in read_or_refuse(tmp_path / "x.dcm").what


def test_deflated_data_that_unpack_to_gigabytes_are_refused(tmp_path):
    import zlib

    data = dicom(picture())
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    whole = (tmp_path / "x.dcm").read_bytes()
    start = 144 + int.from_bytes(whole[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    (tmp_path / "x.dcm").write_bytes(whole[:start] + bomb)
    before = peak_mb()
    assert "too large" in read_or_refuse(tmp_path / "x.dcm").what
    assert peak_mb() - before < 100
