"""The preparation written as ONNX nodes gives the pixels that laudo gives, to the last bit."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from laudo.core.recipe import Prepare
from laudo.export.graph import Graph
from laudo.export.onnx_back import picture_mask_back
from laudo.export.onnx_picture import prepare_picture
from laudo.prepare import mask_back
from laudo.prepare.transform import channels, prepare_array

SIZES = [(61, 83), (200, 150), (33, 32), (31, 300), (530, 517)]
KINDS = {
    "plain": {},
    "grey": {"colour": "grey"},
    "padded": {"fit": "pad"},
    "percentile": {"intensity": "percentile", "colour": "grey"},
    "zscore": {"intensity": "zscore"},
    "window": {"intensity": "window", "window": (100.0, 150.0)},
    "range": {"intensity": "range", "limits": (20.0, 200.0), "fit": "pad", "colour": "grey"},
    "content": {"crop": "content"},
    "content-percentile": {"crop": "content", "intensity": "percentile", "fit": "pad", "colour": "grey"},
}
OF_MASK = {
    "lesion": {"crop": "lesion", "without_mask": "whole"},
    "erased": {"mask": "erase", "without_mask": "whole", "intensity": "percentile"},
    "erased-content": {"mask": "erase", "without_mask": "whole", "crop": "content"},
    "planes": {
        "crop": "lesion",
        "without_mask": "whole",
        "planes": ("image", "mask", "whole"),
        "intensity": "percentile",
        "margin": 0.3,
        "fit": "pad",
    },
}


def scan(size, seed, colour=False):
    """A bright blob with texture in a dark frame, a small bright letter in the margin."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    away = ((rows - height * 0.55) / (height * 0.3)) ** 2 + ((columns - width * 0.45) / (width * 0.33)) ** 2
    coarse = Image.fromarray(rng.integers(60, 255, (9, 9), dtype=np.uint8)).resize((width, height))
    grey = np.where(away < 1, np.asarray(coarse), rng.integers(0, 12, size))
    grey[: max(2, height // 20), : max(2, width // 20)] = 250
    if not colour:
        return grey.astype(np.uint8)
    return np.stack([grey, grey * 0.8, np.roll(grey, 3, axis=0)], axis=2).astype(np.uint8)


def lesion(size, seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros(size, np.uint8)
    top, left = rng.integers(0, size[0] // 2), rng.integers(0, size[1] // 2)
    mask[top : top + size[0] // 3, left : left + size[1] // 4] = 1
    return mask


def graph_of(prepare, name="uint8"):
    """A session that gives the prepared pixels."""
    kind = np.dtype(name)
    g = Graph("t_")
    placed = prepare_picture(g, prepare, kind)
    g.named(placed.pixels, "pixels")
    code = onnx.helper.np_dtype_to_tensor_dtype(kind)
    inputs = [onnx.helper.make_tensor_value_info("image", code, ["h", "w", "c"])]
    if prepare.needs_mask:
        inputs.append(onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.UINT8, ["h", "w"]))
    shape = [1, channels(prepare), prepare.height, prepare.width]
    model = g.model(inputs, [onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, shape)])
    onnx.checker.check_model(model)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def pixels(session, array, mask=None):
    given = {"image": array if array.ndim == 3 else array[..., None]}
    if mask is not None:
        given["mask"] = mask
    return session.run(None, given)[0][0].transpose(1, 2, 0)


def prepare_of(changes):
    return Prepare(**{"height": 48, "width": 64, **changes})


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_laudos(name):
    prepare = prepare_of(KINDS[name])
    session = graph_of(prepare)
    for seed, size in enumerate(SIZES):
        for colour in (False, True):
            array = scan(size, seed, colour)
            np.testing.assert_array_equal(pixels(session, array), prepare_array(array, prepare))


@pytest.mark.parametrize("name", OF_MASK)
def test_pixels_with_a_mask_are_laudos(name):
    prepare = prepare_of(OF_MASK[name])
    session = graph_of(prepare)
    for seed, size in enumerate(SIZES[:3]):
        for mask in (lesion(size, seed), np.zeros(size, np.uint8)):
            array = scan(size, seed, colour=seed == 1)
            np.testing.assert_array_equal(pixels(session, array, mask), prepare_array(array, prepare, mask))


@pytest.mark.parametrize("kind", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("changes", [{}, {"crop": "content"}, {"intensity": "percentile", "colour": "grey"}])
def test_other_types_are_stretched_as_laudo_does(kind, changes):
    prepare = prepare_of(changes)
    session = graph_of(prepare, kind)
    for seed, size in enumerate(SIZES[:3]):
        array = (scan(size, seed).astype(np.float64) * 13.7 - (0 if kind == "uint16" else 900)).astype(kind)
        np.testing.assert_array_equal(pixels(session, array), prepare_array(array, prepare))


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (700, 3), (48, 64)])
def test_pictures_of_any_shape(size):
    array = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    for changes in ({}, {"fit": "pad"}, {"crop": "content"}):
        prepare = prepare_of(changes)
        np.testing.assert_array_equal(pixels(graph_of(prepare), array), prepare_array(array, prepare))


@pytest.mark.parametrize("level", [0, 7, 255])
def test_pictures_of_one_level(level):
    array = np.full((40, 50), level, np.uint8)
    for changes in ({}, {"crop": "content"}, {"intensity": "percentile"}, {"intensity": "zscore"}):
        prepare = prepare_of(changes)
        np.testing.assert_array_equal(pixels(graph_of(prepare), array), prepare_array(array, prepare))


def test_the_largest_of_several_regions_is_the_content():
    array = np.zeros((120, 160), np.uint8)
    array[10:40, 10:40] = 200
    array[60:110, 50:150] = 180  # a snake's way between both would be the same region
    array[25, 39:80] = 0
    prepare = prepare_of({"crop": "content"})
    np.testing.assert_array_equal(pixels(graph_of(prepare), array), prepare_array(array, prepare))


@pytest.mark.parametrize("changes", [{}, {"fit": "pad"}, {"crop": "content", "fit": "pad"}])
def test_probabilities_come_back_to_the_pictures_own_pixels(changes):
    prepare = prepare_of({"colour": "grey", **changes})
    g = Graph("t_")
    placed = prepare_picture(g, prepare, np.dtype(np.uint8))
    g.named(picture_mask_back(g, "answer", placed, prepare), "back")
    make, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    inputs = [make("image", kinds.UINT8, ["h", "w", "c"]), make("answer", kinds.FLOAT, [3, 48, 64])]
    model = g.model(inputs, [make("back", kinds.FLOAT, [3, "h", "w"])])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = np.random.default_rng(1).random((3, 48, 64), dtype=np.float32)
    for seed, size in enumerate(SIZES):
        array = scan(size, seed)
        found = session.run(None, {"image": array[..., None], "answer": answer})[0]
        np.testing.assert_allclose(found, mask_back.picture_mask_back(answer, array, prepare), atol=1e-6)
