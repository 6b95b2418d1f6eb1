"""Losses of masks: worked by hand, beside a naive loop and MONAI's; their gradients; what is not there; wrong input."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.losses import DiceCELoss, DiceLoss, FocalLoss, GeneralizedDiceLoss, TverskyLoss
from torch.autograd import gradcheck

from laudo.core.errors import RecipeError
from laudo.core.recipe import MaskLoss
from laudo.networks import few_threads
from laudo.networks.segmenter import MaskLogits
from laudo.train import voxel_sums as sums_of_voxels
from laudo.train.deep_supervision import coarser_targets, deep_supervision_loss
from laudo.train.mask_losses import mask_loss
from laudo.train.voxel_sums import voxel_sums

NAMES = ("cross_entropy", "dice", "cross_entropy+dice", "focal", "tversky", "generalised_dice")


def asked_for(name: str, **wanted: object) -> MaskLoss:
    """The section, without what the loss of this name has no use for."""
    of_overlap = name not in ("cross_entropy", "focal")
    kept = {
        key: value for key, value in wanted.items() if of_overlap or key not in ("dice_over", "background", "smooth")
    }
    return MaskLoss(name=name, **kept)


def batch(overlapping: bool = False, shape=(2, 3, 4, 5, 3), seed: int = 0, kind=torch.float32):
    """Logits, and targets in which every output has voxels in every sample."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, dtype=kind) * 2
    if overlapping:
        return logits, torch.randint(0, 2, shape, generator=generator).to(torch.uint8)
    return logits, torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator).to(torch.uint8)


# a naive loop ---------------------------------------------------------------------------------------------------------


def naive(logits: np.ndarray, targets: np.ndarray, s: MaskLoss, overlapping: bool) -> float:
    """The same from the definitions: a voxel and an output at a time, in double precision."""
    b, k = logits.shape[:2]
    z = logits.reshape(b, k, -1).astype(np.float64)
    t = targets.reshape(b, k, -1) if overlapping else targets.reshape(b, -1)
    w = np.ones(k) if s.class_weights is None else np.array(s.class_weights)
    own = np.zeros(z.shape)
    p = np.zeros(z.shape)
    for i, j, v in itertools.product(*(range(n) for n in z.shape)):
        own[i, j, v] = t[i, j, v] if overlapping else t[i, v] == j
        below = 1 + math.exp(-z[i, j, v]) if overlapping else sum(math.exp(x - z[i, j, v]) for x in z[i, :, v])
        p[i, j, v] = 1 / below
    entropy = weight = 0.0
    for i, j, v in itertools.product(*(range(n) for n in z.shape)):
        right = p[i, j, v] if own[i, j, v] else 1 - p[i, j, v]
        if overlapping or own[i, j, v]:
            entropy -= w[j] * (1 - right) ** (s.gamma if s.name == "focal" else 0) * math.log(right)
            weight += w[j]
    if s.name in ("cross_entropy", "focal"):
        return entropy / weight
    groups = [list(range(b))] if s.dice_over == "batch" else [[i] for i in range(b)]
    counted = range(0 if overlapping or s.background else 1, k)
    losses = []
    for group in groups:
        hit = {j: (p[group, j] * own[group, j]).sum() for j in counted}
        size = {j: own[group, j].sum() for j in counted}
        found = {j: (p[group, j] ** (2 if s.squared else 1)).sum() for j in counted}
        if s.name == "generalised_dice":
            scale = max(1 / size[j] ** 2 for j in counted)
            factor = {j: w[j] / size[j] ** 2 / scale for j in counted}
            above = 2 * sum(factor[j] * hit[j] for j in counted) + s.smooth
            losses.append(1 - above / (sum(factor[j] * (found[j] + size[j]) for j in counted) + s.smooth))
            continue
        ratio = {}
        for j in counted:
            ratio[j] = (2 * hit[j] + s.smooth) / (found[j] + size[j] + s.smooth)
            if s.name == "tversky":
                wrong = s.alpha * (found[j] - hit[j]) + s.beta * (size[j] - hit[j])
                ratio[j] = (hit[j] + s.smooth) / (hit[j] + wrong + s.smooth)
        losses.append(sum(w[j] * (1 - ratio[j]) for j in counted) / sum(w[j] for j in counted))
    overlap = sum(losses) / len(losses)
    return overlap if "+" not in s.name else s.weights[0] * entropy / weight + s.weights[1] * overlap


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("over", ["batch", "sample"])
@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.0)])
@pytest.mark.parametrize("name", NAMES)
def test_every_loss_is_what_a_naive_loop_finds(name, weights, over, overlapping):
    logits, targets = batch(overlapping)
    own = {"cross_entropy+dice": {"weights": (0.3, 1.7)}, "tversky": {"alpha": 0.2, "beta": 0.9}}
    own |= {"focal": {"gamma": 1.5}, "dice": {"squared": True}}
    for background in (False, True):
        more = {"class_weights": weights, "dice_over": over, "background": background, "smooth": 0.1}
        asked = asked_for(name, **more, **own.get(name, {}))
        ours = mask_loss(logits, targets, asked, overlapping)
        assert ours.dtype == torch.float32
        assert ours.shape == ()
        assert float(ours) == pytest.approx(naive(logits.numpy(), targets.numpy(), asked, overlapping), rel=2e-5)


