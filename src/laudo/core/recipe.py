"""A recipe: everything that decides a run, as plain data. Each field says what it is; unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from laudo.core.messages import _
from laudo.core.recipe_augment_volume import AugmentVolume
from laudo.core.recipe_decisions import WantedRate
from laudo.core.recipe_mask_checks import check_masks
from laudo.core.recipe_masks import MASK_NETWORKS, MaskLoss, Patch
from laudo.core.recipe_network import (
    OF_MASK,
    BlockName,
    Classical,
    ClassicalName,
    Companion,
    DescriptorGroup,
    Fraction,
    Head,
    InputScaling,
    Network,
    Probability,
)
from laudo.core.recipe_prepare import Limits, Prepare, PrepareVolume, Section
from laudo.core.recipe_text import Tfidf
from laudo.core.recipe_text_checks import check_texts
from laudo.core.recipe_training import Phase, Training
from laudo.core.recipe_tune import MASK_METRICS, Tune

__all__ = [
    "MASK_NETWORKS",
    "OF_MASK",
    "Augment",
    "AugmentVolume",
    "BlockName",
    "Classical",
    "ClassicalName",
    "Companion",
    "Data",
    "DescriptorGroup",
    "Evaluation",
    "Head",
    "InputScaling",
    "Limits",
    "MaskLoss",
    "Network",
    "Patch",
    "Phase",
    "Prepare",
    "PrepareVolume",
    "Recipe",
    "Section",
    "Split",
    "Tfidf",
    "Training",
    "Tune",
    "View",
    "WantedRate",
]

OF_NETWORKS = (
    "phases",
    "ensemble",
    "sampling",
    "loss",
    "label_smoothing",
    "early_stopping",
    "averaging",
    "report_at_epochs",
    "warmup_epochs",
    "layer_decay",
    "micro_batch",
)
"""Settings of the training that a classical classifier has no use for, and whose silence would be taken for work."""

ThresholdRule = Annotated[
    Annotated[Literal["validation", "half"], Tag("a rule")] | Annotated[WantedRate, Tag("a rate")],
    Discriminator(lambda value: "a rate" if isinstance(value, dict | WantedRate) else "a rule"),
]

View = Literal["plain", "mirrored", "upside_down", "turned_90", "turned_180", "turned_270", "closer"]


class Data(Section):
    """Which images."""

    source: str
    """Name of a source (`laudo data sources`)."""
    label: str | None = None
    """Column of the manifest that names the class (`location`, `modality` …); default: the source's own."""
    target: Literal["label", "mask", "mask_and_label"] = "label"
    """What is predicted: the class of a sample; the structures that its mask marks; or both at once, what is marked bearing the
    sample's class."""
    regions: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """With `target: mask`: nested regions, the outer ones first, each by the values of the masks that it includes, such as
    `{WT: [1, 2, 4], TC: [1, 4], ET: [4]}`; none: every value is a structure of its own."""
    unmarked: Literal["leave_out", "empty"] = "leave_out"
    """With masks: what a sample without a mask file is: not outlined yet, and left out; or an image in which nothing is marked."""
    text: tuple[str, ...] = Field(("text",), min_length=1)
    """With `network.text`: columns of the manifest that are read, one after the other."""
    label_words: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """With `network.text`: words and phrases by which a text names the class outright, beside the words of the class's own name;
    `mr*` stands for every word that begins so. The report shows what is left of the answer when they are taken out."""
    separator: str | None = Field(None, min_length=1)
    """Text between several labels of one sample, such as `|`; with it every sample may have several labels or none."""
    none_label: str | None = None
    """With `separator`: a text that means that there is none, as an empty one always does, such as `No Finding`."""
    positive: str | None = None
    """Class that sensitivity, specificity and probability speak of when there are two; default: the source's own."""
    unreadable: Literal["stop", "skip"] = "stop"
    """What a broken image does: stop before anything is trained, or be left out and listed in the report."""
    rare: Literal["stop", "keep", "drop"] = "stop"
    """What a class with too few samples for every part does: stop, stay though a part may lack it, or be left out with its samples.
    The report lists such classes; where a part has none of a class, no mean counts it as zero."""
    rare_below: int = Field(2, ge=2)
    """With fewer samples than this a class is rare."""


