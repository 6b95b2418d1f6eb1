"""Patches are a function of seed and number, lie where they should, and find what is marked."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.structures import Structures, structures_of
from laudo.prepare.augment_volume import apply_volume_changes, patch_to_read
from laudo.prepare.volume_cache import prepare_volumes
from laudo.sources.table import import_manifest
from laudo.train.mask_cases import VolumeCases
from laudo.train.mask_loader import MaskPart, training_loader, validation_loader
from laudo.train.patches import Place, draw_place, drawn_case, is_around_marked, middle_place, widened_place
from mask_example import SHAPE, VOLUMES, mask_recipe, write_volumes

N = 6


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patches")
    manifest = import_manifest("msd", write_volumes(folder / "data", N))
    recipe = mask_recipe(VOLUMES)
    volumes = prepare_volumes(manifest, recipe.prepare, folder / "cache", jobs=1)
    return VolumeCases(volumes, structures_of(manifest, recipe.data), np.full(N, -1))


def batches(cases, recipe, epoch=0, earlier=0):
    loader = training_loader(MaskPart(cases, np.arange(1, N)), recipe, earlier)
    loader.sampler.set_epoch(epoch)
    return list(loader)


@settings(max_examples=60)
@given(
    st.tuples(*[st.integers(1, 20)] * 3),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_a_patch_lies_inside_wherever_the_volume_is_long_enough(cases, size, marked, seed):
    place = draw_place(cases, 0, size, marked, np.random.default_rng(seed))
    for start, side, own in zip(place.start, size, SHAPE, strict=True):
        if side <= own:
            assert 0 <= start <= own - side
        else:
            assert start <= 0
            assert start + side >= own
    assert place.size == size


def test_patches_around_marked_voxels_show_each_structure_about_equally_often(cases):
    rng = np.random.default_rng(0)
    seen = {1: 0, 2: 0}
    for _ in range(200):
        place = draw_place(cases, 0, (3, 3, 3), True, rng)
        for value in seen:
            seen[value] += bool((cases.label_map(0, place) == value).any())
    assert sum(seen.values()) >= 200, "every patch shows one"
    assert min(seen.values()) >= 60


def test_patches_lie_anywhere_else_without_a_preference(cases):
    rng = np.random.default_rng(0)
    starts = np.array([draw_place(cases, 0, (8, 12, 8), False, rng).start for _ in range(400)])
    assert starts.min(axis=0).tolist() == [0, 0, 0]
    assert starts.max(axis=0).tolist() == [4, 4, 2]


def test_the_middle_patch_holds_the_middle_of_what_is_marked(cases):
    place = middle_place(cases, 0, (6, 6, 6))
    label_map = cases.label_map(0)
    marked = np.argwhere(label_map)
    middle = marked.mean(axis=0)
    assert all(start <= c < start + 6 for start, c in zip(place.start, middle, strict=True))
    assert middle_place(cases, 0, (6, 6, 6)) == place


def test_a_wider_patch_has_the_same_middle():
    place = widened_place(Place((3, -1, 5), (4, 5, 6)), (8, 7, 6))
    assert place == Place((1, -2, 5), (8, 7, 6))


def test_every_sample_is_drawn_once_a_round_and_rounds_differ():
    rows = np.array([4, 7, 9, 11])
    rounds = [[drawn_case(rows, 4 * turn + k, seed=3) for k in range(4)] for turn in range(6)]
    assert all(sorted(one) == rows.tolist() for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert rounds != [[drawn_case(rows, 4 * turn + k, seed=4) for k in range(4)] for turn in range(6)]


@pytest.mark.parametrize(
    ("size", "share", "wanted"), [(2, 0.33, 1), (3, 0.33, 1), (4, 0.5, 2), (5, 0.0, 0), (2, 1.0, 2)]
)
def test_the_last_share_of_a_batch_is_drawn_around_marked_voxels(size, share, wanted):
    assert sum(is_around_marked(k, size, share) for k in range(size)) == wanted


def test_batches_depend_on_seed_and_epoch_alone(cases):
    recipe = mask_recipe(VOLUMES)
    first, again, next_epoch = batches(cases, recipe), batches(cases, recipe), batches(cases, recipe, epoch=1)
    assert len(first) == recipe.training.patch.steps
    for one, other in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.images, other.images, strict=True))
        assert all(torch.equal(a, b) for a, b in zip(one.targets, other.targets, strict=True))
        assert torch.equal(one.changes.mirror, other.changes.mirror)
    assert any(
        a.shape != b.shape or not torch.equal(a, b)
        for one, other in zip(first, next_epoch, strict=True)
        for a, b in zip(one.images, other.images, strict=True)
    )
    # an epoch of a later phase goes on where the earlier phase has ended
    later = batches(cases, recipe, epoch=0, earlier=1)
    assert all(
        torch.equal(a, b)
        for one, other in zip(later, next_epoch, strict=True)
        for a, b in zip(one.images, other.images, strict=True)
    )


def test_only_patches_that_are_turned_or_scaled_are_read_larger(cases):
    always = mask_recipe(VOLUMES, {"augment": {"volume": {"rotation": 1.0, "scale": 0.0}}})
    never = mask_recipe(VOLUMES, {"augment": {"volume": {"rotation": 0.0, "scale": 0.0}}})
    size = VOLUMES["training"]["patch"]["size_voxels"]
    assert all(tuple(image.shape[1:]) == size for batch in batches(cases, never) for image in batch.images)
    read = [image.shape[1:] for batch in batches(cases, always) for image in batch.images]
    most = patch_to_read(size, always.augment.volume, cases.spacing_mm)
    assert len(set(read)) > 1, "each as its own movement needs it"
    for sides in read:
        assert sides != size
        assert all(least <= side <= wide for least, side, wide in zip(size, sides, most, strict=True))


@pytest.mark.parametrize(
    "moved", [{"rotation": 1.0, "scale": 0.0}, {"rotation": 0.0, "scale": 1.0}, {"rotation": 1.0, "scale": 1.0}]
)
def test_a_patch_read_as_it_moves_is_the_one_of_a_larger_patch(cases, monkeypatch, moved):
    recipe = mask_recipe(VOLUMES, {"augment": {"volume": moved}})
    size, spacing = VOLUMES["training"]["patch"]["size_voxels"], cases.spacing_mm
    exact = batches(cases, recipe)
    monkeypatch.setattr("laudo.train.mask_loader.patch_of", lambda *_: (99, 99, 99))
    for one, other in zip(exact, batches(cases, recipe), strict=True):
        images, targets = apply_volume_changes(one.images, one.targets, one.changes, size, spacing)
        same, also = apply_volume_changes(other.images, other.targets, other.changes, size, spacing)
        torch.testing.assert_close(images, same, atol=1e-4, rtol=0)
        assert (targets == also).float().mean() > 0.999


def test_targets_lie_under_their_images(cases):
    still = {"rotation": 0.0, "scale": 0.0, "mirror": (0.0, 0.0, 0.0)}
    for batch in batches(cases, mask_recipe(VOLUMES, {"augment": {"volume": still}})):
        for image, target in zip(batch.images, batch.targets, strict=True):
            assert image[0][target == 1].mean() > image[0][target == 0].mean() + 1
            if (target == 2).any():
                assert image[0][target == 2].mean() < image[0][target == 0].mean() - 1


def test_validation_looks_at_one_patch_of_each_volume(cases):
    found = list(validation_loader(MaskPart(cases, np.array([5, 2, 0])), mask_recipe(VOLUMES).training))
    assert [len(batch) for batch in found] == [2, 1]
    assert all(batch.changes is None for batch in found)


def test_a_volume_without_a_mask_has_nothing_marked(cases, monkeypatch):
    monkeypatch.setattr(type(cases.volumes), "has_mask", lambda self, index: False)
    bare = VolumeCases(cases.volumes, Structures(("a",), ((1,),)), cases.labels)
    assert not bare.label_map(0).any()
    assert bare.marked(0) == []
    place = draw_place(bare, 0, (4, 4, 4), True, np.random.default_rng(1))
    assert place.size == (4, 4, 4)
