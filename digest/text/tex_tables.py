"""Tables of TeX's commands in Unicode, without rules."""

from __future__ import annotations

import unicodedata


def _pairs(rows: str) -> dict[str, str]:
    """The table written as `name sign` pairs, blanks between."""
    words = rows.split()
    return dict(zip(words[::2], words[1::2], strict=True))


def _words(row: str) -> frozenset[str]:
    """The names of a table, blanks between."""
    return frozenset(row.split())


GREEK = _pairs(
    """
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ varkappa ϰ
    lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ
    chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
    varGamma Γ varDelta Δ varTheta Θ varLambda Λ varSigma Σ varPhi Φ varPsi Ψ varOmega Ω varPi Π varXi Ξ
    """
)

# short names that authors define for Greek letters and for nothing else
_AUTHORS_GREEK = _pairs(
    """
    Om Ω om ω la λ ga γ La Λ lam λ al α alp α Ga Γ gam γ De Δ
    ep ε epsi ε epsln ε ve ε vep ε veps ε vepsi ε vp φ vphi φ Si Σ
    ka κ ze ζ
    """
)
# names defined in papers of astronomy, or by their journals' styles
_AUTHORS_TERMS = _pairs(
    """
    lcdm ΛCDM LCDM ΛCDM msun M⊙ Msun M⊙ solarmass M⊙ lsun L⊙ Lsun L⊙ rsun R⊙ Rsun R⊙ zsun Z⊙ Zsun Z⊙ lya Lyα Lya Lyα
    ha Hα Ha Hα halpha Hα Halpha Hα hb Hβ Hb Hβ hbeta Hβ Hbeta Hβ micron μm mum μm angstrom Å
    arcsec ″ arcmin ′ farcs ″. farcm ′. fdg °. degr ° arcdeg °
    """
) | {"kms": "km s⁻¹", "HI": "H I", "HII": "H II", "oiii": "[O III]", "oii": "[O II]", "nii": "[N II]"}
_UPRIGHT = {f"up{name}": sign for name, sign in GREEK.items()}

LETTERS = (
    GREEK
    | _AUTHORS_GREEK
    | _AUTHORS_TERMS
    | _UPRIGHT
    | _pairs(
        """
    ell ℓ hbar ℏ hslash ℏ imath ı jmath ȷ wp ℘ Re ℜ Im ℑ aleph ℵ beth ℶ eth ð eps ε ell ℓ
    partial ∂ nabla ∇ infty ∞ emptyset ∅ varnothing ∅ forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ top ⊤ bot ⊥
    angle ∠ triangle △ Delta Δ square □ Box □ Diamond ◇ diamond ⋄ blacksquare ■ bigstar ★ prime ′ backprime ‵
    sharp ♯ flat ♭ natural ♮ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠ checkmark ✓ cmark ✓ xmark ✗
    sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ fint ⨍ bigcup ⋃ bigcap ⋂ bigoplus ⨁ bigotimes ⨂ bigodot ⨀
    bigvee ⋁ bigwedge ⋀ bigsqcup ⨆ biguplus ⨄ ldots … dots … dotsc … dotsb … dotsm … dotso … cdots ⋯ vdots ⋮ ddots ⋱
    langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ | ‖
    textbraceleft { textbraceright } textasciigrave `
    lbrace { rbrace } lbrack [ rbrack ] llbracket ⟦ rrbracket ⟧ ulcorner ⌜ urcorner ⌝
    R ℝ RR ℝ bbR ℝ IR ℝ Rn ℝⁿ N ℕ NN ℕ Z ℤ ZZ ℤ Q ℚ QQ ℚ C ℂ CC ℂ reals ℝ Reals ℝ
    degree ° textdegree ° dag † dagger † ddag ‡ ddagger ‡ S § P ¶ copyright © textcopyright © pounds £ euro € EUR €
    textmu µ micro µ textregistered ® texttrademark ™ texttimes × textpm ± textless < textgreater > textbar |
    textasciitilde ~ textasciicircum ^ textunderscore _ textendash – textemdash — textquoteleft ‘ textquoteright ’
    textquotedblleft “ textquotedblright ” textquotesingle ' lq ‘ rq ’ textbullet • textellipsis … textperiodcentered ·
    ss ß SS ẞ o ø O Ø l ł L Ł ae æ AE Æ oe œ OE Œ aa å AA Å i ı j ȷ dh ð DH Ð th þ TH Þ dj đ DJ Đ ng ŋ NG Ŋ
    TeX TeX LaTeX LaTeX BibTeX BibTeX backslash ∖ textbackslash ∖ lt < gt > colon : slash / And & sun ☉
    ohorn ơ OHORN Ơ uhorn ư UHORN Ư abreve ă ABREVE Ă acircumflex â ACIRCUMFLEX Â ecircumflex ê ECIRCUMFLEX Ê
    ocircumflex ô OCIRCUMFLEX Ô gimel ℷ daleth ℸ digamma ϝ Digamma Ϝ Omicron Ο omicron ο
    bR ℝ BR ℝ bbr ℝ BBR ℝ BbbR ℝ real ℝ Real ℝ RN ℝᴺ rn ℝⁿ Rd ℝᵈ infinity ∞ pa ∂ na ∇ nab ∇ celsius °C degC °C
    llcorner ⌞ lrcorner ⌟ blacktriangle ▲ vartriangle △ lozenge ◊ blacklozenge ⧫
    circledR ® mho ℧ Finv Ⅎ complement ∁ surd √ bullet •
    """
    )
)

