"""The memory of a training step is told before it is computed."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from laudo.train.mask_memory import step_bytes
from mask_example import PICTURES, VOLUMES, mask_recipe

LARGE = {"training": {"patch": {"size_voxels": (48, 64, 48)}, "batch_size": 4}}


def needed(*changes, values=VOLUMES):
    return step_bytes(mask_recipe(values, *changes), 1, 3, 0, "fp32")


def test_more_is_more():
    small = needed()
    assert needed(LARGE) > 4 * (small - needed({"training": {"batch_size": 1}}))
    assert needed(LARGE) > needed(LARGE, {"training": {"micro_batch": 2}}) > small
    assert needed(LARGE) > needed(LARGE, {"network": {"gradient_checkpointing": True}})
    assert (
        needed({"training": {"averaging": "ema"}}) > small > needed({"training": {"optimizer": "sgd", "momentum": 0.5}})
    )
    assert step_bytes(mask_recipe(VOLUMES, LARGE), 1, 3, 0, "bf16") < needed(LARGE)
    assert needed(values=PICTURES) > 0


def test_nothing_is_allocated_for_it():
    huge = {"training": {"patch": {"size_voxels": (512, 512, 512)}, "batch_size": 8}}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert needed(huge) > 200 * 2**30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


STEP = """
import re, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from laudo.networks.precision import channels_last
from laudo.networks.segmentation_table import build_segmenter
from laudo.train.deep_supervision import deep_supervision_loss
from mask_example import VOLUMES, mask_recipe
recipe = mask_recipe(VOLUMES, {change!r})
size, batch = recipe.training.patch.size_voxels, recipe.training.batch_size


def peak():  # the highest of this program alone, unlike getrusage
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])


before = peak()
network = build_segmenter(recipe.network, 1, 3, 0, size).train()
optimizer = torch.optim.Adam(network.parameters(), fused=True)
for _ in range(2):
    answer = network(channels_last(torch.randn(batch, 1, *size)))
    deep_supervision_loss(answer, torch.zeros(batch, *size, dtype=torch.uint8), recipe.training.mask_loss, False).backward()
    optimizer.step()
    optimizer.zero_grad()
print((peak() - before) * 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says how much memory a program has used")
@pytest.mark.parametrize("filters", [(16, 32, 64)])
def test_it_is_about_what_a_step_takes(tmp_path, filters):
    change = {**LARGE, "network": {"filters": filters}}
    code = STEP.format(tests=str(Path(__file__).parent), change=change)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    taken = int(done.stdout.split()[-1])
    told = needed(change)
    assert 0.8 * taken < told < 1.6 * taken
