"""One error for whatever a library raises on a damaged file, and the bounds that are checked before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laudo.core.errors import LaudoError, UnreadableImageError
from laudo.core.messages import _
from laudo.read.quiet import quiet

MIB = 1 << 20
MAX_BYTES = 1024 * MIB
"""Largest image that is decoded, in bytes of its pixels."""
FREE_BYTES = 64 * MIB
"""Up to this size, the ratio below does not matter."""
MAX_RATIO = 300
"""How many times larger than its file an image may be; more is a decompression bomb."""

MIN_SPACING_MM, MAX_SPACING_MM = 1e-4, 500.0
"""A distance of neighbouring pixels outside these is taken for an error of the file."""


@contextmanager
def one_error(path: Path) -> Iterator[None]:
    """Whatever is raised inside becomes one :class:`UnreadableImageError` that names the file; warnings are kept quiet.

    The libraries let out a dozen types of exception on damaged files, with no base in common, so all are caught here.
    """
    try:
        with quiet():
            yield
    except LaudoError:
        raise
    except FileNotFoundError as error:
        raise missing(path) from error
    except IsADirectoryError as error:
        raise a_folder(path) from error
    except MemoryError as error:
        raise too_much_memory(path) from error
    except Exception as error:
        raise damaged(path, f"{type(error).__name__}: {str(error)[:300]}") from error


def check_size(path: Path, decoded: int, on_disk: int) -> None:
    """Refuse an image before it is decoded.

    Args:
        path: the file, for the error.
        decoded: bytes of the decoded image, a Python integer so that it can not overflow.
        on_disk: bytes of the file.

    Raises:
        UnreadableImageError: larger than 1 GiB, or larger than 64 MiB and 300 times its file.
    """
    allowed = min(MAX_BYTES, max(FREE_BYTES, MAX_RATIO * on_disk))
    if decoded > allowed:
        raise UnreadableImageError(
            _("The image is too large to be decoded safely."),
            file=path,
            expected=_("at most {n} MiB, for a file of {size} bytes").format(n=allowed // MIB, size=on_disk),
            found=_("{n} MiB").format(n=decoded // MIB),
            cure=_("If it is meant to be so large, cut it into smaller images first."),
        )


def missing(path: Path) -> UnreadableImageError:
    """The file is not there."""
    return UnreadableImageError(_("The image is not there."), file=path)


def a_folder(path: Path) -> UnreadableImageError:
    """A folder stands where a file was expected."""
    return UnreadableImageError(
        _("This is a folder, not an image."),
        file=path,
        expected=_("a file, or a DICOM series written as FOLDER#SERIES"),
        found=_("a folder"),
    )


def damaged(path: Path, found: str) -> UnreadableImageError:
    """The file could not be decoded."""
    return UnreadableImageError(
        _("The image is damaged or cut short."),
        file=path,
        found=found,
        cure=_("Copy it again from its source, or leave it out with --set data.unreadable=skip."),
    )


def too_much_memory(path: Path) -> UnreadableImageError:
    """Decoding wanted more memory than an image of its size needs."""
    return UnreadableImageError(
        _("Decoding the image takes more memory than it may."),
        file=path,
        cure=_("Copy it again from its source, or leave it out with --set data.unreadable=skip."),
    )


def not_finite(path: Path, count: int, total: int) -> UnreadableImageError:
    """Some pixels are NaN or infinite; no rule could say what should stand there."""
    return UnreadableImageError(
        _("The image holds pixels that are not numbers (NaN or infinite)."),
        file=path,
        expected=_("finite numbers"),
        found=_("{count} of {total} pixels").format(count=count, total=total),
        cure=_("Replace them by what they should be, zero outside the body as a rule, and save the image again."),
    )
