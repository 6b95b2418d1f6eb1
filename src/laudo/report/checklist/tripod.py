"""TRIPOD+AI, the checklist for prediction models by regression or machine learning (Collins et al. 2024).

Numbers are those of the checklist; the words are ours.
"""

from __future__ import annotations

from laudo.core.messages import N_
from laudo.report.checklist import about_data, about_model, about_results, about_study
from laudo.report.checklist.answer import Item, for_author

TRIPOD_AI: tuple[Item, ...] = (
    Item("1", N_("Title names model, people and outcome"), about_study.title),
    Item("2", N_("Abstract"), about_study.abstract),
    Item(
        "3a",
        N_("Medical context and reason"),
        for_author(N_("Say which question in care the model answers, and which models there are already.")),
    ),
    Item(
        "3b",
        N_("Who it is for, and how it would be used"),
        for_author(N_("Say for which patients, where in their care, and used by whom.")),
    ),
    Item(
        "3c",
        N_("Known inequalities"),
        for_author(N_("Say which groups of people are known to be served worse in this question.")),
    ),
    Item("4", N_("Objectives"), about_study.objectives),
    Item("5a", N_("Sources of the data"), about_data.sources),
    Item("5b", N_("Dates"), for_author(N_("Say from when to when the images were taken."))),
    Item("6a", N_("Setting and places"), for_author(N_("Say in which kind of care, in how many places, and where."))),
    Item("6b", N_("Who could take part"), about_data.inclusion),
    Item(
        "6c",
        N_("Treatments"),
        for_author(N_("Say whether patients had been treated, and whether that was taken into account.")),
    ),
    Item("7", N_("Preparation and checks of the data"), about_data.quality),
    Item("8a", N_("The outcome"), about_data.reference),
    Item("8b", N_("Who judged the outcome"), about_data.annotators),
    Item(
        "8c",
        N_("Blinding of the outcome"),
        for_author(N_("Say whether those who judged the outcome knew the images, or what else.")),
    ),
    Item("9a", N_("Choice of what the model is given"), about_model.predictors),
    Item("9b", N_("Definition of what the model is given"), about_data.preprocessing),
    Item("9c", N_("Judgement in what the model is given"), about_model.subjective),
    Item("10", N_("Sample size"), about_data.sample_size),
    Item("11", N_("Missing data"), about_data.missing),
    Item("12a", N_("Which data served for what"), about_data.assignment),
    Item("12b", N_("Handling of what the model is given"), about_data.preprocessing),
    Item("12c", N_("Type and building of the model"), about_model.building),
    Item("12d", N_("Differences between places"), about_results.heterogeneity),
    Item("12e", N_("Measures of performance"), about_results.measures),
    Item("12f", N_("Updating after evaluation"), about_model.updating),
    Item("12g", N_("How answers were computed for evaluation"), about_model.calculation),
    Item("13", N_("Rare classes"), about_model.imbalance),
    Item("14", N_("Fairness"), about_results.fairness),
    Item("15", N_("Output and threshold"), about_model.output),
    Item("16", N_("Training against evaluation"), about_study.training_against_evaluation),
    Item("17", N_("Ethics"), for_author(N_("Name the committee and its decision, or say why none was needed."))),
    Item("18a", N_("Funding"), for_author(N_("Name who paid, and what they had a say in."))),
    Item("18b", N_("Conflicts of interest"), for_author(N_("State every author's interests."))),
    Item("18c", N_("Protocol"), about_study.protocol),
    Item(
        "18d", N_("Registration"), for_author(N_("Give registry and number, or say that the study was not registered."))
    ),
    Item("18e", N_("Sharing of data"), about_study.data_sharing),
    Item("18f", N_("Sharing of code"), about_study.code_sharing),
    Item(
        "19",
        N_("Patients and public"),
        for_author(N_("Say how patients or the public took part, or that they did not.")),
    ),
    Item("20a", N_("Flow of participants"), about_data.flow),
    Item("20b", N_("Characteristics of participants"), about_data.demographics),
    Item("20c", N_("Development beside evaluation data"), about_data.distribution),
    Item("21", N_("Participants and events in each analysis"), about_results.events),
    Item("22", N_("The model itself"), about_model.specification),
    Item("23a", N_("Performance, in subgroups too"), about_results.by_group),
    Item("23b", N_("Performance place by place"), about_results.heterogeneity),
    Item("24", N_("Results of updating"), about_model.updating),
    Item(
        "25",
        N_("Interpretation"),
        for_author(N_("Say what the results mean beside the aims, earlier studies and fairness.")),
    ),
    Item("26", N_("Limitations"), about_study.limitations),
    Item("27a", N_("Input that is poor or missing in use"), about_model.poor_input),
    Item("27b", N_("What users do, and must know"), about_model.interaction),
    Item("27c", N_("Next steps"), for_author(N_("Say what would have to be found out next, above all elsewhere."))),
)
