"""What the checks of single images and masks say; the others are in ``sentences.py``."""

from __future__ import annotations

from laudo.audit.finding import Finding
from laudo.audit.titles import Translate

Sentences = dict[str, tuple[str, str]]
"""Check → its sentence when it passed, and when it did not."""


def integrity_sentences(finding: Finding, _: Translate) -> Sentences:
    """Of single images."""
    return {
        "readable": (_("All files gave an image."), _("Samples with a file that is missing or can not be read: {n}.")),
        "modalities": (
            _("No sample lacks a modality."),
            _("Samples that lack a modality: {n} ({counts})."),
        ),
        "looks_like_mask": (
            _("No image has two levels only."),
            _("Images with two levels only, which look like masks and not like scans: {n}."),
        ),
        "constant": (_("No image is of a single level."), _("Images of a single level: {n}.")),
        "near_uniform": (
            _("No image is nearly of one level."),
            _("Images that are of one level but for the odd pixel: {n}. They are compared with nothing."),
        ),
        "too_small": (
            _("No image is smaller than {side_px} pixels."),
            _("Images smaller than {side_px} pixels on a side: {n}."),
        ),
        "ending": (
            _("Every ending fits its contents."),
            _("Files that are not what their ending says, read by their contents: {n}."),
        ),
        "alpha": (
            _("No image is transparent."),
            _("Images with a transparency channel, laid over black: {n}."),
        ),
        "intensity_range": (
            _("Typical largest values lie between {lowest} and {highest}."),
            _(
                "Typical largest values of the images lie between {lowest} and {highest}: scale each image by itself "
                "(prepare.intensity), else a network sees nothing in the dim ones. Far from the middle: {n}."
            ),
        ),
        "channels_agree": (
            _("All images of each sample have one shape and lie in one place."),
            _("Samples whose images differ in shape, spacing or place: {n}."),
        ),
        "mask_geometry": (
            _("Masks and images agree on spacing and place."),
            _("Masks whose spacing or place is not that of their image: {n}."),
        ),
        "spacing": (
            _("Spacing lies between {finest_mm} and {coarsest_mm} mm."),
            _(
                "Spacing lies between {finest_mm} and {coarsest_mm} mm: organs appear in very different sizes. Far from the "
                "middle: {n}."
            ),
        ),
    }


def mask_sentences(finding: Finding, _: Translate) -> Sentences:
    """Of masks."""
    return {
        "mask_readable": (_("All masks gave a region."), _("Masks that are missing or can not be read: {n}.")),
        "mask_missing": (_("No sample lacks its mask."), _("Samples without a mask, where others have one: {n}.")),
        "mask_size": (
            _("Every mask can be laid over its image."),
            _("Masks {factor} times as large as their images, throughout: {n}. They are resized with them.")
            if finding.facts.get("factor")
            else _("Masks of another size than their image: {n}."),
        ),
        "mask_empty": (_("Every mask marks something."), _("Masks that mark nothing: {n}.")),
        "mask_full": (_("No mask marks everything."), _("Masks that mark every pixel: {n}.")),
        "mask_binary": (
            _("Every mask has two values only."),
            _("Masks with grey edges or further values, cut in the middle: {n}; up to {values} values in one."),
        ),
        "mask_values": (
            _("All masks hold the labels {known} only."),
            _("Masks with labels that the data set does not define: {n}. Found: {strange}; known: {known}."),
        ),
        "swapped": (
            _("No image looks drawn where its mask looks like a scan."),
            _("Samples whose image and mask seem to be swapped: {n}."),
        ),
        "tiny_structures": (
            _("No structure is smaller than a ten-thousandth of its image."),
            _(
                "Samples with a structure smaller than a ten-thousandth of the image: {n}. The smallest: {tiniest_structure} of "
                "{tiniest_sample}, {tiniest_voxels} of {tiniest_total} pixels or voxels. A few of them decide its score."
            ),
        ),
    }
