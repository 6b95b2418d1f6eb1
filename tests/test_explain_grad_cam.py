"""Grad-CAM against an independent one, on networks whose answer is known, and the check that it looks at the network."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from laudo.core.errors import LaudoError, UnknownNameError
from laudo.core.predictions import Predictions
from laudo.core.recipe import Head, Network
from laudo.explain.cases import choose_cases, outcome
from laudo.explain.grad_cam import grad_cam, layer_name
from laudo.explain.overlay import overlay
from laudo.explain.randomisation import randomisation_check
from laudo.explain.table import get_explainer
from laudo.networks.backbone import IMAGENET_SCALING, Backbone, BackboneSpec, Scaling
from laudo.networks.classifier import Classifier
from laudo.networks.table import build_backbone
from laudo.predict.model import load_model
from laudo.prepare.transform import prepare_file
from training_example import trained

OUTPUT = {True: "sigmoid", False: "softmax"}


class Mirror(Backbone):
    """A map of one channel that is the red channel of the image."""

    map_channels = vector_size = 1

    def feature_map(self, x):
        return x[:, :1]


def mirror(sigmoid: bool, weight: float = 1.0) -> Classifier:
    classifier = Classifier(Mirror(), Scaling(IMAGENET_SCALING), Network(backbone="own", output=OUTPUT[sigmoid]), 2)
    classifier.scaling.mean.zero_()
    classifier.scaling.std.fill_(1)
    with torch.no_grad():
        last = classifier.head.dense[-1].weight
        last.copy_(torch.tensor([[weight]]) if sigmoid else torch.tensor([[-weight], [weight]]))
    return classifier


@pytest.fixture
def square():
    pixels = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    pixels[:, :, 4:8, 9:14] = 200
    return pixels


@pytest.mark.parametrize("sigmoid", [True, False])
def test_the_bright_square_speaks_for_its_class_and_nothing_for_the_other(square, sigmoid):
    heat = grad_cam(mirror(sigmoid), square, 1)
    expected = (square[:, 0] > 0).float()
    assert torch.equal(heat, expected)
    assert torch.equal(grad_cam(mirror(sigmoid), square, 0), torch.zeros(1, 16, 16))
    # with the sign turned round the square speaks for the first class
    assert torch.equal(grad_cam(mirror(sigmoid, -1.0), square, 0), expected)


def naive(classifier: Classifier, pixels: torch.Tensor, target: int) -> np.ndarray:
    """Grad-CAM with hooks on the last pooling's input or output, written down anew."""
    classifier = copy.deepcopy(classifier).eval()
    for parameter in classifier.parameters():
        parameter.requires_grad_(True)
    for module in classifier.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    kept = {}
    name = classifier.backbone.cam_layer
    layer = classifier.backbone.get_submodule(name) if name else classifier.backbone.model.features

    def forward(_module, _inputs, output):
        kept["activation"] = output
        output.register_hook(lambda gradient: kept.update(gradient=gradient))

    layer.register_forward_hook(forward)
    logits = classifier(pixels)
    if classifier.sigmoid:
        (logits[0, 0] * (1 if target == 1 else -1)).backward()
    else:
        logits[0, target].backward()
    activation, gradient = kept["activation"][0].detach().numpy(), kept["gradient"][0].numpy()
    cam = np.zeros(activation.shape[1:])
    for channel in range(len(activation)):
        cam += gradient[channel].mean() * activation[channel]
    cam = np.maximum(cam, 0)
    tensor = torch.from_numpy(cam)[None, None].float()
    cam = F.interpolate(tensor, size=pixels.shape[2:], mode="bilinear", align_corners=False)[0, 0].numpy()
    return cam / cam.max() if cam.max() > 0 else cam


@pytest.fixture(scope="module")
def vgg11():
    torch.manual_seed(6)
    backbone = build_backbone(BackboneSpec("vgg11")).eval()
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    return backbone


