"""`laudo doctor`: what is there, what is missing, what to do."""

from __future__ import annotations

import json
import shutil
import time
import tomllib
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from laudo.cli.main import app
from laudo.core.messages import set_language
from laudo.workflows import doctor, doctor_files, doctor_hardware, doctor_packages
from laudo.workflows.data_jobs import make_phantoms
from laudo.workflows.doctor_check import Check, worst

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def english(monkeypatch, tmp_path):
    set_language("en")
    for name in ("LAUDO_DATA", "LAUDO_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))


def named(checks, name):
    return next(check for check in checks if check.name == name)


def test_the_command_shows_every_check_and_is_quick():
    started = time.process_time()
    done = CliRunner().invoke(app, ["doctor", "--json"])
    seconds = time.process_time() - started
    facts = json.loads(done.stdout)
    assert done.exit_code == (1 if facts["status"] == "problem" else 0)
    names = [check["name"] for check in facts["checks"]]
    assert {"python", "packages", "extra-onnx", "device", "precision", "memory", "disk-cache", "data", "hub"} <= set(
        names
    )
    assert all(check["status"] in {"ok", "warning", "problem"} for check in facts["checks"])
    assert all(check["cure"] for check in facts["checks"] if check["status"] != "ok")
    assert "kaggle-vgg19" in facts["recipes"]
    assert seconds < 10
    shown = CliRunner().invoke(app, ["doctor"]).stdout
    assert all(title in shown for title in ("✓ Python", "laudo[clip]", "precision", "LAUDO_DATA", "kaggle-vgg19"))


def test_a_problem_ends_with_1(monkeypatch, tmp_path):
    monkeypatch.setenv("LAUDO_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(doctor, "hardware_checks", list)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "✗ LAUDO_DATA" in done.stdout
    assert "no such folder" in done.stdout


def test_extras_are_those_of_pyproject_toml():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "dev"}
    assert set(extras) == set(doctor_packages.EXTRAS)
    for name, lines in extras.items():
        packages = {line.split(">")[0].split("[")[0].replace("-", "_") for line in lines}
        assert packages == {package.replace("-", "_") for package in doctor_packages.EXTRAS[name]}
    assert "packaging" in " ".join(project["dependencies"])


def test_packages_that_are_missing_too_old_or_malicious(monkeypatch):
    versions = {"torch": "2.15.0", "lightning": "2.6.6", "numpy": "1.20.0"}

    def version(name):
        if name in versions:
            return versions[name]
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(
        metadata, "requires", lambda _name: ["torch>=2.10", "numpy>=1.26", "monai>=1.6.1", 'onnx; extra == "onnx"']
    )
    check = named(doctor_packages.package_checks(), "packages")
    assert check.status == "problem"
    assert "numpy 1.20.0" in check.found
    assert "monai –" in check.found
    assert "torch" not in check.found
    assert "onnx" not in check.found
    versions |= {"numpy": "2.0.0", "monai": "1.7.0"}
    assert named(doctor_packages.package_checks(), "packages").status == "ok"
    versions["lightning"] = "2.6.3"
    check = named(doctor_packages.package_checks(), "packages")
    assert check.status == "problem"
    assert "malicious" in check.found
    extra = named(doctor_packages.package_checks(), "extra-clip")
    assert extra.cure == "pip install 'laudo[clip]'"
    assert "transformers" in extra.found


def test_bf16_that_answers_otherwise_is_a_problem(monkeypatch):
    cpu = torch.device("cpu")
    assert doctor_hardware._precision(cpu).facts["bf16_difference"] < doctor_hardware.AGREE
    answer = doctor_hardware._answer
    monkeypatch.setattr(doctor_hardware, "has_native_bf16", lambda _device: True)
    monkeypatch.setattr(
        doctor_hardware, "_answer", lambda n, i, d, p: answer(n, i, d, "fp32") * (1.2 if p == "bf16" else 1)
    )
    check = doctor_hardware._precision(cpu)
    assert check.status == "problem"
    assert "training.precision=fp32" in check.cure


@pytest.mark.parametrize(("free", "status"), [(0.5, "problem"), (5.0, "warning"), (50.0, "ok")])
def test_the_disks_room(monkeypatch, free, status):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(0, 0, int(free * 2**30)))
    check = named(doctor_files.file_checks(), "disk-cache")
    assert check.status == status
    assert bool(check.cure) == (status != "ok")


def test_data_sets_are_found_and_counted(monkeypatch, tmp_path):
    for kind, folder in (("kaggle-brain", "kaggle_brain"), ("bus-uc", "bus_uc")):
        make_phantoms(kind, tmp_path / folder, 10, 0, 64)
    monkeypatch.setenv("LAUDO_DATA", str(tmp_path))
    checks = doctor_files._data()
    assert {check.name for check in checks} == {"data", "data-kaggle-brain", "data-bus-uc"}
    check = named(checks, "data-bus-uc")
    assert check.facts["samples"] == 10
    assert not check.facts["complete"]
    assert "811" in check.found
    assert check.status == "warning"
    monkeypatch.setattr(doctor_files, "SECONDS", 0.0)
    monkeypatch.setattr(doctor_files.threading.Thread, "start", lambda _self: None)
    monkeypatch.setattr(doctor_files.threading.Thread, "join", lambda _self, _seconds: None)
    assert "not counted" in named(doctor_files._data(), "data-bus-uc").found


def test_weights_are_found_and_broken_ones_named(monkeypatch, tmp_path):
    save_file({"a": torch.zeros(3)}, tmp_path / "good.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "good.safetensors").read_bytes()[:-4])
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path))
    check = doctor_files._own_weights()
    assert check.facts["networks"] == ["good"]
    assert check.facts["broken"] == ["cut.safetensors"]
    assert check.status == "warning"
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path / "nowhere"))
    assert doctor_files._own_weights().status == "problem"


def test_its_list_of_networks_is_that_of_the_tables():
    from laudo.networks.segmentation_table import SEGMENTERS
    from laudo.networks.table import BACKBONES, IMAGE_SIDES

    assert (*BACKBONES, *IMAGE_SIDES, *SEGMENTERS) == doctor.NETWORKS


def test_the_worst_check_decides():
    checks = [Check("a", "a", "ok", ""), Check("b", "b", "problem", ""), Check("c", "c", "warning", "")]
    assert worst(checks) == "problem"
    assert worst(checks[:1]) == "ok"
    assert worst([]) == "ok"