class Split(Section):
    """Which images train, which choose, which judge."""

    by: Literal["group", "patient", "duplicates", "official", "sample"] = "group"
    """`group`: patients and duplicate clusters stay whole; `patient` and `duplicates`: only these. `official`: the parts or folds
    that the data set's authors made. `sample`: at random, as the mistake to be shown."""
    stratified: bool = True
    """Keep the proportion of the classes in every part."""
    test: Fraction = 0.2
    """Share of the test part; 0 when the recipe quotes the validation part (a mistake to be shown)."""
    validation: Fraction = 0.16
    """Share of the validation part, of all images."""
    folds: int = Field(5, ge=2)
    """Number of folds with `--folds all`."""
    repeats: int = Field(1, ge=1)
    """How often the folds are drawn anew, each time with the next seed, with `--folds all`."""
    seed: int = Field(0, ge=0)
    """Seed of the split."""

    @model_validator(mode="after")
    def _leave_something_to_train(self) -> Split:
        if self.test + self.validation > 0.9:
            raise ValueError(_("split.test + split.validation leave less than a tenth for training"))
        return self


class Augment(Section):
    """Changes of the training part only; random ones are drawn from the recipe's seed."""

    mirrored_copies: bool = False
    """Every training image also stands there mirrored left and right: not random, so a frozen backbone sees it once."""
    volume: AugmentVolume | None = None
    """For volumes; the other keys of this section are for pictures."""
    horizontal_flip: Probability = 0.0
    """Probability of mirroring left and right."""
    vertical_flip: Probability = 0.0
    """Probability of mirroring up and down."""
    rotation_degrees: float = Field(0.0, ge=0.0, le=180.0)
    """Largest rotation, both ways."""
    scale: float = Field(0.0, ge=0.0, le=0.9)
    """Largest relative change of size, both ways."""
    translation: Fraction = 0.0
    """Largest shift as a share of the side, both ways."""
    brightness: Fraction = 0.0
    """Largest shift of brightness as a share of the range."""
    contrast: Fraction = 0.0
    """Largest relative change of contrast, both ways."""
    saturation: Fraction = 0.0
    """Largest relative change of saturation, both ways; grey images have none."""
    noise: Fraction = 0.0
    """Largest standard deviation of Gaussian noise as a share of the range."""
    blur_px: float = Field(0.0, ge=0.0, le=16.0)
    """Largest standard deviation of a Gaussian blur in pixels of the prepared image."""
    cutout: Fraction = 0.0
    """Probability that a square is painted over with the image's mean."""
    cutout_size: Fraction = 0.3
    """Side of that square as a share of the image's shorter side."""
    mixup: float = Field(0.0, ge=0.0)
    """Mix pairs of images and their targets by a weight from Beta(a, a) (Zhang et al. 2018); 0: do not."""
    cutmix: float = Field(0.0, ge=0.0)
    """Put a rectangle of another image into each, with its share of the target, its area from Beta(a, a) (Yun et al. 2019); 0: do
    not. With `mixup` too, each batch draws one of the two."""

    @property
    def is_random(self) -> bool:
        """Whether anything is drawn at all."""
        return self.of_pictures or self.volume is not None

    @property
    def of_pictures(self) -> bool:
        """Whether anything is drawn for pictures."""
        still = {"mirrored_copies", "cutout_size", "volume"}
        return any(value > 0 for name, value in self.model_dump().items() if name not in still)


