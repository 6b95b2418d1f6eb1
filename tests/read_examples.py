"""Small valid files of every format that is read, for the readers' tests."""

import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import nibabel as nib
import numpy as np
import scipy.io
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

from laudo.sources.phantom_brain import slices

SLICE_MM = 2.5


def picture(height: int = 40, width: int = 56) -> np.ndarray:
    """(height, width) uint8 slice in which no row, column or direction is like another."""
    image = next(iter(slices(1, seed=2, size=56))).image[8 : 8 + height, :width].copy()
    image[:5, :9] = np.arange(45, dtype=np.uint8).reshape(5, 9) * 5
    return image


def volume(shape: tuple[int, int, int] = (9, 7, 5)) -> np.ndarray:
    """int16 volume in which every voxel has a value of its own."""
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape) * 3 - 40


def dicom(array: np.ndarray, **elements: object) -> Dataset:
    """A CT picture; elements are added or, when None, removed."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(entropy_srcs=[array.tobytes().hex()])
    data.Modality = "CT"
    data.SeriesInstanceUID, data.StudyInstanceUID = "1.2.3.4", "1.2.3"
    data.PatientName, data.PatientID = "Silva^Ana", "4711"
    data.Rows, data.Columns = array.shape[:2]
    data.SamplesPerPixel = 1 if array.ndim == 2 else 3
    data.PhotometricInterpretation = "MONOCHROME2" if array.ndim == 2 else "RGB"
    if array.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8 * array.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(array.dtype.kind == "i")
    data.PixelSpacing = [0.5, 0.75]
    data.PixelData = array.tobytes()
    data["PixelData"].VR = "OB" if array.dtype.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


def write_dicom(path: Path, array: np.ndarray, **elements: object) -> Path:
    dicom(array, **elements).save_as(path, enforce_file_format=True)
    return path


def write_rle(path: Path, array: np.ndarray) -> Path:
    data = dicom(array)
    data.compress(RLELossless)
    data.save_as(path, enforce_file_format=True)
    return path


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray | None = None) -> Path:
    nib.save(nib.Nifti1Image(array, np.diag([1.0, 2.0, 3.0, 1.0]) if affine is None else affine), path)
    return path


def write_mat5(path: Path, packed: bool = True, **arrays: object) -> Path:
    scipy.io.savemat(path, arrays, do_compression=packed)
    return path


def write_mat73(path: Path, struct_name: str = "cjdata", **arrays: object) -> Path:
    """As MATLAB writes it: a text and the HDF5 signature after 512 bytes, axes reversed, classes as attributes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group(struct_name) if struct_name else file
        for name, value in arrays.items():
            if isinstance(value, str):
                codes = np.array([[ord(letter)] for letter in value], dtype=np.uint16)
                dataset, kind = group.create_dataset(name, data=codes), "char"
            else:
                array = np.atleast_2d(np.asarray(value))
                kind = {"bool": "logical", "float64": "double"}.get(array.dtype.name, array.dtype.name)
                stored = array.astype(np.uint8) if array.dtype == bool else array
                options = {"compression": "gzip"} if array.size > 100 else {}
                dataset = group.create_dataset(name, data=stored.T, **options)
            dataset.attrs["MATLAB_class"] = np.bytes_(kind)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<H", 0x0200) + b"IM"
    with path.open("r+b") as handle:
        handle.write(head)
    return path


def _copy_of(name: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(Path(str(get_testdata_file(name, download=False))).read_bytes())
        return path

    return write


def _png(path: Path) -> Path:
    Image.fromarray(picture()).save(path, "PNG")
    return path


EXAMPLES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "png": (".png", _png),
    "dicom": (".dcm", lambda path: write_dicom(path, picture().astype(np.int16) * 8 - 900)),
    "dicom-rle": (".dcm", lambda path: write_rle(path, picture().astype(np.uint16) * 8)),
    "dicom-jpeg": (".dcm", _copy_of("SC_rgb_small_odd_jpeg.dcm")),
    "dicom-jpeg-ls": (".dcm", _copy_of("JPEGLSNearLossless_08.dcm")),
    "dicom-jpeg-2000": (".dcm", _copy_of("MR_small_jp2klossless.dcm")),
    "dicom-deflated": (".dcm", _copy_of("image_dfl.dcm")),
    "nifti": (".nii", lambda path: write_nifti(path, volume())),
    "nifti-gz": (".nii.gz", lambda path: write_nifti(path, volume())),
    "matlab-5": (".mat", lambda path: write_mat5(path, image=picture().astype(np.int16), label=2.0)),
    "matlab-5-plain": (
        ".mat",
        lambda path: write_mat5(path, False, label=2.0, cjdata={"PID": "MR04", "image": picture().astype(np.int16)}),
    ),
    "matlab-7.3": (".mat", lambda path: write_mat73(path, image=picture().astype(np.int16), label=2.0, PID="MR04")),
}
"""Every kind of file: its ending, and what writes one. A new reader is a line here."""
