"""bfloat16 where it is native, and how far it may be from single precision."""

from __future__ import annotations

import pytest
import torch

from laudo.core.recipe import Head, Network
from laudo.networks import precision as module
from laudo.networks.backbone import IMAGENET_SCALING, BackboneSpec, Scaling
from laudo.networks.classifier import Classifier
from laudo.networks.precision import autocast, choose_device, choose_precision, has_native_bf16
from laudo.networks.table import build_backbone
from laudo.predict.batches import predict_pixels

CPU = torch.device("cpu")


@pytest.mark.parametrize("native", [True, False])
def test_what_the_recipe_says_counts_and_auto_asks_the_hardware(monkeypatch, native):
    monkeypatch.setattr(module, "has_native_bf16", lambda device: native)
    assert choose_precision("auto", CPU) == ("bf16" if native else "fp32")
    assert choose_precision("fp32", CPU) == "fp32"
    assert choose_precision("bf16", CPU) == "bf16"


def test_a_processor_without_avx512_only_emulates_bf16(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not has_native_bf16(CPU)


def test_the_number_format_follows_the_precision():
    with autocast(CPU, "fp32"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    with autocast(CPU, "bf16"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16


def test_bf16_probabilities_are_within_two_percent_of_fp32():
    device = choose_device()
    if not has_native_bf16(device):
        pytest.skip("this hardware only emulates bfloat16")
    torch.manual_seed(3)
    backbone = build_backbone(BackboneSpec("small_cnn"))
    classifier = Classifier(
        backbone, Scaling(IMAGENET_SCALING), Network(backbone="own", head=Head(hidden=(16,)), pooling="average+max"), 3
    )
    classifier.eval().to(device)
    pixels = torch.randint(0, 256, (8, 1, 48, 48), dtype=torch.uint8)
    exact = predict_pixels(classifier, pixels, "fp32", ("plain", "mirrored"))
    rough = predict_pixels(classifier, pixels, "bf16", ("plain", "mirrored"))
    assert rough.dtype is torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.02, rtol=0)