@pytest.mark.parametrize("sigmoid", [True, False])
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize(("layer", "pooling"), [("", "average"), ("", "max"), ("model.features.19", "average")])
def test_it_equals_an_independent_grad_cam(vgg11, sigmoid, target, layer, pooling):
    vgg11.cam_layer = layer
    pixels = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(7))
    seen = 0
    for seed in range(6):  # of some random heads nothing speaks for the class: both maps must say so
        torch.manual_seed(seed)
        classifier = Classifier(
            vgg11,
            Scaling(IMAGENET_SCALING),
            Network(backbone="own", head=Head(hidden=(6,)), output=OUTPUT[sigmoid], pooling=pooling),
            2,
        ).eval()
        theirs = naive(classifier, pixels, target)
        np.testing.assert_allclose(grad_cam(classifier, pixels, target)[0].numpy(), theirs, atol=1e-4)
        seen += theirs.max() == pytest.approx(1.0)
    assert seen >= 2
    assert layer_name(classifier) == (layer or "last feature map")
    vgg11.cam_layer = ""


def test_a_batch_is_its_images_one_by_one_and_nothing_is_left_behind():
    torch.manual_seed(0)
    backbone = build_backbone(BackboneSpec("small_cnn"))
    classifier = Classifier(backbone, Scaling(IMAGENET_SCALING), Network(backbone="own"), 3)
    classifier.train()
    pixels = torch.randint(0, 256, (3, 1, 32, 32), dtype=torch.uint8)
    together = grad_cam(classifier, pixels, 2)
    assert together.shape == (3, 32, 32)
    assert not together.requires_grad
    for index in range(3):
        torch.testing.assert_close(together[index], grad_cam(classifier, pixels[index : index + 1], 2)[0])
    assert all(parameter.grad is None for parameter in classifier.parameters())
    with torch.inference_mode(False), torch.no_grad():  # also where gradients are switched off
        torch.testing.assert_close(grad_cam(classifier, pixels, 2), together)


def test_a_transformer_is_refused():
    classifier = Classifier(
        build_backbone(BackboneSpec("test_vit")), Scaling(IMAGENET_SCALING), Network(backbone="own"), 2
    )
    with pytest.raises(LaudoError, match="convolutional") as caught:
        grad_cam(classifier, torch.zeros(1, 3, 160, 160), 0)
    assert caught.value.cure


def test_the_map_of_a_trained_network_lies_on_the_square():
    run, data = trained()
    model = load_model(run, torch.device("cpu"))
    table = run.predictions("test").table
    chosen = table[(table["label"] == "yes") & (table["predicted"] == "yes")]["image"]
    inside = []
    for name in chosen:
        pixels = prepare_file(data / name, model.prepare)
        heat = grad_cam(model.classifier, torch.from_numpy(pixels).permute(2, 0, 1)[None], 1)[0].numpy()
        bright = pixels[..., 0] > 150
        inside.append(heat[bright].mean() > 1.5 * heat[~bright].mean())
    assert len(inside) >= 3
    assert np.mean(inside) > 0.7


# randomisation ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def learned():
    run, data = trained()
    model = load_model(run, torch.device("cpu"))
    names = run.predictions("test").table["image"].iloc[[0, 1, 2, -3, -2, -1]]
    pixels = torch.from_numpy(np.stack([prepare_file(data / name, model.prepare) for name in names])).permute(
        0, 3, 1, 2
    )
    return model.classifier, pixels


def edges(_classifier, pixels, _target, _descriptors=None):
    """Looks like an explanation and never looks at the network."""
    grey = pixels.float().mean(dim=1)
    return (grey - grey.roll(1, dims=2)).abs() / 255