NATIONAL = _words(
    """
    ss SS o O l L ae AE oe OE aa AA i j dh DH th TH dj DJ ng NG ohorn OHORN uhorn UHORN abreve ABREVE
    acircumflex ACIRCUMFLEX ecircumflex ECIRCUMFLEX ocircumflex OCIRCUMFLEX
    """
)

# signs between two operands: a blank on one side in the source means one on both
RELATIONS = _pairs(
    """
    le ≤ leq ≤ leqslant ≤ leqq ≦ ge ≥ geq ≥ geqslant ≥ geqq ≧ ne ≠ neq ≠ ll ≪ gg ≫ lll ⋘ ggg ⋙ lesssim ≲ gtrsim ≳
    lessapprox ⪅ gtrapprox ⪆ approx ≈ approxeq ≊ sim ∼ simeq ≃ cong ≅ equiv ≡ asymp ≍ propto ∝ varpropto ∝
    doteq ≐ triangleq ≜ coloneqq ≔ coloneq ≔ eqqcolon ≕ prec ≺ succ ≻ preceq ⪯ succeq ⪰ preccurlyeq ≼ succcurlyeq ≽
    in ∈ ni ∋ notin ∉ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋ Subset ⋐ Supset ⋑ nsubseteq ⊈
    sqsubseteq ⊑ sqsupseteq ⊒ sqsubset ⊏ models ⊨ vdash ⊢ dashv ⊣ vDash ⊨ Vdash ⊩ perp ⊥ parallel ∥ nparallel ∦
    mid | nmid ∤ shortmid | cup ∪ cap ∩ sqcup ⊔ sqcap ⊓ uplus ⊎ setminus ∖ smallsetminus ∖ vee ∨ lor ∨ wedge ∧ land ∧
    times × cdot · cdotp · centerdot · div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ oplus ⊕ ominus ⊖ otimes ⊗ odot ⊙ oslash ⊘
    boxplus ⊞ boxtimes ⊠ ltimes ⋉ rtimes ⋊ bowtie ⋈ Join ⋈ amalg ⨿ dotplus ∔ wr ≀ bigtriangleup △ lhd ⊲ rhd ⊳
    trianglelefteq ⊴ unlhd ⊴ trianglerighteq ⊵ unrhd ⊵ vartriangleleft ⊲ to → rightarrow → longrightarrow ⟶
    leftarrow ← gets ← longleftarrow ⟵ leftrightarrow ↔ longleftrightarrow ⟷ Rightarrow ⇒ Longrightarrow ⟹ implies ⟹
    Leftarrow ⇐ Longleftarrow ⟸ impliedby ⟸ Leftrightarrow ⇔ Longleftrightarrow ⟺ iff ⟺ mapsto ↦ longmapsto ⟼
    hookrightarrow ↪ hookleftarrow ↩ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ nearrow ↗ searrow ↘
    nwarrow ↖ swarrow ↙ rightharpoonup ⇀ leftharpoonup ↼ rightharpoondown ⇁ rightleftharpoons ⇌ leadsto ⇝
    rightsquigarrow ⇝ twoheadrightarrow ↠ rightarrowtail ↣ rightleftarrows ⇄ rightrightarrows ⇉ upharpoonright ↾
    restriction ↾ curvearrowright ↷ circlearrowright ↻ circlearrowleft ↺ nrightarrow ↛ nRightarrow ⇏ dashrightarrow ⇢
    nless ≮ ngtr ≯ nleq ≰ ngeq ≱ nsim ≁ ncong ≇ lessgtr ≶ gtrless ≷ between ≬ pitchfork ⋔ therefore ∴ because ∵
    thickapprox ≈ thicksim ∼ gneqq ≩ gneq ⪈ lneqq ≨ lneq ⪇ subsetneqq ⫋ supsetneqq ⫌ subseteqq ⫅ lsim ≲ gsim ≳
    simlt ≲ simgt ≳ ltsim ≲ gtsim ≳ leqs ≤ geqs ≥ textrightarrow → textleftarrow ← xrightarrow →
    """
)

