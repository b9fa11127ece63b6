"""What the bridge has promised and what it has seen of it, on the disk: one row a job, one for the machine."""

from __future__ import annotations

import secrets
from dataclasses import replace

from pydantic import TypeAdapter

from contracts.plan import JobEnded, Run
from services.chassis.store import Schema, Store, Unit
from services.octo_bridge.gcode_file import ROOT
from services.octo_bridge.state import Job, Kept, Machine, Phase

SCHEMA = Schema(
    "octo_bridge",
    [
        """
        CREATE TABLE machine (id INTEGER PRIMARY KEY CHECK (id = 1), kept TEXT NOT NULL);
        CREATE TABLE job (
            place INTEGER PRIMARY KEY AUTOINCREMENT,    -- order in which the plans were taken
            job_id TEXT NOT NULL UNIQUE,
            run TEXT,                                   -- the plan; gone when the job has ended
            phase TEXT NOT NULL, attempt INTEGER NOT NULL, path TEXT, mark TEXT, recovery INTEGER NOT NULL,
            ended TEXT                                  -- the answer that was given, NULL while there is none
        );
        """,
        "ALTER TABLE job ADD COLUMN blind TEXT;",  # why it must not go on, whatever OctoPrint says of it
    ],
)
ENDS_KEPT = 5000
"""Places of the table whose answers are kept for plans that are sent again; a planner has two runs outstanding.

A job takes two: one when it comes, one with its answer.
"""
PRUNE_EVERY = 500
ON_THEIR_WAY = 3
"""Jobs that may have been between the journal and OctoPrint's log when a mark was put; there is never more than one."""
_KEPT = TypeAdapter(Kept)


class Journal:
    """The tables of this service."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ends = 0

    def load(self) -> tuple[Kept | None, tuple[Job, ...]]:
        """What the last commit left: None for fresh data. A job that may be in OctoPrint's hands is in doubt."""
        rows = self._store.read("SELECT kept FROM machine")
        kept = _KEPT.validate_json(rows[0][0]) if rows else None
        jobs = self._store.read(
            "SELECT run, phase, attempt, path, mark, recovery, blind FROM job WHERE ended IS NULL ORDER BY place"
        )
        return kept, tuple(_job(*row) for row in jobs)

    def sent_since(self, mark: str | None) -> tuple[str, ...]:
        """Paths of the jobs that were sent since this mark was put into OctoPrint's log, ended or not.

        And of the last few before: one may have been on its way, with the mark before, while this one was put.
        """
        last = "SELECT rowid FROM job WHERE path NOTNULL ORDER BY rowid DESC LIMIT ?"
        rows = self._store.read(
            f"SELECT path FROM job WHERE path NOTNULL AND (mark = ? OR rowid IN ({last}))", (mark, ON_THEIR_WAY)
        )
        return tuple(path for (path,) in rows)

    def ended(self, job_id: str) -> JobEnded | None:
        """How a job ended, None if it has not, or is not known."""
        rows = self._store.read("SELECT ended FROM job WHERE job_id = ? AND ended IS NOT NULL", (job_id,))
        return JobEnded.model_validate_json(rows[0][0]) if rows else None

    def save(self, unit: Unit, before: Machine | None, after: Machine) -> None:
        """Write what differs between two states."""
        if before is None or before.kept != after.kept:
            unit.execute("INSERT OR REPLACE INTO machine VALUES (1, ?)", (_KEPT.dump_json(after.kept).decode(),))
        known = {job.id: job for job in before.jobs} if before is not None else {}
        for job in after.jobs:
            if job.id not in known:
                unit.execute(
                    "INSERT INTO job (job_id, run, phase, attempt, path, mark, recovery, blind) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (job.id, job.run.model_dump_json(by_alias=True), *_columns(job)),
                )
            elif _columns(known[job.id]) != _columns(job):
                unit.execute(
                    "UPDATE job SET phase = ?, attempt = ?, path = ?, mark = ?, recovery = ?, blind = ? "
                    "WHERE job_id = ?",
                    (*_columns(job), job.id),
                )

    def save_end(self, unit: Unit, end: JobEnded) -> None:
        """The answer that this job got, for whoever asks again."""
        body = end.model_dump_json(by_alias=True)
        unit.execute(
            "INSERT INTO job (job_id, phase, attempt, recovery, ended) VALUES (?1, 'ended', 0, 0, ?2) "
            "ON CONFLICT (job_id) DO UPDATE SET ended = ?2, phase = 'ended', run = NULL",
            (end.job_id, body),
        )
        self._ends += 1
        if self._ends % PRUNE_EVERY == 0:
            self.prune(unit)

    def prune(self, unit: Unit) -> None:
        """Forget the oldest answers."""
        unit.execute(
            "DELETE FROM job WHERE ended IS NOT NULL AND place <= (SELECT max(place) FROM job) - ?", (ENDS_KEPT,)
        )


def _columns(job: Job) -> tuple[str, int, str | None, str | None, int, str | None]:
    return job.phase.value, job.attempt, job.path, job.mark, int(job.recovery), job.blind


def _job(
    run: str, phase: str, attempt: int, path: str | None, mark: str | None, recovery: int, blind: str | None
) -> Job:
    homes = bool(recovery)
    job = Job(Run.model_validate_json(run), Phase(phase), attempt, path, mark, homes, blind, preamble=homes)
    # Of a name that it went by before, an upload may still be on its way.
    job = replace(job, unanswered=path is not None)
    return replace(job, doubt="the bridge was restarted meanwhile") if job.begun else job


def restored(kept: Kept | None, jobs: tuple[Job, ...], boot: str | None, now_mono: float) -> Machine:
    """The state to begin with: arming ends with the boot it was given in, and every session has a folder of its own."""
    kept = kept or Kept()
    if kept.armed is not None and (boot is None or kept.armed.boot != boot):
        kept = replace(kept, armed=None)
    folder = f"{ROOT}/{secrets.token_hex(4)}"
    old = kept.old_folders if kept.folder in kept.old_folders else (*kept.old_folders, kept.folder)
    kept = replace(kept, folder=folder, old_folders=old if kept.contacted else ())
    return Machine(boot=boot, kept=kept, jobs=jobs, moved_at=now_mono, over_at=now_mono)
