"""Several processes, some of them killed: every trial ends exactly once, and no epoch that was trained is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import create_engine

from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.train.loop import Deadline
from laudo.workflows.tune import search as search_module
from laudo.workflows.tune.leases import Leases
from laudo.workflows.tune.material import Material
from laudo.workflows.tune.trial import run_trial
from laudo.workflows.tune.worker import is_gone, this_process
from training_example import fingerprint, write_images
from tune_example import GRID, await_epochs, cheap, recipe_file, rows, search, worker

EPOCHS = 6
OVER = {"COMPLETE", "PRUNED", "FAIL"}


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    cheap(monkeypatch.setattr)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("tune") / "data", per_class=16)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("tune-cache")


def open_trials(out):
    """Numbers of trials that have begun and are not over."""
    begun = [path.parent for path in out.glob("trial-*/log.jsonl")]
    return [int(path.name[6:]) for path in begun if Run(path).state()["state"] == "running"]


@pytest.mark.parametrize(("sampler", "trials"), [("genetic", 6), ("grid", GRID)])
def test_two_processes_over_one_postgresql_one_killed_half_way(tmp_path, data, cache, postgres, sampler, trials):
    recipe = recipe_file(tmp_path, {"training": {"epochs": EPOCHS}})
    url, out = postgres.schema(), tmp_path / "tune"
    how = {"sampler": sampler, "trials": trials, "storage": url}
    killed = worker(cache, recipe, data, out, how, slow_s=0.08)
    while not any(Run(path.parent).state()["state"] == "finished" for path in out.glob("trial-*/metrics.json")):
        time.sleep(0.01)  # half way: it has finished a trial, and is in another
    other = worker(cache, recipe, data, out, how)
    victim = max(open_trials(out), default=2)
    before = await_epochs(out, victim, 2)
    os.kill(killed.pid, signal.SIGKILL)
    killed.join()
    other.join(120)
    assert killed.exitcode == -signal.SIGKILL
    assert other.exitcode == 0

    result = json.loads((out / "tune.json").read_text())
    found = rows(url)
    assert [number for number, _state in found] == list(range(trials)), "no trial is lost, and none doubled"
    assert {state for _number, state in found} == {"COMPLETE"}
    assert result["counts"] == {"finished": trials, "pruned": 0, "failed": 0, "open": 0}
    combinations = [tuple(trial["values"].values()) for trial in result["trials"]]
    if sampler == "grid":
        assert len(set(combinations)) == GRID
    for trial in result["trials"]:
        assert [line["epoch"] for line in Run(out / trial["folder"]).log()] == list(range(1, EPOCHS + 1))
    taken_up = Run(out / f"trial-{victim:04d}")
    kept = before.splitlines()[:-1]  # of the last line the checkpoint may have been missing
    assert taken_up.log_path.read_text().splitlines()[: len(kept)] == kept != [], (
        "the killed process' epochs are not lost"
    )

    alone = Run(tmp_path / "alone")
    material = Material(load_recipe(recipe), data)
    outcome = run_trial(taken_up.recipe(), material, alone, "auc_roc", None, Deadline())
    assert outcome.value == result["trials"][victim - 1]["value"]
    assert fingerprint(alone.folder)["log.jsonl"] == fingerprint(taken_up.folder)["log.jsonl"]


def test_killed_at_every_step_of_the_data_base_no_trial_is_lost(tmp_path, data, cache, monkeypatch):
    """Before and after a transaction: while tables are made, trials are made, taken, drawn, told, ended."""
    recipe, out = recipe_file(tmp_path, {"training": {"epochs": 2}}), tmp_path / "tune"
    how = {"sampler": "genetic", "trials": 6}
    kills = 0
    for moment in (5, 16, 27, 36, 41, 46, 51, 57, 63):
        process = worker(cache, recipe, data, out, how, die_at=moment)
        process.join(60)
        kills += process.exitcode == -signal.SIGKILL
        assert process.exitcode in (0, -signal.SIGKILL)
    assert kills >= 6
    monkeypatch.setattr(search_module, "MOST_ATTEMPTS", 100)
    result = search(recipe, data, out, **how)
    assert [number for number, _state in rows(out / "search.sqlite")] == list(range(6))
    assert {state for _number, state in rows(out / "search.sqlite")} <= OVER
    assert result["counts"]["finished"] == 6
    assert [len(Run(out / trial["folder"]).log()) for trial in result["trials"]] == [2] * 6


def test_many_processes_that_begin_together_make_no_trial_too_many(tmp_path, data, cache, postgres):
    recipe = recipe_file(tmp_path, {"training": {"epochs": 1}})
    url = postgres.schema()
    processes = [
        worker(cache, recipe, data, tmp_path / f"machine-{n}", {"trials": 5, "storage": url}) for n in range(4)
    ]
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    assert rows(url) == [(number, "COMPLETE") for number in range(5)]
    folders = [path.name for path in tmp_path.glob("machine-*/trial-*")]
    assert len(folders) == len(set(folders)) == 5, "each was trained on one machine"
    told = [json.loads((tmp_path / f"machine-{n}" / "tune.json").read_text()) for n in range(4)]
    assert len({json.dumps([trial["value"] for trial in one["trials"]]) for one in told}) == 1


def test_what_kills_its_process_again_and_again_is_given_up(tmp_path, data):
    recipe, out = recipe_file(tmp_path, {"training": {"epochs": 1}}), tmp_path / "tune"
    search(recipe, data, out, trials=1)
    leases = Leases(create_engine(f"sqlite:///{out / 'search.sqlite'}"), _study(out), "elsewhere/1/1", 60.0)
    for _ in range(5):
        # trial 2 is made by the search that is to follow: its lease is made here, as by processes that were killed
        leases.create(2, "")
        assert leases.take(leases.read()[1])
    with leases.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE laudo_leases SET beat = 0, owner = 'dead/1/1' WHERE number = 1")
    result = search(recipe, data, out, trials=2)
    assert [trial["state"] for trial in result["trials"]] == ["finished", "failed"]
    assert "killed 5 times" in result["trials"][1]["why"]["what"]


def _study(out):
    return json.loads((out / "search.json").read_text())["study"]


# leases ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'leases.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").schema().replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    yield engine
    engine.dispose()


def pair(engine, grace_s=60.0):
    """Two processes on two machines."""
    one, two = (Leases(engine, "study", f"machine-{name}/7/7", grace_s) for name in "ab")
    assert one.create(3, "first") == "first"
    assert two.create(3, "second") == "first", "the search is what it was begun as"
    return one, two


def test_a_trial_is_taken_by_one(engine):
    one, two = pair(engine)
    seen = two.read()[0]
    assert one.take(one.read()[0])
    assert not two.take(seen), "it was free when it was seen"
    assert not two.take(two.read()[0])
    assert two.take(two.read()[1])
    assert one.beat(0)
    assert not two.beat(0)


def test_a_trial_that_nobody_beats_for_is_taken_up(engine):
    one, two = pair(engine, grace_s=0.2)
    assert one.take(one.read()[0])
    assert not two.take(two.read()[0])
    time.sleep(0.3)
    seen = two.read()[0]
    assert seen.quiet_s > 0.2
    assert two.take(seen)
    assert not one.beat(0), "the first one notices"
    assert not one.progressed(0)
    assert two.read()[0].attempts == 2
    assert two.progressed(0)
    assert two.read()[0].attempts == 1


def test_a_beat_between_looking_and_taking_keeps_the_trial(engine):
    one, two = pair(engine, grace_s=0.2)
    assert one.take(one.read()[0])
    time.sleep(0.3)
    seen = two.read()[0]
    assert one.beat(0)
    assert not two.take(seen)


def test_what_is_given_back_is_free_at_once(engine):
    one, two = pair(engine)
    assert one.take(one.read()[0])
    assert one.give_back(0)
    assert not two.give_back(0)
    assert two.take(two.read()[0])


def test_searches_in_one_data_base_do_not_meet(engine):
    one, _two = pair(engine)
    other = Leases(engine, "another study", "machine-c/7/7", 60.0)
    other.create(2, "")
    assert one.take(one.read()[0])
    assert other.take(other.read()[0])
    assert (len(one.read()), len(other.read())) == (3, 2)


def test_a_process_of_this_machine_that_has_ended_is_known_to_be_gone():
    assert not is_gone(this_process())
    machine, number, started = this_process().rsplit("/", 2)
    assert is_gone(f"{machine}/{number}/{int(started) - 500}"), "another process has its number now"
    assert not is_gone(f"another-{machine}/{number}/1"), "nobody here can know"
    code = "from laudo.workflows.tune.worker import *; print(this_process(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    child.kill()
    until = time.monotonic() + 5
    while not is_gone(name) and time.monotonic() < until:  # nobody has asked for its exit code yet
        time.sleep(0.01)
    assert is_gone(name)
    child.wait()
    assert is_gone(name)
