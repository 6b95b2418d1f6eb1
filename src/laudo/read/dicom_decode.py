"""Turns the pixel data of a DICOM file into an array. Compressed files are decoded by this in the child process."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom.filereader  # loaded here, before the clock of a file runs in the child
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEG2000TransferSyntaxes, RLELossless

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.dicom_file import open_dicom, syntax_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PLUGINS: dict[str, str] = {
    "pylibjpeg": "pylibjpeg",
    "pyjpegls": "pyjpegls",
    "pillow": "pillow",
    "gdcm": "python-gdcm",
    "pydicom": "pydicom",
}
"""pydicom's names of its decoders, in the order in which they are tried, and the package of each. One after the other and always in
this order: decoders disagree on the pixels of some lossy files."""


def decode(path: Path, index: int | None = None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The task of the child process: see :func:`decode_pixels`."""
    pixels, photometric, decoder = decode_pixels(open_dicom(path), index)
    return {"photometric": photometric, "decoder": decoder}, {"pixels": pixels}


def decode_pixels(dataset: Dataset, index: int | None = None) -> tuple[np.ndarray, str, str]:
    """Stored values of one frame, or of all.

    Args:
        dataset: with its pixel data.
        index: number of the frame, from 0; None for all.

    Returns:
        (H, W[, 3]) or (frames, H, W[, 3]) array; its photometric interpretation (YBR is turned into RGB); its name and
            version.

    Raises:
        Exception: whatever pydicom and its plug-ins raise.
    """
    decoder = get_decoder(UID(syntax_of(dataset)))
    base = f"pydicom {pydicom.__version__}"
    if decoder.is_native:
        array, facts = decoder.as_array(dataset, index=index)
        return array, str(facts["photometric_interpretation"]), base
    available = decoder.available_plugins
    failures = []
    for plugin in PLUGINS:
        if plugin not in available:
            continue
        try:
            array, facts = decoder.as_array(dataset, index=index, decoding_plugin=plugin)
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a decoder in Rust panics with an exception that is no Exception
            failures.append(f"{plugin}: {str(error).strip().splitlines()[-1] if str(error).strip() else error!r}")
            continue
        name = base if plugin == "pydicom" else f"{base}, {_package(plugin, decoder.UID)}"
        return array, str(facts["photometric_interpretation"]), name
    if all("does not support" in failure for failure in failures):
        raise UnreadableImageError(
            _("No decoder that is installed reads the compression of the file."),
            found=f"{decoder.UID.name}, {dataset.get('BitsStored')} bits",
            cure=_("Convert it to another DICOM syntax, or install pylibjpeg-libjpeg (its licence is the GPL)."),
        )
    raise ValueError("; ".join(failures))


def _package(plugin: str, syntax: UID) -> str:
    """Name and version of the package that decodes; pylibjpeg has one a family of syntaxes."""
    package = PLUGINS[plugin]
    if plugin == "pylibjpeg":
        family = "rle" if syntax == RLELossless else "openjpeg" if syntax in JPEG2000TransferSyntaxes else "libjpeg"
        package = f"pylibjpeg-{family}"
    return f"{package} {metadata.version(package)}"
