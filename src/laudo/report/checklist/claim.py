"""CLAIM, the checklist for artificial intelligence in medical imaging, in its 2024 update (Tejani et al. 2024).

Numbers are those of the checklist; the words are ours.
"""

from __future__ import annotations

from laudo.core.messages import N_
from laudo.report.checklist import about_data, about_model, about_results, about_study
from laudo.report.checklist.answer import Item, for_author

CLAIM: tuple[Item, ...] = (
    Item("1", N_("Title names the technique"), about_study.title),
    Item("2", N_("Abstract sums up design, methods, results, conclusions"), about_study.abstract),
    Item(
        "3",
        N_("Background, intended use and role"),
        for_author(N_("Say what is known, what the model is meant for, and which role it would have in care.")),
    ),
    Item("4", N_("Aims and hypotheses"), about_study.objectives),
    Item("5", N_("Prospective or retrospective"), about_study.design),
    Item("6", N_("Goal of the study"), about_study.goal),
    Item("7", N_("Sources of the data"), about_data.sources),
    Item("8", N_("Who and what was included and left out"), about_data.inclusion),
    Item("9", N_("Preparation of the images"), about_data.preprocessing),
    Item("10", N_("Choice of parts of the data"), about_data.subsets),
    Item("11", N_("Removal of names"), about_data.identity),
    Item("12", N_("Missing data"), about_data.missing),
    Item("13", N_("How the images were taken"), about_data.acquisition),
    Item("14", N_("What counts as the truth"), about_data.reference),
    Item(
        "15",
        N_("Why that truth was chosen"),
        for_author(N_("Say why this truth was chosen, and which other one there would have been.")),
    ),
    Item("16", N_("Who made the labels or outlines"), about_data.annotators),
    Item(
        "17",
        N_("Labels or outlines of the test part"),
        for_author(
            N_(
                "Say whether the test part was labelled like the others; in the run all have the labels of the data set."
            )
        ),
    ),
    Item("18", N_("How far readers agree"), about_data.agreement),
    Item("19", N_("How images were assigned to parts"), about_data.assignment),
    Item("20", N_("On which level the parts are apart"), about_data.disjoint),
    Item("21", N_("Size of the test part"), about_data.sample_size),
    Item("22", N_("Description of the model"), about_model.description),
    Item("23", N_("Software and libraries"), about_model.software),
    Item("24", N_("Weights at the start"), about_model.initialisation),
    Item("25", N_("Training"), about_model.training),
    Item("26", N_("How the final model was chosen"), about_model.selection),
    Item("27", N_("Ensembles"), about_model.ensemble),
    Item("28", N_("Metrics"), about_results.metrics),
    Item("29", N_("Significance and uncertainty"), about_results.uncertainty),
    Item("30", N_("Robustness"), about_results.robustness),
    Item("31", N_("Explanations, and their tests"), about_results.explanation),
    Item("32", N_("Evaluation on internal data"), about_results.internal),
    Item("33", N_("Testing on external data"), about_results.external),
    Item(
        "34",
        N_("Registration of a clinical trial"),
        for_author(N_("Give registry and number, or say that it was no clinical trial.")),
    ),
    Item("35", N_("Numbers included and left out"), about_data.flow),
    Item("36", N_("Patients of each part"), about_data.demographics),
    Item("37", N_("Performance with its uncertainty"), about_results.performance),
    Item("38", N_("Diagnostic performance with its precision"), about_results.diagnostic),
    Item("39", N_("Analysis of failures"), about_results.failures),
    Item("40", N_("Limitations"), about_study.limitations),
    Item(
        "41",
        N_("Meaning for practice"),
        for_author(
            N_("Say what follows for practice. The run is for research only; nobody has tried the model on patients.")
        ),
    ),
    Item("42", N_("Protocol and technical details"), about_study.protocol),
    Item("43", N_("Availability of software, model and data"), about_study.availability),
    Item(
        "44", N_("Funding, and the role of who gave it"), for_author(N_("Name who paid, and what they had a say in."))
    ),
)
