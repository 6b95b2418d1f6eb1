"""Text sides of networks of images and texts: the vectors of transformers and open_clip, and what is kept of them in a run."""

from __future__ import annotations

import json
import socket
import string

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

from clip_examples import KIND, SAVED, TEXTS, change, change_tensors
from laudo.core.errors import LaudoError, RunError, WeightsError
from laudo.core.progress import overhear
from laudo.core.recipe import Network
from laudo.networks import checkpoint_tokenizer
from laudo.networks.table import pretrained_backbone
from laudo.networks.text_encoders import LOADERS, load_text_encoder, pretrained_text_encoder

CPU = torch.device("cpu")


@pytest.fixture
def no_network(monkeypatch):
    """Whoever wants to reach another machine fails."""
    asked = []

    def refuse(*arguments, **_more):
        asked.append(arguments)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    return asked


def encoder_of(folder, name="clip"):
    encoder = pretrained_text_encoder(KIND[name], str(folder), CPU)
    encoder.precision = "fp32"
    return encoder


def canonical(text):
    """As SigLIP's authors prepare texts."""
    return " ".join("".join(one for one in text.lower() if one not in string.punctuation).split())


@torch.no_grad()
def theirs(name, folder, texts):
    """(n, D) vectors of length 1 as the library of the checkpoint makes them."""
    if KIND[name] == "open_clip":
        import open_clip

        model = open_clip.create_model(f"local-dir:{folder}", pretrained_text=False).eval()
        return normalize(model.encode_text(open_clip.get_tokenizer(f"local-dir:{folder}")(texts)), dim=1).numpy()
    import transformers

    if name == "siglip":  # transformers' own class of it reads a file of another library
        texts = [canonical(text) for text in texts]
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"), pad_token="</s>", eos_token="</s>", model_max_length=16
        )
    else:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    fill = {"padding": True} if name == "clip" else {"padding": "max_length", "return_attention_mask": False}
    numbers = tokenizer(
        texts,
        truncation=True,
        max_length=24 if name == "clip" else 16,
        return_tensors="pt",
        padding_side="right",
        **fill,
    )
    found = transformers.AutoModel.from_pretrained(folder).eval().get_text_features(**numbers)
    return normalize(found if isinstance(found, torch.Tensor) else found.pooler_output, dim=1).numpy()


# the same vectors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_vectors_are_those_of_the_library_that_the_checkpoint_is_for(checkpoints, name):
    encoder = encoder_of(checkpoints[name], name)
    ours = encoder.encode(TEXTS)
    said = [index for index, text in enumerate(TEXTS) if text]
    expected = theirs(name, checkpoints[name], [TEXTS[index] for index in said])
    np.testing.assert_allclose(ours[said], expected, atol=1e-5)
    assert ours.shape == (len(TEXTS), encoder.size)
    assert ours.dtype == np.float32
    assert (encoder.kind, encoder.size) == (KIND[name], {"siglip": 28, "siglip2": 28}.get(name, 20))
    far = np.abs(ours[said][:, None] - ours[said][None]).max(axis=2) + np.eye(len(said))
    assert far.min() > 1e-3, "texts that differ, accents included, differ"


@pytest.mark.parametrize(
    "settings",
    [{}, {"clean": "canonicalize"}, {"clean": "lower", "strip_sep_token": True}],
    ids=["plain", "canonical", "stripped"],
)
def test_open_clips_own_transformer_with_a_tokenizer_of_its_checkpoint(checkpoints, copied_checkpoint, settings):
    """As SigLIP stands in open_clip: filled to the longest text, cleaned as the checkpoint says."""
    import open_clip

    folder = copied_checkpoint("open_clip")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((checkpoints["biomedical"] / name).read_bytes())
    model = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    text = {**model["text_cfg"], "hf_tokenizer_name": "owner/model", "tokenizer_kwargs": settings}
    change(folder, "open_clip_config.json", model_cfg={**model, "text_cfg": text})
    encoder = encoder_of(folder, "open_clip")
    texts = [text for text in TEXTS if text]
    np.testing.assert_allclose(encoder.encode(texts), theirs("open_clip", folder, texts), atol=1e-5)
    numbers = open_clip.get_tokenizer(f"local-dir:{folder}")(texts).tolist()
    assert encoder.tokenizer.filled(encoder.tokenizer.numbers(texts)[0]) == numbers
    assert any(3 in line for line in numbers) != ("strip_sep_token" in settings)


