"""Every backbone keeps the same promises; VGG19 with the head of system S3 is the published network."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from torchvision.models import VGG19_Weights

from laudo.core.errors import RecipeError, UnknownNameError
from laudo.core.recipe import Head, InputScaling, Network
from laudo.networks.backbone import IMAGENET_SCALING, BackboneSpec, Scaling
from laudo.networks.classifier import Classifier, class_probabilities, class_score, set_trainable
from laudo.networks.table import assemble, build_backbone, build_classifier, configured_scaling

CONVOLUTIONAL = {
    "small_cnn": (64, 128, 128, 8),
    "tumour_cnn": (64, 128, 128, 2),
    "squeezenet1_1": (64, 512, 512, 3),
    "mobilenetv2_100": (64, 1280, 1280, 2),
    "resnet18": (64, 512, 512, 2),
    "efficientnet_b0": (64, 1280, 1280, 2),
    "vgg11": (64, 512, 512, 2),
    "mobilenetv3_small_050": (64, 1024, 288, 2),
}
"""Side of the input, length of the vector, channels of the map, side of the map."""

TRANSFORMERS = {
    "test_vit": (160, 64, 64, 10),
    "swin_tiny_patch4_window7_224": (96, 192, 192, 3),
    "clip": (32, 20, 40, 4),
    "open_clip": (32, 20, 64, 4),
}
SMALL = {"hidden_size": 40, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
OPTIONS = {
    "swin_tiny_patch4_window7_224": {"img_size": 96, "embed_dim": 24, "depths": (1, 1, 1, 1)},
    "clip": {"family": "clip", **SMALL, "image_size": 32, "patch_size": 8, "projection": 20},
    "open_clip": {
        "embed_dim": 20,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    },
}

built: dict[str, torch.nn.Module] = {}


def backbone_of(name: str):
    if name not in built:
        torch.manual_seed(1)
        built[name] = build_backbone(BackboneSpec(name, OPTIONS.get(name, {}))).eval()
    return built[name]


def pixels_of(side: int, channels: int = 3, n: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(side)
    return torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=generator)


def classifier_of(name: str, pooling: str, **head) -> Classifier:
    backbone = backbone_of(name)
    torch.manual_seed(2)
    return Classifier(
        backbone, Scaling(IMAGENET_SCALING), Network(backbone="own", head=Head(**head), pooling=pooling), 2
    ).eval()


@pytest.mark.parametrize(("name", "facts"), [*CONVOLUTIONAL.items(), *TRANSFORMERS.items()])
def test_a_backbone_says_its_sizes(name, facts):
    side, vector, channels, cells = facts
    backbone = backbone_of(name)
    assert (backbone.vector_size, backbone.map_channels) == (vector, channels)
    assert backbone.convolutional == (name in CONVOLUTIONAL)
    x = Scaling(IMAGENET_SCALING)(pixels_of(side))
    with torch.no_grad():
        assert backbone.feature_map(x).shape == (2, channels, cells, cells)
        assert backbone(x).shape == (2, vector)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@torch.no_grad()
def test_features_are_the_pooled_map_and_fit_the_head(name):
    backbone, pixels = backbone_of(name), pixels_of(64)
    feature_map = backbone.feature_map(Scaling(IMAGENET_SCALING)(pixels))
    largest = feature_map.flatten(2).max(dim=2).values
    for pooling in ("average", "max", "average+max"):
        classifier = classifier_of(name, pooling)
        features = classifier.embed(pixels)
        torch.testing.assert_close(features, classifier.pool(feature_map))
        torch.testing.assert_close(classifier(pixels), classifier.head(features))
        if pooling == "max":
            torch.testing.assert_close(features, largest)
        if pooling == "average+max":
            torch.testing.assert_close(features[:, backbone.vector_size :], largest)
        if pooling == "average" and name != "mobilenetv3_small_050":  # which has a layer of its own after the mean
            torch.testing.assert_close(features, feature_map.mean(dim=(2, 3)))


@pytest.mark.parametrize("name", TRANSFORMERS)
@torch.no_grad()
def test_a_transformer_fits_its_head_too(name):
    for pooling in ("average", "max", "average+max"):
        assert classifier_of(name, pooling)(pixels_of(TRANSFORMERS[name][0])).shape == (2, 2)


def test_the_tokens_of_a_transformer_are_laid_back_on_their_places():
    backbone = backbone_of("test_vit")
    x = torch.zeros(1, 3, 160, 160)
    with torch.no_grad():
        plain = backbone.feature_map(x)
        x[:, :, 32:48, 112:128] = 20  # the patch in row 2, column 7
        changed = (backbone.feature_map(x) - plain).abs().sum(dim=1)[0]
    assert divmod(int(changed.argmax()), changed.shape[1]) == (2, 7)


@pytest.mark.parametrize(("name", "facts"), [*CONVOLUTIONAL.items(), *TRANSFORMERS.items()])
def test_a_grey_image_is_a_colour_image_with_equal_channels_and_evaluation_repeats_itself(name, facts):
    classifier = classifier_of(name, "average", hidden=(4,), dropout=0.5)
    grey = pixels_of(facts[0], channels=1)
    with torch.no_grad():
        answer = classifier(grey)
        assert torch.equal(answer, classifier(grey))
        torch.testing.assert_close(answer, classifier(grey.repeat(1, 3, 1, 1)))
        other = classifier(255 - grey)
    assert not torch.allclose(answer, other)


@pytest.mark.parametrize(("name", "facts"), [*CONVOLUTIONAL.items(), *TRANSFORMERS.items()])
def test_the_gradient_reaches_the_first_layer(name, facts):
    classifier = classifier_of(name, "average")
    set_trainable(classifier.backbone, 1.0)
    classifier.zero_grad()
    class_score(classifier(pixels_of(facts[0])), 1).sum().backward()
    first = next(p for p in classifier.backbone.parameters() if p.ndim == 4)
    assert first.grad is not None
    assert float(first.grad.abs().sum()) > 0


# VGG19 as system S3 has it -------------------------------------------------------------------------------------


def test_vgg19_with_the_published_head_has_its_parameters():
    network = Network(
        backbone="vgg19", weights="none", head=Head(hidden=(128, 64), dropout=0.35, l2=0.01), output="sigmoid"
    )
    classifier, _spec = build_classifier(network, 2)
    assert sum(p.numel() for p in classifier.backbone.parameters()) == 20_024_384
    assert sum(p.numel() for p in classifier.parameters()) == 20_098_369
    assert sum(p.numel() for p in classifier.parameters() if p.requires_grad) == 73_985
    kinds = [type(layer).__name__ for layer in classifier.head.layers]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    # block5_conv4 after its ReLU, the last layer before the last pooling
    layer = classifier.backbone.get_submodule(classifier.backbone.cam_layer)
    assert isinstance(layer, torch.nn.ReLU)
    modules = list(classifier.backbone.model.features)
    assert modules[-1].__class__.__name__ == "MaxPool2d"
    assert modules[-2] is layer


def test_vgg19_gets_the_input_that_its_weights_were_trained_with():
    scaling = configured_scaling("vgg19")
    transforms = VGG19_Weights.IMAGENET1K_V1.transforms()
    assert scaling.mean == tuple(transforms.mean)
    assert scaling.std == tuple(transforms.std)
    configuration = timm.get_pretrained_cfg("vgg19")
    assert scaling.mean == tuple(configuration.mean)
    assert scaling.std == tuple(configuration.std)
    pixels = pixels_of(224, n=1)
    theirs = torch.stack([(pixels[0, c] / 255.0 - transforms.mean[c]) / transforms.std[c] for c in range(3)])
    torch.testing.assert_close(Scaling(scaling)(pixels)[0], theirs)
    same_size = VGG19_Weights.IMAGENET1K_V1.transforms(resize_size=224)  # no resizing: pixels against pixels
    torch.testing.assert_close(Scaling(scaling)(pixels)[0], same_size(pixels[0]))


def test_networks_of_other_ranges_get_theirs():
    pixels = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    raw = Scaling(InputScaling(mean=(123.0, 117.0, 104.0), std=(1.0, 1.0, 1.0), range=255.0))(pixels)
    np.testing.assert_allclose(raw[0, :, 0, 0].numpy(), [132.0, 138.0, 151.0])
    unit = Scaling(InputScaling(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)))(pixels)
    np.testing.assert_allclose(unit.numpy(), 1.0)
    assert configured_scaling("small_cnn") == IMAGENET_SCALING


# which layers are trained --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.25, 4), (0.5, 8), (1.0, 16)])
def test_the_last_layers_are_trained_the_others_are_frozen(share, expected):
    backbone = build_backbone(BackboneSpec("small_cnn"))  # 8 convolutions, each with its norm
    assert set_trainable(backbone, share) == expected
    layers = [m for m in backbone.modules() if list(m.parameters(recurse=False))]
    trained = [all(p.requires_grad for p in m.parameters(recurse=False)) for m in layers]
    assert trained == [False] * (16 - expected) + [True] * expected


def test_setting_it_again_changes_it_back():
    backbone = build_backbone(BackboneSpec("small_cnn"))
    set_trainable(backbone, 0.0)
    assert not any(p.requires_grad for p in backbone.parameters())
    set_trainable(backbone, 1.0)
    assert all(p.requires_grad for p in backbone.parameters())


# names and outputs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "right"), [("mobilnetv2_100", "mobilenetv2_100"), ("small_cn", "small_cnn")])
def test_an_unknown_network_suggests_the_nearest(wrong, right):
    with pytest.raises(UnknownNameError) as caught:
        build_classifier(Network(backbone=wrong), 2)
    assert caught.value.found == wrong
    assert right in caught.value.cure


def test_a_name_like_nothing_gets_no_suggestion():
    with pytest.raises(UnknownNameError) as caught:
        build_backbone(BackboneSpec("zzqqzzqq"))
    assert caught.value.cure is None
    assert "small_cnn" in caught.value.expected


def test_a_single_logit_separates_two_classes_only():
    network = Network(backbone="small_cnn", weights="none", output="sigmoid")
    backbone = build_backbone(BackboneSpec("small_cnn"))
    with pytest.raises(RecipeError, match="two classes"):
        assemble(backbone, BackboneSpec("small_cnn"), network, 3)


def test_both_output_forms_say_the_same():
    z = torch.tensor([[-3.0], [0.0], [1.5], [40.0]])
    both = torch.cat([torch.zeros_like(z), z], dim=1)
    torch.testing.assert_close(class_probabilities(z), class_probabilities(both))
    assert class_probabilities(z)[2, 1] == pytest.approx(1 / (1 + np.exp(-1.5)))
    torch.testing.assert_close(class_score(z, 1), z[:, 0])
    torch.testing.assert_close(class_score(z, 0), -z[:, 0])
    torch.testing.assert_close(class_score(both, 0), both[:, 0])


def test_a_specification_survives_model_json():
    scaling = InputScaling(mean=(1.0, 2.0, 3.0), std=(4.0, 5.0, 6.0), range=255.0)
    spec = BackboneSpec("resnet18", {"pad_type": "same"}, scaling, "file.safetensors", "abc")
    assert BackboneSpec.from_dict(spec.as_dict()) == spec
