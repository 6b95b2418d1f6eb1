"""The section of a recipe that says which network answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from laudo.core.recipe_prepare import Section
from laudo.core.recipe_text import Tfidf

BlockName = Literal["pdf", "se"]
ClassicalName = Literal["knn", "logistic_regression", "svm", "random_forest", "gradient_boosting"]
DescriptorGroup = Literal["texture", "intensity", "colour", "shape", "lesion"]
OF_MASK: frozenset[DescriptorGroup] = frozenset({"shape", "lesion"})
"""Groups measured on the picture and its mask as they are; the others on the prepared picture."""
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


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


class Classical(Section):
    """A classifier of scikit-learn on fixed features. Where several values are given, the validation part chooses."""

    standardise: bool = True
    """Bring every feature to mean 0 and deviation 1 on the training part; else the feature with the largest numbers decides."""
    neighbours: tuple[Annotated[int, Field(ge=1)], ...] = Field((5,), min_length=1)
    """`knn`: neighbours that vote."""
    c: tuple[Annotated[float, Field(gt=0)], ...] = Field((1.0,), min_length=1)
    """`logistic_regression`, `svm`: inverse strength of the penalty."""
    trees: int = Field(300, ge=1)
    """`random_forest`, `gradient_boosting`: trees at most."""
    leaf: tuple[Annotated[int, Field(ge=1)], ...] = Field((1,), min_length=1)
    """`random_forest`, `gradient_boosting`: samples that a leaf has at least."""


class Companion(Section):
    """A classical classifier that answers beside the network and learns from the same images, not changed at random; of those that
    the network sees mirrored, features are learned both ways round.
    """

    classifier: ClassicalName
    """Which."""
    learns_from: Literal["descriptors", "features"]
    """`descriptors`: measured features (`network.descriptors`); `features`: the backbone with its weights as they were before
    training, which looks at the image alone (with `prepare.planes`, at the plane `image`, else `whole`)."""


class Network(Section):
    """Backbone and head."""

    backbone: str
    """Name of any timm network, one of laudo's own (`laudo doctor` lists them), or `descriptors`: measured features alone."""
    descriptors: tuple[DescriptorGroup, ...] = ()
    """Groups of measured features, beside the image or, with `backbone: descriptors`, instead of it: `texture` (co-occurrence,
    local binary patterns, wavelet energy), `intensity` and `colour` (histogram, moments), `shape` (of the mask), `lesion` (grey
    levels inside, around and below the mask)."""
    companions: tuple[Companion, ...] = ()
    """Classical classifiers beside the network; the answer is the mean of the network's probabilities and of theirs."""
    classifier: Literal["dense"] | ClassicalName = "dense"
    """What decides: dense layers, trained as a network is, or a classifier of scikit-learn on features that never change."""
    classical: Classical = Classical()
    """Settings of scikit-learn's classifiers, of `companions` too."""
    text: str | None = None
    """What reads the texts that stand beside the images (`data.text`): `tfidf`; `clip` or `open_clip`, the text side of the
    checkpoint in `weights`; or another checkpoint of these kinds, a folder or `hub:OWNER/NAME`. None: texts are not read."""
    fusion: Literal["late", "concatenation"] = "late"
    """With `text`. `late`: a classical classifier answers for the text, and its probabilities and the image's are multiplied, each
    to a power that validation chooses. `concatenation`: one classifier looks at the image's features and the text's together."""
    text_classifier: ClassicalName = "logistic_regression"
    """With `fusion: late`: what answers for the text; its settings are `classical`."""
    tfidf: Tfidf = Tfidf()
    """How `text: tfidf` counts."""
    weights: str = "hub"
    """A safetensors file, `hub` (LAUDO_WEIGHTS, then the hub's cache, then the hub) or `none` (random); of `clip` and `open_clip` a
    checkpoint's folder, or `hub:OWNER/NAME[@REVISION]`."""
    input_scaling: InputScaling | None = None
    """Only for weights whose own configuration does not say it."""
    blocks: tuple[BlockName, ...] = ()
    """Blocks between feature map and pooling, in this order, trained with the head: `pdf` (parallel dilated convolutions), `se`
    (squeeze-and-excitation)."""
    pdf_channels: int = Field(512, ge=16)
    """Channels of each branch of `pdf`, and of what it gives."""
    pooling: Literal["average", "max", "average+max", "flatten"] = "average"
    """How a feature map becomes a vector; `flatten` keeps every place, so images must always have the recipe's size."""
    trainable: Fraction = 0.0
    """Share of the backbone's layers, from the last one down, that are trained; 0 freezes it, norms and dropout included."""
    batch_norm: Literal["auto", "frozen", "trained", "refitted"] = "auto"
    """Statistics of batch normalisation in trained layers; `auto`: kept for pretrained weights, learned for random ones.
    `refitted`: first measured on the training part without changing the network's answers, then learned; for weights whose
    normalisation was folded into the convolutions."""
    head: Head = Head()
    """The classifier on top."""
    filters: tuple[Annotated[int, Field(ge=4)], ...] = ()
    """Networks that outline structures: channels of each level, from the finest down; none: the network's own."""
    deep_supervision: bool = False
    """Networks that outline structures: the loss looks at coarser levels too, each half as much as the one above it."""
    label_head: bool = False
    """With `data.target: mask_and_label`: a classifier (`head`) on the network's deepest features names the class; else the class
    is read off the mask."""
    gradient_checkpointing: bool = False
    """Networks that outline structures: compute each level twice instead of keeping it in memory."""
    output: Literal["sigmoid", "softmax", "multilabel"] = "softmax"
    """One logit for two classes, or one a class; `multilabel`: one a label, each a question of its own (`data.separator`)."""
