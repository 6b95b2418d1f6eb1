"""The sentences of the methods paragraph on the texts beside the images."""

from __future__ import annotations

from laudo.core.recipe import Recipe
from laudo.report.citations import cite
from laudo.report.citations_of_texts import CLIP, COMPONENTS, OPEN_CLIP, POOL, TFIDF
from laudo.report.context import Evidence
from laudo.report.methods_network import classical_name
from laudo.report.voice import Voice


def texts_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How texts became numbers, and how they were joined with the image; a sentence each."""
    _ = voice.gettext
    network = recipe.network
    if network.text is None:
        return []
    columns = voice.join(list(recipe.data.text))
    return [
        _("Beside each image its text was read ({columns}).").format(columns=columns),
        _reader(evidence, recipe, voice),
        _joined(recipe, voice),
        *_fitted_on_all(recipe, voice),
        _(
            "The image alone, the text alone, and both with the words that name a class taken out of the text were judged in the "
            "same way."
        ),
    ]


def _reader(evidence: Evidence, recipe: Recipe, voice: Voice) -> str:
    _ = voice.gettext
    network = recipe.network
    size = voice.integer((evidence.model.get("text") or {}).get("size"))
    if network.text == "tfidf":
        counted = []
        if network.tfidf.words is not None:
            counted.append(
                _("sequences of {low} to {high} words").format(low=network.tfidf.words[0], high=network.tfidf.words[1])
            )
        if network.tfidf.characters is not None:
            low, high = network.tfidf.characters
            counted.append(_("pieces of {low} to {high} letters").format(low=low, high=high))
        return _(
            "Words were weighed by their rarity in the training part{cited}: {counted}, without accents and stop words; a singular "
            "value decomposition{components} made {n} numbers of them."
        ).format(counted=voice.join(counted), n=size, cited=cite(TFIDF), components=cite(COMPONENTS))
    cited = cite(OPEN_CLIP if network.text == "open_clip" else CLIP)
    return _(
        "It was turned into {n} numbers by a pretrained text encoder{cited}, which was not trained further."
    ).format(n=size, cited=cited)


def _joined(recipe: Recipe, voice: Voice) -> str:
    _ = voice.gettext
    network = recipe.network
    if network.fusion == "concatenation":
        return _("These numbers stood beside the image's features, and one classifier looked at both.")
    return _(
        "For the text {name} answered; image and text were joined in a logarithmic opinion pool{cited} whose two weights had the "
        "lowest log-loss on samples that neither side was trained on."
    ).format(name=classical_name(network.text_classifier, voice), cited=cite(POOL))


def _fitted_on_all(recipe: Recipe, voice: Voice) -> list[str]:
    """Of several networks, what the texts' side of each has seen of the samples that it did not learn from."""
    _ = voice.gettext
    if recipe.training.ensemble == 1 or recipe.network.text != "tfidf" or recipe.network.fusion != "late":
        return []
    return [
        _("The words' weights and components, which know no classes, were fitted once on the texts of all of them.")
    ]
