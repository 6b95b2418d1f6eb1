"""What the checks are called."""

from __future__ import annotations

from collections.abc import Callable

Translate = Callable[[str], str]


def title(check: str, _: Translate) -> str:
    """Name of a check: what should be true."""
    return {
        "readable": _("Every file can be read"),
        "modalities": _("Every sample has all its modalities"),
        "looks_like_mask": _("No mask among the images"),
        "constant": _("No empty image"),
        "near_uniform": _("Every image has contrast"),
        "too_small": _("Images are large enough"),
        "ending": _("File endings tell the truth"),
        "alpha": _("No transparency"),
        "intensity_range": _("Intensities are of one scale"),
        "mask_readable": _("Every mask can be read"),
        "mask_missing": _("Every sample has its mask"),
        "mask_size": _("Masks have the size of their images"),
        "mask_empty": _("No empty mask"),
        "mask_full": _("No mask that marks everything"),
        "mask_binary": _("Masks have two values"),
        "mask_values": _("Masks hold the known labels only"),
        "swapped": _("Image and mask are not swapped"),
        "tiny_structures": _("No structure is tiny"),
        "channels_agree": _("Images of a sample lie in one place"),
        "mask_geometry": _("Masks lie where their images lie"),
        "spacing": _("Images are of one spacing"),
        "identical_bytes": _("No file twice"),
        "identical_pixels": _("No picture under two names"),
        "near_identical": _("No near-identical pictures"),
        "near_alike": _("No pictures that may be of one person"),
        "label_conflict": _("Copies carry one label"),
        "across_parts": _("No copy or patient in two parts of the split"),
        "alike_across_parts": _("No alike pictures in two parts of the split"),
        "against": _("No copy in the other data set"),
        "text_names_label": _("Texts do not name the class"),
        "text_predicts": _("Words alone do not predict the class"),
        "coloured_marks": _("No coloured marks in grey images"),
        "margin_marks": _("No letters or rulers in the margin"),
        "burned_in": _("No text burned into the pixels"),
        "patient_tags": _("No file names its patient"),
        "nuisance_predicts": _("Size, border and file do not predict the class"),
        "class_balance": _("Classes are large enough"),
        "class_groups": _("Classes have enough patients"),
        "part_balance": _("Every class is in every part"),
        "group_size": _("No group decides the figures"),
        "patient_ids": _("Patients are known"),
    }[check]
