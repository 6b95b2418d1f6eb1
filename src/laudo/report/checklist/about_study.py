"""Answers on the study as a whole: what it is, what it is for, and what can be had of it."""

from __future__ import annotations

from laudo.core.environment import file_hash
from laudo.report.checklist.answer import Answer, State
from laudo.report.citations import SOURCES, cite
from laudo.report.context import Evidence
from laudo.report.limits import limits
from laudo.report.verdict import verdict
from laudo.report.voice import Voice
from laudo.sources.table import PUBLIC


def is_public(evidence: Evidence) -> bool:
    """Whether the images are a public data set."""
    return evidence.recipe is not None and evidence.recipe.data.source in {source.name for source in PUBLIC}


def kind_of_method(evidence: Evidence, voice: Voice) -> str:
    """What sort of technique answers."""
    _ = voice.gettext
    network = evidence.recipe.network if evidence.recipe is not None else None
    if network is not None and network.classifier != "dense":
        return _("machine learning on features")
    return _("deep learning")


def title(evidence: Evidence, voice: Voice) -> Answer:
    """What the title should name."""
    _ = voice.gettext
    if evidence.recipe is None:
        return Answer("author", _("Name the technique in the title."))
    text = _("Name in the title the technique ({kind}, {network}), the images and what is predicted ({answers}).")
    return Answer(
        "author",
        text.format(
            kind=kind_of_method(evidence, voice),
            network=evidence.recipe.network.backbone,
            answers=voice.join(list(evidence.classes or evidence.structures)) or "–",
        ),
    )


def abstract(evidence: Evidence, voice: Voice) -> Answer:
    """The result in one sentence."""
    _ = voice.gettext
    if evidence.result is None:
        return Answer("author", _("The model was not judged, so there is no result to sum up."))
    text = _("For the results: {verdict} The author adds aim, design and conclusion.")
    return Answer("partly", text.format(verdict=verdict(evidence, voice)), "summary")


def design(evidence: Evidence, voice: Voice) -> Answer:
    """Prospective or retrospective."""
    _ = voice.gettext
    if is_public(evidence):
        return Answer(
            "shown", _("Retrospective: the images are a public data set that existed before the study."), "data"
        )
    return Answer("author", _("Say whether the images were collected for this study or existed before it."))


def goal(evidence: Evidence, voice: Voice) -> Answer:
    """What kind of study it is."""
    _ = voice.gettext
    if evidence.recipe is not None and evidence.recipe.repeats:
        text = _("A repetition of a published system: {repeats}. The author says to what end.")
        return Answer("partly", text.format(repeats=evidence.recipe.repeats.rstrip(".")), "summary")
    return Answer("author", _("Say whether a model is developed, explored, compared or shown not to be inferior."))


def objectives(evidence: Evidence, voice: Voice) -> Answer:
    """Development, evaluation or both."""
    _ = voice.gettext
    external = isinstance(evidence.metrics.get("external"), dict)
    text = (
        _("The run develops a model and evaluates it on internal and on external images; say what was to be found out.")
        if external
        else _("The run develops a model and evaluates it on images of the same set; say what was to be found out.")
    )
    return Answer("author", text)


def limitations(evidence: Evidence, voice: Voice) -> Answer:
    """How many limits the report states."""
    _ = voice.gettext
    text = _(
        "{n} limits that follow from data and procedure are stated, the first: {first} The author adds those of the study."
    )
    found = limits(evidence, voice)
    return Answer("partly", text.format(n=voice.integer(len(found)), first=found[0]), "limits")


def protocol(evidence: Evidence, voice: Voice) -> Answer:
    """The recipe as technical protocol."""
    _ = voice.gettext
    if not evidence.run.recipe_path.is_file():
        return Answer("author", _("Name the protocol and where it can be read."))
    text = _(
        "Every technical setting is in recipe.yaml (SHA-256 {hash}…). The author names the study's protocol, where there is one."
    )
    return Answer("partly", text.format(hash=file_hash(evidence.run.recipe_path)[:12]), "reproduce")


def data_sharing(evidence: Evidence, voice: Voice) -> Answer:
    """Where the images can be had."""
    _ = voice.gettext
    source = evidence.recipe.data.source if evidence.recipe is not None else ""
    known = {one.name: one for one in PUBLIC}
    if source in known:
        text = _("The images are public: {where}{cited}.")
        return Answer("shown", text.format(where=_(known[source].where), cited=cite(*SOURCES.get(source, ()))), "data")
    return Answer("author", _("Say who can have the images, and how."))


def code_sharing(evidence: Evidence, voice: Voice) -> Answer:
    """Which code made the model."""
    _ = voice.gettext
    version, commit = evidence.environment.get("laudo"), evidence.environment.get("commit")
    if not version:
        return Answer("author", _("Name the program, its version and where it can be had."))
    text = _(
        "The code is laudo {version}, which is free, with the recipe of the run. The author says where recipe and model can be had."
    )
    return Answer("partly", text.format(version=f"{version} ({commit[:12]})" if commit else version), "reproduce")


def availability(evidence: Evidence, voice: Voice) -> Answer:
    """Program, model and data together."""
    data, code = data_sharing(evidence, voice), code_sharing(evidence, voice)
    state: State = "author" if {data.state, code.state} == {"author"} else "partly"
    return Answer(state, f"{code.text} {data.text}", code.where)


def training_against_evaluation(evidence: Evidence, voice: Voice) -> Answer:
    """In what the images that judge differ from those that trained."""
    _ = voice.gettext
    if isinstance(evidence.metrics.get("external"), dict):
        return Answer(
            "partly",
            _("There are internal and external images; say in what hospitals, patients and labels differ."),
            "results",
        )
    return Answer(
        "shown", _("None: both come from one set and were drawn apart, so nothing is known of other places."), "limits"
    )
