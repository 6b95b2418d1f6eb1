"""Checkpoints: the same value comes back, a damaged one is passed over, nothing is unpickled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors import safe_open

from laudo.train.checkpoint import SafeCheckpointIO, epoch_path, newest_checkpoint

STATE = {
    "epoch": 3,
    "loops": {"fit_loop": {"state_dict": {}, "progress": {"total": {"ready": 4, "done": None}}}},
    "optimizer_states": [
        {
            "state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.randn(3, 4)}, 1: {"step": torch.tensor(7.0)}},
            "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0, 1], "foreach": None, "maximize": False}],
        }
    ],
    "state_dict": {
        "network.w": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
        "network.tied": torch.ones(4).expand(3, 4),
        "scalar": torch.tensor(5, dtype=torch.int64),
        "nothing": torch.zeros(0, 3),
    },
    "array": np.arange(5, dtype=np.uint8),
    "number": np.float64(0.1),
    "text": "ação",
    "#dict": {"#tensor": "not one", (1, "a"): [1, (2, [3, ()])]},
    "empty": {},
    "float": 0.1 + 0.2,
}


def same(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b and type(b) is not np.float64


@pytest.fixture
def folder(tmp_path):
    for epoch in (1, 2, 3):
        SafeCheckpointIO().save_checkpoint({**STATE, "epoch": epoch}, epoch_path(tmp_path, epoch))
    return tmp_path


def test_what_was_saved_comes_back(tmp_path):
    SafeCheckpointIO().save_checkpoint(STATE, tmp_path / "a.safetensors")
    loaded = SafeCheckpointIO().load_checkpoint(tmp_path / "a.safetensors")
    assert same(STATE, loaded)
    assert isinstance(loaded["optimizer_states"][0]["param_groups"][0]["betas"], tuple)
    assert list(loaded["optimizer_states"][0]["state"]) == [0, 1]
    with safe_open(tmp_path / "a.safetensors", "pt") as handle:
        assert "laudo" in handle.metadata()


def test_a_checkpoint_without_tensors_is_one_too(tmp_path):
    SafeCheckpointIO().save_checkpoint({"a": 1}, tmp_path / "a.safetensors")
    assert SafeCheckpointIO().load_checkpoint(tmp_path / "a.safetensors") == {"a": 1}


def test_what_can_not_be_written_down_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(TypeError, match="object"):
        SafeCheckpointIO().save_checkpoint({"a": object()}, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_newest_whole_one_is_found(folder):
    assert newest_checkpoint(folder) == (epoch_path(folder, 3), 3)
    assert newest_checkpoint(folder / "nowhere") is None


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_cut_short_the_one_before_is_used(folder, share):
    path = epoch_path(folder, 3)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert newest_checkpoint(folder) == (epoch_path(folder, 2), 2)


@pytest.mark.parametrize("place", [0, 9, 200, -1, -40])
def test_with_one_bit_flipped_the_one_before_is_used(folder, place):
    path = epoch_path(folder, 3)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert newest_checkpoint(folder) == (epoch_path(folder, 2), 2)


def test_without_its_checksum_it_does_not_count(folder):
    epoch_path(folder, 3).with_suffix(".sha256").unlink()
    epoch_path(folder, 2).with_suffix(".sha256").write_text("")
    assert newest_checkpoint(folder) == (epoch_path(folder, 1), 1)
    SafeCheckpointIO().remove_checkpoint(epoch_path(folder, 1))
    assert newest_checkpoint(folder) is None
    assert not epoch_path(folder, 1).with_suffix(".sha256").exists()


def test_ten_thousand_epochs_stay_in_order(tmp_path):
    for epoch in (9999, 10000, 99999):
        SafeCheckpointIO().save_checkpoint({"epoch": epoch}, epoch_path(tmp_path, epoch))
    assert newest_checkpoint(tmp_path)[1] == 99999
