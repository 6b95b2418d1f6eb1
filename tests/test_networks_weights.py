"""Pretrained weights: what a file may say, what is refused, and where it is looked for."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torchvision.models import squeezenet1_1

from laudo.core.errors import WeightsError
from laudo.core.recipe import InputScaling, Network
from laudo.networks import weights_search
from laudo.networks.backbone import IMAGENET_SCALING, BackboneSpec
from laudo.networks.table import build_backbone, pretrained_backbone
from laudo.networks.weights_file import read_weights
from laudo.networks.weights_search import find_weights, hub_repository

TIMM = {"timm": "create_model('mobilenetv2_100', pad_type='same', num_classes=0)"}


@pytest.fixture(scope="module")
def mobilenet():
    """Weights that no fresh network has, classifier included."""
    torch.manual_seed(11)
    state = timm.create_model("mobilenetv2_100").state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No weights of this machine, no network."""
    monkeypatch.delenv("LAUDO_WEIGHTS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def unreachable(*_arguments, **_more):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)


def write(path: Path, tensors, **metadata) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata=metadata)
    return path


def load(path: Path, backbone: str = "mobilenetv2_100", **more):
    return pretrained_backbone(Network(backbone=backbone, weights=str(path), **more))


# files ---------------------------------------------------------------------------------------------------------


def test_a_file_says_how_its_network_is_built_and_scaled(tmp_path, mobilenet):
    path = write(tmp_path / "m.safetensors", mobilenet, **TIMM, input="RGB 224x224, mean 0.5, std 0.25")
    backbone, spec = load(path)
    assert spec.options == {"pad_type": "same"}
    assert spec.scaling == InputScaling(mean=(0.5,) * 3, std=(0.25,) * 3, range=1.0)
    assert spec.weights_from == "m.safetensors"
    assert len(spec.weights_sha256) == 64
    for name, tensor in backbone.model.state_dict().items():
        assert torch.equal(tensor, mobilenet[name]), name
    plain = build_backbone(BackboneSpec("mobilenetv2_100"))
    plain.model.load_state_dict(backbone.model.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(plain.eval()(x), backbone.eval()(x))  # pad_type was really passed on


def test_a_file_of_torchvision(tmp_path):
    state = squeezenet1_1(weights=None).state_dict()
    path = write(
        tmp_path / "s.safetensors",
        state,
        torchvision="squeezenet1_1().features",
        input="RGB 0..255 minus (123.68, 116.779, 103.939), no division",
    )
    backbone, spec = load(path, "squeezenet1_1")
    assert spec.scaling == InputScaling(mean=(123.68, 116.779, 103.939), std=(1.0, 1.0, 1.0), range=255.0)
    assert torch.equal(backbone.features[0].weight, state["features.0.weight"])


def test_a_file_without_a_word_gets_the_scaling_of_its_network(tmp_path, mobilenet):
    _backbone, spec = load(write(tmp_path / "m.safetensors", mobilenet))
    assert spec.scaling == IMAGENET_SCALING
    assert spec.options == {}


def test_the_recipe_overrules_the_scaling_of_the_file(tmp_path, mobilenet):
    own = InputScaling(mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    path = write(tmp_path / "m.safetensors", mobilenet, input="RGB mean 0.5, std 0.5")
    assert load(path, input_scaling=own)[1].scaling == own


def test_a_scaling_in_laudos_own_words(tmp_path, mobilenet):
    own = InputScaling(mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0), range=255.0)
    assert load(write(tmp_path / "m.safetensors", mobilenet, laudo=own.model_dump_json()))[1].scaling == own


def test_the_tag_of_a_timm_name_does_not_matter(tmp_path, mobilenet):
    path = write(tmp_path / "m.safetensors", mobilenet, timm="create_model('mobilenetv2_100.ra_in1k')")
    assert load(path)[1].weights_from == "m.safetensors"
    assert load(path, "mobilenetv2_100.ra_in1k")[1].name == "mobilenetv2_100.ra_in1k"


def test_weights_of_another_network_are_refused(tmp_path, mobilenet):
    path = write(tmp_path / "m.safetensors", mobilenet, **TIMM)
    with pytest.raises(WeightsError) as caught:
        load(path, "resnet18")
    assert (caught.value.expected, caught.value.found) == ("resnet18", "mobilenetv2_100")
    assert "mobilenetv2_100" in caught.value.cure


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("conv_stem.weight"), ("missing", "conv_stem.weight")),
        (lambda state: state.update({"stranger.weight": torch.zeros(1)}), ("too many", "stranger.weight")),
        (lambda state: state.update({"bn1.weight": torch.zeros(7)}), ("other shape", "bn1.weight")),
    ],
)
def test_tensors_must_fit_one_by_one(tmp_path, mobilenet, change, words):
    state = dict(mobilenet)
    change(state)
    with pytest.raises(WeightsError) as caught:
        load(write(tmp_path / "m.safetensors", state))
    assert len(caught.value.details) == 1
    assert all(word in caught.value.details[0] for word in words)


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("name", ["weights.pth", "weights.pt", "mobilenetv2_100.safetensors"])
def test_a_pickle_is_refused_and_never_opened_as_one(tmp_path, monkeypatch, name):
    sprung = tmp_path / "sprung"
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(WeightsError) as caught:
        load(path)
    assert "pickled" in caught.value.expected
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError):
        pretrained_backbone(Network(backbone="mobilenetv2_100"))
    assert not sprung.exists()
    pickle.loads(path.read_bytes())  # the trap does work
    assert sprung.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 64, b"\xff" * 64])
