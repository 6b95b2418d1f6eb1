"""Image sides of networks of images and texts: the vectors of transformers and open_clip, and the promises of a backbone."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

import laudo
from clip_examples import KIND, SAVED, SIDE, change, change_tensors, images, livelier, pixels, save_open
from laudo.core.errors import LaudoError, RecipeError, WeightsError
from laudo.core.recipe import InputScaling, Network, Prepare
from laudo.networks import optional_package
from laudo.networks.backbone import BackboneSpec, Scaling
from laudo.networks.classifier import Classifier, class_score, set_trainable
from laudo.networks.clip_backbone import CLIP_SCALING
from laudo.networks.table import assemble, build_backbone, build_classifier, frozen_network, pretrained_backbone

TRANSFORMERS = ("clip", "siglip", "siglip2")
WEIGHTS = {"clip": "model.safetensors", "open_clip": "open_clip_model.safetensors"}


def network_of(name, folder, **more):
    return Network(backbone=KIND[name], weights=str(folder), **more)


def loaded(name, folder):
    backbone, spec = pretrained_backbone(network_of(name, folder))
    return backbone.eval(), spec


def classifier_of(name, folder, pooling="average"):
    backbone, spec = loaded(name, folder)
    torch.manual_seed(2)
    return Classifier(backbone, Scaling(spec.scaling), Network(backbone="own", pooling=pooling), 2).eval()


@torch.no_grad()
def theirs(name, folder, batch):
    """(n, D) vectors of length 1 as the library of the checkpoint makes them from pictures."""
    if KIND[name] == "clip":
        import transformers

        processor = {"clip": "CLIPImageProcessor", "siglip": "SiglipImageProcessor", "siglip2": "Siglip2ImageProcessor"}
        model = transformers.AutoModel.from_pretrained(folder).eval()
        size = (
            {"patch_size": 8, "max_num_patches": 16}
            if name == "siglip2"
            else {"do_resize": False, "do_center_crop": False}
        )
        prepare = getattr(transformers, processor[name]).from_pretrained(folder, **size)
        found = model.get_image_features(**prepare(images=images(batch), return_tensors="pt"))
        return normalize(found if isinstance(found, torch.Tensor) else found.pooler_output, dim=1)
    import open_clip
    from PIL import Image

    model, _train, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}", pretrained_text=False)
    return normalize(
        model.eval().encode_image(torch.stack([prepare(Image.fromarray(one)) for one in images(batch)])), dim=1
    )


# the same vectors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_vectors_are_those_of_the_library_that_the_checkpoint_is_for(checkpoints, name):
    backbone, spec = loaded(name, checkpoints[name])
    batch = pixels(3, SIDE[name])
    with torch.no_grad():
        ours = backbone(Scaling(spec.scaling)(batch))
    expected = theirs(name, checkpoints[name], batch)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
    assert (expected[0] - expected[1]).abs().max() > 1e-3  # and the images do not all look the same
    torch.testing.assert_close(ours.norm(dim=1), torch.ones(3))
    assert ours.shape == (3, backbone.vector_size)


@pytest.mark.parametrize("name", SAVED)
def test_the_specification_builds_it_again_without_the_checkpoint(checkpoints, name, tmp_path):
    backbone, spec = loaded(name, checkpoints[name])
    save_file({key: one.contiguous() for key, one in backbone.state_dict().items()}, tmp_path / "model.safetensors")
    facts = json.loads(json.dumps(spec.as_dict()))
    assert str(checkpoints[name]) not in json.dumps(facts)
    assert facts["weights_from"] == name
    assert len(facts["weights_sha256"]) == 64
    again = build_backbone(BackboneSpec.from_dict(facts)).eval()
    again.load_state_dict(load_file(tmp_path / "model.safetensors"))
    x = Scaling(spec.scaling)(pixels(2, SIDE[name]))
    with torch.no_grad():
        assert torch.equal(again(x), backbone(x))


@pytest.mark.parametrize("name", SAVED)
def test_tensors_keep_the_names_of_the_hubs_files(checkpoints, name):
    backbone, _spec = loaded(name, checkpoints[name])
    stored = load_file(checkpoints[name] / WEIGHTS[KIND[name]])
    for key, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, stored[key]), key


def test_half_precision_weights_become_single(copied_checkpoint):
    folder = copied_checkpoint("clip")
    stored = {key: one.to(torch.bfloat16) for key, one in load_file(folder / "model.safetensors").items()}
    stored["vision_model.embeddings.position_ids"] = torch.arange(17)[None]  # as older files have it
    save_file(stored, folder / "model.safetensors")
    backbone, _spec = loaded("clip", folder)
    assert {one.dtype for one in backbone.state_dict().values()} == {torch.float32}
    assert torch.equal(backbone.visual_projection.weight, stored["visual_projection.weight"].float())


def test_weights_may_be_cut_into_several_files(checkpoints, copied_checkpoint):
    folder = copied_checkpoint("clip")
    stored = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {"a.safetensors": {}, "b.safetensors": {}}
    for number, (key, one) in enumerate(stored.items()):
        parts[("a.safetensors", "b.safetensors")[number % 2]][key] = one
    for part, tensors in parts.items():
        save_file(tensors, folder / part)
    index = {key: part for part, tensors in parts.items() for key in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    ours, whole = loaded("clip", folder), loaded("clip", checkpoints["clip"])
    assert all(torch.equal(a, b) for a, b in zip(ours[0].parameters(), whole[0].parameters(), strict=True))
    assert ours[1].weights_sha256 != whole[1].weights_sha256
    index[next(iter(index))] = "../a.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    with pytest.raises(WeightsError, match="list of weights files"):
        loaded("clip", folder)


# the promises of a backbone ----------------------------------------------------------------------------------------

CELLS = {"clip": 4, "siglip": 4, "siglip2": 4, "open_clip": 4, "biomedical": 10}
CHANNELS = {"clip": 40, "siglip": 28, "siglip2": 28, "open_clip": 64, "biomedical": 64}


@pytest.mark.parametrize("name", SAVED)
@torch.no_grad()
def test_it_says_its_sizes(checkpoints, name):
    backbone, spec = loaded(name, checkpoints[name])
    x = Scaling(spec.scaling)(pixels(2, SIDE[name]))
    assert not backbone.convolutional
    assert backbone.exact_px == (SIDE[name], SIDE[name])
    assert backbone.feature_map(x).shape == (2, CHANNELS[name], CELLS[name], CELLS[name])
    assert backbone.map_channels == CHANNELS[name]
    assert backbone.map_size(SIDE[name], SIDE[name]) == (CELLS[name], CELLS[name])
    assert backbone.pool(backbone.feature_map(x)).shape == (2, backbone.vector_size)


@pytest.mark.parametrize("name", SAVED)
@torch.no_grad()
def test_tokens_are_laid_on_their_places(checkpoints, name):
    """After the first layer every token knows of all: its own place is where most changes."""
    backbone, _spec = loaded(name, checkpoints[name])
    x = torch.zeros(1, 3, SIDE[name], SIDE[name])
    plain = backbone.feature_map(x)
    cell = SIDE[name] // CELLS[name]
    x[:, :, 2 * cell : 3 * cell, cell : 2 * cell] = 20  # row 2, column 1
    changed = (backbone.feature_map(x) - plain).abs().sum(dim=1)[0]
    assert divmod(int(changed.argmax()), changed.shape[1]) == (2, 1)


@pytest.mark.parametrize("name", ["siglip", "siglip2"])
@torch.no_grad()
def test_siglip_pools_its_map_as_it_was_trained(checkpoints, name):
    backbone, spec = loaded(name, checkpoints[name])
    x = Scaling(spec.scaling)(pixels(2))
    torch.testing.assert_close(backbone.pool(backbone.feature_map(x)), backbone(x))


@pytest.mark.parametrize("name", SAVED)
@torch.no_grad()
def test_it_fits_every_head(checkpoints, name):
    for pooling in ("average", "max", "average+max"):
        assert classifier_of(name, checkpoints[name], pooling)(pixels(2, SIDE[name])).shape == (2, 2)
    plain = frozen_network(network_of(name, checkpoints[name]), None).eval()
    assert plain.image_vector(pixels(2, SIDE[name])).shape == (2, plain.size)


@pytest.mark.parametrize("name", SAVED)
def test_grey_is_colour_with_equal_channels_and_evaluation_repeats_itself(checkpoints, name):
    classifier = classifier_of(name, checkpoints[name])
    grey = pixels(2, SIDE[name])[:, :1]
    with torch.no_grad():
        answer = classifier(grey)
        assert torch.equal(answer, classifier(grey))
        torch.testing.assert_close(answer, classifier(grey.repeat(1, 3, 1, 1)))
        assert not torch.allclose(answer, classifier(255 - grey))


@pytest.mark.parametrize("name", SAVED)
def test_the_gradient_reaches_the_first_layer(checkpoints, name):
    classifier = classifier_of(name, checkpoints[name])
    set_trainable(classifier.backbone, 1.0)
    class_score(classifier(pixels(2, SIDE[name])), 1).sum().backward()
    first = next(one for key, one in classifier.named_parameters() if "patch_embed" in key or "conv1" in key)
    assert float(first.grad.abs().sum()) > 0


def test_the_usual_one_has_random_weights_where_none_are_asked_for():
    """CLIP ViT-B/32: its image side has 87,849,216 parameters (Radford 2021)."""
    for name in ("clip", "open_clip"):
        torch.manual_seed(0)
        backbone, spec = pretrained_backbone(Network(backbone=name, weights="none"))
        assert sum(one.numel() for one in backbone.parameters()) == 87_849_216
        assert (backbone.vector_size, backbone.exact_px) == (512, (224, 224))
        assert (spec.scaling, spec.weights_from) == (CLIP_SCALING, "random")
        assert spec.options


VISION = {
    "tokens pooled by attention": ({"timm_model_name": "test_vit", "timm_pool": "map", "timm_proj": "none"}, 160, 64),
    "tokens pooled by their mean": ({"timm_model_name": "test_vit", "timm_pool": "avg", "timm_proj": "mlp"}, 160, 20),
    "a map, projected twice": ({"timm_model_name": "test_convnext", "timm_pool": "avg", "timm_proj": "mlp"}, 64, 20),
    "a map, projected by the network": (
        {"timm_model_name": "test_efficientnet", "timm_pool": "avg", "timm_proj": None},
        64,
        20,
    ),
    "a residual network": ({"layers": [1, 1, 1, 1], "width": 8}, 64, 20),
    "open_clip's own, mean of tokens": ({"layers": 1, "width": 64, "patch_size": 16, "pool_type": "avg"}, 64, 20),
}


@pytest.mark.parametrize("name", VISION)
@torch.no_grad()
def test_every_form_of_open_clip_gives_its_vectors_and_pools_its_map(tmp_path, name):
    from open_clip.model import CLIP

    vision, side, size = VISION[name]
    text = {"context_length": 8, "vocab_size": 49408, "width": 8, "heads": 1, "layers": 1}
    model = {"embed_dim": size, "vision_cfg": {"image_size": side, **vision}, "text_cfg": text}
    torch.manual_seed(6)
    network = livelier(CLIP(**model), 0.02)
    folder = save_open(tmp_path / "model", model, network.state_dict(), {"mean": [0.5] * 3, "std": [0.5] * 3})
    backbone, spec = loaded("open_clip", folder)
    x = Scaling(spec.scaling)(pixels(3, side) // torch.tensor([1, 3, 9])[:, None, None, None])
    ours = backbone(x)
    torch.testing.assert_close(ours, normalize(network.encode_image(x), dim=1), atol=1e-5, rtol=0)
    assert (ours[0] - ours[1]).abs().max() > 1e-3
    assert backbone.feature_map(x).shape[:2] == (3, backbone.map_channels)
    torch.testing.assert_close(backbone.pool(backbone.feature_map(x)), ours, atol=1e-5, rtol=0)


# scaling and size --------------------------------------------------------------------------------------------------


def test_scaling_is_what_the_checkpoint_says(copied_checkpoint):
    folder = copied_checkpoint("clip")
    assert loaded("clip", folder)[1].scaling == InputScaling(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    change(folder, "preprocessor_config.json", rescale_factor=1 / 127.5)
    assert loaded("clip", folder)[1].scaling.range == pytest.approx(2)
    change(folder, "preprocessor_config.json", do_rescale=False)
    assert loaded("clip", folder)[1].scaling.range == 255
    change(folder, "preprocessor_config.json", do_normalize=False, do_rescale=True, rescale_factor=None)
    assert loaded("clip", folder)[1].scaling == InputScaling(mean=(0.0,) * 3, std=(1.0,) * 3)
    nested = {"image_processor": {"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}}  # as newer versions save it
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").write_text(json.dumps(nested))
    assert loaded("clip", folder)[1].scaling.mean == (0.1, 0.2, 0.3)


def test_scaling_is_not_guessed_but_may_be_said(copied_checkpoint):
    folder = copied_checkpoint("siglip")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match="scaled") as caught:
        loaded("siglip", folder)
    assert "input_scaling" in caught.value.cure
    own = InputScaling(mean=(0.1,) * 3, std=(0.2,) * 3)
    assert pretrained_backbone(network_of("siglip", folder, input_scaling=own))[1].scaling == own


def test_open_clip_has_clips_scaling_where_it_says_nothing(copied_checkpoint):
    folder = copied_checkpoint("open_clip")
    change(folder, "open_clip_config.json", preprocess_cfg=None)
    assert loaded("open_clip", folder)[1].scaling == CLIP_SCALING


@pytest.mark.parametrize("name", SAVED)
def test_images_of_another_size_are_refused_not_stretched(checkpoints, name):
    network, side = network_of(name, checkpoints[name]), SIDE[name]
    build_classifier(network, 2, (side, side))
    for wrong in ((side * 2, side * 2), (side // 2, side * 2)):
        with pytest.raises(RecipeError) as caught:
            build_classifier(network, 2, wrong)
        assert caught.value.cure == f"--set prepare.height={side} --set prepare.width={side}"
        backbone, _spec = loaded(name, checkpoints[name])
        with pytest.raises(ValueError, match="pixels"):
            backbone(torch.zeros(1, 3, *wrong))
        with pytest.raises(ValueError, match="pixels"):
            backbone.feature_map(torch.zeros(1, 3, *wrong))


def test_blocks_are_for_convolutional_networks(checkpoints):
    backbone, spec = loaded("clip", checkpoints["clip"])
    with pytest.raises(RecipeError, match="convolutional"):
        assemble(backbone, spec, network_of("clip", checkpoints["clip"], blocks=("se",)), 2)


# what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("clip", {"model_type": "altclip"}, "altclip"),
        ("clip", {"vision_config": {"hidden_size": "many"}}, "hidden_size"),
        ("clip", {"vision_config": {"hidden_size": 30, "num_attention_heads": 4}}, "30"),
        ("open_clip", {"model_cfg": None}, "model_cfg"),
        ("open_clip", {"model_cfg": {"embed_dim": 4, "vision_cfg": {"color": 3}}}, "color"),
        ("open_clip", {"model_cfg": {"embed_dim": 4, "vision_cfg": {"timm_model_name": "hf-hub:a/b"}}}, "hf-hub:a/b"),
        ("open_clip", {"model_cfg": {"embed_dim": 4, "vision_cfg": {"attentional_pool": True}}}, "attentional_pool"),
        ("open_clip", {"model_cfg": {"embed_dim": 4, "vision_cfg": {}, "multimodal_cfg": {}}}, "multimodal_cfg"),
    ],
)
def test_a_description_that_is_not_understood_names_its_file(copied_checkpoint, name, values, words):
    folder = copied_checkpoint(name)
    change(folder, "config.json" if name == "clip" else "open_clip_config.json", **values)
    with pytest.raises(WeightsError, match="not understood") as caught:
        loaded(name, folder)
    assert words in caught.value.found
    assert caught.value.file.endswith("config.json")


def test_a_description_that_is_no_json_names_its_file(copied_checkpoint):
    folder = copied_checkpoint("clip")
    for text in ("{", "[]"):
        (folder / "config.json").write_text(text)
        with pytest.raises(WeightsError, match="can not be read") as caught:
            loaded("clip", folder)
        assert caught.value.file == str(folder / "config.json")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"visual_projection__weight": None}, "missing"),
        ({"vision_model__extra": torch.zeros(1)}, "too many"),
        ({"visual_projection__weight": torch.zeros(3, 3)}, "other shape"),
    ],
)
def test_tensors_must_fit_one_by_one(copied_checkpoint, values, word):
    folder = copied_checkpoint("clip")
    change_tensors(folder / "model.safetensors", **values)
    with pytest.raises(WeightsError, match="do not fit") as caught:
        loaded("clip", folder)
    assert word in caught.value.details[0]


def test_code_of_a_checkpoint_is_never_run(copied_checkpoint, tmp_path):
    folder = copied_checkpoint("clip")
    change(folder, "config.json", auto_map={"AutoModel": "sprung.Net", "AutoConfig": "sprung.Config"})
    (folder / "sprung.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n")
    loaded("clip", folder)
    assert not (tmp_path / "sprung").exists()


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "open_clip", None)
    for name in ("clip", "open_clip"):
        with pytest.raises(LaudoError, match="not installed") as caught:
            pretrained_backbone(Network(backbone=name, weights="none"))
        assert caught.value.cure == "pip install 'laudo[clip]'"


def test_packages_are_imported_only_when_asked_for():
    for path in Path(laudo.__file__).parent.rglob("*.py"):
        imports = [
            node
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        named = {one.name for node in imports for one in node.names} | {
            getattr(node, "module", None) for node in imports
        }
        assert not {"transformers", "open_clip", "tokenizers"} & {str(name).split(".")[0] for name in named}, path


def test_telemetry_is_off_for_whoever_imported_the_hub_first(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    optional_package.load_package("tokenizers")
    assert constants.HF_HUB_DISABLE_TELEMETRY


def test_prepared_images_of_a_recipe_go_through(checkpoints):
    """The whole way from a recipe: 8-bit pixels of the size that the recipe prepares."""
    prepare = Prepare(height=SIDE["clip"], width=SIDE["clip"])
    classifier, spec = build_classifier(network_of("clip", checkpoints["clip"]), 3, (prepare.height, prepare.width))
    with torch.no_grad():
        vector = classifier.eval().embed(pixels(1))
        torch.testing.assert_close(vector, classifier.backbone(Scaling(spec.scaling)(pixels(1))))
