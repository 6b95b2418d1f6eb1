"""The section of a recipe that says how the weights are found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_masks import MaskLoss, Patch
from laudo.core.recipe_network import Fraction
from laudo.core.recipe_prepare import Section

LossName = Literal["cross_entropy", "focal"]


class Phase(Section):
    """One phase of a training of several; what is not given is as in the section `training` or `network`."""

    epochs: int | None = Field(None, ge=1)
    """Most epochs."""
    trainable: Fraction | None = None
    """Share of the backbone's layers, from the last one down, that are trained."""
    learning_rate: float | None = Field(None, gt=0)
    """Step size of the head and of the blocks."""
    backbone_learning_rate: float | None = Field(None, gt=0)
    """Step size of the backbone's trained layers; default: this phase's for the head."""
    loss: LossName | None = None
    """What is made small."""
    class_weights: Literal["none", "balanced"] | None = None
    """Weights of the classes in the loss."""
    early_stopping: int | None = Field(None, ge=1)
    """Epochs without progress before this phase ends."""


class Training(Section):
    """How the weights are found."""

    epochs: int = Field(30, ge=1)
    """Most epochs."""
    batch_size: int = Field(32, ge=1)
    """Samples a step."""
    micro_batch: int | None = Field(None, ge=1)
    """Samples at a time within a step, to save memory: gradients are added up. Only batch normalisation and mixing see the
    difference."""
    phases: tuple[Phase, ...] = ()
    """One after the other, each from the weights that the one before has kept; none: a single phase. Head first, then the
    backbone's last layers at a lower rate, is `[{trainable: 0}, {trainable: 0.3, learning_rate: 1.0e-5}]`."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """The optimiser."""
    learning_rate: float = Field(1e-3, gt=0)
    """Step size of the head and of the blocks."""
    backbone_learning_rate: float | None = Field(None, gt=0)
    """Step size of the backbone's trained layers; default: the head's."""
    layer_decay: float = Field(1.0, gt=0.0, le=1.0)
    """Factor of the backbone's step size from each group of layers to the one below it; 1: the same everywhere."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay (AdamW) or L2 in the gradient (Adam, SGD)."""
    schedule: Literal["constant", "cosine", "poly", "plateau"] = "constant"
    """Learning rate over the epochs; `poly` is (1 − share of them)^0.9; `plateau` halves it when validation loss stands still."""
    plateau_patience: int = Field(2, ge=0)
    """Epochs without progress before `plateau` acts."""
    warmup_epochs: int = Field(0, ge=0)
    """Epochs in which the learning rate rises to its value."""
    loss: LossName = "cross_entropy"
    """What is made small; `focal` (Lin et al. 2017) gives cases that are right already less weight."""
    focal_alpha: Fraction = 0.25
    """Factor of the second of two classes with `focal`, the first has 1 − alpha; with more classes, of each. It comes on top of
    `class_weights`."""
    focal_gamma: float = Field(2.0, ge=0.0)
    """How much less a case counts with `focal`: (1 − probability of its class) to this power."""
    class_weights: Literal["none", "balanced"] = "none"
    """Weigh each class by the inverse of its frequency in training."""
    sampling: Literal["natural", "balanced"] = "natural"
    """Every training sample once an epoch, or as many draws that take every class equally often."""
    averaging: Literal["none", "ema", "swa"] = "none"
    """Weights that are judged and kept: those of the last step, their exponential moving average, or the plain mean of the epochs
    from `averaging_from` on (Izmailov et al. 2018)."""
    averaging_decay: float = Field(0.99, ge=0.0, lt=1.0)
    """`ema`: share of the old average at each step; smaller in the first steps."""
    averaging_from: Fraction = 0.5
    """`swa`: share of the epochs after which the mean begins; earlier epochs are not kept, and none of them ends the training."""
    ensemble: int = Field(1, ge=1)
    """Networks that are trained; with two or more, each leaves another fold of training and validation part out, is stopped by it,
    and the answer is the mean of all. The validation figures are then out of fold."""
    label_smoothing: float = Field(0.0, ge=0.0, lt=0.5)
    """Share of the target spread evenly over all classes, the own one among them."""
    early_stopping: int | None = Field(None, ge=1)
    """Epochs without progress on validation before stopping; none: train all epochs."""
    keep: Literal["best", "last"] = "best"
    """Weights that become the model: of the best epoch on validation, or of the last."""
    watch: Literal["loss", "accuracy", "balanced_accuracy", "auc_roc", "dice"] = "loss"
    """What makes an epoch the best one on validation; equal ones: the lower loss, then the earlier. `dice` is for masks."""
    mask_loss: MaskLoss = MaskLoss()
    """Where structures are outlined: what is made small; `loss` is then that of the sample's class, where the network names it."""
    label_weight: float = Field(1.0, ge=0.0)
    """With `network.label_head`: factor of the class's loss beside that of the mask."""
    patch: Patch = Patch()
    """Where structures are outlined: what the network is given at a time."""
    clip_gradient: float | None = Field(None, gt=0)
    """Largest norm of all gradients together; longer ones are shortened to it."""
    momentum: float = Field(0.9, ge=0.0, lt=1.0)
    """`sgd`: share of the last step that is taken again (Nesterov)."""
    report_at_epochs: tuple[int, ...] = ()
    """Epochs whose validation figures are put in the report beside each other."""
    seed: int = Field(0, ge=0)
    """Seed of weights, order, dropout and augmentation."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto`: bfloat16 where the processor or GPU computes it natively, else single precision."""

    @property
    def epochs_in_all(self) -> int:
        """Most epochs of all phases together."""
        return sum(phase.epochs or self.epochs for phase in self.phases) or self.epochs

    @model_validator(mode="after")
    def _focal_alone(self) -> Training:
        fields = type(self).model_fields
        odd = [name for name in ("focal_alpha", "focal_gamma") if getattr(self, name) != fields[name].default]
        if odd and "focal" not in {self.loss, *(phase.loss for phase in self.phases)}:
            raise ValueError(_("{names}: only with training.loss: focal").format(names=", ".join(odd)))
        return self

    @model_validator(mode="after")
    def _mean_of_epochs_begins(self) -> Training:
        if self.averaging != "swa":
            return self
        if self.averaging_from == 1:
            raise ValueError(_("training.averaging_from is 1: the mean of training.averaging: swa would never begin"))
        if self.early_stopping or any(phase.early_stopping for phase in self.phases):
            raise ValueError(
                _("training.early_stopping could end before the mean of training.averaging: swa has begun")
            )
        return self
