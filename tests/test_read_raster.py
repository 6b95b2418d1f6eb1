"""What every reader must do, on every kind of file that people have: one image, or one clear error."""

import io
import random
import re
import struct
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from damaged_files import mutate
from laudo.core.errors import UnreadableImageError
from laudo.read.image import ReadImage
from laudo.read.raster import FORMATS, MAX_PIXELS, read_raster
from laudo.sources.phantom_brain import slices

READERS: dict[str, Callable[[Path], ReadImage]] = {"raster": read_raster}
"""Every reader. A new one is a line here."""

each_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


def check_contract(image: ReadImage) -> None:
    """What every room after this one relies on."""
    assert isinstance(image, ReadImage)
    assert image.array.dtype in (np.uint8, np.uint16, np.int16, np.float32)
    assert image.array.ndim == 2 or (image.array.ndim == 3 and image.array.shape[2] == 3)
    assert image.array.size > 0
    assert image.array.flags.c_contiguous
    assert image.format
    assert image.mode
    assert set(image.notes) <= {"ending", "alpha", "palette", "rotated", "frames"}


def read_or_refuse(read: Callable[[Path], ReadImage], path: Path) -> ReadImage | UnreadableImageError:
    """The only two outcomes; anything else is raised and fails the test."""
    try:
        image = read(path)
    except UnreadableImageError as error:
        assert error.what  # noqa: PT017
        assert error.file == str(path)  # noqa: PT017
        return error
    check_contract(image)
    return image


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    """(40, 56) uint8 slice in which no row, column or direction is like another."""
    image = next(slices(1, seed=2, size=56)).image[8:48].copy()
    image[:5, :9] = np.arange(45, dtype=np.uint8).reshape(5, 9) * 5
    return image


@pytest.fixture(scope="module")
def colour(grey) -> np.ndarray:
    return np.stack([grey, grey[:, ::-1], 255 - grey], axis=2)


def saved(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


# kinds of pixels ---------------------------------------------------------------------------------------------


@each_reader
def test_grey_and_colour_png_come_back_as_they_were(read, tmp_path, grey, colour):
    one = read(saved(tmp_path / "grey.png", grey))
    three = read(saved(tmp_path / "colour.png", colour))
    assert np.array_equal(one.array, grey)
    assert np.array_equal(three.array, colour)
    assert (one.mode, three.mode, one.notes, three.notes) == ("L", "RGB", (), ())
    check_contract(one)
    check_contract(three)


@each_reader
@pytest.mark.parametrize("ending", [".png", ".bmp", ".tif", ".webp"])
def test_formats_without_loss_give_the_same_pixels(read, tmp_path, colour, ending):
    image = read(saved(tmp_path / f"x{ending}", colour, lossless=True))
    assert np.array_equal(image.array, colour)
    assert image.notes == ()
    assert image.format in FORMATS


@each_reader
@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".webp"])
def test_grey_stored_as_colour_is_grey_again(read, tmp_path, grey, ending):
    image = read(saved(tmp_path / f"x{ending}", np.dstack([grey] * 3), lossless=True, quality=95))
    assert image.mode == "RGB"
    assert image.array.ndim == 2
    assert np.abs(image.array.astype(int) - grey).mean() < 6


@each_reader
def test_transparency_is_laid_over_black(read, tmp_path, colour):
    alpha = np.zeros(colour.shape[:2], np.uint8)
    alpha[:10] = 255
    alpha[10:20] = 128
    image = read(saved(tmp_path / "x.png", np.dstack([colour, alpha])))
    assert image.mode == "RGBA"
    assert image.notes == ("alpha",)
    assert np.array_equal(image.array[:10], colour[:10])
    assert np.abs(image.array[10:20].astype(int) - np.round(colour[10:20] * (128 / 255))).max() <= 1
    assert not image.array[20:].any()


@each_reader
def test_grey_with_transparency(read, tmp_path, grey):
    alpha = np.where(np.arange(56) < 30, 255, 0).astype(np.uint8)
    both = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(np.broadcast_to(alpha, grey.shape).copy())])
    both.save(tmp_path / "x.png")
    image = read(tmp_path / "x.png")
    assert (image.mode, image.notes) == ("LA", ("alpha",))
    assert np.array_equal(image.array, np.where(alpha, grey, 0))


