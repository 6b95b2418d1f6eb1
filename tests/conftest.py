"""What every test has: a cache of its own, English messages, few threads, and no real data unless LAUDO_DATA names them."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

from clip_examples import SAVED
from laudo.core.messages import set_language
from postgres_server import postgres  # noqa: F401 (a fixture)

settings.register_profile(
    "laudo", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("laudo")


@pytest.fixture(scope="session", autouse=True)
def _surroundings(tmp_path_factory):
    """The environment of this session and of the processes that tests start."""
    torch.set_num_threads(1)  # networks of tests are so small that threads only wait for each other
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAUDO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("LAUDO_LANG", "en")
        yield


@pytest.fixture(autouse=True)
def _english():
    """A test that asks for another language does not leave it to the next one."""
    yield
    set_language("en")


@pytest.fixture(scope="session")
def real_kaggle_brain() -> Path:
    """Folder that LAUDO_DATA names; it holds ``kaggle_brain``."""
    folder = Path(os.environ.get("LAUDO_DATA", ""))
    if not (folder / "kaggle_brain").is_dir():
        pytest.skip("LAUDO_DATA names no folder that holds kaggle_brain")
    return folder


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Folder of each tiny checkpoint of images and texts."""
    return {name: save(tmp_path_factory.mktemp("checkpoints") / name) for name, save in SAVED.items()}


@pytest.fixture
def copied_checkpoint(checkpoints, tmp_path):
    """One of them that a test may change."""

    def copy(name):
        folder = tmp_path / name
        folder.mkdir()
        for file in checkpoints[name].iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        return folder

    return copy


def pytest_collection_modifyitems(items):
    if os.environ.get("LAUDO_DATA"):
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason="LAUDO_DATA is not set"))
