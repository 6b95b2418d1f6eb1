"""Where checkpoints of images and texts are looked for, and what is said when they are nowhere."""

from __future__ import annotations

import json
import os
import pickle
import socket
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import EntryNotFoundError

from clip_examples import save_clip, save_open_clip
from laudo.core.errors import WeightsError
from laudo.core.recipe import Network
from laudo.networks import hub
from laudo.networks.checkpoint_search import DEFAULTS, find_checkpoint
from laudo.networks.table import pretrained_backbone
from laudo.networks.text_encoders import pretrained_text_encoder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return save_clip(tmp_path_factory.mktemp("checkpoints") / "mine")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No weights of this machine, no network."""
    monkeypatch.delenv("LAUDO_WEIGHTS", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def unreachable(*_arguments, **_more):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)


def in_cache(folder: Path, repository: str, revision: str = "main", without: tuple[str, ...] = ()) -> Path:
    """Files of a checkpoint as the hub's client keeps them."""
    place = Path(constants.HF_HUB_CACHE) / ("models--" + repository.replace("/", "--"))
    reference = place / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(COMMIT)
    snapshot = place / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for file in folder.iterdir():
        if file.name not in without:
            (snapshot / file.name).write_bytes(file.read_bytes())
    return snapshot


def clip_repository() -> tuple[str, str]:
    repository, _at, revision = DEFAULTS["clip"].partition("@")
    return repository, revision


