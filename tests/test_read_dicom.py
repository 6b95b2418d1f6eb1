"""Single DICOM files: values, colours, syntaxes, spacing, frames, and what is said of the person in them."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from laudo.core.errors import UnreadableImageError
from laudo.read.dicom import read_dicom
from laudo.read.dicom_header import read_header, short_hash
from laudo.read.table import read_image
from read_examples import dicom, picture, write_dicom


def example(name: str) -> Path:
    """One of pydicom's own test files, of those inside the package."""
    return Path(str(get_testdata_file(name, download=False)))


# values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_values_without_a_rescale_stay_as_they_are(tmp_path, dtype):
    array = picture().astype(dtype)
    image = read_image(write_dicom(tmp_path / "x.dcm", array))
    assert image.array.dtype == dtype
    assert np.array_equal(image.array, array)
    assert image.spacing_mm == (0.5, 0.75), "rows, then columns"
    assert image.notes == ()
    assert not image.is_volume


def test_twelve_bits_are_sixteen_and_eight_are_eight(tmp_path):
    wide = picture().astype(np.uint16) * 16
    assert read_image(write_dicom(tmp_path / "12.dcm", wide, BitsStored=12, HighBit=11)).array.dtype == np.uint16
    narrow = picture().astype(np.uint16)
    assert read_image(write_dicom(tmp_path / "8.dcm", narrow, BitsStored=8, HighBit=7)).array.dtype == np.uint8


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, np.int16), (2, -100, np.int16), (0.5, 3, np.float32), (1000, 0, np.float32)],
)
def test_a_rescale_gives_calibrated_values(tmp_path, slope, intercept, dtype):
    stored = picture().astype(np.uint16)
    image = read_image(write_dicom(tmp_path / "x.dcm", stored, RescaleSlope=slope, RescaleIntercept=intercept))
    assert image.array.dtype == dtype
    assert np.array_equal(image.array, stored.astype(np.float64) * slope + intercept)


@pytest.mark.parametrize("slope", [0, "NaN", "inf"])
def test_an_absurd_rescale_is_refused(tmp_path, slope):
    data = dicom(picture(), RescaleIntercept=0)
    data.add_new("RescaleSlope", "DS", 1)
    data["RescaleSlope"]._value = slope
    path = tmp_path / "x.dcm"
    data.save_as(path, enforce_file_format=True)
    with pytest.raises(UnreadableImageError):
        read_image(path)


@pytest.mark.parametrize(
    ("dtype", "bits", "low", "high"), [(np.uint8, 8, 0, 255), (np.uint16, 12, 0, 4095), (np.int16, 16, -32768, 32767)]
)
def test_monochrome1_is_mirrored_so_that_dense_is_bright(tmp_path, dtype, bits, low, high):
    stored = picture().astype(dtype)
    elements = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": bits, "HighBit": bits - 1}
    image = read_image(write_dicom(tmp_path / "x.dcm", stored, **elements))
    assert np.array_equal(image.array, low + high - stored.astype(int))
    assert image.array.dtype == dtype
    assert "inverted" in image.notes
    assert image.mode == "MONOCHROME1"


def test_monochrome1_with_a_rescale_is_mirrored_within_its_range(tmp_path):
    stored = picture().astype(np.uint16)
    elements = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    image = read_image(write_dicom(tmp_path / "x.dcm", stored, RescaleSlope=1, RescaleIntercept=-1024, **elements))
    assert np.array_equal(image.array, (4095 - stored.astype(int)) - 1024)


def test_a_modality_lut(tmp_path):
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 16])
    table.add_new("LUTData", "US", [int(value) for value in np.arange(256)[::-1] * 10])
    table.ModalityLUTType = "US"
    data = dicom(picture(), ModalityLUTSequence=Sequence([table]))
    data.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert np.array_equal(read_image(tmp_path / "x.dcm").array, (255 - picture().astype(int)) * 10)


