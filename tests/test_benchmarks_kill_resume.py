"""The benchmark that kills trainings: a handful of its moments, and that it would see a difference."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "kill_resume.py"


@pytest.fixture(scope="module")
def kill_resume():
    spec = importlib.util.spec_from_file_location("kill_resume", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["kill_resume"] = module  # processes find their work in it by its name
    sys.path.insert(0, str(SCRIPT.parent))
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))
    del sys.modules["kill_resume"]


def test_killed_while_it_writes_prepares_and_trains_it_ends_the_same(kill_resume, tmp_path):
    """Those of the classifier are in test_train_resume.py."""

    def choose(seconds):
        moment = kill_resume.Moment
        return [moment("checkpoint", turn=3), moment("prepare", turn=1), moment("time", seconds=0.6 * seconds)]

    _seconds, outcomes = kill_resume.try_network("masks", tmp_path, choose)
    assert [one.different for one in outcomes] == [()] * 3
    assert all(one.resumed for one in outcomes)
    assert sum(one.was_killed for one in outcomes) >= 2
    assert outcomes[0].cut_files > 0  # the write itself was cut
    assert outcomes[0].stood_at.startswith("epoch")


def test_moments_are_seeded_and_some_are_aimed(kill_resume):
    chosen = kill_resume.moments(10.0, 30, 0)
    assert chosen == kill_resume.moments(10.0, 30, 0) != kill_resume.moments(10.0, 30, 1)
    kinds = [one.kind for one in chosen]
    assert (kinds.count("checkpoint"), kinds.count("prepare"), kinds.count("time")) == (7, 3, 20)
    assert all(0 <= one.seconds <= 10 for one in chosen)


def test_a_difference_would_be_seen(kill_resume, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "log.jsonl").write_text(json.dumps({"epoch": 1, "seconds": 3.0}) + "\n")
    before = kill_resume.fingerprint(tmp_path)
    (tmp_path / "log.jsonl").write_text(json.dumps({"epoch": 1, "seconds": 9.0}) + "\n")
    assert kill_resume.fingerprint(tmp_path) == before
    (tmp_path / "model.safetensors").write_bytes(b"weighty")
    assert kill_resume.fingerprint(tmp_path) != before
