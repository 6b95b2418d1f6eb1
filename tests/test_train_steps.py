"""Steps of a training: pieces of a batch, averages of weights, phases, rates, the draw of samples; fit alone, without data sets."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor, nn

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.backbone import IMAGENET_SCALING, Backbone, Scaling
from laudo.networks.classifier import Classifier
from laudo.networks.memory import reused_memory
from laudo.networks.small_cnn import SmallCNN
from laudo.networks.squeezenet import SqueezeNet
from laudo.networks.timm_backbone import TimmBackbone
from laudo.networks.tumour_cnn import TumourCNN
from laudo.train.averaging import AveragedWeights, Swapped
from laudo.train.bookkeeper import weights_path
from laudo.train.classifier_fitting import ClassifierFitting
from laudo.train.fit import Deadline, Fitted, fit
from laudo.train.inputs import EpochOrder, Part, balanced_order, loader
from laudo.train.phases import kept_epoch, phase_recipes
from laudo.train.rates import layer_groups, parameter_groups
from training_example import fingerprint, small_recipe

CPU = torch.device("cpu")


class Tiny(Backbone):
    """Two convolutions without normalisation."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        middle = [nn.BatchNorm2d(4)] if norm else []
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), *middle, nn.ReLU(), nn.Conv2d(4, 5, 3), nn.ReLU())
        self.map_channels = self.vector_size = 5

    def feature_map(self, x: Tensor) -> Tensor:
        features: Tensor = self.features(x)
        return features


@dataclasses.dataclass(frozen=True)
class Given:
    """Pixels as they are."""

    pixels: Tensor

    def read(self, indices) -> tuple[Tensor, ...]:
        return (self.pixels[torch.as_tensor(np.asarray(indices))],)


def recipe_of(augment: dict | None = None, head: dict | None = None, **training: object) -> Recipe:
    base = {"epochs": 2, "batch_size": 8, "seed": 3}
    head = {"l2": 0.01, "hidden": (6,), **(head or {})}
    return small_recipe(
        {"training": {**base, **training}, "network": {"output": "softmax", "head": head}, "augment": augment or {}}
    )


def parts(n: int = 22, seed: int = 0) -> tuple[Part, Part]:
    rng = np.random.default_rng(seed)
    targets = rng.permutation(np.arange(n) % 3 == 0).astype(np.int64)
    pixels = rng.integers(0, 120, (n, 1, 12, 12))
    pixels[targets == 1, :, 4:8, 4:8] += 100
    given = Given(torch.from_numpy(pixels.astype(np.uint8)))
    return Part(given, np.arange(n), targets), Part(given, np.arange(0, n, 2), targets[::2])


def network(recipe: Recipe, norm: bool = False) -> Classifier:
    torch.manual_seed(0)
    return Classifier(Tiny(norm), Scaling(IMAGENET_SCALING), recipe.network, 2)


def fitted(recipe: Recipe, run: Run, norm: bool = False, minutes: float | None = None) -> tuple[Classifier, Fitted]:
    (run.folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    built = network(recipe, norm)
    return built, fit(built, *parts(), recipe, run, CPU, "fp32", Deadline.after(minutes))


def same_state(a: nn.Module, b: nn.Module, **tolerance: float) -> None:
    for name, value in a.state_dict().items():
        torch.testing.assert_close(value, b.state_dict()[name], **(tolerance or {"rtol": 0.0, "atol": 0.0}), msg=name)


# pieces -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"class_weights": "balanced", "label_smoothing": 0.1},
        {"loss": "focal", "class_weights": "balanced"},
        {"augment": {"rotation_degrees": 20, "noise": 0.1, "cutout": 0.5, "brightness": 0.1}},
    ],
)
def test_a_batch_in_pieces_is_the_batch(tmp_path, more):
    """22 samples in batches of 16 and 6, in pieces of 5: the last ones are short."""
    whole = recipe_of(batch_size=16, optimizer="sgd", learning_rate=0.05, **more)
    small = recipe_of(batch_size=16, optimizer="sgd", learning_rate=0.05, micro_batch=5, **more)
    first, log = fitted(whole, Run(tmp_path / "whole"))
    second, other = fitted(small, Run(tmp_path / "pieces"))
    same_state(first, second, rtol=1e-4, atol=1e-5)
    assert [line["train_loss"] for line in log.epochs] == pytest.approx([line["train_loss"] for line in other.epochs])
    assert not torch.equal(first.head.dense[0].weight, network(whole).head.dense[0].weight)  # something was learned


