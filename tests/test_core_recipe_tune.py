"""The section `tune` of a recipe: ranges fit the recipe's own keys, or are refused with the line that says otherwise."""

from pathlib import Path

import pytest

from laudo.core.errors import RecipeError
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import dump_recipe, load_recipe, parse_recipe, shipped_recipes
from laudo.core.recipe_range_text import range_setting
from laudo.core.recipe_ranges import tunable_keys

GOOD = """name: mine
data:
  source: folders
network:
  backbone: small_cnn
tune:
  training.learning_rate: {low: 1e-5, high: 1e-2, log: true}
  network.head.dropout: {low: 0, high: 0.5, step: 0.1}
  network.head.hidden: {choices: [[], [64], [128, 64]]}
"""


def parse(text: str, *overrides: str) -> Recipe:
    return parse_recipe(text, Path("mine.yaml"), overrides, search=True)


def refused(text: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        parse(text, *overrides)
    assert "mine.yaml" in str(caught.value)
    return "\n".join(caught.value.details)


def test_ranges_are_read_and_survive_yaml():
    recipe = parse(GOOD)
    assert list(recipe.tune.ranges) == ["training.learning_rate", "network.head.dropout", "network.head.hidden"]
    assert recipe.tune.ranges["training.learning_rate"].ends == (1e-5, 1e-2)
    assert recipe.tune.ranges["network.head.hidden"].choices == ([], [64], [128, 64])
    assert parse(dump_recipe(recipe)) == recipe


def test_steps_are_decimal_and_points_even():
    ranges = parse(GOOD).tune.ranges
    assert ranges["network.head.dropout"].stepped(0.1) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert ranges["training.learning_rate"].spread(4) == [1e-5, 1e-4, 1e-3, 1e-2]
    assert parse(GOOD, "tune.network.head.dropout.step=0.2").tune.ranges["network.head.dropout"].ends == (0.0, 0.4)


def test_ranges_may_stand_in_sections():
    text = GOOD.replace("  training.learning_rate: {low", "  training:\n    learning_rate: {low")
    assert parse(text).tune.ranges.keys() == parse(GOOD).tune.ranges.keys()


@pytest.mark.parametrize(
    ("setting", "key", "expected"),
    [
        ("tune.training.learning_rate.low=1e-4", "training.learning_rate", {"low": 1e-4, "high": 1e-2, "log": True}),
        ("tune.training.learning_rate={low: 1, high: 2}", "training.learning_rate", {"low": 1, "high": 2}),
        ("tune.network.head.dropout={choices: [0, 0.5]}", "network.head.dropout", {"choices": (0, 0.5)}),
        (
            "tune.training.batch_size={low: 8, high: 64, step: 8}",
            "training.batch_size",
            {"low": 8, "high": 64, "step": 8},
        ),
        (range_setting("training.epochs=3:30:log"), "training.epochs", {"low": 3, "high": 30, "log": True}),
        (range_setting("training.epochs=3:30:3"), "training.epochs", {"low": 3, "high": 30, "step": 3}),
        (range_setting("training.optimizer=adam,sgd"), "training.optimizer", {"choices": ("adam", "sgd")}),
        (range_setting("network.head.hidden=[8],[16, 8]"), "network.head.hidden", {"choices": ([8], [16, 8])}),
    ],
)
def test_settings_change_add_and_replace_ranges(setting, key, expected):
    assert parse(GOOD, setting).tune.ranges[key].model_dump(exclude_defaults=True) == expected


def test_nothing_takes_a_range_away():
    assert "network.head.dropout" not in parse(GOOD, "tune.network.head.dropout=null").tune.ranges


WRONG = [
    ("training.learning_rat: {low: 1, high: 2}", ("line 10", "unknown key", "training.learning_rate")),
    ("training.epochs: {low: 1.5, high: 3}", ("line 10", "whole numbers")),
    ("training.optimizer: {low: 1, high: 3}", ("line 10", "takes no numbers")),
    ("training.optimizer: {choices: [adam, adma]}", ("line 10", "'adma'")),
    ("augment.rotation_degrees: {low: 0, high: 200}", ("line 10", "180", "200.0")),
    ("training.focal_gamma: {low: 1, high: 3}", ("line 10", "training.loss: focal")),
    ("training.momentum: {lo: 0.1, high: 0.5}", ("line 10", "lo", "did you mean")),
    ("training.momentum: 0.3", ("line 10", "0.3")),
    ("training.momentum: {low: 0.5, high: 0.3}", ("line 10", "low is not below high")),
    ("training.momentum: {low: 0, high: 0.3, log: true}", ("line 10", "low is above 0")),
    ("training.momentum: {low: 0.1}", ("line 10", "low and high")),
    ("training.momentum: {choices: [0.5]}", ("line 10", "two or more")),
    ("training.momentum: {choices: [0.5, 0.6], log: true}", ("line 10", "alone")),
    ("training.momentum: {low: 0.1, high: 0.2, step: 0.5}", ("line 10", "longer than the range")),
    ("network.head: {choices: [1, 2]}", ("line 10", "is a section", "hidden")),
    ("split.seed: {low: 0, high: 9}", ("line 10", "judged by")),
    ("training.seed: {low: 0, high: 9}", ("line 10", "judged by")),
    ("evaluation.nsd_tolerance_mm: {low: 1, high: 9}", ("line 10", "judged by")),
    ("description: {choices: [a, b]}", ("line 10", "changes nothing")),
    ("metric: dice", ("dice",)),
    ("metric: dcie", ("line 10", "'dcie'")),
    ("folds: 1", ("line 10", "tune.folds")),
]


@pytest.mark.parametrize(("line", "parts"), WRONG)
def test_what_does_not_fit_is_named_with_its_line(line, parts):
    message = refused(f"{GOOD}  {line}\n")
    for part in parts:
        assert part in message


def test_a_setting_that_does_not_fit_is_named_as_it_was_given():
    setting = "tune.training.learning_rate={low: 0, high: 1}"
    assert refused(GOOD, setting).startswith(f"--set {setting}: training.learning_rate: ")


def test_a_training_with_another_setting_does_not_mind_ranges_that_do_not_fit_it():
    """A loss that may be searched does not go with every setting of another one."""
    ranges = GOOD + "  training.loss: {choices: [cross_entropy, focal]}\n"
    settings = "training.loss=focal", "training.focal_gamma=3"
    assert "focal_gamma" in refused(ranges, *settings)
    assert parse_recipe(ranges, Path("mine.yaml"), settings).training.focal_gamma == 3


def test_a_value_may_need_another_one_of_the_search():
    """Focal's gamma goes with focal only, which the search may choose."""
    more = "  training.loss: {choices: [cross_entropy, focal]}\n  training.focal_gamma: {low: 1, high: 3}\n"
    assert "training.focal_gamma" in parse(GOOD + more).tune.ranges


@pytest.mark.parametrize("text", ["", "a", "a=", "=1:2", "a=1:", "a=1:2:3:4", "a={low: 1}"])
def test_a_range_that_is_not_understood_is_shown(text):
    with pytest.raises(RecipeError) as caught:
        range_setting(text)
    assert f"--range {text}" in caught.value.found


def test_what_judges_is_not_tunable_and_what_trains_is():
    keys = tunable_keys()
    assert {"training.learning_rate", "network.head.hidden", "evaluation.views", "augment.mixup"} <= set(keys)
    assert not [key for key in keys if key.startswith(("split.", "data.", "tune."))]


def test_each_published_system_ships_ranges():
    tuned = {name for name in shipped_recipes() if load_recipe(name).tune.ranges}
    systems = {"brats-unet3d-ce-dice", "medpix-location-resnet50", "figshare-cnn", "kaggle-vgg19"}
    assert systems | {"busuc-efficientnet-pdf-se", "hippocampus-unet3d"} <= tuned


@pytest.mark.parametrize(("watch", "masks", "metric"), [("loss", False, "auc_roc"), ("accuracy", False, "accuracy")])
def test_the_figure_is_that_of_the_training(watch, masks, metric):
    assert parse(GOOD, f"training.watch={watch}").tuned_metric == metric
    assert parse(GOOD, "tune.metric=brier").tuned_metric == "brier"
