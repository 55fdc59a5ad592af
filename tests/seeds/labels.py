"""Titles and authors of the page with joined lines (`002_…`), read by eye, in the page's order."""

GLUED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "DPZero: Private Fine-Tuning of Language Models without Backpropagation",
        ("Liang Zhang", "Bingcong Li", "Kiran Koshy Thekumparampil"),
    ),
    (
        "Bring Your Own Algorithm for Optimal Differentially Private Stochastic Minimax Optimization",
        ("Liang Zhang", "Kiran Koshy Thekumparampil", "Sewoong Oh"),
    ),
    (
        "Stochastic Policy Gradient Methods: Improved Sample Complexity for Fisher-non-degenerate Policies",
        ("Ilyas Fatkhullin", "Anas Barakat", "Anastasia Kireeva"),
    ),
    (
        "Reinforcement Learning with General Utilities: Simpler Variance Reduction and Large State-Action Space",
        ("Anas Barakat", "Ilyas Fatkhullin", "Niao He"),
    ),
    (
        "Finite-Time Analysis of Entropy-Regularized Neural Natural Actor-Critic Algorithm",
        ("Semih Cayci", "Niao He", "R. Srikant"),
    ),
    (
        "Generalization Bounds of Nonconvex-(Strongly)-Concave Stochastic Minimax Optimization",
        ("Siqi Zhang", "Yifan Hu", "Liang Zhang"),
    ),
    (
        "Nest Your Adaptive Algorithm for Parameter-Agnostic Nonconvex Minimax Optimization",
        ("Junchi Yang", "Xiang Li", "Niao He"),
    ),
    (
        "Stochastic Second-Order Methods Improve Best-Known Sample Complexity of SGD for Gradient-Dominated Function",
        ("Saeed Masiha", "Saber Salehkaleybar", "Niao He"),
    ),
    (
        "Policy Mirror Ascent for Efficient and Independent Learning in Mean Field Games",
        ("Batuhan Yardim", "Semih Cayci", "Matthieu Geist"),
    ),
    (
        "Momentum-Based Policy Gradient with Second-Order Information",
        ("Saber Salehkaleybar", "Sadegh Khorasani", "Negar Kiyavash"),
    ),
    (
        "TiAda: A Time-scale Adaptive Algorithm for Nonconvex Minimax Optimization",
        ("Xiang Li", "Junchi Yang", "Niao He"),
    ),
    ("On Imitation in Mean-field Games", ("Giorgia Ramponi", "Pavel Kolev", "Olivier Pietquin")),
    ("Learning to Optimize with Stochastic Dominance Constraints", ("Hanjun Dai", "Yuan Xue", "Niao He")),
    (
        "Provably Learning Nash Policies in Constrained Markov Potential Games",
        ("Pragnya Alatur", "Giorgia Ramponi", "Niao He"),
    ),
    (
        "Optimal Local Convergence Rates of Stochastic First-Order Methods under Local $α$-PL",
        ("Saeed Masiha", "Saber Salehkaleybar", "Niao He"),
    ),
    (
        "Learning Zero-Sum Linear Quadratic Games with Improved Sample Complexity and Last-Iterate Convergence",
        ("Jiduan Wu", "Anas Barakat", "Ilyas Fatkhullin"),
    ),
    (
        "Cancellation-Free Regret Bounds for Lagrangian Approaches in Constrained Markov Decision Processes",
        ("Adrian Müller", "Pragnya Alatur", "Giorgia Ramponi"),
    ),
    (
        "Provably Convergent Policy Optimization via Metric-aware Trust Region Methods",
        ("Jun Song", "Niao He", "Lijun Ding"),
    ),
    (
        "Optimal Guarantees for Algorithmic Reproducibility and Gradient Complexity in Convex Optimization",
        ("Liang Zhang", "Junchi Yang", "Amin Karbasi"),
    ),
    ("Kernel Conditional Moment Constraints for Confounding Robust Inference", ("Kei Ishikawa", "Niao He")),
    ("Zeroth-Order Optimization at the Edge of Stability", ("Minhak Song", "Liang Zhang", "Bingcong Li")),
    (
        "Efficiently Escaping Saddle Points for Policy Optimization",
        ("Sadegh Khorasani", "Saber Salehkaleybar", "Negar Kiyavash"),
    ),
    ("Parameter-Agnostic Optimization under Relaxed Smoothness", ("Florian Hübler", "Junchi Yang", "Xiang Li")),
    ("Robust Knowledge Transfer in Tiered Reinforcement Learning", ("Jiawei Huang", "Niao He")),
    ("Learning to Steer Markovian Agents under Model Uncertainty", ("Jiawei Huang", "Vinzenz Thoma", "Zebang Shen")),
    (
        "ANCRe: Adaptive Neural Connection Reassignment for Efficient Depth Scaling",
        ("Yilang Zhang", "Bingcong Li", "Niao He"),
    ),
    ("Exploiting Approximate Symmetry for Efficient Multi-Agent Reinforcement Learning", ("Batuhan Yardim", "Niao He")),
    (
        "Independent Policy Mirror Descent for Markov Potential Games: Scaling to Large Number of Players",
        ("Pragnya Alatur", "Anas Barakat", "Niao He"),
    ),
    (
        "Multi-level Monte-Carlo Gradient Methods for Stochastic Optimization with Biased Oracles",
        ("Yifan Hu", "Jie Wang", "Xin Chen"),
    ),
    ("Revisiting DAgger in the Era of LLM-Agents", ("Changhao Li", "Rushi Qiang", "Jiawei Huang")),
    ("Support Before Frequency in Discrete Diffusion", ("Adrian Müller", "Antoine Gonon", "Zebang Shen")),
    (
        "Manifold Generalization Provably Proceeds Memorization in Diffusion Models",
        ("Zebang Shen", "Ya-Ping Hsieh", "Niao He"),
    ),
    ("Muown: Row-Norm Control for Muon Optimization", ("Kai Lion", "Florian Hübler", "Bingcong Li")),
    (
        "Select-then-differentiate: Solving Bilevel Optimization with Manifold Lower-level Solution Sets",
        ("Saeed Masiha", "Zebang Shen", "Negar Kiyavash"),
    ),
    (
        "A Schrödinger Eigenfunction Method for Long-Horizon Stochastic Optimal Control",
        ("Louis Claeys", "Artur Goldman", "Zebang Shen"),
    ),
    (
        "Global Solutions to Non-Convex Functional Constrained Problems with Hidden Convexity",
        ("Ilyas Fatkhullin", "Niao He", "Guanghui Lan"),
    ),
    ("From Gradient Clipping to Normalization for Heavy Tailed SGD", ("Florian Hübler", "Ilyas Fatkhullin", "Niao He")),
    (
        "Global Optimality for Constrained Exploration via Penalty Regularization",
        ("Florian Wolf", "Ilyas Fatkhullin", "Niao He"),
    ),
    ("Truly No-Regret Learning in Constrained MDPs", ("Adrian Müller", "Pragnya Alatur", "Volkan Cevher")),
    ("Taming Nonconvex Stochastic Mirror Descent with General Bregman Divergence", ("Ilyas Fatkhullin", "Niao He")),
    (
        "On the Crucial Role of Initialization for Matrix Factorization",
        ("Bingcong Li", "Liang Zhang", "Aryan Mokhtari"),
    ),
    (
        "Implicit Regularization of Sharpness-Aware Minimization for Scale-Invariant Problems",
        ("Bingcong Li", "Liang Zhang", "Niao He"),
    ),
    ("Independent Learning in Constrained Markov Potential Games", ("Philip Jordan", "Anas Barakat", "Niao He")),
    (
        "Model-Based RL for Mean-Field Games is not Statistically Harder than Single-Agent RL",
        ("Jiawei Huang", "Niao He", "Andreas Krause"),
    ),
    ("A Convex Framework for Confounding Robust Inference", ("Kei Ishikawa", "Niao He", "Takafumi Kanamori")),
    (
        "Provable Maximum Entropy Manifold Exploration via Diffusion Models",
        ("Riccardo De Santi", "Marin Vlastelica", "Ya-Ping Hsieh"),
    ),
    (
        "Can RLHF be More Efficient with Imperfect Reward Models? A Policy Coverage Perspective",
        ("Jiawei Huang", "Bingcong Li", "Christoph Dann"),
    ),
    ("PoLAR: Polar-Decomposed Low-Rank Adapter Representation", ("Kai Lion", "Liang Zhang", "Bingcong Li")),
    ("Zeroth-Order Optimization Finds Flat Minima", ("Liang Zhang", "Bingcong Li", "Kiran Koshy Thekumparampil")),
    (
        "Integrated electro-optic attention nonlinearities for transformers",
        ("Luis Mickeler", "Kai Lion", "Alfonso Nardi"),
    ),
)