@each_reader
@pytest.mark.parametrize("transparent", [False, True])
def test_a_palette_is_resolved(read, tmp_path, transparent):
    numbers = (np.arange(600).reshape(20, 30) % 3).astype(np.uint8)
    palette = Image.fromarray(numbers)
    palette.putpalette([10, 20, 30, 200, 100, 0, 7, 7, 7])
    palette.save(tmp_path / "x.png", **({"transparency": 1} if transparent else {}))
    image = read(tmp_path / "x.png")
    assert image.mode == "P"
    assert image.notes == (("palette", "alpha") if transparent else ("palette",))
    colours = np.array([[10, 20, 30], [0, 0, 0] if transparent else [200, 100, 0], [7, 7, 7]], np.uint8)
    assert np.array_equal(image.array, colours[numbers])


@each_reader
def test_one_bit_pixels_are_black_and_white(read, tmp_path, grey):
    image = read(saved(tmp_path / "x.png", grey > 90))
    assert image.mode == "1"
    assert image.array.dtype == np.uint8
    assert np.array_equal(image.array, np.where(grey > 90, 255, 0))


@each_reader
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_stay_sixteen_bits(read, tmp_path, grey, ending):
    wide = grey.astype(np.uint16) * 251 + 3
    image = read(saved(tmp_path / f"x{ending}", wide))
    assert image.array.dtype == np.uint16
    assert np.array_equal(image.array, wide)


@each_reader
def test_sixteen_bits_of_the_other_byte_order(read, tmp_path, grey):
    wide = (grey.astype(np.uint16) * 251).astype(">u2")
    Image.frombytes("I;16B", grey.shape[::-1], wide.tobytes()).save(tmp_path / "x.tif")
    assert np.array_equal(read(tmp_path / "x.tif").array, wide)


@each_reader
def test_sixteen_bits_with_a_transparent_level_are_read(read, tmp_path, grey):
    wide = grey.astype(np.uint16) * 251
    data = encode(Image.fromarray(wide), "PNG")
    chunk = b"tRNS" + struct.pack(">H", 251)
    end = data.index(b"IDAT") - 4
    (tmp_path / "x.png").write_bytes(
        data[:end] + struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[end:]
    )
    image = read(tmp_path / "x.png")
    assert image.notes == ("alpha",)
    assert image.array.dtype == np.uint16
    assert np.array_equal(image.array, np.where(wide == 251, 0, wide))


@each_reader
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 3), (-1000, 3000)])
def test_real_numbers_keep_their_values(read, tmp_path, low, high):
    values = np.linspace(low, high, 400, dtype=np.float32).reshape(20, 20)
    image = read(saved(tmp_path / "x.tif", values))
    assert image.array.dtype == np.float32
    assert np.array_equal(image.array, values)
    check_contract(image)


@each_reader
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(read, tmp_path, value):
    values = np.ones((20, 20), np.float32)
    values[3, 4] = value
    with pytest.raises(UnreadableImageError, match="not numbers"):
        read(saved(tmp_path / "x.tif", values))


@each_reader
@pytest.mark.parametrize(
    ("value", "dtype"),
    [(-5, np.int16), (300, np.int16), (50_000, np.uint16), (70_000, np.float32), (-40_000, np.float32)],
)
def test_wide_integers_keep_their_values(read, tmp_path, value, dtype):
    image = read(saved(tmp_path / "x.tif", np.full((20, 20), value, np.int32)))
    assert image.array.dtype == dtype
    assert (image.array == value).all()


@each_reader
def test_printing_colours_become_screen_colours(read, tmp_path):
    flat = np.zeros((32, 32, 3), np.uint8) + np.array([200, 60, 30], np.uint8)
    path = saved(tmp_path / "x.jpg", flat, mode="CMYK", quality=95)
    image = read(path)
    assert image.mode == "CMYK"
    assert np.abs(image.array.astype(int) - flat).max() <= 6


# EXIF --------------------------------------------------------------------------------------------------------

# Where the stored rows and columns of each EXIF orientation begin: how an upright picture must be stored.
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: lambda a: np.rot90(a, -1),
}


