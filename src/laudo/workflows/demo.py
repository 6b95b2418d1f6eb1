"""The main job on synthetic images: the whole way in a few minutes, without data or network."""

from __future__ import annotations

from pathlib import Path

from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.sources import phantom_brain
from laudo.train.loop import Deadline
from laudo.workflows.train_run import Options, train_run

IMAGES = 480
SIDE_PX = 128


def run_demo(folder: Path, language: str) -> Run:
    """Make phantoms in ``folder/data`` (kept when they are there), train into ``folder/run``, report.

    A demonstration that was cut off is gone on with.
    """
    data = folder / "data"
    if not (data / "patients.csv").is_file():
        phantom_brain.write(data, IMAGES, seed=0, size=SIDE_PX)
    say(_("Synthetic brain slices: {folder}").format(folder=data))
    recipe = load_recipe("demo")
    return train_run(recipe, data, folder / "run", Options(True, Deadline(), language))