FUNCTIONS = _words(
    """
    max argmax log ln exp sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan min sup inf lim limsup liminf
    argmin arg det dim ker deg gcd lcm hom mod bmod Pr tr Tr rank span diag sgn sign supp dist div curl grad
    poly polylog Var Cov vol injlim projlim
    """
)

# the combining mark follows its letter; `not` is a stroke through the sign
MARKS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "r": "\u030a", "c": "\u0327", "k": "\u0328", "d": "\u0323",
    "b": "\u0331", "t": "\u0361", "h": "\u0309", "horn": "\u031b", "textcommabelow": "\u0326",
    "grave": "\u0300", "acute": "\u0301", "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303",
    "widetilde": "\u0303", "bar": "\u0304", "overline": "\u0305", "breve": "\u0306", "dot": "\u0307",
    "ddot": "\u0308", "dddot": "\u20db", "check": "\u030c", "widecheck": "\u030c", "mathring": "\u030a",
    "vec": "\u20d7", "overrightarrow": "\u20d7", "underline": "\u0332", "underbar": "\u0332", "not": "\u0338",
}  # fmt: skip
TEXT_MARKS = frozenset("`'^~\"=.uvHrckdbth") | {"horn", "textcommabelow"}
NAMED_MARKS = {"\u0302": "hat", "\u0303": "tilde", "\u20d7": "vec", "\u0304": "mean", "\u030c": "check"}