def test_capitals_stay_where_the_tokenizer_tells_them_apart(copied_checkpoint):
    folder = copied_checkpoint("biomedical")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    texts = ["CT of the chest", "ct  of the\nchest &amp; more"]
    encoder = encoder_of(folder, "biomedical")
    assert 1 in encoder.tokenizer.numbers(texts)[0][0], "a word in capitals is not known"
    np.testing.assert_allclose(encoder.encode(texts), theirs("biomedical", folder, texts), atol=1e-5)


def test_siglip2_reads_lower_case_though_its_tokenizer_does_not_say_so(checkpoints, copied_checkpoint):
    folder = copied_checkpoint("siglip2")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    texts = ["Tomografía IZQUIERDA", "CT"]
    assert np.array_equal(
        encoder_of(folder, "siglip2").encode(texts), encoder_of(checkpoints["siglip2"], "siglip2").encode(texts)
    )


def test_bfloat16_is_close(checkpoints):
    encoder = encoder_of(checkpoints["clip"])
    exact = encoder.encode(TEXTS)
    encoder.precision = "bf16"
    rough = encoder.encode(TEXTS)
    assert rough.dtype == np.float32
    assert not np.array_equal(rough, exact)
    np.testing.assert_allclose(rough, exact, atol=0.03)


@pytest.mark.parametrize("name", SAVED)
def test_image_and_text_stand_in_one_space(checkpoints, name):
    backbone, _spec = pretrained_backbone(Network(backbone=KIND[name], weights=str(checkpoints[name])))
    assert backbone.vector_size == encoder_of(checkpoints[name], name).size


@pytest.mark.parametrize("name", SAVED)
def test_an_empty_text_is_nothing(checkpoints, name):
    encoder = encoder_of(checkpoints[name], name)
    found = encoder.encode(["", " \n\t", "ct"])
    assert not found[:2].any()
    np.testing.assert_allclose(np.linalg.norm(found[2]), 1, atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.size)
    assert encoder.encode(["", ""]).shape == (2, encoder.size)


@pytest.mark.parametrize("name", SAVED)
def test_a_text_does_not_depend_on_its_neighbours(checkpoints, name):
    encoder = encoder_of(checkpoints[name], name)
    many = [f"{text} {number}" for number in range(40) for text in TEXTS[:4]]
    together = encoder.encode(many)
    assert np.array_equal(together, encoder.encode(many))
    for index in (0, 1, 63, 64, 159):
        np.testing.assert_allclose(encoder.encode([many[index]])[0], together[index], atol=1e-5)


@pytest.mark.parametrize("name", SAVED)
def test_what_is_too_long_is_cut_and_said_once(checkpoints, name):
    encoder = encoder_of(checkpoints[name], name)
    longest = encoder.tokenizer.rules.longest
    with overhear() as heard:
        found = encoder.encode(TEXTS)
        encoder.encode(TEXTS)
    assert len(heard) == 1
    assert str(longest) in heard[0]
    cut = encoder.cut
    assert 2 <= cut <= 2 * len(TEXTS)
    np.testing.assert_allclose(encoder.encode([TEXTS[-1] + "other end"])[0], found[-1], atol=1e-6)
    assert encoder.cut == cut + 1
    numbers, _cut = encoder.tokenizer.numbers([TEXTS[-1], "x"])
    assert len(numbers[0]) == longest
    assert numbers[0][-1] == numbers[1][-1], "the mark at the end stays"


def test_exactly_as_long_is_not_cut(checkpoints):
    encoder = encoder_of(checkpoints["clip"])
    fits, over = " ".join("x" * 22), " ".join("x" * 23)  # 24 with both marks
    assert [encoder.tokenizer.numbers([text])[1] for text in (fits, over)] == [0, 1]
    own = encoder_of(checkpoints["open_clip"], "open_clip")
    assert [own.tokenizer.numbers([text])[1] for text in (fits, over)] == [0, 1]


@pytest.mark.parametrize("name", SAVED)
def test_capital_letters_do_not_matter(checkpoints, name):
    encoder = encoder_of(checkpoints[name], name)
    small, large = encoder.encode(["lesão no coração", "LESÃO NO CORAÇÃO"])
    np.testing.assert_allclose(small, large, atol=1e-6)


def test_what_fills_a_batch_does_not_change_clip(checkpoints):
    """Its vector is read off the mark at the end, and no token looks at what stands after it."""
    encoder = encoder_of(checkpoints["clip"])
    alone = encoder.encode(["ct"])[0]
    np.testing.assert_allclose(encoder.encode(["ct", "a much longer text"])[0], alone, atol=1e-6)