# MONAI's --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_losses_and_their_gradients_are_monais(whole, background, overlapping):
    logits, targets = batch(overlapping, (2, 3, 6, 7, 5), seed=3)
    theirs_targets = targets.float() if overlapping else targets[:, None]
    counts = overlapping or background
    answer = {"sigmoid": True} if overlapping else {"softmax": True, "to_onehot_y": True}
    same = {"include_background": counts, "batch": whole, **answer}
    ours = {"dice_over": "batch" if whole else "sample", "background": background}
    pairs = [
        (MaskLoss(name="dice", **ours), DiceLoss(**same), 1.0),
        (MaskLoss(name="dice", squared=True, **ours), DiceLoss(squared_pred=True, **same), 1.0),
        (MaskLoss(name="tversky", alpha=0.3, beta=0.7, **ours), TverskyLoss(alpha=0.3, beta=0.7, **same), 1.0),
    ]
    one_hot = {"use_softmax": True, "to_onehot_y": True} if not overlapping else {}
    if not overlapping:  # of several regions MONAI's takes the softmax for the one term, the sigmoid for the other
        sum_of_both = MaskLoss(name="cross_entropy+dice", weights=(0.4, 2), **ours)
        pairs.append((sum_of_both, DiceCELoss(lambda_ce=0.4, lambda_dice=2, **same), 1.0))
    # MONAI divides by the outputs too, though only one of them has the voxel
    pairs.append((MaskLoss(name="focal"), FocalLoss(gamma=2.0, **one_hot), 1.0 if overlapping else 3.0))
    for asked, theirs, factor in pairs:
        x, y = logits.clone().requires_grad_(), logits.clone().requires_grad_()
        loss, wanted = mask_loss(x, targets, asked, overlapping), factor * theirs(y, theirs_targets)
        torch.testing.assert_close(loss, wanted, rtol=2e-5, atol=1e-6)
        loss.backward()
        wanted.backward()
        torch.testing.assert_close(x.grad, y.grad, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("overlapping", [False, True])
def test_generalised_dice_is_monais_with_a_smooth_term_that_fits_the_sizes(overlapping):
    logits, targets = batch(overlapping, (1, 3, 6, 7, 5), seed=3)
    sizes = targets[0].flatten(1).sum(1) if overlapping else torch.bincount(targets.flatten().long())
    smooth = 0.3 / float(sizes.min()) ** 2
    answer = {"sigmoid": True} if overlapping else {"softmax": True, "to_onehot_y": True}
    theirs = GeneralizedDiceLoss(smooth_nr=smooth, smooth_dr=smooth, batch=True, **answer)
    ours = mask_loss(logits, targets, MaskLoss(name="generalised_dice", background=True, smooth=0.3), overlapping)
    torch.testing.assert_close(ours, theirs(logits, targets if overlapping else targets[:, None]), rtol=1e-5, atol=1e-6)


def test_generalised_dice_learns_from_large_structures_where_monais_does_not():
    """MONAI's weights fall with the square of the size, so that its smooth term makes any answer look right."""
    targets = torch.zeros(1, 128, 128, 64, dtype=torch.uint8)
    targets[..., 32:] = 1
    wrong = torch.stack([targets, 1 - targets], dim=1) * 20.0
    theirs = GeneralizedDiceLoss(softmax=True, to_onehot_y=True, batch=True)(wrong, targets[:, None])
    ours = mask_loss(wrong, targets, MaskLoss(name="generalised_dice", background=True), overlapping=False)
    assert float(theirs) < 0.7
    assert float(ours) == pytest.approx(1, abs=1e-4)


# worked by hand -------------------------------------------------------------------------------------------------------


def test_one_voxel_that_is_undecided():
    logits, targets = torch.zeros(1, 2, 1, 1, 1), torch.ones(1, 1, 1, 1, dtype=torch.long)

    def loss(name: str, **more: object) -> float:
        return float(mask_loss(logits, targets, asked_for(name, smooth=1e-8, **more), overlapping=False))

    assert loss(name="cross_entropy") == pytest.approx(math.log(2))
    assert loss(name="focal") == pytest.approx(0.25 * math.log(2))
    assert loss(name="dice") == pytest.approx(1 - 2 * 0.5 / (0.5 + 1))
    assert loss(name="dice", squared=True) == pytest.approx(1 - 2 * 0.5 / (0.25 + 1))
    assert loss(name="cross_entropy+dice") == pytest.approx(math.log(2) + 1 / 3)
    assert loss(name="tversky", alpha=0.3, beta=0.7) == pytest.approx(1 - 0.5 / (0.5 + 0.7 * 0.5))
    assert loss(name="dice", background=True) == pytest.approx((1 / 3 + 1) / 2)
    assert loss(name="generalised_dice") == pytest.approx(1 / 3)


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_answer_costs_nothing_and_one_that_is_all_wrong_costs_most(name, overlapping):
    _, targets = batch(overlapping)
    own = targets.float() if overlapping else torch.nn.functional.one_hot(targets.long(), 3).movedim(-1, 1).float()
    asked = asked_for(name, background=True)
    assert float(mask_loss(own * 60 - 30, targets, asked, overlapping)) == pytest.approx(0, abs=1e-5)
    others = torch.roll(own, 1, dims=1) if not overlapping else 1 - own
    worst = float(mask_loss(others * 60 - 30, targets, asked, overlapping))
    entropy = 30.0 if overlapping else 60.0
    wanted = {"cross_entropy": entropy, "focal": entropy, "cross_entropy+dice": entropy + 1}.get(name, 1.0)
    assert worst == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("over", ["batch", "sample"])
def test_dice_of_a_batch_adds_up_before_it_divides(over):
    """One sample right on its only voxel, the other one finds 1 of 3: (1 + 0.5) / 2 of samples, 4 / 6 of both."""
    targets = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0]])
    found = torch.tensor([[1, 0, 0, 0], [1, 0, 0, 0]])
    logits = torch.stack([1 - found, found], dim=1) * 80.0
    loss = mask_loss(logits, targets, MaskLoss(name="dice", dice_over=over), overlapping=False)
    assert float(loss) == pytest.approx(1 - {"batch": 4 / 6, "sample": 0.75}[over], abs=1e-5)