@each_reader
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_a_picture_turned_by_exif_comes_back_upright(read, tmp_path, colour, orientation, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](colour))
    path = saved(tmp_path / f"x{ending}", stored, exif=exif, quality=95, subsampling=0)
    image = read(path)
    assert image.array.shape == colour.shape
    difference = np.abs(image.array.astype(int) - colour).mean()
    assert difference < 6 if ending == ".jpg" else difference == 0
    if ending != ".tif":  # Pillow turns these itself and does not say so
        assert ("rotated" in image.notes) == (orientation != 1)


@each_reader
@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_changes_nothing(read, tmp_path, grey, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(saved(tmp_path / "x.png", grey, exif=exif)).array, grey)


# frames, names, endings --------------------------------------------------------------------------------------


@each_reader
def test_of_an_animation_the_first_frame_is_taken(read, tmp_path, grey):
    frames = [Image.fromarray(frame) for frame in (grey, grey[::-1].copy(), grey[:, ::-1].copy())]
    for name in ("x.gif", "x.tif", "x.png", "x.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        image = read(tmp_path / name)
        assert np.array_equal(image.array, grey), name
        assert "frames" in image.notes
        assert image.facts["frames"] == 3


@each_reader
@pytest.mark.parametrize(
    ("kind", "ending"), [("PNG", ".jpg"), ("JPEG", ".png"), ("GIF", ".jpeg"), ("PNG", ""), ("BMP", ".dcm")]
)
def test_a_wrong_ending_is_noted_and_the_contents_are_read(read, tmp_path, grey, kind, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(encode(Image.fromarray(grey), kind))
    image = read(path)
    assert image.format == kind
    assert "ending" in image.notes
    assert image.facts["ending"] == ending
    assert image.array.shape == grey.shape


@each_reader
@pytest.mark.parametrize(
    "name",
    ["SCAN.PNG", "Scan.JpEg", "no 5 (copy).png", "ação–脑.png", "x.y.z.png", "-rf.png", "a'b\"c.png", "%s{0}.png"],
)
def test_any_name_is_read(read, tmp_path, grey, name):
    path = tmp_path / name
    path.write_bytes(encode(Image.fromarray(grey), "PNG" if name.lower().endswith("png") else "JPEG"))
    image = read(path)
    assert image.notes == ()
    assert image.array.shape == grey.shape


# broken files ------------------------------------------------------------------------------------------------


@each_reader
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"sample,label\na.png,yes\n", "text: 'sample,label"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "document"),
        (b"PK\x03\x04\x14\x00\x00\x00", "document or archive"),
        (bytes(range(128, 192)), "80 81 82"),
        (b"\x89PNG\r\n\x1a\n", "89 50 4e 47"),
        (b"\xff\xd8\xff", "ff d8 ff"),
    ],
)
def test_what_is_no_image_is_said_to_be_what_it_is(read, tmp_path, content, found):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    error = read_or_refuse(read, path)
    assert isinstance(error, UnreadableImageError)
    assert found in error.found
    assert error.cure


@each_reader
def test_no_file_and_a_folder_are_errors(read, tmp_path):
    assert isinstance(read_or_refuse(read, tmp_path / "none.png"), UnreadableImageError)
    assert isinstance(read_or_refuse(read, tmp_path), UnreadableImageError)


@each_reader
def test_formats_that_are_not_ours_are_not_tried(read, tmp_path, grey):
    for kind in ("PPM", "PCX", "TGA", "ICO", "SGI"):
        path = tmp_path / "x.png"
        path.write_bytes(encode(Image.fromarray(grey), kind))
        assert isinstance(read_or_refuse(read, path), UnreadableImageError), kind


@each_reader
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_cut_short_is_refused(read, tmp_path, colour, kind):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noisy), kind)
    path = tmp_path / "x.img"
    # The last bytes of a PNG (its IEND chunk) and of a JPEG (its end mark) carry no pixels.
    for length in np.linspace(1, len(whole) - 24, 20, dtype=int):
        path.write_bytes(whole[:length])
        error = read_or_refuse(read, path)
        assert isinstance(error, UnreadableImageError), length
        assert error.cure


# too large ---------------------------------------------------------------------------------------------------


