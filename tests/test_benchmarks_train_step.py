"""The benchmark of training steps, at a small size and against plain PyTorch alone: its checks hold, and can fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
SMALL = [
    "--peers",
    "torch",
    "--only",
    "tumour-cnn",
    "--side",
    "62",
    "--batch",
    "6",
    "--epoch-steps",
    "3",
    "--threads",
    "1",
]


@pytest.fixture
def bench(monkeypatch):
    """The script, with each side in this process instead of one of its own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import train_step
    import train_step_ours
    import train_step_torch

    sides = {"ours": train_step_ours, "torch": train_step_torch}

    def run_side(side, _python, task, **settings):
        return sides[side].train(task, **{"dropout": False, **settings})

    monkeypatch.setattr(train_step, "run_side", run_side)
    yield train_step
    for name in [name for name in sys.modules if name.startswith("train_step")]:
        del sys.modules[name]


@pytest.fixture
def threads():
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_losses_agree_with_plain_pytorch_and_both_are_timed(bench, capsys):
    arguments = [*SMALL, "--steps", "6", "--rounds", "1", "--no-judge", "--json"]
    assert bench.main(arguments) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["peer_name"] == "torch"
    assert found["difference"]["fp32"] < 1e-3
    assert found["ends"][1] < found["ends"][0]  # something was learned
    (ours,), (peer,) = found["ours"], found["peer"]
    assert found["ratio"] == pytest.approx(ours / peer)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("change", ["rate", "weights"])
def test_a_peer_that_trains_otherwise_is_noticed(bench, monkeypatch, capsys, change):
    plain = bench.run_side

    def run_side(side, python, task, **settings):
        if side == "torch" and change == "rate":
            settings["learning_rate"] *= 10
        if side == "torch" and change == "weights":
            import numpy as np

            with np.load(task / "weights.npz") as file:
                weights = {name: file[name] for name in file.files}
            weights["backbone.features.3.weight"] = weights["backbone.features.3.weight"][:, ::-1]
            np.savez(task / "weights.npz", **weights)
        return plain(side, python, task, **settings)

    monkeypatch.setattr(bench, "run_side", run_side)
    assert bench.main([*SMALL, "--steps", "6", "--rounds", "0"]) == 1
    printed = capsys.readouterr().out
    failure = {"rate": "the loss of a step differs", "weights": "the first loss differs"}[change]
    assert f"FAIL {failure}" in printed
    assert ("the first loss differs" in printed) == (change == "weights")


@pytest.mark.usefixtures("threads")
def test_a_ratio_below_the_claim_fails(bench, monkeypatch, capsys):
    result = {"losses": [1.0], "parameters": 1, "trainable_parameters": 1, "precision": "fp32", "versions": {}}
    seconds = {"ours": [9.0, 1.0], "torch": [9.0, 1.4]}
    monkeypatch.setattr(bench, "run_side", lambda side, *_, **__: {**result, "seconds": seconds[side]})
    assert bench.main([*SMALL, "--steps", "0", "--rounds", "2"]) == 1
    assert "ratio 1.40 is below 1.5" in capsys.readouterr().out
    seconds["torch"] = [9.0, 1.6]
    assert bench.main([*SMALL, "--steps", "0", "--rounds", "2"]) == 0


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", ["efficientnet-pdf-se-unfrozen", "resnet50"])
def test_the_peers_other_networks_are_laudos(bench, tmp_path, name):
    import torch
    import train_step_task
    import train_step_torch

    task = tmp_path / "task"
    train_step_task.write_task(name, task, side=40, batch=2, steps=1, threads=1)
    settings = json.loads((task / "task.json").read_text())
    peer = train_step_torch.build(settings, dropout=False)
    train_step_torch.load(peer, task, set(settings["trainable"]))
    ours, pixels = train_step_task.build(settings), torch.randint(0, 256, (2, 3, 40, 40), dtype=torch.uint8)
    ours.load_state_dict(train_step_task.read_weights(task), strict=False)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(pixels), peer.eval()(ours.scaling(pixels)), rtol=1e-4, atol=1e-5)
    assert [p.requires_grad for p in peer.parameters()] == [p.requires_grad for p in ours.parameters()]
    trained = sum(p.requires_grad for p in ours.parameters())
    assert 0 < trained <= len(list(ours.parameters()))
    assert (trained == len(list(ours.parameters()))) == (name == "resnet50")