def test_an_absent_structure_has_the_dice_that_the_documentation_says():
    targets = torch.zeros(1, 10, dtype=torch.uint8)
    asked = MaskLoss(name="dice", smooth=0.01)
    nowhere = torch.stack([torch.zeros(1, 10), torch.full((1, 10), -200.0)], dim=1)
    assert float(mask_loss(nowhere, targets, asked, overlapping=False)) == pytest.approx(0, abs=1e-6)
    undecided = torch.zeros(1, 2, 10, requires_grad=True)
    loss = mask_loss(undecided, targets, asked, overlapping=False)
    assert float(loss.detach()) == pytest.approx(1 - 0.01 / 5.01)
    loss.backward()
    slope = 0.01 / 5.01**2 * 0.25  # by the probability, and of that by the logit
    torch.testing.assert_close(undecided.grad[0, 1], torch.full((10,), slope), rtol=1e-4, atol=0)


def test_of_generalised_dice_an_absent_structure_counts_like_the_smallest():
    targets = torch.tensor([[1, 1, 0, 0, 0, 0]])
    logits = torch.zeros(1, 3, 6)
    asked = MaskLoss(name="generalised_dice", smooth=1e-8)
    assert float(mask_loss(logits, targets, asked, overlapping=False)) == pytest.approx(1 - (4 / 3) / (4 + 2))
    empty = torch.zeros_like(targets)
    assert float(mask_loss(logits, empty, asked, overlapping=False)) == pytest.approx(1)


