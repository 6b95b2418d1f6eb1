"""What every test has: a cache of its own, English messages, few threads, and no real data unless LAUDO_DATA names them."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings

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


@pytest.fixture(scope="session")
def real_kaggle_brain() -> Path:
    """Folder that LAUDO_DATA names; it holds ``kaggle_brain``."""
    folder = Path(os.environ.get("LAUDO_DATA", ""))
    if not (folder / "kaggle_brain").is_dir():
        pytest.skip("LAUDO_DATA names no folder that holds kaggle_brain")
    return folder


def pytest_collection_modifyitems(items):
    if os.environ.get("LAUDO_DATA"):
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason="LAUDO_DATA is not set"))
