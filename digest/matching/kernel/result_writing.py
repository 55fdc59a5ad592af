"""Write matched papers with their notes, in machine code."""

from __future__ import annotations

from typing import Any

from digest.matching.kernel.array_layout import CompiledProfiles, MatchArrays, PaperArrays, Workspace
from digest.matching.kernel.explanations import write_note
from digest.matching.kernel.jit import inlined
from digest.matching.kernel.order_keys import order_key, score_of


@inlined
def write_paper(
    profiles: CompiledProfiles,
    index: PaperArrays,
    workspace: Workspace,
    output: MatchArrays,
    row: Any,
    lane: int,
    place: int,
    kind: int,
    topic: int,
) -> None:
    """Write a paper of the batch and its note as the row's paper at that place."""
    size = row.masks + row.terms + row.topics
    write_note(profiles, index, workspace, lane, output, row.note_at + place * size, row)
    hit, paper = output.papers[row.first + place], workspace.batch[lane]
    hit.paper, hit.kind, hit.topic, hit.relevance = paper, kind, topic, workspace.sums[paper]
    hit.score = score_of(index, workspace, paper)


@inlined
def sort_papers(index: PaperArrays, workspace: Workspace, output: MatchArrays, row: Any, count: int) -> None:
    """Sort a row's first papers with their notes, most of which are in order."""
    keys = workspace.best_keys
    for i in range(count):
        keys[i] = order_key(index, workspace, output.papers[row.first + i].paper)
        place = i
        while place > 0 and keys[place - 1] < keys[place]:
            keys[place], keys[place - 1] = keys[place - 1], keys[place]
            _swap_with_previous(output, row, place)
            place -= 1


@inlined
def _swap_with_previous(output: MatchArrays, row: Any, place: int) -> None:
    """Swap a row's paper and its note with the previous ones."""
    hit, previous = output.papers[row.first + place], output.papers[row.first + place - 1]
    hit.paper, previous.paper = previous.paper, hit.paper
    hit.score, previous.score = previous.score, hit.score
    hit.relevance, previous.relevance = previous.relevance, hit.relevance
    hit.topic, previous.topic = previous.topic, hit.topic
    hit.kind, previous.kind = previous.kind, hit.kind
    size = row.masks + row.terms + row.topics
    for at in range(row.note_at + place * size, row.note_at + (place + 1) * size):
        output.notes[at], output.notes[at - size] = output.notes[at - size], output.notes[at]