def test_older_descriptions_of_clip_name_another_mark_at_the_end(checkpoints, copied_checkpoint):
    """Those of OpenAI do: the vector is then read off the piece with the largest number."""
    folder = copied_checkpoint("clip")
    text = json.loads((folder / "config.json").read_text())["text_config"]
    change(folder, "config.json", text_config={**text, "eos_token_id": 2})
    assert np.array_equal(encoder_of(folder).encode(TEXTS), encoder_of(checkpoints["clip"]).encode(TEXTS))
    said = [text for text in TEXTS if text]
    np.testing.assert_allclose(encoder_of(folder).encode(said), theirs("clip", folder, said), atol=1e-5)


# what a run keeps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_saved_and_loaded_it_is_the_same(checkpoints, name, tmp_path, no_network):
    encoder = encoder_of(checkpoints[name], name)
    encoder.save(tmp_path / "text")
    again = load_text_encoder(tmp_path / "text", CPU)
    again.precision = "fp32"
    assert np.array_equal(again.encode(TEXTS), encoder.encode(TEXTS))
    assert (again.kind, again.size, again.fingerprint) == (encoder.kind, encoder.size, encoder.fingerprint)
    facts = json.loads((tmp_path / "text" / "text.json").read_text())
    assert facts["weights_from"] == name
    assert len(facts["weights_sha256"]) == 64
    assert not any(
        key.startswith(("vision_model", "visual")) for key in load_file(tmp_path / "text" / "text.safetensors")
    )
    again.save(tmp_path / "more")
    for file in (tmp_path / "text").iterdir():
        assert (tmp_path / "more" / file.name).read_bytes() == file.read_bytes()
    assert no_network == []


def test_a_fingerprint_tells_encoders_apart(checkpoints, copied_checkpoint):
    prints = [encoder_of(checkpoints[name], name).fingerprint for name in SAVED]
    folder = copied_checkpoint("clip")
    change_tensors(folder / "model.safetensors", logit_scale=torch.tensor(3.0))
    other = encoder_of(folder)
    prints.append(other.fingerprint)
    other.precision = "bf16"
    prints.append(other.fingerprint)
    assert len(set(prints)) == len(SAVED) + 2
    assert prints[0] == encoder_of(checkpoints["clip"]).fingerprint


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "text.json").unlink(),
        lambda folder: (folder / "text.safetensors").unlink(),
        lambda folder: (folder / "tokenizer.json").unlink(),
        lambda folder: (folder / "text.json").write_text("{"),
        lambda folder: (folder / "text.json").write_text("[]"),
        lambda folder: (folder / "text.safetensors").write_bytes((folder / "text.safetensors").read_bytes()[:-9]),
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        lambda folder: change(folder, "text.json", kind="stranger"),
        lambda folder: change(folder, "text.json", kind="open_clip"),
        lambda folder: change(folder, "text.json", config={"family": "clip"}),
        lambda folder: change(folder, "text.json", size=7),
        lambda folder: change(folder, "text.json", tokens={"longest": 24}),
        lambda folder: change(folder, "text.json", files={"../clip/config.json": "0"}),
        lambda folder: change_tensors(folder / "text.safetensors", text_projection__weight=torch.zeros(20, 32)),
        lambda folder: save_file({"a": torch.zeros(1)}, folder / "text.safetensors"),
    ],
)
def test_damaged_or_foreign_files_are_refused(checkpoints, tmp_path, damage):
    folder = tmp_path / "text"
    encoder_of(checkpoints["clip"]).save(folder)
    damage(folder)
    with pytest.raises(RunError, match="reads texts") as caught:
        load_text_encoder(folder, CPU)
    assert caught.value.file == str(folder)
    assert caught.value.cure


def test_weights_of_another_network_are_refused(checkpoints, tmp_path):
    """All files are whole, yet do not belong together."""
    folder = tmp_path / "text"
    encoder_of(checkpoints["clip"]).save(folder)
    save_file({"text_projection.weight": torch.zeros(20, 32)}, folder / "text.safetensors")
    from laudo.core.environment import file_hash

    files = {name: file_hash(folder / name) for name in ("text.safetensors", "tokenizer.json")}
    change(folder, "text.json", files=files)
    with pytest.raises(RunError, match="reads texts"):
        load_text_encoder(folder, CPU)


def test_a_saved_description_can_not_name_code_or_the_hub(checkpoints, tmp_path, no_network):
    folder = tmp_path / "text"
    encoder_of(checkpoints["biomedical"], "biomedical").save(folder)
    config = json.loads((folder / "text.json").read_text())["config"]
    inner = {**config["inner"], "auto_map": {"AutoModel": "sprung.Net"}, "model_type": "gpt2"}
    change(folder, "text.json", config={**config, "inner": inner})
    with pytest.raises(RunError, match="reads texts"):
        load_text_encoder(folder, CPU)
    assert no_network == []


