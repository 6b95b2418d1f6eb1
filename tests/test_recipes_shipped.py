"""Every shipped recipe: loads, plans on the phantom of its source, and says nothing that the report does not know."""

import re

import pytest

from laudo.core.recipe_file import dump_recipe, load_recipe, parse_recipe, shipped_recipes
from laudo.report.names import METRICS
from laudo.report.verdict import MISTAKES
from laudo.sources.phantoms import PHANTOMS
from laudo.workflows.plan import plan_training

RECIPES = shipped_recipes()
COUNT = {"medpix2": 80, "figshare": 60}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Source → its phantom, written once."""
    made = {}

    def folder(source):
        if source not in made:
            made[source] = tmp_path_factory.mktemp(source)
            PHANTOMS[source].write(made[source], COUNT.get(source, 40), 0, 32)
        return made[source]

    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_it_plans_on_the_phantom_of_its_source(name, phantoms):
    recipe = load_recipe(name)
    # a phantom this small may lack a class in a part
    planned = plan_training(name, ("data.rare=keep",), phantoms(recipe.data.source), None)
    assert planned["images"] >= 40
    assert planned["train"] > planned["val"] > 0
    assert planned["train"] + planned["val"] + planned["test"] == planned["images"]


@pytest.mark.parametrize("name", RECIPES)
def test_it_says_nothing_that_the_report_does_not_know(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert set(recipe.mistakes) <= set(MISTAKES)
    assert {re.sub("^(train|val|test)_", "", metric) for metric in recipe.published} <= set(METRICS)
    assert parse_recipe(dump_recipe(recipe), name) == recipe


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith("-as-published")])
def test_what_repeats_a_mistake_says_so_and_has_an_honest_twin(name):
    published, twin = load_recipe(name), load_recipe(name.removesuffix("-as-published"))
    assert published.mistakes
    assert published.repeats == twin.repeats
    assert published.data.source == twin.data.source
    assert ("random-split" in published.mistakes) == (published.split.by == "sample")
    assert ("validation-quoted" in published.mistakes) == (published.evaluation.headline == "val")
    assert ("training-quoted" in published.mistakes) == (published.evaluation.headline == "train")
    assert ("context-erased" in published.mistakes) == (published.prepare.mask == "erase")
    assert ("unscaled-descriptors" in published.mistakes) == (
        bool(published.network.descriptors) and not published.network.classical.standardise
    )
    assert not twin.mistakes
    assert twin.split.by != "sample"
    assert twin.evaluation.headline == "test"


def test_the_published_tumour_cnn_is_trained_as_its_curve_says():
    recipe = load_recipe("figshare-cnn-as-published")
    training = recipe.training
    assert (training.epochs, training.batch_size, training.early_stopping, training.plateau_patience) == (20, 32, 5, 2)
    assert (recipe.prepare.height, recipe.prepare.width, recipe.network.pooling) == (512, 512, "flatten")


def test_the_published_ultrasound_system_has_its_two_phases():
    recipe = load_recipe("busuc-efficientnet-pdf-se-as-published")
    first, second = recipe.training.phases
    assert (first.trainable, second.trainable, second.learning_rate, second.epochs) == (0.0, 0.3, 1e-5, 5)
    assert recipe.network.input_scaling is None  # the published mask runs to 255 and undoes the published division
    assert (recipe.training.focal_alpha, recipe.training.focal_gamma) == (0.55, 2.0)
