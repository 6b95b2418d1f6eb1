"""A recipe: everything that decides a run, as plain data. Each field says what it is; unknown keys are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_prepare import Limits, Prepare, PrepareVolume, Section

__all__ = [
    "Augment",
    "BlockName",
    "Data",
    "Evaluation",
    "Head",
    "InputScaling",
    "Limits",
    "Network",
    "Prepare",
    "PrepareVolume",
    "Recipe",
    "Section",
    "Split",
    "Training",
]

BlockName = Literal["pdf", "se"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Data(Section):
    """Which images."""

    source: str
    """Name of a source (`laudo data sources`)."""
    label: str | None = None
    """Column of the manifest that names the class (`location`, `modality` …); default: the source's own."""
    positive: str | None = None
    """Class that sensitivity, specificity and probability speak of when there are two; default: the source's own."""
    unreadable: Literal["stop", "skip"] = "stop"
    """What a broken image does: stop before anything is trained, or be left out and listed in the report."""


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

    @property
    def is_random(self) -> bool:
        """Whether anything is drawn at all."""
        return any(value > 0 for name, value in self.model_dump().items() if name != "mirrored_copies")


class InputScaling(Section):
    """How 8-bit pixels become a network's input: (pixel / 255 × range − mean) / std, a value a channel."""

    mean: tuple[float, float, float]
    """Mean of red, green and blue."""
    std: tuple[float, float, float]
    """Standard deviation of red, green and blue."""
    range: float = 1.0
    """What a white pixel counts before the mean is taken off: 1, or 255 for networks trained without division."""


class Head(Section):
    """The classifier on top of the pooled features."""

    hidden: tuple[int, ...] = ()
    """Width of each hidden layer (ReLU)."""
    dropout: Probability = 0.0
    """Dropout after each hidden layer, or on the features when there is none."""
    l2: float = Field(0.0, ge=0.0)
    """L2 penalty on the head's kernels as Keras counts it: l2 × sum of squares, added to the loss."""
    l2_on: Literal["hidden", "all"] = "hidden"
    """Kernels that the penalty counts: those of the hidden layers, or the last one too."""
    normalise: bool = False
    """Standardise the features with mean and deviation of the training part."""


class Network(Section):
    """Backbone and head."""

    backbone: str
    """Name of any timm network, or of one of laudo's own (`laudo doctor` lists them)."""
    weights: str = "hub"
    """A safetensors file, `hub` (LAUDO_WEIGHTS, then the hub's cache, then the hub) or `none` (random)."""
    input_scaling: InputScaling | None = None
    """Only for weights whose own configuration does not say it."""
    blocks: tuple[BlockName, ...] = ()
    """Blocks between feature map and pooling, in this order, trained with the head: `pdf` (parallel dilated convolutions), `se`
    (squeeze-and-excitation)."""
    pooling: Literal["average", "max", "average+max", "flatten"] = "average"
    """How a feature map becomes a vector; `flatten` keeps every place, so images must always have the recipe's size."""
    trainable: Fraction = 0.0
    """Share of the backbone's layers, from the last one down, that are trained; 0 freezes it, norms and dropout included."""
    batch_norm: Literal["auto", "frozen", "trained"] = "auto"
    """Statistics of batch normalisation in trained layers; `auto`: kept for pretrained weights, learned for random ones."""
    head: Head = Head()
    """The classifier on top."""
    output: Literal["sigmoid", "softmax"] = "softmax"
    """One logit for two classes, or one a class."""


class Training(Section):
    """How the weights are found."""

    epochs: int = Field(30, ge=1)
    """Most epochs."""
    batch_size: int = Field(32, ge=1)
    """Samples a step."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """The optimiser."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of the head and of the blocks."""
    backbone_learning_rate: float | None = Field(None, gt=0)
    """Step size of the backbone's trained layers; default: the head's."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay (AdamW) or L2 in the gradient (Adam, SGD)."""
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    """Learning rate over the epochs; `plateau` halves it when validation loss stands still."""
    plateau_patience: int = Field(2, ge=0)
    """Epochs without progress before `plateau` acts."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    """What is made small; `focal` (Lin et al. 2017) gives cases that are right already less weight."""
    focal_alpha: Fraction = 0.25
    """Factor of the second of two classes with `focal`, the first has 1 − alpha; with more classes, of each. It comes on top of
    `class_weights`."""
    focal_gamma: float = Field(2.0, ge=0.0)
    """How much less a case counts with `focal`: (1 − probability of its class) to this power."""
    class_weights: Literal["none", "balanced"] = "none"
    """Weigh each class by the inverse of its frequency in training."""
    label_smoothing: float = Field(0.0, ge=0.0, lt=0.5)
    """Share of the target spread over the other classes."""
    early_stopping: int | None = Field(None, ge=1)
    """Epochs without better validation loss before stopping; none: train all epochs."""
    keep: Literal["best", "last"] = "best"
    """Weights that become the model: of the epoch with the lowest validation loss, or of the last."""
    report_at_epochs: tuple[int, ...] = ()
    """Epochs whose validation figures are put in the report beside each other."""
    seed: int = Field(0, ge=0)
    """Seed of weights, order, dropout and augmentation."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto`: bfloat16 where the processor or GPU computes it natively, else single precision."""

    @model_validator(mode="after")
    def _focal_alone(self) -> Training:
        fields = type(self).model_fields
        odd = [name for name in ("focal_alpha", "focal_gamma") if getattr(self, name) != fields[name].default]
        if odd and self.loss != "focal":
            raise ValueError(_("{names}: only with training.loss: focal").format(names=", ".join(odd)))
        return self


class Evaluation(Section):
    """How the model is judged."""

    headline: Literal["test", "val"] = "test"
    """Part whose figures are quoted; `val` repeats a published mistake and is marked as such."""
    threshold: Literal["validation", "half"] = "validation"
    """Two classes: the cut that gives the best balanced accuracy on validation, or 0.5."""
    flip: bool = False
    """Average the prediction with that of the mirrored image."""
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

    @property
    def has_fixed_features(self) -> bool:
        """Whether the head's input never changes: backbone frozen, no blocks before the pooling, nothing drawn."""
        return self.network.trainable == 0 and not self.network.blocks and not self.augment.is_random

    @model_validator(mode="after")
    def _agree_with_itself(self) -> Recipe:
        official = self.split.by == "official"
        if self.evaluation.headline == "test" and self.split.test == 0 and not official:
            raise ValueError(_("evaluation.headline is test, but split.test is 0"))
        if self.split.validation == 0:
            raise ValueError(_("split.validation is 0: without it nothing can be chosen"))
        if self.training.keep == "last" and self.training.early_stopping:
            raise ValueError(_("training.early_stopping needs training.keep: best"))
        late = [epoch for epoch in self.training.report_at_epochs if epoch > self.training.epochs]
        if late:
            text = _("training.report_at_epochs goes beyond training.epochs ({epochs}): {late}")
            raise ValueError(text.format(late=late, epochs=self.training.epochs))
        return self
