"""Maps subject headings of medical indexes (MeSH descriptors) to subjects, by the words in them. Pure.

Articles carry headings, not the branch of the tree that a heading stands on; the words decide, and where none does,
the check tag Humans.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

MAX_SUBJECTS = 4  # of one paper
_HUMANS = "humans"
# Words at the beginning of a word of the heading; the first line that matches decides.
_SUBJECT_BY_WORDS = (
    ("med.oncology", "neoplasm|carcinom|cancer|tumor|leukemia|lymphoma|adenocarcinoma|melanoma|sarcoma|oncolog"),
    ("med.hiv", "hiv|acquired immunodeficiency|aids"),
    ("med.psychiatry", "depress|schizophren|anxiety|psychiatr|bipolar|autis|mental disorder|psychotherap|psychotic"),
    ("med.neurology", "brain concussion|brain inj|stroke|epilep|dementia|alzheimer|parkinson|migraine|multiple scler"),
    ("bio.neuroscience", "neuron|brain|cortex|hippocamp|synap|neuro|cogniti|memory|spinal cord|nerve"),
    ("med.cardiology", "cardi|heart|coronary|hypertens|antihypertens|blood pressure|atrial|vascular|myocard"),
    ("med.respiratory", "asthma|pulmon|lung|respirat|bronch|forced expiratory"),
    ("med.infectious", "infecti|covid|sars|virus disease|tubercul|malaria|sepsis|quarantine|anti-bacterial|antiviral"
     "|drug resistance|hepatitis"),
    ("med.endocrinology", "diabet|insulin|thyroid|obes|metabolic"),
    ("med.gastroenterology", "liver|gastr|intestin|colitis|crohn|hepat|pancrea"),
    ("med.nephrology", "kidney|renal|nephr"),
    ("med.urology", "urin|urolog|prostat|bladder"),
    ("med.hematology", "hemat|hemochromat|anemia|iron overload|thrombo|blood coag"),
    ("med.transplantation", "transplant|waiting list"),
    ("med.surgery", "surg|burn|wound"),
    ("med.pediatrics", "pediatr|infant|newborn"),
    ("med.geriatrics", "frail|geriatr"),
    ("med.gynecology", "pregnan|obstet|gynecol|fetal|maternal"),
    ("med.reproduction", "sexual|reproducti|contracep"),
    ("med.radiology", "radiograph|tomograph|magnetic resonance imaging|ultrasonograph|imaging"),
    ("med.ophthalmology", "retina|ophthalm|eye |cataract|glaucoma"),
    ("med.dermatology", "skin|dermat|psoria"),
    ("med.dentistry", "dental|tooth|oral health"),
    ("med.nutrition", "diet|nutrition|vitamin|feeding"),
    ("med.public-health", "public health|mass screening|vaccin|health promot|smoking|prison|militar|veteran"),
    ("med.epidemiology", "epidemiol|case-control|cohort|prospective stud|risk factor|prevalence|incidence|odds ratio"),
    ("med.clinical-trials", "clinical trial|randomized|double-blind"),
    ("med.health-policy", "policy|insurance|civil rights|jurisprudence|law enforcement"),
    ("med.health-systems", "health services|hospital|patient care|quality control|delivery of health"),
    ("med.pharmacology", "drug|pharmac|inhibitor|dose-response|glucocorticoid|agents|administration"),
    ("bio.genetics", "genet|genotype|allele|polymorphism|mutation|phenotype|gene "),
    ("bio.genomics", "genom|transcriptom|sequence analysis|rna-seq"),
    ("bio.immunology", "immun|antibod|antigen|lymphocyte|leukocyte|cytokine|histocompat"),
    ("bio.microbiology", "bacteri|microb|virus|fung|chromatium|escherichia|lactams|beta-lactam|yeast|phage"),
    ("bio.biochemistry", "protein|enzyme|heme|flavin|cytochrome|lipid|peptide|binding site|oxidation|hydrogen-ion"
     "|carboxylic|molecular structure|acids|lactam"),
    ("bio.cell-biology", "cell|telomer|mitochond|apoptosis|membrane|signal transduction"),
    ("bio.plants", "plant|arabidops|photosynth|crops"),
    ("bio.ecology", "ecosystem|ecolog|biodivers|population dynamics"),
    ("bio.evolution", "evolution|phylogen|selection, genetic"),
    ("chem", "chemi|spectroscop|chromatograph|compounds|crystallograph|catalys|piperidine"),
    ("soc.psychology", "psycholog|attitude|emotion|stereotyp|prejudice|gender identity|knowledge"),
    ("hum.history", "history"),
    ("soc.education", "education|students|teaching"),
    ("soc", "sociol|socioeconom|employment|societies|minority groups"),
)  # fmt: skip
_PATTERNS = tuple((code, re.compile(rf"\b(?:{words})", re.IGNORECASE)) for code, words in _SUBJECT_BY_WORDS)


def subjects_of_headings(headings: Iterable[str]) -> tuple[str, ...]:
    """The subjects of an article by its headings, the most frequent first; empty without headings."""
    names = [heading.strip() for heading in headings if heading.strip()]
    counts = Counter(code for name in names if (code := _subject_of(name)))
    if not counts and names:
        return ("med",) if any(name.casefold() == _HUMANS for name in names) else ("bio",)
    return tuple([code for code, _ in counts.most_common(MAX_SUBJECTS)])


def _subject_of(heading: str) -> str:
    return next((code for code, pattern in _PATTERNS if pattern.search(heading)), "")
