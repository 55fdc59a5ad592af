"""How well trending predicts, beside the formulas in public use.

    python -m tests.benchmarks.trending SHARED                            the table, parameters fitted on half the days
    python -m tests.benchmarks.trending --observations FILE --out FILE    scores for other days

`service` is what the service does: its order by `trending_score.strength`, for `enter` the probability of its badge;
`forecast` is what was tried beside it (`trending_forecasts`), which knows more and which no subscriber sees.

Tasks, one record a task and date (JSON lines in FILE):
`growth`  from each paper's first observation, rank its votes gained until the next one
`next1`, `next3`  from the trending ranks up to a day, the top 10 one and three days later
`enter`   which papers listed on a day enter the trending list within 7 days
A record holds `task`, `date` and `papers`: `id`, `listed_at`, `published_at`, `observations` ([time, upvotes, stars]),
`rank_history` ([time, rank]), `code`, `project`, `keywords`, `authors`, `organisation`; missing is unknown. `paper`,
`project_page` and `organization` are read too; ranks are ignored where the task must not know them. For grading here
they also hold `truth`, which no scorer reads. Predictions: `task`, `date`, `paper`, `score` (of `forecast`) and
`service`, tab-free JSON a line.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import lzma
import math
import random
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.matching.trending import content_prior, trending_score
from tests.benchmarks import trending_forecasts

Record = dict[str, Any]
Paper = dict[str, Any]
Scorer = Callable[[Paper, datetime], float]

ENTER_DAYS = 7
ENTER_TASKS = {"enter", "c"}
UNRANKED_TASKS = {"growth", "a", *ENTER_TASKS}  # tasks whose answer the trending ranks would give away
BOOTSTRAPS = 1000
UNSIGNALLED = 1000.0  # larger than any content prior


def main() -> None:
    """Print the table, or score given records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", nargs="?", type=Path)
    parser.add_argument("--observations", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.observations and options.out:
        predict(options.observations, options.out)
    elif options.shared:
        report(list(records(options.shared / "data")))
    else:
        parser.error("give SHARED, or --observations and --out")


def predict(observations: Path, out: Path) -> None:
    """Write the scores of forecast and service for records of any days."""
    with observations.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as file:
        for line in lines:
            record = readable(json.loads(line))
            scores = zip(record["papers"], forecast_scores(record), service_scores(record), strict=True)
            for paper, score, service in scores:
                row = {"task": record["task"], "date": record["date"], "paper": paper["id"]}
                row |= {"score": score, "service": service}
                file.write(json.dumps(row) + "\n")


def readable(record: Record) -> Record:
    """The record with one name for each column, and without ranks for the tasks that must not know them."""
    has_ranks = str(record["task"]).lower() not in UNRANKED_TASKS
    papers = [
        {
            **paper,
            "id": paper.get("id", paper.get("paper")),
            "organisation": paper.get("organisation") or paper.get("organization"),
            "project": paper.get("project") or paper.get("project_page"),
            "rank_history": (paper.get("rank_history") or []) if has_ranks else [],
        }
        for paper in record["papers"]
    ]
    return {**record, "papers": papers}


def service_scores(record: Record) -> list[float]:
    """The service's score of each paper of a record: the probability of its badge for `enter`, else its order."""
    record = readable(record)
    now = _now(record)
    score = _badge_score if str(record["task"]).lower() in ENTER_TASKS else _service_score
    return [score(paper, now) for paper in record["papers"]]


def _service_score(paper: Paper, now: datetime) -> float:
    """The strength by which papers of a field are ordered, by votes, else by rank; by content where there is neither.

    Papers without a signal stand behind all others.
    """
    votes, _ = _last(paper)
    ranks = [int(rank) for _, rank in sorted(paper.get("rank_history") or [])]
    signals = trending_score.Signals(hours=_hours(paper, now), votes=votes, rank=ranks[-1] if ranks else None)
    strength = trending_score.strength(signals)
    return content_prior.content_prior(_content(paper)) - UNSIGNALLED if strength is None else strength


def _badge_score(paper: Paper, now: datetime) -> float:
    votes, stars, days, _ = _entry_signals(paper, now)
    return trending_score.likely_to_trend(votes, stars, days)


def forecast_scores(record: Record) -> list[float]:
    """The forecast's score of each paper of a record."""
    record = readable(record)
    now = _now(record)
    if any(paper["rank_history"] for paper in record["papers"]):
        return [listed_score(paper, now) for paper in record["papers"]]
    if str(record["task"]).lower() in ENTER_TASKS:
        return [enter_score(paper, now) for paper in record["papers"]]
    return [growth_score(paper, now) for paper in record["papers"]]


def growth_score(paper: Paper, now: datetime) -> float:
    """Expected votes; the content-only prior breaks ties and stands in where there are no votes."""
    votes, _ = _last(paper)
    content = _content(paper)
    prior = content_prior.content_prior(content) / 100
    return prior if votes is None else trending_forecasts.expected_growth(votes, _hours(paper, now), content) + prior


def listed_score(paper: Paper, now: datetime) -> float:
    """Yesterday's order, moved by what a paper is expected to gain."""
    ranks = [int(rank) for _, rank in sorted(paper.get("rank_history") or [])]
    votes, _ = _last(paper)
    gain = trending_score.expected_votes(votes, _hours(paper, now)) if votes is not None else 0.0
    return trending_forecasts.persistence_score(ranks, gain)


def enter_score(paper: Paper, now: datetime) -> float:
    """The log-odds of entering the list, from votes, stars, age and content: the forecast, not the badge."""
    return trending_forecasts.trending_entry_log_odds(*_entry_signals(paper, now))


def entry_signals(paper: Paper, record: Record) -> tuple[int, int, float, content_prior.PaperProperties]:
    """Votes, stars, days since submission (1 at least) and content of a paper; unknown counts are 0."""
    return _entry_signals(paper, _now(record))


def _entry_signals(paper: Paper, now: datetime) -> tuple[int, int, float, content_prior.PaperProperties]:
    votes, stars = _last(paper)
    days = max((now - _time(paper["published_at"])).total_seconds() / 86400, 1.0) if paper.get("published_at") else 1.0
    return votes or 0, stars or 0, days, _content(paper)


BASELINES: dict[str, Scorer] = {
    "raw votes": lambda paper, _now: float(_last(paper)[0] or 0),
    "votes per hour": lambda paper, now: (_last(paper)[0] or 0) / _hours(paper, now),
    "Hacker News": lambda paper, now: _hacker_news(_last(paper)[0] or 0, _hours(paper, now)),
    "Reddit hot": lambda paper, _now: _reddit(_last(paper)[0] or 0, _time(_listed_at(paper))),
    "ResearchHub": lambda paper, now: 100 * math.log1p(_last(paper)[0] or 0) / (_hours(paper, now) + 24) ** 0.8,
    "persistence": lambda paper, _now: -float((sorted(paper.get("rank_history") or []) or [[0, 1000]])[-1][1]),
}


def _hacker_news(votes: int, hours: float) -> float:
    gained = votes - 1
    return math.copysign(abs(gained) ** 0.8, gained) / (hours + 2) ** 1.8


def _reddit(votes: int, listed_at: datetime) -> float:
    return math.log10(max(votes, 1)) + (listed_at.timestamp() - 1134028003) / 45000


def _last(paper: Paper) -> tuple[int | None, int | None]:
    """Votes and stars at the last observation; None is unknown."""
    observations = sorted(paper.get("observations") or [], key=lambda row: row[0])
    if not observations:
        return None, None
    votes, stars = observations[-1][1], observations[-1][2] if len(observations[-1]) > 2 else None
    return (None if votes is None else int(votes)), (None if stars is None else int(stars))


def _content(paper: Paper) -> content_prior.PaperProperties:
    return content_prior.PaperProperties(
        code=bool(paper.get("code")),
        project=bool(paper.get("project")),
        organisation=bool(paper.get("organisation")),
        authors=len(paper.get("authors") or ()),
    )


def _hours(paper: Paper, now: datetime) -> float:
    return max((now - _time(_listed_at(paper))).total_seconds() / 3600, 0.1)


def _listed_at(paper: Paper) -> str:
    return str(paper.get("listed_at") or paper.get("published_at"))


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _now(record: Record) -> datetime:
    """The time of the prediction: the last observation, else the end of the date."""
    times = [_time(row[0]) for p in record["papers"] for row in (p.get("observations") or [])]
    times += [_time(row[0]) for p in record["papers"] for row in (p.get("rank_history") or [])]
    return max(times) if times else _time(str(record["date"])) + timedelta(days=1)


# --- records from the data -----------------------------------------------------------------------------------------


def records(data: Path) -> Iterator[Record]:
    """The records of all tasks with their truth."""
    daily = {row["id"]: row for row in daily_rows(data)}
    series = _series(data / "huggingface_series/upvote_observations.csv.gz")
    ranks = ranks_by_day(data)
    yield from _growth(daily, series)
    yield from _next(daily, series, ranks)
    yield from _enter(daily, series, ranks)


def daily_rows(data: Path) -> Iterator[dict[str, Any]]:
    """The archive of listed papers."""
    with lzma.open(data / "huggingface_daily/daily_papers.jsonl.xz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def _series(path: Path) -> dict[str, list[list[Any]]]:
    """Observations by paper, in time. Days that were filled in later have no history and are left out."""
    series: dict[str, list[list[Any]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stars = int(row["github_stars"]) if row["github_stars"] else None
            series[row["arxiv_id"]].append([row["observed_at_utc"], int(row["upvotes"]), stars])
    return {paper: sorted(rows, key=lambda row: row[0]) for paper, rows in series.items()}


def ranks_by_day(data: Path) -> dict[str, dict[str, int]]:
    """Trending ranks by day (the last snapshot of each) and paper."""
    looks: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    with gzip.open(data / "huggingface_series/trending_rank.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = row["observed_at_utc"]
            looks[time[:10]][time][row["arxiv_id"]] = int(row["trending_rank"])
    return {day: by_time[max(by_time)] for day, by_time in looks.items()}


def _paper(row: dict[str, Any], observations: list[list[Any]]) -> Paper:
    return {
        "id": row["id"],
        "listed_at": row.get("submittedOnDailyAt") or row["publishedAt"],
        "published_at": row["publishedAt"],
        "observations": observations,
        "rank_history": [],
        "code": row.get("githubRepo"),
        "project": row.get("projectPage"),
        "keywords": row.get("ai_keywords"),
        "authors": row.get("authors"),
        "organisation": row.get("organization"),
    }


def _growth(daily: dict[str, Any], series: dict[str, list[list[Any]]]) -> Iterator[Record]:
    days: dict[str, Record] = {}
    for paper, observations in series.items():
        row = daily.get(paper)
        if (
            row is None
            or len(observations) < 2
            or _time(observations[0][0]) - _time(_listed_at(_paper(row, []))) > timedelta(days=3)
        ):
            continue
        day = days.setdefault(row["day"], {"task": "growth", "date": row["day"], "papers": [], "truth": {}})
        day["papers"].append(_paper(row, observations[:1]))
        day["truth"][paper] = max(observations[1][1] - observations[0][1], 0)
    yield from (day for _, day in sorted(days.items()) if len(day["papers"]) >= 5)


def _next(
    daily: dict[str, Any], series: dict[str, list[list[Any]]], ranks: dict[str, dict[str, int]]
) -> Iterator[Record]:
    for task, days_ahead in (("next1", 1), ("next3", 3)):
        for day in sorted(ranks):
            later = ranks.get((_time(day) + timedelta(days=days_ahead)).date().isoformat())
            if not later:
                continue
            papers = [_ranked(paper, daily, series, ranks, day) for paper in {**ranks[day]}]
            truth = {paper: max(11 - rank, 0) for paper, rank in later.items()}
            yield {"task": task, "date": day, "papers": papers, "truth": truth}


def _ranked(
    paper: str, daily: dict[str, Any], series: dict[str, list[list[Any]]], ranks: dict[str, dict[str, int]], day: str
) -> Paper:
    row = daily.get(paper, {"id": paper, "publishedAt": f"20{paper[:2]}-{paper[2:4]}-01T00:00:00Z"})
    observations = [observation for observation in series.get(paper, []) if observation[0][:10] <= day]
    paper_row = _paper(row, observations)
    paper_row["rank_history"] = [
        [d + "T12:00:00Z", r[paper]] for d, r in sorted(ranks.items()) if d <= day and paper in r
    ]
    return paper_row


def _enter(
    daily: dict[str, Any], series: dict[str, list[list[Any]]], ranks: dict[str, dict[str, int]]
) -> Iterator[Record]:
    first, last = min(ranks), max(ranks)
    days: dict[str, list[str]] = defaultdict(list)
    for paper, row in daily.items():
        days[row["day"]].append(paper)
    for day in sorted(days):
        if not first <= day <= (_time(last) - timedelta(days=3)).date().isoformat():
            continue
        window = [(_time(day) + timedelta(days=n)).date().isoformat() for n in range(1, ENTER_DAYS + 1)]
        entered_papers = {paper for later_day in window for paper in ranks.get(later_day, {})}
        already = {paper for d, r in ranks.items() if d <= day for paper in r}
        entrants = sorted((paper for paper in days[day] if paper not in already), key=_chance)
        observations = {
            p: [observation for observation in series.get(p, []) if observation[0][:10] <= day] for p in entrants
        }
        papers = [_paper(daily[p], observations[p]) if observations[p] else archived_paper(daily[p]) for p in entrants]
        yield {"task": "enter", "date": day, "papers": papers, "truth": {p: int(p in entered_papers) for p in entrants}}


def _chance(paper: str) -> int:
    """An order that tells nothing: the archive's own is by votes, and would break ties well."""
    return zlib.crc32(paper.encode())


def archived_paper(row: dict[str, Any]) -> Paper:
    """A paper with the archive's own counts, mostly of the same day."""
    return _paper(row, [[row["day"] + "T23:00:00Z", row["upvotes"], row.get("githubStars")]])


# --- grading -------------------------------------------------------------------------------------------------------


def ndcg(scores: Sequence[float], gains: Sequence[float], cutoff: int = 10) -> float | None:
    """nDCG at 10 with linear gains; ties are broken by the order given. None where nothing can be gained."""
    best = sum(g / math.log2(i + 2) for i, g in enumerate(sorted(gains, reverse=True)[:cutoff]))
    if best <= 0:
        return None
    order = sorted(range(len(scores)), key=lambda i: -scores[i])[:cutoff]
    return sum(gains[i] / math.log2(place + 2) for place, i in enumerate(order)) / best


def grade(record: Record, scores: Sequence[float]) -> float | None:
    """nDCG@10 of one record; what later ranks and was not there before can't be found by anybody, but counts."""
    gains = [float(record["truth"].get(paper["id"], 0)) for paper in record["papers"]]
    return ndcg(scores, gains)


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and a 95 % bootstrap interval over days."""
    rng = random.Random(7)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(BOOTSTRAPS))
    return sum(values) / len(values), means[int(0.025 * BOOTSTRAPS)], means[int(0.975 * BOOTSTRAPS)]


def report(all_records: Iterable[Record]) -> None:
    """One table a task, on the later half of the days; the figures go to build/bench/trending.json too."""
    figures: dict[str, dict[str, Any]] = {}
    by_task: dict[str, list[Record]] = defaultdict(list)
    for record in all_records:
        by_task[record["task"]].append(readable(record))
    for task, rows in by_task.items():
        later = rows[len(rows) // 2 :]
        print(f"\n{task}: {len(later)} days ({later[0]['date']} to {later[-1]['date']}), not fitted on")
        ours = [("service", [service_scores(r) for r in later]), ("forecast", [forecast_scores(r) for r in later])]
        for name, scores in [*ours, *_baselines(later)]:
            graded = [g for r, s in zip(later, scores, strict=True) if (g := grade(r, s)) is not None]
            mean, low, high = interval(graded)
            print(f"  {name:<16} nDCG@10 {mean:.3f}  [{low:.3f}, {high:.3f}]")
            figures[f"{task}: {name}"] = {"unit": "nDCG@10", "min": low, "median": mean, "max": high}
    out = Path("build/bench/trending.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"rounds": BOOTSTRAPS, "figures": figures, "ratios": {}}, indent=1))


def _baselines(rows: Sequence[Record]) -> Iterator[tuple[str, list[list[float]]]]:
    ranked = any(p["rank_history"] for p in rows[0]["papers"])
    for name, scorer in BASELINES.items():
        if name != "persistence" or ranked:
            yield name, [[scorer(p, _now(r)) for p in r["papers"]] for r in rows]


if __name__ == "__main__":
    main()
