"""What is written about synthetic teaching cases: captions, histories, findings, diagnoses, all put together from parts.

Placeholders: {scan} (how the picture was taken, with its modality), {image} (the same, without), {side}, {age}, {person}.
About half of the captions name the modality, and about six in ten name the location, as in the public set.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """What can be said about one kind of case.

    Attributes:
        category: MedPix's "Location Category".
        acr: first digit of the ACR code.
        place: the region in words.
        findings: what the picture shows, location not named.
        local: the same, in words that belong to the location.
        complaints: what the patient came with.
        diagnoses: final diagnosis and its category.
    """

    category: str
    acr: str
    place: str
    findings: tuple[str, ...]
    local: tuple[str, ...]
    complaints: tuple[str, ...]
    diagnoses: tuple[tuple[str, str], ...]


TOPICS: dict[str, Topic] = {
    "Brain and Neuro": Topic(
        category="Head",
        acr="1",
        place="brain",
        findings=("Well-defined mass with surrounding edema.", "Heterogeneous lesion with mass effect on the {side}."),
        local=(
            "{side} hemispheric mass with compression of the lateral ventricle.",
            "Intra-axial lesion in the {side} frontal lobe with vasogenic edema.",
            "Extra-axial mass along the {side} convexity that displaces the cortex.",
        ),
        complaints=("headache for three weeks", "a first seizure", "progressive weakness of one arm", "blurred vision"),
        diagnoses=(
            ("Glioblastoma", "Neoplasm, glial"),
            ("Meningioma", "Neoplasm, non-glial"),
            ("Brain abscess", "Infection, bacteria"),
        ),
    ),
    "Chest, Pulmonary": Topic(
        category="Thorax",
        acr="6",
        place="chest",
        findings=("Rounded opacity on the {side} with irregular margins.", "Dependent fluid collection on the {side}."),
        local=(
            "{side} upper lobe nodule with spiculated border.",
            "Pulmonary mass in the {side} lower lobe without calcification.",
            "Moderate {side} pleural effusion with adjacent atelectasis.",
        ),
        complaints=("chronic cough", "hemoptysis", "shortness of breath", "weight loss and night sweats"),
        diagnoses=(
            ("Bronchogenic carcinoma", "Neoplasm, carcinoma"),
            ("Pulmonary hamartoma", "Neoplasm, benign"),
            ("Parapneumonic effusion", "Infection, bacteria"),
        ),
    ),
    "Gastrointestinal": Topic(
        category="Abdomen",
        acr="7",
        place="abdomen",
        findings=("Large low attenuation lesion.", "Solitary rounded mass, no calcification."),
        local=(
            "Hypodense lesion in the right lobe of the liver.",
            "Cystic hepatic mass with a thin wall.",
            "Hepatic lesion with peripheral nodular enhancement.",
        ),
        complaints=("right upper quadrant pain", "jaundice", "fever and abdominal pain", "nausea after meals"),
        diagnoses=(
            ("Hepatic hemangioma", "Neoplasm, benign"),
            ("Hydatid cyst", "Infection, parasitic"),
            ("Hepatocellular carcinoma", "Neoplasm, carcinoma"),
        ),
    ),
    "Genitourinary": Topic(
        category="Reproductive and Urinary System",
        acr="8",
        place="pelvis",
        findings=(
            "Thin-walled cystic structure on the {side}.",
            "Soft tissue mass that arises from the wall on the {side}.",
        ),
        local=(
            "Polypoid mass of the {side} bladder wall.",
            "{side} adnexal cyst behind the bladder.",
            "Full urinary bladder with focal wall thickening.",
        ),
        complaints=("painless hematuria", "pelvic pain", "difficulty voiding", "a palpable lump"),
        diagnoses=(
            ("Transitional cell carcinoma", "Neoplasm, carcinoma"),
            ("Ovarian cyst", "Cyst"),
            ("Bladder diverticulum", "Congenital, malformation"),
        ),
    ),
    "Spine": Topic(
        category="Spine and Muscles",
        acr="3",
        place="spine",
        findings=("Focal abnormality at a single level.", "Loss of normal signal with preserved height."),
        local=(
            "Replacement of marrow in a single vertebral body.",
            "Disc protrusion that narrows the spinal canal.",
            "Vertebral lesion without epidural extension.",
        ),
        complaints=("low back pain", "numbness of both legs", "back pain after a fall", "sciatica"),
        diagnoses=(
            ("Disc herniation", "Degenerative"),
            ("Vertebral metastasis", "Neoplasm, metastatic"),
            ("Spondylodiscitis", "Infection, bacteria"),
        ),
    ),
    "Musculoskeletal": Topic(
        category="Spine and Muscles",
        acr="4",
        place="knee",
        findings=("Focal lesion with a wide zone of transition.", "Fluid collection on the {side} side."),
        local=(
            "Marrow lesion of the distal femur.",
            "Edema of the {side} tibial plateau without fracture line.",
            "Joint effusion and a tear of the meniscus.",
        ),
        complaints=("knee pain after sport", "swelling of the knee", "night pain in the leg", "locking of the knee"),
        diagnoses=(
            ("Giant cell tumor", "Neoplasm, benign"),
            ("Bone bruise", "Trauma"),
            ("Osteosarcoma", "Neoplasm, sarcoma"),
        ),
    ),
}
"""Location → what is said about its cases."""

NAMED = (
    "{plane} {scan} shows the following. {finding}",
    "{scan} of the {place}: {finding}",
    "{plane} {scan}. {finding}",
)
"""Captions that name the modality."""

UNNAMED = (
    "{finding}",
    "{plane} image. {finding}",
    "{finding} Compare with the other images of the case.",
    "Selected {plane} image of the {place}. {finding}",
)
"""Captions that do not."""

SPELLINGS: dict[str, tuple[str, ...]] = {
    "ct": ("CT - noncontrast", "CT"),
    "ct agent": ("CT w/contrast (IV)", "CT - GI & IV Contrast"),
    "t1": ("MR - T1W - noncontrast", "MR - T1W w/Gadolinium", "MR"),
    "t2": ("MR - T2 weighted",),
    "flair": ("MR - FLAIR",),
}
"""Contrast of a picture → the spellings of its modality in the descriptions."""

SCANS: dict[str, tuple[str, ...]] = {
    "ct": ("CT", "noncontrast CT", "computed tomography"),
    "ct agent": ("contrast enhanced CT", "CT with IV contrast"),
    "t1": ("T1 weighted MRI", "MR"),
    "t2": ("T2 weighted MR", "MRI"),
    "flair": ("FLAIR MR", "MRI"),
}
"""The same → what captions call it."""