def test_class_weights_weigh_outputs_and_only_their_proportion_counts():
    logits, targets = batch()
    for name in NAMES:
        once, twice = (
            mask_loss(logits, targets, asked_for(name, background=True, class_weights=weights), overlapping=False)
            for weights in ((1, 2, 3), (2, 4, 6))
        )
        if name == "generalised_dice":
            continue  # but for the smooth term
        torch.testing.assert_close(once, twice)
    only = mask_loss(logits, targets, MaskLoss(name="dice", class_weights=(0, 0, 1)), overlapping=False)
    region = MaskLoss(name="dice", class_weights=(0, 1))
    softmax = logits.softmax(1)
    as_regions = torch.logit(softmax[:, 1:], eps=1e-7)
    one_hot = torch.nn.functional.one_hot(targets.long(), 3).movedim(-1, 1)[:, 1:]
    torch.testing.assert_close(only, mask_loss(as_regions, one_hot, region, overlapping=True), rtol=1e-5, atol=1e-6)


# gradients ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_small_steps(name, overlapping):
    logits, targets = batch(overlapping, (2, 3, 3, 2), kind=torch.float64)
    targets[0] = 0  # nothing marked in one sample
    options = {"focal": [{"gamma": 0.5}, {"gamma": 3.0}], "dice": [{"squared": True}, {"dice_over": "sample"}]}
    for more in options.get(name, [{"class_weights": (1, 2, 0.5)}]):
        asked = asked_for(name, smooth=0.05, **more)
        assert gradcheck(lambda x, s=asked: mask_loss(x, targets, s, overlapping), logits.requires_grad_())


@settings(max_examples=40)
@given(
    st.sampled_from(NAMES), st.booleans(), st.sampled_from([1e-3, 30.0, 1e3, 1e6]), st.integers(0, 99), st.booleans()
)
def test_loss_and_gradients_are_finite_whatever_is_marked_or_sure(name, overlapping, size, seed, is_empty):
    logits, targets = batch(overlapping, (2, 3, 3, 4), seed)
    targets = targets * 0 if is_empty else targets
    for more in ({}, {"gamma": 0.2} if name == "focal" else {"dice_over": "sample", "class_weights": (0, 1, 1)}):
        x = (logits * size).requires_grad_()
        loss = mask_loss(x, targets, asked_for(name, **more), overlapping)
        loss.backward()
        assert loss.isfinite()
        assert x.grad.isfinite().all()