def test_gradients_of_300_samples_in_pieces_of_32_are_those_of_one_batch(monkeypatch):
    train, _val = parts(300)
    arguments, targets = train.inputs.read(train.indices), torch.from_numpy(train.targets)
    gradients = []
    for micro in (None, 32):
        recipe = recipe_of(micro_batch=micro)
        net = network(recipe)
        module = ClassifierFitting(net, recipe, torch.tensor([0.75, 1.5]), True)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        monkeypatch.setattr(
            ClassifierFitting, "trainer", type("T", (), {"optimizers": [optimizer], "current_epoch": 0})
        )
        module.training_step((arguments, targets), 0).backward()
        gradients.append([parameter.grad.clone() for parameter in net.parameters()])
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


# mixing -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.2, "cutmix": 1.0}])
@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_the_loss_of_mixed_images_is_that_of_soft_targets(mixing, loss, output):
    from laudo.train.pieces import Pieces

    train, _val = parts(30)
    recipe = recipe_of(augment=mixing, loss=loss, label_smoothing=0.1, micro_batch=8)
    recipe = recipe.model_copy(update={"network": recipe.network.model_copy(update={"output": output})})
    net = network(recipe)
    targets = torch.from_numpy(train.targets)
    pieces = Pieces((train.inputs.read(train.indices), targets), recipe, 5)
    weights = torch.tensor([0.5, 2.0])
    total, count = 0.0, 0.0
    ours = sum(float(t.terms(net(*a), recipe, weights)[0].sum().detach()) for a, t in pieces) / float(
        pieces.weight(weights)
    )
    for arguments, target in pieces:
        z = net(*arguments).detach().double().numpy()
        p = 1 / (1 + np.exp(-z)) if output == "sigmoid" else np.exp(z) / np.exp(z).sum(1, keepdims=True)
        p = np.concatenate([1 - p, p], 1) if output == "sigmoid" else p
        for row, own, other, share in zip(p, target.own, target.other, target.share.double().numpy(), strict=True):
            for label, part in ((int(own), share), (int(other), 1 - share)):
                for name in (0, 1):
                    wanted = (name == label) * 0.9 + 0.05
                    focal = (0.25 if name else 0.75) * (1 - row[name]) ** 2 if loss == "focal" else 1.0
                    # cross-entropy of a softmax weighs each smoothed class by its own weight, as PyTorch does
                    each = name if loss == "cross_entropy" and output == "softmax" else label
                    total -= part * float(weights[each]) * wanted * focal * np.log(row[name])
                count += part * float(weights[label])
    assert ours == pytest.approx(total / count, rel=1e-4)


def test_descriptors_are_mixed_with_their_images():
    from laudo.train.pieces import Pieces

    recipe = recipe_of(augment={"mixup": 1.0})
    pixels, beside = torch.full((6, 1, 12, 12), 50, dtype=torch.uint8), torch.arange(6.0)[:, None]
    pixels[:, :, 0, 0] = torch.arange(6, dtype=torch.uint8)[:, None] * 10
    (((mixed, described), target),) = list(Pieces(((pixels, beside), torch.arange(6)), recipe, 1))
    torch.testing.assert_close(mixed[:, 0, 0, 0], described[:, 0] * 10)
    torch.testing.assert_close(described[:, 0], target.share * target.own + (1 - target.share) * target.other)


