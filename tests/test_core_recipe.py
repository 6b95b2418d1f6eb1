"""Recipes: every mistake is named with its line and its cure, every recipe survives a trip through YAML."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from laudo.core.errors import RecipeError
from laudo.core.recipe import Augment, AugmentVolume, Recipe
from laudo.core.recipe_file import dump_recipe, load_recipe, parse_recipe, shipped_recipes

FILE = Path("mine.yaml")
GOOD = """name: mine
data:
  source: folders
network:
  backbone: small_cnn
"""


def parse(text: str, *overrides: str) -> Recipe:
    return parse_recipe(text, FILE, overrides)


def refused(text: str, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        parse(text, *overrides)
    assert str(caught.value)
    return caught.value


def test_recipes_are_shipped():
    assert {"demo", "folders", "kaggle-vgg19", "kaggle-vgg19-as-published"} <= set(shipped_recipes())


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_loads_says_what_it_is_and_survives_yaml(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert parse(dump_recipe(recipe)) == recipe
    if name.endswith("-as-published"):
        assert recipe.mistakes
        assert recipe.published or name.startswith("brats"), "whose figures were published as pictures of a table"
        assert recipe.repeats


def test_a_recipe_by_path_is_read_from_there(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert load_recipe(path).name == load_recipe(str(path)).name == "mine"


def test_an_unknown_name_gives_the_nearest_and_all():
    with pytest.raises(RecipeError) as caught:
        load_recipe("kagle-vgg19")
    assert "kaggle-vgg19" in caught.value.cure
    assert "demo" in caught.value.expected


@pytest.mark.parametrize("kind", ["missing", "folder", "not text"])
def test_a_file_that_can_not_be_read_is_named(tmp_path, kind):
    path = tmp_path / "mine.yaml"
    if kind == "folder":
        path.mkdir()
    elif kind == "not text":
        path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.file == str(path)


UNKNOWN_KEYS = [
    (GOOD + "trainin:\n  epochs: 3\n", "line 6", "trainin", "training"),
    (GOOD + "training:\n  batch_size: 8\n  epoch: 3\n", "line 8", "training.epoch", "training.epochs"),
    (GOOD + "  head:\n    hiden: [8]\n", "line 7", "network.head.hiden", "network.head.hidden"),
    (
        GOOD + "  input_scaling:\n    meen: [0, 0, 0]\n    mean: [0, 0, 0]\n    std: [1, 1, 1]\n",
        "line 7",
        "network.input_scaling.meen",
        "network.input_scaling.mean",
    ),
]


@pytest.mark.parametrize(("text", "line", "key", "nearest"), UNKNOWN_KEYS)
def test_an_unknown_key_is_named_with_its_line_and_the_nearest(text, line, key, nearest):
    (detail,) = refused(text).details
    assert detail.startswith(f"{line}: ")
    assert f"unknown key {key};" in detail
    assert f"did you mean {nearest}?" in detail


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("training.epoch=3", "training.epochs"),
        ("network.head.dropuot=0.5", "network.head.dropout"),
        ("qqq=1", None),
        ("training.phases=[{epochs: 2}, {epoch: 3}]", "training.phases.1.epochs"),
    ],
)
def test_an_unknown_key_of_a_setting_is_named_as_it_was_given(override, nearest):
    (detail,) = refused(GOOD, override).details
    assert detail.startswith(f"--set {override}: ")
    assert f"did you mean {nearest}?" in detail if nearest else "known here: name, description" in detail


def test_nothing_near_lists_what_is_known():
    (detail,) = refused(GOOD + "split:\n  qqqqqq: 1\n").details
    assert "did you mean" not in detail
    assert "known here: by, stratified, test" in detail


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (GOOD + "training:\n  epochs: 0\n", ("line 7", "training.epochs", "0")),
        (GOOD + "training:\n  epochs: many\n", ("line 7", "training.epochs", "'many'")),
        (GOOD + "training:\n  optimizer: adma\n", ("line 7", "training.optimizer", "'adam'", "'adma'")),
        (GOOD + "split:\n  test: 1.5\n", ("line 7", "split.test", "1.5")),
        (GOOD + "training: 5\n", ("line 6", "training", "5")),
        (GOOD + "  head:\n    hidden: [8, \n", ("not valid YAML",)),
        (GOOD + "  head:\n    hidden: [8, x]\n", ("line 7", "network.head.hidden.1", "'x'")),
        ("data:\n  source: folders\nnetwork:\n  backbone: x\n", ("missing key name",)),
        ("name: a\ndata: {}\nnetwork:\n  backbone: x\n", ("line 2", "missing key data.source")),
        (GOOD + "1: 2\n", ("1",)),
    ],
)
def test_a_bad_value_is_named_with_its_line(text, parts):
    message = str(refused(text))
    assert "mine.yaml" in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "text",
    [
        "name: [",
        "\t- x",
        "name: a\nname",
        "!!python/object/apply:os.system ['true']",
        "{[1]: 2}",
        "\x00",
        "&a [*a]",
        "name: 2026-99-99",
        "[" * 2000,
        "folds: 0b_",
    ],
)
def test_what_is_not_yaml_is_a_recipe_error(text):
    assert refused(text).file == "mine.yaml"


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]", "just words", "3"])
def test_what_is_no_mapping_is_a_recipe_error(text):
    assert "data, network" in refused(text).expected


@pytest.mark.parametrize(
    ("written", "value"), [("1e-4", 1e-4), ("1E-4", 1e-4), ("1.0e-4", 1e-4), ("0.0001", 1e-4), ("2e-3", 2e-3)]
)
def test_every_spelling_of_a_small_number_is_a_number(written, value):
    assert parse(GOOD + f"training:\n  learning_rate: {written}\n").training.learning_rate == value
    assert parse(GOOD, f"training.learning_rate={written}").training.learning_rate == value


def test_yes_and_no_are_class_names_and_true_is_true():
    text = GOOD.replace("source: folders", "source: folders\n  positive: yes") + "split:\n  stratified: false\n"
    assert parse(text).data.positive == "yes"
    assert parse(text).split.stratified is False
    assert parse(GOOD, "data.positive=no").data.positive == "no"
    assert parse(GOOD, "data.positive=yes").data.positive == "yes"
    assert parse(GOOD, "split.stratified=false", "augment.mirrored_copies=True").split.stratified is False


def test_settings_reach_every_depth_and_override_the_file():
    made = parse(
        GOOD + "training:\n  epochs: 4\n",
        "training.epochs=7",
        "network.head.hidden=[8, 4]",
        "network.head.dropout=.5",
        "training.early_stopping=3",
        "name=2026-99-99",
        "network.weights=a b.safetensors",
        "evaluation.views=[plain, mirrored]",
        "training.report_at_epochs=[1, 7]",
    )
    assert made.training.epochs == 7
    assert made.network.head.hidden == (8, 4)
    assert made.network.head.dropout == 0.5
    assert made.training.early_stopping == 3
    assert made.name == "2026-99-99"
    assert made.network.weights == "a b.safetensors"
    assert made.evaluation.views == ("plain", "mirrored")
    assert parse(GOOD, "training.early_stopping=3", "training.early_stopping=").training.early_stopping is None


NONSENSE = ["epochs", "=3", "training.=3", ".epochs=3", "name.x=3", "training.epochs.x=3", "name=[", "name={[1]: 2}"]


@pytest.mark.parametrize("override", NONSENSE)
def test_a_setting_that_makes_no_sense_is_named(override):
    assert f"--set {override}" in str(refused(GOOD + "training:\n  epochs: 4\n", override))


CROSS_CHECKS = [
    (("split.test=0",), "headline"),
    (("split.validation=0",), "validation"),
    (("split.test=0.6", "split.validation=0.4"), "tenth"),
    (("training.keep=last", "training.early_stopping=3"), "early_stopping"),
    (("training.epochs=5", "training.report_at_epochs=[3, 6]"), "[6]"),
    (("training.focal_alpha=0.5",), "training.loss: focal"),
    (("training.focal_gamma=1",), "focal_gamma"),
    (("network.blocks=[fog]",), "blocks"),
]


@pytest.mark.parametrize(("overrides", "word"), CROSS_CHECKS)
def test_sections_that_contradict_each_other_are_refused(overrides, word):
    assert word in str(refused(GOOD, *overrides))


def test_every_contradiction_alone_is_allowed():
    assert parse(GOOD, "split.test=0", "evaluation.headline=val").split.test == 0
    assert parse(GOOD, "training.keep=last").training.keep == "last"
    assert parse(GOOD, "training.epochs=6", "training.report_at_epochs=[3, 6]").training.report_at_epochs == (3, 6)
    assert parse(GOOD, "split.test=0.5", "split.validation=0.4").split.validation == 0.4
    focal = parse(GOOD, "training.loss=focal", "training.focal_alpha=0.5", "training.focal_gamma=1").training
    assert (focal.focal_alpha, focal.focal_gamma) == (0.5, 1)
    parse(GOOD, "training.focal_alpha=0.25", "training.focal_gamma=2")  # as every dump writes them


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("training.averaging=swa", "training.averaging_from=1"), "averaging_from is 1"),
        (("training.averaging=swa", "training.early_stopping=3"), "early_stopping could end before"),
        (("training.averaging=swa", "training.phases=[{early_stopping: 3}]"), "early_stopping could end before"),
        (("training.keep=last", "training.phases=[{early_stopping: 3}]"), "early_stopping"),
        (("network.classifier=knn", "training.class_weights=balanced"), "class_weights is for networks"),
        *[
            (("network.classifier=random_forest", f"training.{setting}"), f"{setting.split('=')[0]} is for networks")
            for setting in (
                "sampling=balanced",
                "loss=focal",
                "label_smoothing=0.1",
                "early_stopping=3",
                "averaging=ema",
                "report_at_epochs=[1]",
                "warmup_epochs=2",
                "layer_decay=0.8",
                "micro_batch=2",
            )
        ],
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(settings, words):
    (detail,) = refused(GOOD, *settings).details
    assert words in detail


def test_several_mistakes_are_all_named():
    assert len(refused(GOOD + "split:\n  tset: 1\n  folds: 1\ntraining:\n  epochs: 0\n").details) == 3


DRAWN = [name for name in Augment.model_fields if name not in {"mirrored_copies", "cutout_size", "volume"}]


@pytest.mark.parametrize("field", DRAWN)
def test_any_drawn_change_is_random_and_a_mirrored_copy_is_not(field):
    assert not Augment(mirrored_copies=True).is_random
    assert Augment(**{field: 0.1}).is_random
    assert Augment(**{field: 0.1}).of_pictures


def test_what_is_drawn_for_volumes_is_not_for_pictures():
    assert Augment(volume=AugmentVolume()).is_random
    assert not Augment(volume=AugmentVolume()).of_pictures


def test_features_are_fixed_only_when_nothing_before_the_head_changes():
    assert parse(GOOD).has_fixed_features
    assert parse(GOOD, "augment.mirrored_copies=true").has_fixed_features
    for override in ("network.trainable=0.1", "network.blocks=[se]", "augment.rotation_degrees=5"):
        assert not parse(GOOD, override).has_fixed_features


@settings(max_examples=60)
@given(
    name=st.text(max_size=20) | st.from_regex(r"[-+0-9.eE_:]{1,8}", fullmatch=True),
    positive=st.none() | st.text(alphabet="yesno01TFtruefals~null-. :#'\"\n", max_size=8),
    rate=st.floats(1e-12, 1e3),
    test=st.floats(0.01, 0.4),
    hidden=st.lists(st.integers(1, 4096), max_size=3),
    stopping=st.none() | st.integers(1, 99),
    published=st.dictionaries(st.sampled_from(["accuracy", "auc_roc", "f1"]), st.floats(0, 1)),
)
def test_any_recipe_survives_yaml(name, positive, rate, test, hidden, stopping, published):
    recipe = Recipe.model_validate(
        {
            "name": name,
            "published": published,
            "data": {"source": "folders", "positive": positive},
            "split": {"test": test},
            "network": {"backbone": "small_cnn", "head": {"hidden": hidden}},
            "training": {"learning_rate": rate, "early_stopping": stopping},
        }
    )
    assert parse(dump_recipe(recipe)) == recipe


def test_the_dump_holds_every_default():
    values = yaml.safe_load(dump_recipe(parse(GOOD)))
    for section, field in Recipe.model_fields.items():
        assert section in values
        fields = getattr(field.annotation, "model_fields", {})
        assert set(fields) == (set(values[section]) if fields else set())


@pytest.mark.parametrize("change", ["evaluation.views=[plain, mirrored]", "augment.mirrored_copies=true"])
def test_measured_features_alone_have_no_other_views(change):
    measured = ("network.backbone=descriptors", "network.descriptors=[texture]", "network.classifier=knn")
    assert parse(GOOD, *measured)
    assert "as it is" in str(refused(GOOD, *measured, change).as_dict())
