"""A run that is started on the review page, where a lab has luigid and Slurm, and waits for what is approved there."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from cluster_lab import ClusterLab, cluster_lab
from lab import CHECKOUT, Counted, Lab, asked, entered, luigid
from review_accounts import make_hashes_quick, site_with_accounts, wait_for
from slurm_cluster import SlurmCluster

from brainstack.last_run import read_last_run

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

KEY = "slide001_S3"
SLOW_S = 600
"""That a busy machine may take."""


def configure(lab: ClusterLab, port: int) -> None:
    """As a lab does: the shipped luigi.cfg, with its own luigid and its own cluster."""
    shipped = (CHECKOUT / "luigi.cfg").read_text()
    assert "scheduler_port = 8082" in shipped
    ours = shipped.replace("scheduler_port = 8082", f"scheduler_port = {port}").replace("localhost", "127.0.0.1")
    ours = ours.replace("[hpc]\n", f"[hpc]\nsettings = {lab.root / 'cluster.toml'}\n")
    (lab.root / "luigi.cfg").write_text(ours)


def run_from_the_page(ruth: httpx.Client, lab: ClusterLab) -> str:
    """Press the button, and wait. Returns what the page says of the run."""
    before = read_last_run(lab.folder)
    wish = {"target": "Animal", "resolution": "thumbnail", "backend": "slurm"}
    wait_for(lambda: ruth.post("/DEMO/run/start", data=wish).status_code == 200)  # the one before ends a moment later

    def has_ended() -> bool:
        last = read_last_run(lab.folder)
        return last is not None and last != before and bool(last.outcome)

    wait_for(has_ended, SLOW_S)
    wait_for(lambda: "its report is being made" not in ruth.get("/DEMO/run/progress").text)
    return ruth.get("/DEMO/run/progress").text


def approve(ruth: httpx.Client, key: str) -> None:
    version = ruth.get(f"/DEMO/masks/{key}").json()["version"]
    approved = ruth.post(f"/DEMO/masks/{key}/approval", json={"version": version})
    assert approved.status_code == 200, approved.text


def test_it_goes_out_as_jobs_is_known_to_luigid_and_waits_for_masks_that_are_approved_on_the_page(
    slurm: SlurmCluster, finished: Lab, tmp_path: Path
) -> None:
    lab = cluster_lab(finished, tmp_path, "Clean", "Elastix")
    with lab.folder.settings.open("a") as settings:
        settings.write('\n[review]\nrequire = ["masks"]\n')
    for stage in ("Clean", "Elastix"):
        (lab.folder.stamps / f"{stage}.jsonl").unlink()
    with luigid(lab) as port, entered(lab) as environment:
        configure(lab, port)
        environment.setenv("LUIGI_CONFIG_PATH", str(lab.root / "luigi.cfg"))
        make_hashes_quick(environment)
        with site_with_accounts() as site, site.visitor("ruth") as ruth:
            command = ruth.get("/DEMO/run/command", params={"backend": "slurm"}).text
            assert command == "luigi --module tasks Animal --animal DEMO --hpc-backend slurm"
            keys = [f"slide00{slide}_S{scene}" for slide in (1, 2) for scene in (1, 2, 3, 4)]
            for key in set(keys) - {KEY}:
                approve(ruth, key)

            said = run_from_the_page(ruth, lab)
            pending = asked(port, "task_list", {"status": "PENDING", "upstream_status": ""})
            assert "masks wait for approval" in said
            assert "1 of 8 masks is not approved yet: section 2" in said
            assert lab.arrays() == [], "what waits for the masks goes to no cluster"
            assert {"ApprovedMasks", "Clean"} <= {one["name"] for one in pending.values()}

            approve(ruth, KEY)
            counted = Counted(lab)
            said = run_from_the_page(ruth, lab)
            done = asked(port, "task_list", {"status": "DONE", "upstream_status": ""})
    last = read_last_run(lab.folder)
    assert last
    assert (last.outcome, last.failed) == ("done", 0), said
    by_jobs = [step.stage for array in lab.arrays() for steps in lab.steps(array) for step in steps]
    made = counted.by_stage()
    assert (by_jobs.count("Clean"), by_jobs.count("Elastix")) == (made["Clean"], made["Elastix"])
    assert made["Clean"] == 24, "of eight sections and three channels"
    assert {"Clean", "Elastix"} <= {one["name"] for one in done.values()}
    mine, theirs = lab.bytes(), finished.bytes()
    assert {name for name in mine if mine[name] != theirs.get(name)} <= {"settings.toml", ".brainstack/approved"}