SUPERSCRIPT = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθφχ*⋆∗†‡′∘°⊤",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿᵠᵡ*⋆*†‡′°°ᵀ",
        strict=True,
    )
)
SUBSCRIPT = dict(zip("0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
SCRIPTED = frozenset((set(SUPERSCRIPT.values()) | set(SUBSCRIPT.values())) - set("*⋆†‡′°"))

# commands whose one argument is shown as it is
PLAIN_FONTS = _words(
    """
    text mbox hbox textrm textbf textit textsf texttt textsc textsl textup textmd textnormal emph underbrace
    overbrace mathrm mathbf mathsf mathtt mathit mathnormal boldsymbol bm pmb bold mathop mathbin mathrel
    mathord mathclose operatorname ensuremath mathchoice smash uppercase lowercase uline ul sout underuline fbox
    boxed framebox textsuperscript textsubscript enquote texorpdfstring centerline substack
    up mathinner hl section subsection paragraph title author caption scalebox
    mathstrut protect textquote ce num mb mc textnumero
    """
)
# switches of font and size, which do not change the meaning
SILENT = _words(
    """
    bf it rm sf tt sc sl em boldmath unboldmath displaystyle textstyle scriptstyle scriptscriptstyle limits
    nolimits left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm biggm
    nonumber notag noindent indent small large Large footnotesize scriptsize normalsize tiny huge centering
    nolinebreak allowbreak protect mathsurround strut itshape bfseries upshape
    rmfamily sffamily ttfamily scshape mdseries normalfont sloppy
    maketitle null ignorespaces phantomsection xspace break nobreak leavevmode unskip aligned endaligned cases
    endcases toprule midrule bottomrule hss flushleft begingroup endgroup mathstrut nobreakspace
    """
)
# ends of lines and of paragraphs
BREAKS = _words("par smallskip medskip bigskip newline linebreak pagebreak newpage hfill vfill hline cr eqno leqno")
# commands that are removed together with their argument
DROPPED = _words(
    """
    label hspace vspace phantom hphantom vphantom color bibliographystyle bibliography vskip hskip kern
    footnotemark thanks index mathindent setlength input include usepackage pagestyle thispagestyle addtocounter
    """
)
REFERENCES = frozenset(
    ["cite", "citep", "citet", "citealt", "citealp", "citeauthor", "citeyear", "parencite", "textcite", "autocite"]
)
ADDRESSES = frozenset(["url", "nolinkurl", "path"])
LABELS = frozenset(["ref", "eqref", "cref", "Cref", "autoref", "pageref"])
SPACES = _words(
    """
    quad qquad enspace thinspace space , ; : >   / \\ \n \t
    """
)
ESCAPED = {"%": "%", "&": "&", "#": "#", "$": "$", "_": "_", "{": "{", "}": "}", "|": "‖", "@": "", "!": "", "-": "",
           "*": "", "+": "", "<": "<", "?": "?"}  # fmt: skip

_RESERVED_CODE_POINTS = {  # letters that Unicode had before the mathematical alphabets
    "𝒝": "ℬ", "𝒠": "ℰ", "𝒡": "ℱ", "𝒣": "ℋ", "𝒤": "ℐ", "𝒧": "ℒ", "𝒨": "ℳ", "𝒭": "ℛ", "𝒺": "ℯ", "𝒼": "ℊ", "𝓄": "ℴ",
    "𝔆": "ℭ", "𝔋": "ℌ", "𝔌": "ℑ", "𝔕": "ℜ", "𝔝": "ℨ",
    "𝔺": "ℂ", "𝔿": "ℍ", "𝕅": "ℕ", "𝕇": "ℙ", "𝕈": "ℚ", "𝕉": "ℝ", "𝕑": "ℤ",
}  # fmt: skip


def _alphabet(capital: int, small: int) -> dict[str, str]:
    """A-Z and a-z in one of Unicode's mathematical alphabets, by its first two code points."""
    letters = {chr(65 + i): chr(capital + i) for i in range(26)} | {chr(97 + i): chr(small + i) for i in range(26)}
    return {plain: _RESERVED_CODE_POINTS.get(styled, styled) for plain, styled in letters.items()}


_DOUBLE = _alphabet(0x1D538, 0x1D552) | {"1": "𝟙"}
_SCRIPT = _alphabet(0x1D49C, 0x1D4B6) | {"O": "O"}  # 𝒪 is the order of growth, which reads O everywhere
_FRAKTUR = _alphabet(0x1D504, 0x1D51E)
ALPHABETS = {
    "mathbb": _DOUBLE, "Bbb": _DOUBLE, "mathds": _DOUBLE, "mathbbm": _DOUBLE, "bb": _DOUBLE, "mathcal": _SCRIPT,
    "mathscr": _SCRIPT, "cal": _SCRIPT, "mathfrak": _FRAKTUR, "frak": _FRAKTUR,
}  # fmt: skip
# authors' names for a letter of an alphabet: \\cS, \\bbT
LETTERS |= {f"c{capital}": styled for capital, styled in _SCRIPT.items() if capital.isupper()}
LETTERS |= {f"bb{capital}": styled for capital, styled in _DOUBLE.items() if capital.isupper()}
FENCES = {"abs": "| |", "norm": "‖ ‖", "floor": "⌊ ⌋", "ceil": "⌈ ⌉", "set": "{ }", "ket": "| ⟩", "bra": "⟨ |"}
FRACTIONS = frozenset(["frac", "tfrac", "dfrac", "nicefrac", "sfrac", "cfrac", "flatfrac"])
MATH_ENVIRONMENTS = _words(
    """
    equation align aligned array cases gather gathered multline split eqnarray matrix pmatrix bmatrix vmatrix
    Bmatrix Vmatrix math displaymath alignat flalign subequations smallmatrix dcases
    """
)
MATRICES = {
    "matrix": "()", "pmatrix": "()", "smallmatrix": "()", "bmatrix": "[]", "Bmatrix": "{}", "vmatrix": "||",
    "Vmatrix": "‖‖", "array": "  ", "cases": "{ ", "dcases": "{ ",
}  # fmt: skip
# signs that follow their letter instead of being subscripts: M⊙, ℋ∞, k⊥
ASTRONOMY = {"la": "≲", "ga": "≳"}  # before a number; else authors mean λ and γ
UNCHANGED_SUBSCRIPTS = frozenset("⊙⊕☉∞⊥∥")
INFIX = {"over": "frac", "choose": "binom", "atop": "frac"}
UNITS = _pairs(
    """
    kilo k mega M giga G tera T peta P milli m micro μ nano n pico p femto f centi c deci d hecto h
    metre m meter m second s gram g kelvin K volt V electronvolt eV hertz Hz watt W tesla T percent % celsius °C
    degreeCelsius °C degree ° angstrom Å per / ampere A joule J pascal Pa newton N ohm Ω squared ² cubed ³ square ²
    hour h minute min day d litre L liter L mole mol molar M parsec pc byte B bit bit decibel dB arcsecond ″
    """
)


def with_mark(letter: str, mark: str) -> str:
    """The letter with its mark, as one character where Unicode has it."""
    return unicodedata.normalize("NFC", {"ı": "i", "ȷ": "j"}.get(letter, letter) + mark)