def test_every_kind_of_encoder_can_be_loaded():
    assert set(LOADERS) == {"clip", "open_clip", "tfidf"}


# checkpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
def test_no_text_leaves_the_machine(checkpoints, name, no_network, tmp_path):
    encoder = encoder_of(checkpoints[name], name)
    encoder.encode(TEXTS)
    assert no_network == []


@pytest.mark.parametrize("name", SAVED)
def test_a_folder_shows_its_own_form(checkpoints, name):
    encoder = pretrained_text_encoder(str(checkpoints[name]), "none", CPU)
    assert encoder.kind == KIND[name]


def test_without_a_checkpoint_there_is_no_text_side():
    with pytest.raises(WeightsError, match="tokenizer") as caught:
        pretrained_text_encoder("clip", "none", CPU)
    assert caught.value.cure


@pytest.mark.parametrize("name", ["clip", "siglip", "biomedical"])
def test_a_checkpoint_without_its_tokenizer_is_refused(copied_checkpoint, name, no_network):
    folder = copied_checkpoint(name)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match="lacks a file") as caught:
        encoder_of(folder, name)
    assert caught.value.file == str(folder / "tokenizer.json")
    assert any(str(folder) in line for line in caught.value.details)
    assert bool(no_network) == (name == "biomedical"), "only this one names a repository where it may be"


@pytest.mark.parametrize("content", ["", "{", "{}", '{"model": {"type": "BPE"}}'])
def test_a_damaged_tokenizer_is_refused(copied_checkpoint, content):
    folder = copied_checkpoint("clip")
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(WeightsError, match="tokenizer") as caught:
        encoder_of(folder)
    assert caught.value.file == str(folder / "tokenizer.json")


def test_the_older_pair_of_files_is_the_same_tokenizer(checkpoints, copied_checkpoint):
    folder = copied_checkpoint("clip")
    whole = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(whole["model"]["vocab"]))
    lines = [one if isinstance(one, str) else " ".join(one) for one in whole["model"]["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")
    older, newer = encoder_of(folder), encoder_of(checkpoints["clip"])
    texts = [*TEXTS, "it's 12  cm – 3.5\u00a0mm", "<|endoftext|> inside", "e\u0301 = é"]
    assert older.tokenizer.numbers(texts) == newer.tokenizer.numbers(texts)
    assert np.array_equal(older.encode(texts), newer.encode(texts))
    (folder / "merges.txt").write_text("#version: 0.2\nq not there\n")
    with pytest.raises(WeightsError, match="tokenizer"):
        encoder_of(folder)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("open_clip", {"tokenizer_kwargs": {"trust_remote_code": True}}),
        ("open_clip", {"tokenizer_mode": "clips"}),
        ("biomedical", {"hf_pooler_type": "stranger"}),
        ("open_clip", {"colour": 3}),
    ],
)
def test_settings_that_are_not_understood_are_not_guessed(copied_checkpoint, name, values):
    folder = copied_checkpoint(name)
    model = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    change(folder, "open_clip_config.json", model_cfg={**model, "text_cfg": {**model["text_cfg"], **values}})
    with pytest.raises(WeightsError, match="not understood"):
        encoder_of(folder, name)


def test_a_network_inside_that_is_not_known_is_looked_for_where_the_checkpoint_says(copied_checkpoint, no_network):
    folder = copied_checkpoint("biomedical")
    change(folder, "config.json", model_type="gpt2")
    model = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    text = {**model["text_cfg"], "hf_model_name": "owner/bert"}
    change(folder, "open_clip_config.json", model_cfg={**model, "text_cfg": text})
    with pytest.raises(WeightsError, match="lacks a file") as caught:
        encoder_of(folder, "biomedical")
    assert "owner/bert" in str(caught.value)


def test_tensors_must_fit_one_by_one(copied_checkpoint):
    for name, key in (("clip", "text_model__extra"), ("biomedical", "text__extra"), ("open_clip", "extra")):
        folder = copied_checkpoint(name)
        weights = next(folder.glob("*.safetensors"))
        change_tensors(weights, **{key: torch.zeros(1)})
        with pytest.raises(WeightsError, match="do not fit"):
            encoder_of(folder, name)


def test_the_library_that_is_missing_is_named(monkeypatch, checkpoints):
    import sys

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    for call in (
        lambda: checkpoint_tokenizer.parse_tokenizer("{}"),
        lambda: checkpoint_tokenizer.clip_tokenizer({}, []),
        lambda: encoder_of(checkpoints["clip"]),
    ):
        with pytest.raises(LaudoError, match="not installed") as caught:
            call()
        assert "laudo[clip]" in caught.value.cure