# averages ---------------------------------------------------------------------------------------------------------------


class Walk(nn.Module):
    """A weight that goes where it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.still = nn.Parameter(torch.full((2,), 0.1), requires_grad=False)
        self.register_buffer("moving", torch.zeros(2))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def go(self, value: float) -> None:
        with torch.no_grad():
            self.weight.fill_(value)
            self.moving.fill_(-value)
            self.steps += 1


VALUES = st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=15)


@given(VALUES, st.floats(0.0, 0.99))
def test_the_moving_average_is_numpys_and_counters_are_counted(values, decay):
    walk = Walk()
    averaged = AveragedWeights(walk, recipe_of(averaging="ema", averaging_decay=decay).training)
    expected = 0.0
    for step, value in enumerate(values):
        walk.go(value)
        averaged.after_step()
        averaged.after_epoch(step + 1)  # of no matter here
        d = min(decay, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * value
    judged = averaged.judged()
    assert judged["weight"].tolist() == pytest.approx([expected] * 2, abs=1e-4)
    assert judged["moving"].tolist() == pytest.approx([-expected] * 2, abs=1e-4)
    assert judged["steps"] == len(values)
    assert torch.equal(judged["still"], torch.full((2,), 0.1))
    with_ = Swapped(averaged)
    with_.__enter__()
    assert walk.weight.tolist() == judged["weight"].tolist()
    with_.__exit__()
    assert walk.weight.tolist() == pytest.approx([values[-1]] * 2)


@given(VALUES, st.floats(0.0, 1.0, exclude_max=True))
def test_the_mean_of_epochs_begins_where_it_is_told(values, begin):
    walk = Walk()
    training = recipe_of(averaging="swa", averaging_from=begin, epochs=len(values)).training
    averaged = AveragedWeights(walk, training)
    for epoch, value in enumerate(values, start=1):
        walk.go(value)
        averaged.after_step()  # of no matter here
        averaged.after_epoch(epoch)
    late = [value for epoch, value in enumerate(values, start=1) if epoch > begin * len(values)]
    assert averaged.is_active is bool(late)
    expected = np.mean(late) if late else values[-1]
    assert averaged.judged()["weight"].tolist() == pytest.approx([expected] * 2, abs=1e-4)


def test_averaged_weights_are_judged_and_kept_and_the_training_goes_on_without_them(tmp_path):
    plain, log = fitted(recipe_of(epochs=3, keep="last"), Run(tmp_path / "plain"))
    for name in ("ema", "swa"):
        recipe = recipe_of(epochs=3, keep="last", averaging=name, averaging_from=0.0)
        kept, other = fitted(recipe, Run(tmp_path / name))
        assert [line["train_loss"] for line in other.epochs] == [line["train_loss"] for line in log.epochs]
        assert other.epochs[-1]["val_loss"] != log.epochs[-1]["val_loss"]
        assert not torch.equal(kept.head.dense[0].weight, plain.head.dense[0].weight)
        _train, val = parts()
        logits = kept.eval()(*val.inputs.read(val.indices))
        loss = float(nn.functional.cross_entropy(logits, torch.from_numpy(val.targets)))
        assert loss == pytest.approx(other.epochs[-1]["val_loss"], rel=1e-5)


def test_the_best_epoch_is_one_of_averaged_weights(tmp_path):
    """The mean begins after the third of four epochs: an earlier one is not kept, however good it was."""
    recipe = recipe_of(epochs=4, averaging="swa", averaging_from=0.75, learning_rate=0.3)
    _kept, log = fitted(recipe, Run(tmp_path / "run"))
    assert [line.get("averaged", False) for line in log.epochs] == [False, False, False, True]
    assert log.kept_epoch == 4
    worse = [{**line, "val_loss": float(line["epoch"])} for line in log.epochs]
    assert kept_epoch(worse, phase_recipes(recipe)) == 4
    assert kept_epoch(worse[:3], phase_recipes(recipe)) == 1


# phases -----------------------------------------------------------------------------------------------------------------

PHASES = (
    {"epochs": 3, "trainable": 0.0},
    {"epochs": 2, "trainable": 0.5, "learning_rate": 1e-4, "loss": "focal", "class_weights": "balanced"},
)


def test_a_phase_lays_itself_over_the_sections():
    recipe = recipe_of(phases=({}, *PHASES), backbone_learning_rate=0.5, early_stopping=4)
    first, second, third = phase_recipes(recipe)
    assert first.training == recipe.training.model_copy(update={"phases": ()})
    assert (second.training.epochs, second.network.trainable, second.training.backbone_learning_rate) == (3, 0.0, 0.5)
    assert (third.training.learning_rate, third.training.backbone_learning_rate) == (1e-4, None)
    assert (third.training.loss, third.training.class_weights, third.training.early_stopping) == (
        "focal",
        "balanced",
        4,
    )
    assert recipe.network.trainable == first.network.trainable == 1.0


def test_each_phase_begins_with_what_the_one_before_has_kept_and_trains_its_share(tmp_path):
    run = Run(tmp_path / "run")
    recipe = recipe_of(phases=PHASES, learning_rate=0.05, epochs=3)
    net, done = fitted(recipe, run)
    assert [(line["epoch"], line["phase"]) for line in done.epochs] == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2)]
    assert [line["learning_rate"] for line in done.epochs] == [0.05] * 3 + [1e-4] * 2
    best = min(done.epochs[:3], key=lambda line: line["val_loss"])["epoch"]
    begun = load_file(weights_path(run, best))
    fresh = network(recipe).state_dict()
    assert all(torch.equal(begun[key], fresh[key]) for key in fresh if key.startswith("backbone"))
    last = net.state_dict()
    # Adam with a rate of 1e-4 over six steps moves no weight by more than 6e-4 or so from where the phase began
    moved = {key: float((last[key] - begun[key]).abs().max()) for key in last if last[key].numel()}
    assert moved["backbone.features.0.weight"] == 0.0
    assert 0 < moved["backbone.features.2.weight"] < 1e-3
    assert 0 < moved["head.layers.0.weight"] < 1e-3
    assert done.kept_epoch in (4, 5)  # the losses of the phases can not be compared


def test_what_was_trained_is_known_when_the_training_is_begun_again_after_its_end(tmp_path):
    run = Run(tmp_path / "run")
    recipe = recipe_of(phases=({"epochs": 1, "trainable": 0.5}, {"epochs": 1, "trainable": 0.0}))
    for _attempt in range(2):  # the second finds nothing left to train
        net, _done = fitted(recipe, run)
        trained = [name for name, value in net.backbone.named_parameters() if value.requires_grad]
        assert trained == ["features.2.weight", "features.2.bias"]


def test_classes_are_weighted_though_neither_part_has_the_last_one(tmp_path):
    recipe = recipe_of(class_weights="balanced")
    net = Classifier(Tiny(), Scaling(IMAGENET_SCALING), recipe.network, 3)
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    done = fit(net, *parts(), recipe, Run(tmp_path / "run"), CPU, "fp32", Deadline.after(None))
    assert all(np.isfinite(line["val_loss"]) for line in done.epochs)


def test_the_best_epoch_is_of_all_phases_where_they_can_be_compared():
    lines = [
        {"epoch": epoch, "phase": phase, "val_loss": loss, "val_accuracy": accuracy}
        for epoch, phase, loss, accuracy in ((1, 1, 0.1, 0.9), (2, 1, 0.2, 0.8), (3, 2, 0.5, 0.7), (4, 2, 0.4, 0.6))
    ]
    same = phase_recipes(recipe_of(phases=({}, {"trainable": 0.5})))
    other = phase_recipes(recipe_of(phases=({}, {"loss": "focal"})))
    watched = phase_recipes(recipe_of(phases=({}, {"loss": "focal"}), watch="accuracy"))
    last = phase_recipes(recipe_of(phases=({}, {}), keep="last"))
    assert [kept_epoch(lines, plan) for plan in (same, other, watched, last)] == [1, 4, 1, 4]
    assert kept_epoch(lines[:2], other) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"phases": PHASES, "schedule": "plateau", "plateau_patience": 0},
        {"phases": ({"epochs": 9, "early_stopping": 1, "trainable": 0.0}, {"epochs": 2}), "averaging": "ema"},
        {"epochs": 5, "averaging": "swa", "averaging_from": 0.4, "sampling": "balanced", "warmup_epochs": 2},
        {
            "epochs": 4,
            "micro_batch": 3,
            "averaging": "ema",
            "schedule": "cosine",
            "watch": "auc_roc",
            "layer_decay": 0.5,
        },
        {"epochs": 3, "augment": {"mixup": 0.4, "cutmix": 1.0, "noise": 0.1, "blur_px": 1.0, "cutout": 0.5}},
    ],
)
def test_stopped_after_every_epoch_it_ends_as_if_never_stopped(tmp_path, more):
    recipe = recipe_of(head={"dropout": 0.3}, **more)
    whole = Run(tmp_path / "whole")
    first, done = fitted(recipe, whole, norm=True)
    run = Run(tmp_path / "stopped")
    for _attempt in range(20):
        second, again = fitted(recipe, run, norm=True, minutes=0)
        if again.reason != "max_minutes":
            break
        torch.rand(7)
    assert _attempt == len(done.epochs) - 1
    same_state(first, second)
    assert again.kept_epoch == done.kept_epoch
    assert again.reason == done.reason
    assert fingerprint(run.folder) == fingerprint(whole.folder)
    third, more_ = fitted(recipe, run, norm=True)  # nothing is left to do
    assert more_.epochs == again.epochs
    same_state(first, third)


# rates ------------------------------------------------------------------------------------------------------------------


def test_layers_of_our_networks_are_convolutions_with_their_normalisation():
    groups = layer_groups(SmallCNN())
    assert groups["features.0.weight"] == groups["features.1.bias"] == 0
    assert groups["features.3.weight"] == groups["features.4.weight"] == 1
    assert max(groups.values()) == 7
    assert sorted(set(layer_groups(TumourCNN()).values())) == [0, 1, 2, 3]
    squeeze = layer_groups(SqueezeNet())
    assert squeeze["features.3.squeeze.weight"] == squeeze["features.3.expand3x3.bias"] == 1


@pytest.mark.parametrize("name", ["resnet18", "vgg11", "mobilenetv2_050"])
def test_layers_of_timm_are_timms(name):
    from timm.optim import param_groups_layer_decay

    torch.manual_seed(0)
    backbone = TimmBackbone(name)
    recipe = recipe_of(layer_decay=0.5, learning_rate=1.0, backbone_learning_rate=0.1)
    net = Classifier(backbone, Scaling(IMAGENET_SCALING), recipe.network, 2)
    theirs = {
        id(p): g["lr_scale"] for g in param_groups_layer_decay(backbone.model, layer_decay=0.5) for p in g["params"]
    }
    top = max(theirs.values())  # theirs leaves the classifier's place free
    head, *groups = parameter_groups(net, recipe.training)
    assert head["lr"] == 1.0
    assert {id(p) for g in groups for p in g["params"]} == set(theirs)
    for group in groups:
        for parameter in group["params"]:
            assert group["lr"] == pytest.approx(0.1 * theirs[id(parameter)] / top)
    assert len(parameter_groups(net, recipe_of().training)) == 2


# the draw of samples ----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(0, 999))
def test_a_balanced_epoch_has_exact_quotas(classes, seed):
    classes = np.array(classes)
    drawn = balanced_order(classes, np.random.default_rng(seed))
    assert len(drawn) == len(classes)
    names = set(classes.tolist())
    counts = Counter(classes[drawn].tolist())
    assert {counts[name] for name in names} <= {len(classes) // len(names), -(-len(classes) // len(names))}
    for name in names:  # within a class no sample stands more than once more than another
        times = [int((drawn == index).sum()) for index in np.flatnonzero(classes == name)]
        assert max(times) - min(times) <= 1


def test_a_balanced_order_depends_on_seed_and_epoch_alone():
    classes = np.array([0] * 40 + [1] * 5)
    order = EpochOrder(45, 3, 0, classes)
    order.set_epoch(2)
    later = EpochOrder(45, 3, 2, classes)
    assert list(order) == list(later)
    later.set_epoch(1)
    assert list(order) != list(later)
    part = Part(Given(torch.zeros(45, 1)), np.arange(45), classes)
    targets = torch.cat([y for _x, y in loader(part, 10, order)])
    assert sorted(Counter(targets.tolist()).values()) == [22, 23]


# what the log holds -----------------------------------------------------------------------------------------------------


def test_the_rate_rises_step_by_step_and_every_watched_figure_is_logged(tmp_path, monkeypatch):
    rates = []
    original = ClassifierFitting.training_step

    def spy(self, batch, batch_idx):
        rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        return original(self, batch, batch_idx)

    monkeypatch.setattr(ClassifierFitting, "training_step", spy)
    recipe = recipe_of(epochs=3, warmup_epochs=2, learning_rate=0.06, schedule="cosine", watch="balanced_accuracy")
    _net, done = fitted(recipe, Run(tmp_path / "run"))
    assert rates == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.06, 0.06, 0.06])
    best = max(done.epochs, key=lambda line: (line["val_balanced_accuracy"], -line["val_loss"]))
    assert done.kept_epoch == best["epoch"]
    assert "phase" not in done.epochs[0]
    json.dumps(done.epochs)


# memory -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("augment", [{}, {"rotation_degrees": 10}])
def test_maps_lie_channels_last_while_a_network_is_trained(tmp_path, precision, augment):
    """Planes one after the other, as changed images come, take a processor up to twice the time."""
    recipe, run = recipe_of(augment, epochs=1), Run(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    built, layouts = network(recipe), []

    def note(module: nn.Module, _arguments: object, y: Tensor) -> None:
        layouts.append(y.is_contiguous(memory_format=torch.channels_last))

    for module in built.backbone.features:
        module.register_forward_hook(note)
    fit(built, *parts(), recipe, run, CPU, precision, Deadline())
    assert layouts
    assert all(layouts)


def test_memory_is_kept_within_the_block_only(monkeypatch):
    from laudo.networks import memory

    calls = []

    class Library:
        def mallopt(self, parameter, value):
            calls.append((parameter, value))

        def malloc_trim(self, pad):
            calls.append("trim")

    monkeypatch.setattr(memory, "_glibc", Library)
    with reused_memory(CPU), pytest.raises(ValueError, match="out"), reused_memory(CPU):
        raise ValueError("out")
    assert calls[:3] == [(-4, 0), (-1, 2**31 - 1), (-2, 2**28)]
    assert calls[3:] == [(-4, 65536), (-1, 131072), (-2, 0), "trim"]
    with reused_memory(torch.device("cuda")):
        assert len(calls) == 7
    monkeypatch.setattr(memory, "_glibc", lambda: None)  # another C library
    with reused_memory(CPU):
        assert len(calls) == 7


def test_without_glibc_nothing_is_done(monkeypatch):
    from laudo.networks import memory

    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory._glibc() is None
    monkeypatch.undo()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _name: object())  # musl has no mallopt
    assert memory._glibc() is None
