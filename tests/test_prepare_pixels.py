"""What preparation makes of fixed images, by hash: pixels can not change without their version being raised.

When this fails after a change that was meant: raise ``VERSION`` of the file that was changed and write the new hashes here. When it
fails after an update of Pillow or SciPy: the cache's key names their versions, so only the hashes are new.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare import transform, volume
from laudo.prepare.transform import prepare_array
from laudo.prepare.volume import Channels, prepare_channels


def picture(dtype=np.uint8, colour: bool = False) -> np.ndarray:
    """(90, 70) of whole numbers: a bright disc with a texture in a dark frame, the same on every machine."""
    y, x = np.mgrid[:90, :70]
    inside = (y - 50) ** 2 + (x - 38) ** 2 < 24**2
    grey = np.where(inside, 90 + (y * 7 + x * 13) % 120, (y * x) % 6)
    if dtype == np.int16:
        grey = grey * 9 - 1000
    elif dtype == np.uint16:
        grey = grey * 40
    elif dtype == np.float32:
        grey = (grey / 64) ** 2 - 1
    array = grey.astype(dtype)
    return np.dstack([array, array // 2, 255 - array]) if colour else array


def lesion() -> np.ndarray:
    mask = np.zeros((90, 70), np.uint8)
    mask[40:58, 30:41] = 255
    return mask


PICTURES: dict[str, tuple[dict, np.ndarray]] = {
    "plain": ({}, picture()),
    "colour": ({}, picture(colour=True)),
    "grey": ({"colour": "grey"}, picture(colour=True)),
    "pad": ({"fit": "pad"}, picture()),
    "content": ({"crop": "content"}, picture()),
    "lesion": ({"crop": "lesion"}, picture()),
    "lesion, margin": ({"crop": "lesion", "margin": 0.5}, picture()),
    "percentile": ({"intensity": "percentile"}, picture()),
    "percentiles": ({"intensity": "percentile", "percentiles": (5, 90)}, picture()),
    "zscore": ({"intensity": "zscore"}, picture()),
    "window": ({"intensity": "window", "window": (100, 800)}, picture(np.int16)),
    "range": ({"intensity": "range", "limits": (20, 180)}, picture()),
    "fitted": ({"intensity": "fitted", "limits": (20, 180)}, picture()),
    "16 bits": ({}, picture(np.uint16)),
    "signed": ({"crop": "content"}, picture(np.int16)),
    "float": ({}, picture(np.float32)),
}

PICTURES_GOLDEN: tuple[int, dict[str, str]] = (
    2,
    {
        "plain": "bde9b254be",
        "colour": "b971e697d8",
        "grey": "125c53cd7e",
        "pad": "bdb5d46cd0",
        "content": "47c343cc75",
        "lesion": "2b478ae55e",
        "lesion, margin": "61acb1eec2",
        "percentile": "2ed385fe77",
        "percentiles": "6f5113b076",
        "zscore": "af685150cb",
        "window": "a5ed2641a2",
        "range": "547c2e06bc",
        "fitted": "547c2e06bc",
        "16 bits": "c049c4a162",
        "signed": "1cfcebb93e",
        "float": "86a0f5e9d5",
    },
)


def test_the_pixels_of_pictures_are_those_of_their_version():
    found = {}
    for name, (settings, array) in PICTURES.items():
        pixels = prepare_array(array, Prepare(height=40, width=48, **settings), lesion())
        assert pixels.shape == (40, 48, 1 if settings.get("colour") == "grey" else 3)
        found[name] = hashlib.sha256(pixels.tobytes()).hexdigest()[:10]
    assert len({*found.values()}) == len(found) - 1, "only a fitted range and a given one are the same"
    assert (transform.VERSION, found) == PICTURES_GOLDEN


def sample(background: int = 0) -> Channels:
    x, y, z = np.mgrid[:22, :26, :18]
    inside = (x - 10) ** 2 + (y - 12) ** 2 + (z - 9) ** 2 < 60
    one = np.where(inside, 50 + (x * 5 + y * 3 + z * 11) % 90, background).astype(np.int16)
    two = np.where(inside, 300 - one, background).astype(np.float32)
    mask = ((x - 11) ** 2 + (y - 12) ** 2 + (z - 8) ** 2 < 12).astype(np.uint8) * 2
    mask[11:13, 12:14, 8:10] = 1
    return Channels([one, two], mask, np.diag([1.0, 1.0, 2.0, 1.0]), (1.0, 1.0, 2.0))


VOLUMES: dict[str, dict] = {
    "zscore": {},
    "percentile": {"intensity": "percentile"},
    "percentiles": {"intensity": "percentile", "percentiles": (5, 80)},
    "window": {"intensity": "window", "window": (100, 50)},
    "range": {"intensity": "range", "limits": ((60, 130),)},
    "range a channel": {"intensity": "range", "limits": ((60, 130), (200, 240))},
    "none": {"intensity": "none"},
    "brain": {"crop": "brain"},
    "brain, margin": {"crop": "brain", "margin_mm": 3},
    "lesion": {"crop": "lesion", "margin_mm": 4},
    "spacing": {"spacing_mm": (1.5, 1.5, 1.5)},
    "cubic": {"spacing_mm": (0.8, 1.0, 1.2), "resample": "cubic"},
    "linear mask": {"spacing_mm": (1.5, 1.5, 1.5), "resample_mask": "linear"},
    "size": {"size_voxels": (24, 16, 20)},
    "half": {"dtype": "float16"},
}
VOLUMES_GOLDEN: tuple[int, dict[str, str]] = (
    1,
    {
        "zscore": "691cde5f1d",
        "percentile": "5c6ec8e4b4",
        "percentiles": "e235915d1d",
        "window": "d77c938417",
        "range": "4b242492bf",
        "range a channel": "3f486126d2",
        "none": "fe583bf759",
        "brain": "37a1bbfc42",
        "brain, margin": "3bd4774876",
        "lesion": "6b1a6fb02f",
        "spacing": "42cfce25de",
        "cubic": "e111d42f29",
        "linear mask": "63a07e37a5",
        "size": "3c9a840914",
        "half": "4c98ec646c",
    },
)


def test_the_voxels_of_volumes_are_those_of_their_version():
    found = {}
    for name, settings in VOLUMES.items():
        made = prepare_channels(sample(), PrepareVolume(**settings), Path("x"))
        assert made.mask is not None
        # Rounded: the last bit of a sum may differ between processors.
        image = np.round(made.image.astype(np.float64) * 32).astype(np.int64)
        kind = (str(made.image.dtype), made.image.shape)
        content = (*kind, image.tobytes(), made.mask.tobytes(), np.round(made.geometry.affine, 6).tolist())
        found[name] = hashlib.sha256(repr(content).encode()).hexdigest()[:10]
    assert len({*found.values()}) == len(found)
    assert (volume.VERSION, found) == VOLUMES_GOLDEN


@pytest.mark.parametrize("version", ["transform", "volume"])
def test_another_version_is_another_key(version, monkeypatch):
    keys = set()
    for number in (1, 2, 3):
        monkeypatch.setattr({"transform": transform, "volume": volume}[version], "VERSION", number)
        keys.add(transform.transform_key(Prepare()) if version == "transform" else volume.volume_key(PrepareVolume()))
    assert len(keys) == 3
