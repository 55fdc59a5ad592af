"""A profile's candidates, in machine code: strict matches, followed authors, exclusions and categories."""

from __future__ import annotations

from digest.matching.kernel.array_layout import PRIMARY, CompiledProfiles, PaperArrays, RowRequests, Workspace
from digest.matching.kernel.bitsets import (
    ALLOWED,
    ALREADY_SENT,
    CERTAIN,
    ELIGIBLE,
    FOLLOWED_AUTHORS,
    POSSIBLY_CLOSE,
    STACK,
    STRICT_MATCHES,
    add_papers,
    clear,
    evaluate,
    unite,
)
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.profile_decoding import (
    AUTHOR_AT,
    CATEGORY_AT,
    EXCLUSION_AT,
    FLAGS,
    HAS_FOLLOWED,
    SATISFIED_TOPICS,
    TOPIC_AT,
    TOPIC_COUNT,
)


@inlined
def find_strict(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> bool:
    """Find the papers for which a topic holds as written, and those of followed authors. False if there are none."""
    s = workspace.scalars
    any_match = False
    clear(workspace.sets[STRICT_MATCHES])
    s[SATISFIED_TOPICS] = s[HAS_FOLLOWED] = 0
    for topic in range(s[TOPIC_COUNT]):
        query = profiles.stream[s[TOPIC_AT] + topic]
        if query < 0:
            continue
        head = index.query_heads[query]
        if head.plain:
            if head.at < head.end:
                add_papers(index, workspace.sets[STRICT_MATCHES], head.set, head.at, head.end)
                any_match = True
        elif evaluate(profiles, index, workspace, query):
            clear(workspace.topic_sets[topic])
            unite(workspace.topic_sets[topic], workspace.sets[STACK])
            unite(workspace.sets[STRICT_MATCHES], workspace.sets[STACK])
            s[SATISFIED_TOPICS] |= 1 << topic
            any_match = True
    clear(workspace.sets[FOLLOWED_AUTHORS])
    offset = s[AUTHOR_AT]
    for i in range(profiles.stream[offset] if offset >= 0 else 0):
        atom = profiles.stream[offset + 1 + 2 * i]
        if index.atom_at[atom] < index.atom_at[atom + 1]:
            add_papers(index, workspace.sets[FOLLOWED_AUTHORS], 0, index.atom_at[atom], index.atom_at[atom + 1])
            s[HAS_FOLLOWED] = 1
    return bool(any_match or s[HAS_FOLLOWED])


@inlined
def apply_limits(
    profiles: CompiledProfiles, index: PaperArrays, requests: RowRequests, workspace: Workspace, row: int
) -> None:
    """Apply exclusions, categories and sent papers: what remains are certain matches and possibly close papers."""
    eligible = requests.eligible_sets[requests.rows[row].eligible]
    sets = workspace.sets
    clear(sets[ELIGIBLE])
    unite(sets[ELIGIBLE], eligible)
    offset = workspace.scalars[EXCLUSION_AT]
    for i in range(profiles.stream[offset] if offset >= 0 else 0):
        evaluate(profiles, index, workspace, profiles.stream[offset + 1 + i])
        for j in range(len(eligible)):
            sets[ELIGIBLE, j] &= ~sets[STACK, j]
    _select_allowed(profiles, index, workspace)
    _select_sent(requests, workspace, row)
    for j in range(len(eligible)):
        sets[CERTAIN, j] = (
            sets[STRICT_MATCHES, j] & sets[ALLOWED, j] | sets[FOLLOWED_AUTHORS, j] & sets[ELIGIBLE, j]
        ) & ~sets[ALREADY_SENT, j]
        sets[POSSIBLY_CLOSE, j] = sets[ALLOWED, j] & ~sets[STRICT_MATCHES, j]


@inlined
def _select_allowed(profiles: CompiledProfiles, index: PaperArrays, workspace: Workspace) -> None:
    """Select the eligible papers that the profile's categories admit."""
    clear(workspace.sets[ALLOWED])
    offset = workspace.scalars[CATEGORY_AT]
    if offset < 0:
        unite(workspace.sets[ALLOWED], workspace.sets[ELIGIBLE])
        return
    first_set = len(index.category_sets) >> 1 if workspace.scalars[FLAGS] & PRIMARY else 0
    for i in range(profiles.stream[offset]):
        unite(workspace.sets[ALLOWED], index.category_sets[first_set + profiles.stream[offset + 1 + i]])
    for j in range(workspace.sets.shape[1]):
        workspace.sets[ALLOWED, j] &= workspace.sets[ELIGIBLE, j]


@inlined
def _select_sent(requests: RowRequests, workspace: Workspace, row: int) -> None:
    """The papers that were sent before."""
    clear(workspace.sets[ALREADY_SENT])
    for i in range(requests.rows[row].sent_at, requests.rows[row + 1].sent_at):
        workspace.sets[ALREADY_SENT, requests.sent[i] >> 6] |= 1 << (requests.sent[i] & 63)