def test_colours(tmp_path):
    array = np.stack([picture(), picture()[::-1], 255 - picture()], axis=2)
    image = read_image(write_dicom(tmp_path / "x.dcm", array))
    assert np.array_equal(image.array, array)
    data = dicom(array, PlanarConfiguration=1)
    data.PixelData = np.ascontiguousarray(array.transpose(2, 0, 1)).tobytes()
    data.save_as(tmp_path / "y.dcm", enforce_file_format=True)
    assert np.array_equal(read_image(tmp_path / "y.dcm").array, array)


def test_a_palette_becomes_colours():
    image = read_image(example("examples_palette.dcm"))
    data = pydicom.dcmread(example("examples_palette.dcm"))
    expected = pydicom.pixels.apply_color_lut(data.pixel_array, data) >> 8
    assert "palette" in image.notes
    assert image.array.dtype == np.uint8
    assert np.array_equal(image.array, expected)


# syntaxes ----------------------------------------------------------------------------------------------------

SYNTAXES = {
    "CT_small.dcm": "",
    "ExplVR_BigEnd.dcm": "",
    "MR_small_bigendian.dcm": "",
    "MR_small_implicit.dcm": "",
    "MR_small_expb.dcm": "",
    "image_dfl.dcm": "",
    "MR_small_RLE.dcm": "pylibjpeg-rle",
    "SC_rgb_rle_16bit.dcm": "pylibjpeg-rle",
    "SC_rgb_jpeg_dcmtk.dcm": "pillow",
    "SC_rgb_small_odd_jpeg.dcm": "pillow",
    "MR_small_jpeg_ls_lossless.dcm": "pyjpegls",
    "JPEGLSNearLossless_08.dcm": "pyjpegls",
    "MR_small_jp2klossless.dcm": "pylibjpeg-openjpeg",
    "JPEG2000.dcm": "pylibjpeg-openjpeg",
    "693_J2KI.dcm": "pylibjpeg-openjpeg",
    "examples_ybr_color.dcm": "",
    "SC_ybr_full_422_uncompressed.dcm": "",
    "rtdose_1frame.dcm": "",
    "liver_1frame.dcm": "",
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_syntax_is_read(name):
    path = example(name)
    image = read_image(path)
    data = pydicom.dcmread(path, force=True)
    assert image.array.shape[:2] == (data.Rows, data.Columns)
    assert (image.array.ndim == 3) == (data.SamplesPerPixel == 3)
    assert len(np.unique(image.array)) > 1
    assert SYNTAXES[name] in image.decoder
    assert image.decoder.startswith("pydicom ")
    assert image.facts["syntax"]


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_bigendian.dcm"]
)
def test_lossless_syntaxes_give_the_same_pixels(name):
    plain = read_image(example("MR_small.dcm")).array
    assert np.array_equal(read_image(example(name)).array, plain)


def test_ybr_becomes_rgb():
    # the same picture, stored as RGB and as JPEG in YBR
    red, jpeg = (
        read_image(example("SC_rgb_small_odd.dcm")).array,
        read_image(example("SC_rgb_small_odd_jpeg.dcm")).array,
    )
    assert red.shape == jpeg.shape
    assert np.abs(red.astype(int) - jpeg).mean() < 12


@pytest.mark.parametrize("keep_meta", [True, False])
def test_a_file_without_the_usual_preamble(tmp_path, keep_meta):
    whole = write_dicom(tmp_path / "x.dcm", picture()).read_bytes()
    start = 132 if keep_meta else 144 + int.from_bytes(whole[140:144], "little")
    (tmp_path / "y.dcm").write_bytes(whole[start:])
    assert np.array_equal(read_image(tmp_path / "y.dcm").array, picture())


def test_a_compression_without_a_decoder_says_so():
    with pytest.raises(UnreadableImageError, match="No decoder") as caught:
        read_image(example("JPGExtended.dcm"))
    assert "JPEG Extended" in caught.value.found
    assert caught.value.file.endswith("JPGExtended.dcm")


