"""The commit that is running, of laudo's own checkout alone; and what differs between two machines."""

from __future__ import annotations

import subprocess

import pytest

from laudo.core.code_version import commit_of
from laudo.core.environment import describe_environment
from laudo.core.environment_differences import environment_differences


def git(folder, *words):
    who = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    package = tmp_path / "src" / "laudo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("one = 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return package


def test_the_commit_and_whether_files_differ_from_it(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert commit_of(checkout) == commit
    (checkout / "untracked.py").write_text("")
    assert commit_of(checkout) == commit
    (checkout / "__init__.py").write_text("one = 2\n")
    assert commit_of(checkout) == commit + "+changes"


def test_a_package_that_is_not_tracked_has_no_commit(checkout, tmp_path_factory):
    installed = checkout.parent.parent / ".venv" / "laudo"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    assert commit_of(installed) is None, "the commit is of the user's repository, not of laudo"
    assert commit_of(tmp_path_factory.mktemp("elsewhere")) is None


def test_without_git_there_is_no_commit(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert commit_of(checkout) is None


def test_the_environment_names_hardware_and_hashes():
    found = describe_environment("cpu", "fp32", {"processor": "A", "threads": 2}, manifest="ab")
    assert found["processor"] == "A"
    assert found["threads"] == 2
    assert found["hashes"] == {"manifest": "ab"}
    assert "commit" in found


def test_hardware_is_described():
    import torch

    from laudo.networks.hardware import describe_hardware

    found = describe_hardware(torch.device("cpu"))
    assert found["processor"]
    assert found["threads"] == torch.get_num_threads()
    assert found["memory_gib"] > 0
    assert "gpu" not in found


def test_differences_of_environments_that_both_state():
    first = {"laudo": "0.1", "threads": 2, "device": "cpu", "packages": {"torch": "2.10", "timm": "1"}}
    again = {"laudo": "0.1", "threads": 4, "device": "cuda", "commit": "ab", "packages": {"torch": "2.11", "timm": "1"}}
    assert environment_differences(first, again) == [
        {"name": "device", "first": "cpu", "again": "cuda"},
        {"name": "threads", "first": "2", "again": "4"},
        {"name": "torch", "first": "2.10", "again": "2.11"},
    ]
    assert environment_differences(first, first) == []
    assert environment_differences({}, again) == []
