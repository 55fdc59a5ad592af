"""Tables of words that the rules of tokens and stems do not cover; docs/MATCHING.md shows the important ones."""

# ruff: noqa: SIM905 (a table of words reads better than a list of strings)

from __future__ import annotations

import re

# Words too common to weigh: they count only as positions in phrases.
STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between both
    but by can cannot could did do does doing down during each either et etc few for from further had has have having he
    her here hers herself him himself his how however i if in into is it its itself just may me might more most must my
    myself nor no not of off on once only or other our ours ourselves out over own per same shall she should so some
    such than that the their theirs them themselves then there these they this those through thus to too under until up
    upon us very via was we were what when where whether which while who whom whose why will with within without would
    yet you your yours yourself yourselves dont doesnt isnt arent wasnt werent cant wont
    """.split()
)

# Words that the stemmer would confuse with another word, or shorten (AIDS is not aid, SARS not SAR).
UNSTEMMED = frozenset(
    """
    aids sars mers gps dns tls cms sms tts rms fps pls rls mps cps mcts css lens animal transformer data news gas
    embed
    """.split()
)

# Irregular forms, each with its base word.
IRREGULAR_FORMS = {
    "animals": "animal", "transformers": "transformer", "embeds": "embed",
    "gpus": "gpu", "cpus": "cpu", "tpus": "tpu", "npus": "npu", "pdes": "pde", "sdes": "sde", "spdes": "spde",
    "rnas": "rna", "mrnas": "mrna", "dnas": "dna", "ais": "ai", "vlas": "vla", "nns": "nn",
    "analyses": "analysis", "hypotheses": "hypothesis", "syntheses": "synthesis", "theses": "thesis",
    "crises": "crisis", "axes": "axis", "parentheses": "parenthesis", "metastases": "metastasis",
    "analyse": "analyze", "analysed": "analyzed", "analysing": "analyzing", "analyser": "analyzer",
    "matrices": "matrix", "vertices": "vertex", "indices": "index", "vortices": "vortex", "helices": "helix",
    "simplices": "simplex", "appendices": "appendix", "codices": "codex",
    "criteria": "criterion", "phenomena": "phenomenon", "automata": "automaton", "polyhedra": "polyhedron",
    "spectra": "spectrum", "quanta": "quantum", "equilibria": "equilibrium", "bacteria": "bacterium",
    "corpora": "corpus", "genera": "genus", "nuclei": "nucleus", "stimuli": "stimulus", "loci": "locus",
    "foci": "focus", "radii": "radius", "fungi": "fungus", "moduli": "modulus", "tori": "torus",
    "novae": "nova", "supernovae": "supernova", "larvae": "larva", "formulae": "formula", "nebulae": "nebula",
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho", "varsigma": "sigma",
    "mice": "mouse", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
    "lenses": "lens", "gases": "gas", "buses": "bus", "viruses": "virus", "halves": "half", "leaves": "leaf",
    "lives": "life", "wolves": "wolf", "shelves": "shelf", "schemata": "schema", "lemmata": "lemma",
    "programme": "program", "programmes": "program", "centre": "center", "centres": "center", "fibre": "fiber",
    "fibres": "fiber", "grey": "gray", "tumour": "tumor", "tumours": "tumor", "colour": "color", "colours": "color",
    "coloured": "colored", "colouring": "coloring", "behaviour": "behavior", "behaviours": "behavior",
    "behavioural": "behavioral", "neighbour": "neighbor", "neighbours": "neighbor", "neighbouring": "neighboring",
    "neighbourhood": "neighborhood", "labour": "labor", "favour": "favor", "defence": "defense", "licence": "license",
    "artefact": "artifact", "artefacts": "artifact", "sulphur": "sulfur", "aluminium": "aluminum",
    "haemoglobin": "hemoglobin", "anaemia": "anemia", "paediatric": "pediatric", "oesophageal": "esophageal",
}  # fmt: skip

# Roots written with -ise in Britain and -ize in America: optimisation meets optimization.
ISE_ROOTS = frozenset(
    """
    amort binar capital categor central character conceptual contextual crystall decentral diagonal digit discret
    emphas equal factor fluid formal general global harmon homogen hospital hypothes ideal industr initial ion linear
    local magnet marginal maxim memor minim modern neutral normal optim organ orthogonal parallel parameter parametr
    penal personal polar polymer priorit quant random rational real recogn regular renormal reorgan reparameter
    reparametr scrutin serial special stabil standard steril summar symbol symmetr synchron synthes tensor thermal
    token util vector visual
    """.split()
)

# Prefixes that are split off (multiagent is multi agent).
FIRST_PARTS = ("multi", "pseudo", "quasi")
# Words that only seem to begin with such a prefix.
FALSE_COMPOUND = re.compile(r"multip[lr]|multitud|multifari|multinom|pseudon|quasis$")

# Compounds that are nearly always closed: open forms are joined (data set is dataset, 3-D is 3D).
CLOSED_COMPOUNDS = frozenset(
    tuple(pair.split())
    for pair in """
    1 d, 2 d, 3 d, 4 d, auto encoder, auto encoders, auto encoding, back propagation, co ordinate, co ordinates, cyber
    security, data base, data bases, data set, data sets, de noise, de noised, de noising, down sampling, down stream,
    e mail, e mails, eigen function, eigen functions, eigen value, eigen values, electro magnetic, extra galactic, hand
    written, hyper parameter, hyper parameters, hyper plane, hyper planes, hyper surface, hyper surfaces, infra red, key
    frame, key frames, key point, key points, light weight, meta data, off line, on line, out perform, out performs,
    over fit, over fitting, pair wise, piece wise, pipe line, red shift, red shifts, run time, sub graph, sub graphs,
    sub group, sub groups, sub manifold, sub manifolds, sub space, sub spaces, super massive, test bed, ultra violet, up
    sampling, wave length, wave lengths, wi fi, work flow, work flows
    """.replace("\n", " ").split(",")
)

# Particles before a family name that belong to it.
PARTICLES = frozenset("van von vom der den de del della dello dos das du zu zur zum".split())
# Particles that are also given names, so only after another word: Bin Yu, but Omar bin Said.
INNER_PARTICLES = frozenset("di da do la le los af av ten ter te el al bin ibn ben abu st".split())