@pytest.mark.parametrize(
    "name",
    [
        "ExplVR_LitEndNoMeta.dcm",
        "ExplVR_BigEndNoMeta.dcm",
        "reportsi.dcm",
        "rtplan.dcm",
        "rtstruct.dcm",
        "test-SR.dcm",
        "waveform_ecg.dcm",
    ],
)
def test_files_without_a_picture_say_what_they_are(name):
    with pytest.raises(UnreadableImageError, match="no picture") as caught:
        read_image(example(name))
    assert "Storage" in caught.value.found


def test_every_file_of_the_package_is_an_image_or_one_error():
    folder = example("CT_small.dcm").parent
    read = 0
    for path in sorted(folder.glob("*.dcm")):
        try:
            read += read_image(path).array.size > 0
        except UnreadableImageError as error:
            assert error.file == str(path)  # noqa: PT017
    assert read > 45


# spacing -----------------------------------------------------------------------------------------------------


def test_spacing_of_the_detector_is_noted(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", picture(), PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.1], Modality="CR")
    image = read_image(path)
    assert image.spacing_mm == (0.2, 0.1)
    assert image.notes == ("detector-spacing",)


def region(x: float, y: float, kind: int = 1) -> Dataset:
    one = Dataset()
    one.RegionSpatialFormat, one.PhysicalUnitsXDirection, one.PhysicalUnitsYDirection = kind, 3, 3
    one.PhysicalDeltaX, one.PhysicalDeltaY = x, y
    return one


@pytest.mark.parametrize(
    ("regions", "spacing"),
    [
        ([region(0.01, 0.02)], (0.2, 0.1)),
        ([region(0.01, 0.02), region(5, 5, kind=3)], (0.2, 0.1)),
        ([region(0.01, 0.02), region(0.01, 0.03)], None),
        ([region(5, 5, kind=3)], None),
    ],
)
def test_spacing_of_an_ultrasound_region(tmp_path, regions, spacing):
    elements = {"PixelSpacing": None, "SequenceOfUltrasoundRegions": Sequence(regions), "Modality": "US"}
    image = read_image(write_dicom(tmp_path / "x.dcm", picture(), **elements))
    assert image.spacing_mm == (pytest.approx(spacing) if spacing else None)
    assert ("region-spacing" in image.notes) == (spacing is not None)


@pytest.mark.parametrize("value", [[0, 0], [-1, 1], [1e-9, 1], [1e6, 1]])
def test_an_absurd_spacing_is_ignored_and_noted(tmp_path, value):
    image = read_image(write_dicom(tmp_path / "x.dcm", picture(), PixelSpacing=value))
    assert image.spacing_mm is None
    assert image.notes == ("spacing",)


# frames ------------------------------------------------------------------------------------------------------


def clip(count: int = 4) -> Dataset:
    frames = np.stack([np.roll(picture(), number, axis=1) for number in range(count)])
    data = dicom(frames[0], NumberOfFrames=count)
    data.PixelData = frames.tobytes()
    return data


def test_of_a_clip_the_first_frame_is_taken(tmp_path):
    clip().save_as(tmp_path / "x.dcm", enforce_file_format=True)
    image = read_image(tmp_path / "x.dcm")
    assert np.array_equal(image.array, picture())
    assert image.notes == ("frames",)
    assert image.facts["frames"] == 4


def test_of_a_compressed_clip_too():
    image = read_image(example("SC_rgb_rle_2frame.dcm"))
    assert image.facts["frames"] == 2
    assert image.array.ndim == 3


def enhanced(heights, slopes=None) -> Dataset:
    data = clip(len(heights))
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, orientation.ImageOrientationPatient = [0.5, 0.75], [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for number, height in enumerate(heights):
        group, place = Dataset(), Dataset()
        place.ImagePositionPatient = [-10, -20, height]
        group.PlanePositionSequence = Sequence([place])
        if slopes:
            scale = Dataset()
            scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = slopes[number], 0, "US"
            group.PixelValueTransformationSequence = Sequence([scale])
        groups.append(group)
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return data


def test_frames_with_a_place_each_are_a_volume(tmp_path):
    enhanced([6, 0, 2, 4]).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    image = read_image(tmp_path / "x.dcm")
    assert image.is_volume
    assert image.array.shape == (56, 40, 4)
    assert image.spacing_mm == pytest.approx((0.75, 0.5, 2))
    # frame 1 lies lowest; the first row is in front and the first column at the right, both axes are turned
    assert np.array_equal(image.array[::-1, ::-1, 0].T, np.roll(picture(), 1, axis=1))
    assert np.array_equal(image.array[::-1, ::-1, 3].T, picture())
    assert image.affine[:3] @ [55, 39, 0, 1] == pytest.approx([10, 20, 0])


def test_each_frame_has_its_own_rescale(tmp_path):
    enhanced([0, 2, 4, 6], slopes=[1, 2, 3, 4]).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    image = read_image(tmp_path / "x.dcm")
    assert np.array_equal(image.array[::-1, ::-1, 3].T, np.roll(picture(), 3, axis=1).astype(int) * 4)


def test_frames_that_miss_one_are_refused(tmp_path):
    enhanced([0, 2, 4, 8]).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with pytest.raises(UnreadableImageError, match="missing"):
        read_image(tmp_path / "x.dcm")


# what is said of the person ----------------------------------------------------------------------------------


def test_names_of_tags_are_reported_and_never_their_values(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", picture(), PatientBirthDate="19700101", InstitutionName="Hospital São José")
    header, image = read_header(path), read_image(path)
    assert set(header.patient_tags) == {"PatientName", "PatientID", "PatientBirthDate", "InstitutionName"}
    assert set(image.facts["patient_tags"]) == set(header.patient_tags)
    told = json.dumps(image.facts, ensure_ascii=False) + repr(header)
    for secret in ("Silva", "Ana", "4711", "1970", "José", "1.2.3.4"):
        assert secret not in told, secret
    assert header.series == short_hash("1.2.3.4")
    assert header.patient == short_hash("4711")
    assert len(header.patient) == 8
    assert (header.modality, header.rows, header.columns, header.frames) == ("CT", 40, 56, 1)


@pytest.mark.parametrize("value", ["", "ANONYMOUS", "Anonymized^^", "0000", "XXXX", "removed", None])
def test_constants_of_anonymisation_name_nobody(tmp_path, value):
    header = read_header(write_dicom(tmp_path / "x.dcm", picture(), PatientID=value, PatientName=value))
    assert header.patient == ""
    assert header.patient_tags == ()


@pytest.mark.parametrize(
    ("modality", "stated", "expected"),
    [
        ("CT", "YES", "yes"),
        ("CT", "NO", "no"),
        ("CT", None, "unknown"),
        ("US", "NO", "unknown"),
        ("OT", "NO", "unknown"),
        ("US", "YES", "yes"),
    ],
)
def test_burned_in_text(tmp_path, modality, stated, expected):
    elements = {} if stated is None else {"BurnedInAnnotation": stated}
    path = write_dicom(tmp_path / "x.dcm", picture(), Modality=modality, **elements)
    assert read_header(path).burned_in == expected
    assert read_image(path).facts["burned_in"] == expected


def test_a_header_needs_no_pixels_and_no_dicom_is_an_error(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", picture())
    path.write_bytes(path.read_bytes()[:-500])
    assert read_header(path).rows == 40
    with pytest.raises(UnreadableImageError):
        read_dicom(path)
    path.write_bytes(b"x" * 500)
    with pytest.raises(UnreadableImageError, match="not DICOM"):
        read_header(path)