def png_of_zeros(path: Path, width: int, height: int) -> None:
    """A whole, valid one-bit PNG, written row by row: 30,000 × 30,000 takes about 100 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row * 500) for _ in range(height // 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def refused_quickly(read: Callable[[Path], ReadImage], path: Path) -> UnreadableImageError:
    tracemalloc.start()
    began = time.perf_counter()
    try:
        error = read_or_refuse(read, path)
        seconds, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, UnreadableImageError)
    assert "too large" in error.what
    assert seconds < 2
    assert peak < 50e6
    return error


@each_reader
def test_thirty_thousand_squared_is_refused_before_decoding(read, tmp_path):
    path = tmp_path / "x.png"
    png_of_zeros(path, 30_000, 30_000)
    assert path.stat().st_size < 2e6
    error = refused_quickly(read, path)
    assert "megapixels" in error.expected
    assert "900000000" in error.found or "30000" in error.found


@each_reader
@pytest.mark.parametrize("side", [9_460, 9_700, 10_100, 14_000])
def test_just_above_the_limit_is_refused_and_the_limit_that_is_named_is_the_one_that_holds(read, tmp_path, side):
    path = tmp_path / "x.png"
    png_of_zeros(path, side, side)
    error = refused_quickly(read, path)
    limit = int(re.search(r"(\d+) megapixels", error.expected)[1])
    assert side * side > limit * 1_000_000


@each_reader
@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_a_small_file_that_claims_to_be_huge_is_refused(read, tmp_path, kind):
    data = bytearray(encode(Image.new("L", (64, 64)), kind, **({"lossless": True} if kind == "WEBP" else {})))
    if kind == "BMP":
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", 65_535, 65_535)
    elif kind == "TIFF":
        for tag in (256, 257):
            place = data.index(struct.pack("<HHI", tag, 4, 1)) + 8
            data[place : place + 4] = struct.pack("<I", 60_000)
    elif kind == "WEBP":
        data[21:25] = struct.pack("<I", 16_383 | 16_383 << 14)
    else:
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", 65_535, 65_535)
    path = tmp_path / f"x.{kind.lower()}"
    path.write_bytes(data)
    refused_quickly(read, path)


def test_the_limit_can_be_lowered(tmp_path, grey):
    path = saved(tmp_path / "x.png", grey)
    assert read_raster(path, max_pixels=grey.size).array.shape == grey.shape
    with pytest.raises(UnreadableImageError, match="too large"):
        read_raster(path, max_pixels=grey.size - 1)
    assert Image.MAX_IMAGE_PIXELS >= MAX_PIXELS, "Pillow would refuse before we do"


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch, mode):
    path = tmp_path / "x.png"
    Image.new(mode, (8200, 8200)).save(path)
    monkeypatch.setattr(PngImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UnreadableImageError, match="too large"):
        read_raster(path)


# any bytes ---------------------------------------------------------------------------------------------------

EXAMPLES = 300
STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF....WEBPVP8 "]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bytes")


@each_reader
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(STARTS),
    rest=st.binary(max_size=200),
)
def test_any_bytes_end_in_an_image_or_an_error(read, scratch, start, rest):
    path = scratch / "any.png"
    path.write_bytes(start + rest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_or_refuse(read, path)


@each_reader
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_damaged_files_end_in_an_image_or_an_error(read, tmp_path, kind, colour):
    rng = random.Random(kind)
    exif = Image.Exif()
    exif[0x0112] = 6
    small = Image.fromarray(colour).resize((28, 20))
    options = {"exif": exif} if kind in {"PNG", "JPEG", "TIFF", "WEBP"} else {}
    wholes = [encode(small, kind, **options)]
    if kind not in {"JPEG", "WEBP"}:
        wholes.append(encode(small.convert("P"), kind))
    if kind == "PNG":
        wholes.append(encode(Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)), kind))
    if kind == "TIFF":
        wholes += [encode(small, kind, compression=packing) for packing in ("tiff_lzw", "jpeg")]
    if kind == "GIF":
        wholes.append(encode(small, kind, save_all=True, append_images=[small.rotate(90), small.rotate(180)]))
    path = tmp_path / "x.img"
    outcomes = {True: 0, False: 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(EXAMPLES):
            path.write_bytes(mutate(wholes[turn % len(wholes)], rng, 90))
            outcomes[isinstance(read_or_refuse(read, path), ReadImage)] += 1
    assert min(outcomes.values()) > 0, "the mutations are neither all fatal nor all harmless"
