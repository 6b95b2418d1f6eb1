"""PNG, JPEG and their kin: any mode, any true format behind any ending, rotated by EXIF, or broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageOps, UnidentifiedImageError

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import check_size
from laudo.read.image import ReadImage
from laudo.read.number_types import known_numbers
from laudo.read.quiet import quiet
from laudo.read.what import KNOWN, what_it_is

FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
}
"""Formats that are tried, and the endings that belong to each. Anything else Pillow knows is not tried at all."""

ENDINGS = frozenset(ending for endings in FORMATS.values() for ending in endings)
"""Endings of raster images, lower case."""

MAX_PIXELS = 89_000_000
"""Largest image that is decoded; more is taken for a decompression bomb. Pillow's own bound lies just above it."""

DECODER = f"pillow {PIL.__version__}"
"""Part of every cache key: decoders disagree on the pixels of some JPEG files."""


def read_raster(path: Path, max_pixels: int = MAX_PIXELS) -> ReadImage:
    """Decode a raster image.

    Transparent pixels are laid over black; palettes are resolved; 16-bit pixels stay 16 bit, wider and real numbers keep their
    values; EXIF rotation is applied; of an animation the first frame is taken.

    Args:
        path: the file; its ending is not trusted.
        max_pixels: refuse images with more pixels, before decoding them.

    Raises:
        UnreadableImageError: missing, not an image, cut short, too large, or a pixel is NaN or infinite.
    """
    try:
        # Pillow only warns of images up to twice its limit; ours lies below it and is an error
        with quiet(), Image.open(path, formats=list(FORMATS)) as image:
            _check_size(image, path, max_pixels)
            image.load()
            return _convert(image, path)
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError(_("The image is not there."), file=path) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path, str(error), max_pixels) from error
    except UnidentifiedImageError as error:
        raise UnreadableImageError(
            _("The file is not an image."),
            file=path,
            expected=KNOWN,
            found=_what_it_is(path),
            cure=_("Remove it from the folder, or leave it out with --set data.unreadable=skip."),
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, MemoryError) as error:
        # Pillow's plug-ins let these out on damaged files; "image file is truncated" is an OSError.
        raise UnreadableImageError(
            _("The image is damaged or cut short."),
            file=path,
            found=f"{type(error).__name__}: {error}",
            cure=_("Copy it again from its source, or leave it out with --set data.unreadable=skip."),
        ) from error


def _check_size(image: Image.Image, path: Path, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise _too_large(path, f"{width} × {height}", max_pixels)
    if width < 1 or height < 1:
        raise UnreadableImageError(_("The image has no pixels."), file=path, found=f"{width} × {height}")
    wide = 4 if image.mode in {"I", "F"} else 2 if image.mode.startswith("I;16") else 1
    check_size(path, width * height * len(image.getbands()) * wide, path.stat().st_size)


def _too_large(path: Path, found: str, max_pixels: int) -> UnreadableImageError:
    return UnreadableImageError(
        _("The image is too large to be decoded safely."),
        file=path,
        expected=_("at most {n} megapixels").format(n=max_pixels // 1_000_000),
        found=found,
        cure=_("Make it smaller first; networks see far fewer pixels anyway."),
    )


def _convert(image: Image.Image, path: Path) -> ReadImage:
    notes = []
    facts: dict[str, object] = {}
    name, mode = str(image.format), image.mode
    if path.suffix.lower() not in FORMATS.get(name, ()):
        notes.append("ending")
        facts["ending"] = path.suffix
    if getattr(image, "n_frames", 1) > 1:
        notes.append("frames")
        facts["frames"] = getattr(image, "n_frames", 1)
    if image.getexif().get(0x0112, 1) != 1:
        notes.append("rotated")
        ImageOps.exif_transpose(image, in_place=True)
    if mode == "P":
        notes.append("palette")
    if "A" in mode or "transparency" in image.info or mode in {"La", "RGBa"}:
        notes.append("alpha")
    if "alpha" in notes and mode.startswith("I;16"):  # the transparent level: Pillow would cut such pixels to 8 bits
        array = _pixels(image, path)
        array[array == image.info["transparency"]] = 0
    elif "alpha" in notes:
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", image.size)
        flat.paste(rgba, mask=rgba.getchannel("A"))
        array = np.asarray(flat)
    else:
        array = _pixels(image, path)
    if array.ndim == 3 and (array[..., 0] == array[..., 1]).all() and (array[..., 0] == array[..., 2]).all():
        array = array[..., 0]
    return ReadImage(np.ascontiguousarray(array), None, name, mode, tuple(notes), facts, None, DECODER)


def _pixels(image: Image.Image, path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3) array of an image without transparency."""
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)
    if image.mode in {"I", "F"}:
        return known_numbers(np.asarray(image), path)
    if image.mode in {"1", "L"}:
        return np.asarray(image if image.mode == "L" else image.convert("L"))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _what_it_is(path: Path) -> str:
    """A word on the file's first bytes, for the error."""
    try:
        with path.open("rb") as handle:
            head = handle.read(64)
    except OSError as error:
        return str(error)
    return what_it_is(head)
