"""arXiv's categories by the short tags that author pages print (`LG`, `ML`, `OC`).

A tag of several archives means the first of them in the order of the table: computing, statistics, electrical
engineering, mathematics, then the rest, because the authors of the pages work there. Of categories with two names
the one that arXiv files papers under wins: `SY` eess.SY, `NA` math.NA, `IT` cs.IT, `TH` math.ST, `MP` math-ph.
"""

from __future__ import annotations

_CLASSES = {
    "cs": "AI AR CC CE CG CL CR CV CY DB DC DL DM DS ET FL GL GR GT HC IR IT LG LO MA MM MS NE NI OH OS PF PL RO SC SD "
    "SE SI",
    "stat": "AP CO ME ML OT",
    "eess": "AS IV SP SY",
    "math": "AC AG AT CA CT DG FA GM GN HO KT MG NA NT OA OC PR QA RA RT SG ST",
    "econ": "EM",
    "q-bio": "BM CB MN NC PE QM TO",
    "q-fin": "CP EC MF PM RM TR",
    "astro-ph": "EP GA HE IM SR",
    "nlin": "AO CD PS",
}
_SAME_CLASS = {"TH": "math.ST", "MP": "math-ph"}
_BY_TAG = {
    tag: f"{archive}.{tag}" for archive, tags in reversed(_CLASSES.items()) for tag in tags.split()
} | _SAME_CLASS
_ARCHIVES = frozenset(("gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math-ph", "nucl-ex", "nucl-th", "quant-ph"))


def category_of_tag(tag: str) -> str | None:
    """The category of a tag, None for an unknown tag."""
    return tag if tag in _ARCHIVES else _BY_TAG.get(tag)