def test_grad_cam_changes_with_the_network_and_the_network_does_not(learned):
    classifier, pixels = learned
    before = copy.deepcopy(classifier.state_dict())
    stages = randomisation_check(classifier, pixels, [0, 1, 0, 1, 0, 1], grad_cam, stages=4)
    assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())
    assert stages[0].layer == "head"
    assert stages[-1].layer == "backbone.features.0"
    assert len(stages) == 5
    assert stages[-1].spearman < 0.7
    assert (stages[0].spearman, stages[0].ssim) != (stages[-1].spearman, stages[-1].ssim)
    again = randomisation_check(classifier, pixels, [0, 1, 0, 1, 0, 1], grad_cam, stages=4)
    assert again == stages
    assert randomisation_check(classifier, pixels, [0, 1, 0, 1, 0, 1], grad_cam, stages=4, seed=1) != stages


def test_an_explainer_that_ignores_the_network_is_caught(learned):
    classifier, pixels = learned
    for stage in randomisation_check(classifier, pixels, [0, 1, 0, 1, 0, 1], edges):
        assert stage.spearman == pytest.approx(1.0)
        assert stage.ssim == pytest.approx(1.0)


def test_a_map_without_structure_is_like_nothing(learned):
    classifier, pixels = learned
    stages = randomisation_check(classifier, pixels, [1] * 6, lambda _c, p, _t, _d: torch.zeros(len(p), 32, 32))
    assert {(stage.spearman, stage.ssim) for stage in stages} == {(0.0, 0.0)}


# cases ------------------------------------------------------------------------------------------------------------


def predictions_of(rows: list[tuple[str, float]]) -> Predictions:
    """Label and probability of "yes" of each case."""
    table = pd.DataFrame(
        {
            "sample": [str(n) for n in range(len(rows))],
            "image": "",
            "group": "g",
            "label": [label for label, _p in rows],
        }
    )
    positive = np.array([p for _label, p in rows])
    return Predictions.build(table, np.stack([1 - positive, positive], axis=1), ("no", "yes"), 0.5)


CASES = [("no", 0.6), ("no", 0.1), ("yes", 0.9), ("no", 0.95), ("yes", 0.2), ("yes", 0.99), ("no", 0.3), ("yes", 0.6)]


def test_wrong_answers_come_first_the_surest_of_them_before_the_others():
    predictions = predictions_of(CASES)
    chosen = choose_cases(predictions, 8)
    # wrong: 3 (0.95), 4 (0.8), 0 (0.6); right ones of both classes in turn: 1 (0.9), 5 (0.99), 6 (0.7), 2 (0.9), 7
    assert chosen.tolist() == [3, 4, 0, 1, 5, 6, 2, 7]
    assert [outcome(predictions, row) for row in chosen[:5]] == ["FP", "FN", "FP", "TN", "TP"]


@pytest.mark.parametrize("n", range(10))
def test_a_quarter_is_kept_for_right_answers_and_nobody_comes_twice(n):
    predictions = predictions_of(CASES)
    chosen = choose_cases(predictions, n).tolist()
    assert len(chosen) == min(n, 8) == len(set(chosen))
    if n >= 4:
        assert any(outcome(predictions, row).startswith("T") for row in chosen)
    assert chosen == [] or outcome(predictions, chosen[0]).startswith("F") == (n > 0)


def test_without_a_wrong_answer_the_right_ones_are_shown():
    assert choose_cases(predictions_of([("no", 0.1), ("no", 0.2), ("no", 0.3)]), 2).tolist() == [0, 1]


def test_the_overlay_leaves_what_is_not_hot_as_it_was():
    pixels = np.full((4, 4, 1), 77, dtype=np.uint8)
    heat = np.zeros((4, 4))
    heat[1, 2] = 1.0
    drawn = overlay(pixels, heat)
    assert drawn.shape == (4, 4, 3)
    assert (drawn[heat == 0] == 77).all()
    assert drawn[1, 2].max() > 150


def test_an_unknown_method_suggests_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        get_explainer("gradcam")
    assert "grad-cam" in caught.value.cure