class Evaluation(Section):
    """How the model is judged."""

    headline: Literal["test", "val", "train"] = "test"
    """Part whose figures are quoted; `val` and `train` repeat published mistakes and are marked as such."""
    threshold: ThresholdRule = "validation"
    """Two classes, or each of several labels: the cut that gives the best balanced accuracy on validation; 0.5; or one that reaches
    a rate on validation, `{sensitivity: 0.95}` or `{specificity: 0.9}`."""
    calibration: Literal["none", "temperature"] = "none"
    """`temperature`: make the answers less, or more, sure of themselves by the one number that fits validation best (Guo et al.
    2017). What is called by the largest probability stays."""
    subgroups: tuple[str, ...] | None = None
    """Columns of the manifest by whose values the figures are shown too; none given: those of sex, age, modality and scanner that
    the data have; `[]`: no column."""
    views: tuple[View, ...] = Field(("plain",), min_length=1)
    """The answer is the mean over these views of the image: as it is, mirrored, upside down, turned, or its middle nine tenths."""
    overlap: float = Field(0.5, ge=0.0, lt=1.0)
    """Volumes: share of a window that its neighbour sees too."""
    mirror_axes: tuple[int, ...] = ()
    """Masks: the answer is the mean over the image and all its mirror images along these axes (0 right–left, 1 front–back, 2
    head–foot; of pictures 0 up and down, 1 left and right)."""
    post_processing: Literal["none", "validation"] = "none"
    """Masks: keep the largest piece of a structure, or drop small ones, where that made the validation part better."""
    nsd_tolerance_mm: float = Field(1.0, gt=0.0)
    """Masks: distance up to which surfaces count as equal; of pictures without a spacing, in pixels."""
    ood: Literal["neighbours", "none"] = "neighbours"
    """How unlike the training images an image is, told for each: distance to its nearest training images in the network's own
    features (Sun et al. 2022); `none`: not told."""
    bootstrap: int = Field(2000, ge=100)
    """Resamples of the groups for each 95 % interval."""
    leakage_check: bool = False
    """Train the same procedure under a grouped and a random k-fold split, and report the difference."""
    explained_cases: int = Field(12, ge=0)
    """Cases drawn in the report with their class-activation map, wrong answers first."""
    sanity_cases: int = Field(4, ge=0)
    """Cases on which the map is compared with that of a network with random weights."""