# how it is computed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("name", ["cross_entropy+dice", "focal"])
def test_pieces_memory_layout_and_the_targets_type_change_nothing(monkeypatch, name, overlapping):
    logits, targets = batch(overlapping)
    asked = MaskLoss(name=name)

    def both(x: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.detach().requires_grad_()
        loss = mask_loss(x, t, asked, overlapping)
        loss.backward()
        return loss.detach(), x.grad

    loss, slope = both(logits, targets)
    monkeypatch.setattr(sums_of_voxels, "PIECE", 7)
    last = logits.to(memory_format=torch.channels_last_3d)
    wide = torch.zeros(2, 3, 4, 5, 6)[..., ::2].copy_(logits)
    strange = logits.permute(3, 0, 4, 1, 2).contiguous().permute(1, 3, 4, 0, 2)
    for x in (logits, last, wide, strange):
        for t in (targets, targets.long(), targets.int()):
            again, other = both(x, t)
            torch.testing.assert_close(again, loss)
            torch.testing.assert_close(other, slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("many_threads", [1, 99])
def test_the_number_of_threads_is_as_it_was(monkeypatch, many_threads):
    logits, targets = batch()
    monkeypatch.setattr(few_threads, "MANY", many_threads)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        loss = mask_loss(logits.requires_grad_(), targets, MaskLoss(), overlapping=False)
        assert torch.get_num_threads() == 2
        loss.backward()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert float(loss.detach()) == pytest.approx(
        naive(logits.detach().numpy(), targets.numpy(), MaskLoss(), False), rel=2e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_logits_are_counted_in_single_precision(name):
    logits, targets = batch(shape=(2, 3, 24, 24, 24))
    half = logits.bfloat16().requires_grad_()
    single = half.detach().float().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = mask_loss(half, targets, MaskLoss(name=name), overlapping=False)
    wanted = mask_loss(single, targets, MaskLoss(name=name), overlapping=False)
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == float(wanted.detach())
    loss.backward()
    wanted.backward()
    assert half.grad.dtype == torch.bfloat16
    torch.testing.assert_close(half.grad, single.grad.bfloat16())


def test_the_way_back_keeps_nothing_of_the_size_of_the_logits():
    logits, targets = batch(shape=(2, 3, 16, 16, 16))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x) or x, lambda x: x):
        mask_loss(logits.requires_grad_(), targets, MaskLoss(), overlapping=False)
    large = [x for x in kept if x.numel() >= targets.numel()]
    assert {x.data_ptr() for x in large} == {logits.data_ptr(), targets.data_ptr()}


@given(st.integers(0, 999), st.booleans(), st.sampled_from(NAMES))
@settings(max_examples=30)
def test_order_of_voxels_and_a_common_logit_do_not_count(seed, overlapping, name):
    logits, targets = batch(overlapping, (2, 3, 12), seed)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    asked = MaskLoss(name=name)
    loss = mask_loss(logits, targets, asked, overlapping)
    moved = logits[..., order] if overlapping else logits[..., order] + 5.0
    torch.testing.assert_close(mask_loss(moved, targets[..., order], asked, overlapping), loss, rtol=1e-4, atol=1e-5)


# deep supervision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlapping", [False, True])
def test_coarser_grids_count_half_each_and_all_together_one(overlapping):
    _, targets = batch(overlapping, (2, 3, 8, 4, 6))
    shapes = [(2, 3, 8, 4, 6), (2, 3, 4, 2, 3), (2, 3, 2, 1, 2)]
    logits = [torch.randn(shape, generator=torch.Generator().manual_seed(5)) for shape in shapes]
    asked = MaskLoss()
    wanted = 0.0
    for weight, one in zip((4 / 7, 2 / 7, 1 / 7), logits, strict=True):
        wanted += weight * mask_loss(one, coarser_targets(targets, one.shape[2:]), asked, overlapping)
    ours = deep_supervision_loss(MaskLogits(logits[0], tuple(logits[1:])), targets, asked, overlapping)
    torch.testing.assert_close(ours, wanted)
    alone = deep_supervision_loss(MaskLogits(logits[0]), targets, asked, overlapping)
    assert float(alone) == float(mask_loss(logits[0], targets, asked, overlapping))


def test_coarser_targets_are_the_voxels_at_the_middle():
    line = torch.arange(12, dtype=torch.uint8)[None]
    assert coarser_targets(line, torch.Size([12])).tolist() == line.tolist()
    assert coarser_targets(line, torch.Size([6])).tolist() == [[1, 3, 5, 7, 9, 11]]
    assert coarser_targets(line, torch.Size([4])).tolist() == [[1, 4, 7, 10]]
    assert coarser_targets(line[:, :5], torch.Size([3])).tolist() == [[0, 2, 4]]
    regions = torch.arange(16).view(1, 2, 2, 4)
    assert coarser_targets(regions, torch.Size([1, 2])).tolist() == [[[[5, 7]], [[13, 15]]]]


# wrong input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [3, 255])
def test_a_target_that_is_no_outputs_number_is_refused(value):
    logits, targets = batch()
    targets[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=f"to {value} of 3 outputs"):
        mask_loss(logits, targets, MaskLoss(), overlapping=False)


def test_more_voxels_than_single_precision_counts_are_no_wrong_targets():
    """17 × (2^20 + 1) is odd and above 2^24."""
    n = (1 << 20) + 1
    sums = voxel_sums(torch.zeros(17, 2, n, 1, dtype=torch.bfloat16), torch.zeros(17, n, 1, dtype=torch.uint8), False)
    assert int(sums.true.double().sum()) == 17 * n


def test_targets_of_another_shape_or_type_are_refused():
    logits, targets = batch()
    for wrong in (targets[:1], targets[..., :2], targets[:, None]):
        with pytest.raises(ValueError, match="shape"):
            mask_loss(logits, wrong, MaskLoss(), overlapping=False)
    with pytest.raises(ValueError, match="shape"):
        mask_loss(logits, targets, MaskLoss(), overlapping=True)
    with pytest.raises(ValueError, match="whole numbers"):
        mask_loss(logits, targets.float(), MaskLoss(), overlapping=False)


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, 1, 1), (0, 0, 0), (1, 0, 0)])
def test_class_weights_that_do_not_fit_are_refused(weights):
    logits, targets = batch()
    with pytest.raises(RecipeError, match="class_weights"):
        mask_loss(logits, targets, MaskLoss(class_weights=weights), overlapping=False)
    assert mask_loss(logits, targets, MaskLoss(name="cross_entropy", class_weights=(1, 0, 0)), overlapping=False) > 0
