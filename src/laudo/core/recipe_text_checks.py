"""What settings of a recipe contradict each other where texts are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.core.recipe import Recipe

WITH_TEXT = {"network": ("fusion", "text_classifier", "tfidf"), "data": ("text", "label_words")}
"""Settings that mean nothing where no text is read, by section."""


def check_texts(recipe: Recipe) -> None:
    """Raise ValueError where the settings of texts contradict each other."""
    network = recipe.network
    if network.text is None:
        for section, keys in WITH_TEXT.items():
            values = getattr(recipe, section)
            fields = type(values).model_fields
            for key in keys:
                if getattr(values, key) != fields[key].get_default(call_default_factory=True):
                    raise ValueError(_("{section}.{key} needs network.text").format(section=section, key=key))
        return
    if recipe.outlines:
        raise ValueError(_("network.text does not go with data.target: {target}").format(target=recipe.data.target))
    if network.output == "multilabel":
        raise ValueError(_("network.text is for one class a sample, not for several labels"))
    if network.fusion == "concatenation" and not recipe.has_fixed_features:
        raise ValueError(
            _(
                "network.fusion: concatenation learns from features that never change: no trained layers, no blocks, no random "
                "changes"
            )
        )
    if network.fusion == "concatenation" and network.companions:
        raise ValueError(_("network.fusion: concatenation does not go with network.companions"))
    if recipe.training.report_at_epochs:
        raise ValueError(_("training.report_at_epochs does not go with network.text"))
    told = [name for name in recipe.data.text if name in {"label", recipe.data.label}]
    if told:
        raise ValueError(_("data.text: {name} is the class itself").format(name=told[0]))
    if recipe.evaluation.leakage_check:
        raise ValueError(_("evaluation.leakage_check does not go with network.text"))