class Recipe(Section):
    """A run, as data."""

    name: str
    """Name of the recipe."""
    description: str = ""
    """One sentence."""
    repeats: str = ""
    """Published system that it rebuilds, as a citation; empty for one's own."""
    published: dict[str, float] = Field(default_factory=dict)
    """Figures that the published system reports, by metric name."""
    mistakes: tuple[str, ...] = ()
    """Known mistakes that an `-as-published` recipe repeats on purpose."""
    data: Data
    split: Split = Split()
    prepare: Prepare = Prepare()
    augment: Augment = Augment()
    network: Network
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    tune: Tune = Tune()

    @property
    def has_fixed_features(self) -> bool:
        """Whether the head's input never changes: backbone frozen, no blocks before the pooling, nothing drawn."""
        trained = any(phase.trainable for phase in self.training.phases) or self.network.trainable > 0
        return not trained and not self.network.blocks and not self.augment.is_random

    @property
    def needed_views(self) -> tuple[View, ...]:
        """Views of which training on features that never change, and prediction, make use; each once."""
        training: tuple[View, ...] = ("plain", "mirrored") if self.augment.mirrored_copies else ("plain",)
        return tuple(dict.fromkeys([*training, *self.evaluation.views]))

    @property
    def needs_mask(self) -> bool:
        """Whether the mask decides what the network or its classifier is given."""
        return self.prepare.needs_mask or not OF_MASK.isdisjoint(self.network.descriptors)

    @model_validator(mode="after")
    def _classifier_fits(self) -> Recipe:
        network = self.network
        if network.backbone == "descriptors" and (not network.descriptors or network.classifier == "dense"):
            raise ValueError(
                _("network.backbone: descriptors needs network.descriptors and a network.classifier other than dense")
            )
        if network.backbone == "descriptors" and (
            set(self.evaluation.views) != {"plain"} or self.augment.mirrored_copies
        ):
            raise ValueError(
                _(
                    "network.backbone: descriptors measures each image as it is: no evaluation.views, no augment.mirrored_copies"
                )
            )
        if network.companions and network.classifier != "dense":
            raise ValueError(_("network.companions stand beside a network: network.classifier: dense"))
        if "descriptors" in {one.learns_from for one in network.companions} and not network.descriptors:
            raise ValueError(_("network.companions that learn from descriptors need network.descriptors"))
        if network.companions and network.output == "multilabel":
            raise ValueError(_("network.companions are for one class a sample, not for several labels"))
        if network.classifier != "dense" and not self.has_fixed_features:
            text = _(
                "network.classifier: {name} learns from features that never change: no trained layers, no blocks, no random changes"
            )
            raise ValueError(text.format(name=network.classifier))
        fields = type(self.training).model_fields
        odd = [name for name in OF_NETWORKS if getattr(self.training, name) != fields[name].default]
        if network.classifier == "knn" and self.training.class_weights != "none":
            odd.append("class_weights")
        if network.classifier != "dense" and odd:
            text = _("training.{key} is for networks, not for network.classifier: {name}")
            raise ValueError(text.format(key=odd[0], name=network.classifier))
        if self.training.ensemble > 1 and self.evaluation.headline == "val":
            raise ValueError(
                _(
                    "evaluation.headline: val is not for training.ensemble: each image of validation is trained on by other "
                    "members"
                )
            )
        if self.training.ensemble > 1 and self.training.report_at_epochs:
            raise ValueError(_("training.report_at_epochs is for one network, not for training.ensemble"))
        return self

    @model_validator(mode="after")
    def _texts_fit(self) -> Recipe:
        check_texts(self)
        return self

    @model_validator(mode="after")
    def _labels_fit(self) -> Recipe:
        data, several = self.data, self.network.output == "multilabel"
        if (data.separator is not None) != several:
            raise ValueError(_("samples with several labels need both: data.separator and network.output: multilabel"))
        if data.none_label is not None and not several:
            raise ValueError(_("data.none_label: only with data.separator"))
        if several and data.positive is not None:
            raise ValueError(_("data.positive is for two classes of which a sample has one, not for several labels"))
        if several and self.network.classifier != "dense":
            raise ValueError(_("several labels a sample need network.classifier: dense"))
        if several and self.training.sampling == "balanced":
            raise ValueError(
                _("training.sampling: balanced is for one class a sample; with several labels: training.class_weights")
            )
        return self

    @model_validator(mode="after")
    def _masks_fit(self) -> Recipe:
        check_masks(self)
        return self

    @property
    def outlines(self) -> bool:
        """Whether structures are outlined."""
        return self.data.target != "label"

    @model_validator(mode="after")
    def _views_fit(self) -> Recipe:
        turned = {"turned_90", "turned_270"}.intersection(self.evaluation.views)
        if turned and self.prepare.height != self.prepare.width:
            text = _("evaluation.views: {names} need square images, and prepare.height is not prepare.width")
            raise ValueError(text.format(names=", ".join(sorted(turned))))
        return self

    @property
    def tuned_metric(self) -> str:
        """By which `laudo tune` chooses."""
        watch = self.training.watch
        return self.tune.metric or (watch if watch != "loss" else "dice" if self.outlines else "auc_roc")

    @model_validator(mode="after")
    def _tuned_by_what_there_is(self) -> Recipe:
        if self.tune.metric is not None and (self.tune.metric in MASK_METRICS) != self.outlines:
            raise ValueError(_("tune.metric: {name} is not measured here").format(name=self.tune.metric))
        return self

    @model_validator(mode="after")
    def _agree_with_itself(self) -> Recipe:
        official = self.split.by == "official"
        if self.evaluation.headline == "test" and self.split.test == 0 and not official:
            raise ValueError(_("evaluation.headline is test, but split.test is 0"))
        if self.split.validation == 0:
            raise ValueError(_("split.validation is 0: without it nothing can be chosen"))
        patient = self.training.early_stopping or any(phase.early_stopping for phase in self.training.phases)
        if self.training.keep == "last" and patient:
            raise ValueError(_("training.early_stopping needs training.keep: best"))
        epochs = self.training.epochs_in_all
        late = [epoch for epoch in self.training.report_at_epochs if epoch > epochs]
        if late:
            text = _("training.report_at_epochs goes beyond training.epochs ({epochs}): {late}")
            raise ValueError(text.format(late=late, epochs=epochs))
        return self