def test_what_is_not_safetensors_is_refused(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="can not be read"):
        load(path)


def test_a_file_cut_short_is_refused(tmp_path, mobilenet):
    path = write(tmp_path / "m.safetensors", mobilenet)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="can not be read"):
        load(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {"input": "BGR 224x224, mean 0.5, std 0.5"},
        {"input": "RGB 224x224, mean 0.5"},
        {"input": "RGB 224x224, mean 0.5, std 0.5, and something else"},
        {"laudo": "no json"},
        {"laudo": '{"mean": [1, 2]}'},
        {"timm": "mobilenetv2_100"},
        {"timm": "create_model("},
        {"timm": "create_model()"},
        {"timm": "create_model(__import__('os').getcwd())"},
    ],
)
def test_words_that_are_not_understood_are_not_guessed(tmp_path, metadata):
    path = write(tmp_path / "m.safetensors", {"a": torch.zeros(1)}, **metadata)
    with pytest.raises(WeightsError, match="not understood") as caught:
        read_weights(path)
    assert caught.value.file == str(path)
    assert next(iter(metadata.values())) in caught.value.found


# where they are looked for --------------------------------------------------------------------------------------


def fake_hub(mobilenet) -> Path:
    repository = Path(constants.HF_HUB_CACHE) / "models--timm--mobilenetv2_100.ra_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
    return write(repository / "snapshots" / "0123456789abcdef0123456789abcdef01234567" / "model.safetensors", mobilenet)


def test_the_order_is_file_then_folder_then_hub_cache(tmp_path, monkeypatch, mobilenet):
    tensors = {"a": torch.zeros(1)}
    cached = fake_hub(tensors)
    assert find_weights("mobilenetv2_100", "hub") == (cached, "timm/mobilenetv2_100.ra_in1k")
    local = write(tmp_path / "local" / "mobilenetv2_100.safetensors", tensors)
    monkeypatch.setenv("LAUDO_WEIGHTS", str(local.parent))
    assert find_weights("mobilenetv2_100", "hub") == (local, local.name)
    assert find_weights("resnet18.a1_in1k", "none") is None
    own = write(tmp_path / "own.safetensors", tensors)
    assert find_weights("mobilenetv2_100", str(own)) == (own, "own.safetensors")


def test_weights_of_the_hubs_cache_are_used_without_a_network(mobilenet):
    fake_hub(mobilenet)
    backbone, spec = pretrained_backbone(Network(backbone="mobilenetv2_100"))
    assert spec.weights_from == "timm/mobilenetv2_100.ra_in1k"
    assert torch.equal(backbone.model.conv_stem.weight, mobilenet["conv_stem.weight"])


def test_offline_the_error_names_file_and_places(tmp_path, monkeypatch):
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path / "mine"))
    with pytest.raises(WeightsError) as caught:
        find_weights("mobilenetv2_100", "hub")
    error = caught.value
    text = str(error)
    assert "no connection" in error.found
    for word in (str(tmp_path / "mine"), constants.HF_HUB_CACHE, "timm/mobilenetv2_100.ra_in1k", "model.safetensors"):
        assert word in text
    assert "mobilenetv2_100.safetensors" in error.cure
    assert "LAUDO_WEIGHTS" in error.cure


def test_with_a_network_the_hub_is_asked_and_its_errors_are_ours(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])

    def download(repository, file):
        asked.append((repository, file))
        if len(asked) == 2:
            raise OSError("disk full")
        return str(tmp_path / "got.safetensors")

    monkeypatch.setattr(weights_search, "hf_hub_download", download)
    assert find_weights("vgg19", "hub") == (tmp_path / "got.safetensors", "timm/vgg19.tv_in1k")
    with pytest.raises(WeightsError, match="were not found") as caught:
        find_weights("vgg19", "hub")
    assert caught.value.found == "disk full"
    assert asked == [("timm/vgg19.tv_in1k", "model.safetensors")] * 2


def test_a_network_that_is_not_on_the_hub_says_so():
    assert hub_repository("small_cnn") == ""
    with pytest.raises(WeightsError) as caught:
        find_weights("small_cnn", "hub")
    assert "weights=none" in caught.value.cure


def test_a_named_file_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match="no weights file") as caught:
        load(tmp_path / "nothing.safetensors")
    assert caught.value.file == str(tmp_path / "nothing.safetensors")