class FakeHub:
    """Answers as the hub does, from a folder; what is asked for lands in the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str, str | None]] = []

    def __call__(self, repository: str, file: str, revision: str | None = None) -> str:
        self.asked.append((repository, file, revision))
        if not (self.folder / file).is_file():
            raise EntryNotFoundError(f"404: {file} is not in {repository}")
        return str(self.folder / file)


@pytest.fixture
def online(monkeypatch, clip):
    """A hub that holds the tiny CLIP."""
    fake = FakeHub(clip)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    monkeypatch.setattr(hub, "hf_hub_download", fake)
    return fake


# the order ---------------------------------------------------------------------------------------------------------


def test_the_order_is_folder_then_own_weights_then_cache(tmp_path, monkeypatch, clip):
    repository, revision = clip_repository()
    cached = in_cache(clip, repository, revision)
    found = find_checkpoint("clip", "hub")
    assert (found.folder, found.origin) == (cached, repository)
    own = tmp_path / "weights" / "clip"
    own.mkdir(parents=True)
    for file in clip.iterdir():
        (own / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("LAUDO_WEIGHTS", str(own.parent))
    assert find_checkpoint("clip", "hub").folder == own
    assert find_checkpoint("clip", f"hub:{repository}@{revision}").folder == cached, (
        "a repository that is named is meant"
    )
    assert find_checkpoint("clip", str(clip)).folder == clip


def test_what_the_cache_holds_needs_no_network(clip):
    in_cache(clip, "owner/model")
    _backbone, spec = pretrained_backbone(Network(backbone="clip", weights="hub:owner/model"))
    assert spec.weights_from == "owner/model"
    encoder = pretrained_text_encoder("hub:owner/model", "hub", torch.device("cpu"))
    assert (encoder.kind, encoder.source.weights_from) == ("clip", "owner/model")


def test_what_the_cache_lacks_is_fetched_when_it_is_needed(clip, monkeypatch):
    in_cache(clip, "owner/model", without=("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"))
    network = Network(backbone="clip", weights="hub:owner/model")
    with pytest.raises(WeightsError, match="lacks a file"):
        pretrained_text_encoder("clip", "hub:owner/model", torch.device("cpu"))
    with pytest.raises(WeightsError, match="scaled"):
        pretrained_backbone(network)
    fake = FakeHub(clip)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    monkeypatch.setattr(hub, "hf_hub_download", fake)
    pretrained_backbone(network)
    pretrained_text_encoder("clip", "hub:owner/model", torch.device("cpu"))
    assert fake.asked == [("owner/model", "preprocessor_config.json", None), ("owner/model", "tokenizer.json", None)]


def test_a_repository_of_both_forms_is_read_as_asked(tmp_path, clip):
    folder = tmp_path / "both"
    save_open_clip(folder)
    for file in clip.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    assert find_checkpoint("open_clip", str(folder)).kind == "open_clip"
    assert find_checkpoint("clip", str(folder)).kind == "clip"
    assert find_checkpoint(None, str(folder)).kind == "clip"
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    assert find_checkpoint(None, str(folder)).kind == "open_clip"


# the hub -----------------------------------------------------------------------------------------------------------


def test_online_every_file_that_will_be_needed_is_fetched(online):
    repository, revision = clip_repository()
    find_checkpoint("clip", "hub")
    assert {(one, at) for one, _file, at in online.asked} == {(repository, revision)}
    files = [file for _one, file, _at in online.asked]
    assert files[:2] == ["config.json", "model.safetensors"]
    assert {"tokenizer.json", "preprocessor_config.json"} <= set(files)
    assert not any(file.endswith(".bin") for file in files)
    online.asked.clear()
    assert find_checkpoint(None, "hub:owner/model").kind == "clip"
    assert {(one, at) for one, _file, at in online.asked} == {("owner/model", None)}


def test_a_repository_of_pickles_is_refused_with_the_cure(online, tmp_path, clip):
    online.folder = tmp_path
    (tmp_path / "config.json").write_bytes((clip / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(WeightsError, match="was not found") as caught:
        find_checkpoint("clip", "hub:owner/model")
    assert "model.safetensors" in caught.value.found
    assert "weights_only=True" in caught.value.cure
    assert not any(file.endswith(".bin") for _one, file, _at in online.asked)


def test_a_repository_of_something_else_is_refused(online, tmp_path):
    online.folder = tmp_path
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(WeightsError, match="was not found"):
        find_checkpoint(None, "hub:owner/model")


def test_offline_the_error_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path / "mine"))
    repository, _revision = clip_repository()
    for call in (
        lambda: pretrained_backbone(Network(backbone="clip")),
        lambda: pretrained_text_encoder("clip", "hub", torch.device("cpu")),
    ):
        with pytest.raises(WeightsError, match="was not found") as caught:
            call()
        assert "no connection" in caught.value.found
        text = str(caught.value)
        for word in (str(tmp_path / "mine"), constants.HF_HUB_CACHE, repository, "model.safetensors"):
            assert word in text
        assert "LAUDO_WEIGHTS" in caught.value.cure


@pytest.mark.parametrize("name", ["", "a/b/c", "../../etc", "a b"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(WeightsError, match="was not found"):
        find_checkpoint("clip", f"hub:{name}")


# folders -----------------------------------------------------------------------------------------------------------


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "open_clip_pytorch_model.bin"])
def test_a_folder_with_pickles_only_is_refused_and_they_are_never_opened(clip, tmp_path, name):
    folder, sprung = tmp_path / "pickled", tmp_path / "sprung"
    folder.mkdir()
    for file in clip.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "open_clip_config.json").write_text("{}")
    (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    for kind, wanted in (("clip", "model.safetensors"), ("open_clip", "open_clip_model.safetensors")):
        with pytest.raises(WeightsError, match="no weights in the safetensors format") as caught:
            pretrained_backbone(Network(backbone=kind, weights=str(folder)))
        assert name in caught.value.found
        assert "weights_only=True" in caught.value.cure
        assert wanted in caught.value.cure
    with pytest.raises(WeightsError):
        pretrained_text_encoder(str(folder), "hub", torch.device("cpu"))
    assert not sprung.exists()


def test_a_pickle_with_the_right_name_is_refused_too(clip, tmp_path):
    folder, sprung = tmp_path / "pickled", tmp_path / "sprung"
    folder.mkdir()
    for file in clip.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap(sprung)))
    with pytest.raises(WeightsError, match="can not be read"):
        pretrained_backbone(Network(backbone="clip", weights=str(folder)))
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: None, "nothing"),
        (lambda path: path.write_bytes(b"x"), "a file"),
        (lambda path: path.mkdir(), "nothing"),
        (lambda path: (path.mkdir(), (path / "readme.md").write_text("x")), "readme.md"),
    ],
)
def test_what_is_no_checkpoint_says_what_was_expected(tmp_path, make, found):
    path = tmp_path / "there"
    make(path)
    for kind in ("clip", "open_clip", None):
        with pytest.raises(WeightsError, match="no checkpoint here") as caught:
            find_checkpoint(kind, str(path))
        assert caught.value.found == found
        assert "config.json" in caught.value.expected


@pytest.mark.parametrize("setting", ["hub", "none"])
def test_a_checkpoint_of_any_form_must_be_named(setting):
    with pytest.raises(WeightsError, match="must be named"):
        find_checkpoint(None, setting)
