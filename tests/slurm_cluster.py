"""A real Slurm for the tests: some nodes on this machine, its own keys, ports and folder, on the loopback only.

    with SlurmCluster(nodes=2) as cluster:
        job = cluster.submit("--array=0-9", script="#!/bin/sh\nhostname")
        cluster.wait(job)

It needs no systemd and no container, and root only where the machine's own name is not of 127.x (see `_named`). It
ends by itself when the process that began it has ended, also by a kill: a watcher waits for a lock on a file, which
the system takes from a process that ends in whatever way.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil
from slurm_asking import CALL_S, USER, Slurm

PROGRAMS = "munged", "slurmctld", "slurmd", "sinfo", "sbatch"
PACKAGES = "munge slurm-wlm slurm-wlm-basic-plugins"
SBIN = "/usr/sbin:/usr/local/sbin"
CGROUPS = Path("/sys/fs/cgroup")

SLURM_CONF = """\
ClusterName=brainstack
SlurmctldHost={host}({address})
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
SlurmctldDebug=info
SlurmdDebug=info
ProctrackType=proctrack/{proctrack}
TaskPlugin=task/{task}
JobAcctGatherType=jobacct_gather/{gather}
JobAcctGatherFrequency=1
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=10000,batch_sched_delay=0,bf_interval=1,sched_interval=1
PriorityType=priority/basic
EnforcePartLimits=ALL
MaxArraySize={max_array_size}
MaxJobCount={max_job_count}
MinJobAge={min_job_age_s}
KillWait=2
CompleteWait=0
InactiveLimit=0
OverTimeLimit=0
SlurmdTimeout={slurmd_timeout_s}
SlurmctldTimeout=60
JobRequeue=1
{accounting}
{extra}
"""
"""config_overrides: a machine of two cores may claim more. SchedulerParameters: 1,200 short jobs a minute, not 40."""

CGROUP_CONF = """\
CgroupPlugin=cgroup/v1
CgroupAutomount=no
ConstrainRAMSpace=yes
ConstrainSwapSpace=no
ConstrainCores=no
"""

SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CommunicationParameters=NoInAddrAny
DbdHost={host}
DbdAddr={address}
DbdPort={dbd_port}
SlurmUser={user}
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=root
StorageLoc={database}
"""


def why_not(*, accounting: str = "none", proctrack: str = "linuxproc") -> str:
    """Why there can be no such Slurm on this machine, or ''."""
    wanted = dict.fromkeys(PROGRAMS, PACKAGES)
    if accounting == "slurmdbd":
        wanted["slurmdbd"] = "slurmdbd"
    missing = [name for name in wanted if _program(name) is None]
    if missing:
        packages = " ".join(dict.fromkeys(wanted[name] for name in missing))
        return f"{', '.join(missing)} not found; on Debian: sudo apt-get install {packages}"
    if proctrack == "cgroup" and not (os.getuid() == 0 and os.access(CGROUPS / "memory" / "tasks", os.W_OK)):
        return f"no limits on memory without {CGROUPS}/memory (cgroup v1, mounted, as root)"
    if _own_address() is None and not _can_be_named():
        name = socket.gethostname()
        return f"{name}, this machine's name, is not a name of 127.0.0.1; as root: echo '127.0.0.1 {name}' >>/etc/hosts"
    return ""


@dataclass
class SlurmCluster(Slurm):
    """A Slurm that runs, or will when it is entered. Nodes are called sn1, sn2, ...; partitions main and short.

    accounting : none (no sacct), filetxt (a line for each job that ended, in `job_log`) or slurmdbd (with `mariadb`)
    mariadb : a server as tests/mariadb_server.py gives it
    proctrack : linuxproc, or cgroup, where a job over its memory is OUT_OF_MEMORY (root, cgroup v1)
    cpus, memory_mb : of each node, as Slurm is told
    min_job_age_s : how long one hears of a job that ended. It is looked at every minute or so, below 10 s oftener.
    slurmd_timeout_s : after which a node that does not answer is DOWN, and its jobs NODE_FAIL
    max_submit_jobs : of each user (slurmdbd only). More is refused: QOSMaxSubmitJobPerUserLimit
    max_cpus : that a user's jobs have at once (slurmdbd only). More wait: QOSMaxCpuPerUserLimit
    partitions : more of them, name -> what slurm.conf says of it ("MaxTime=5 MaxMemPerNode=500")
    extra : more lines of slurm.conf
    """

    nodes: int = 2
    cpus: int = 8
    memory_mb: int = 8000
    accounting: str = "none"
    mariadb: Any = None
    proctrack: str = "linuxproc"
    min_job_age_s: int = 300
    max_array_size: int = 1001
    max_job_count: int = 10_000
    slurmd_timeout_s: int = 10
    max_submit_jobs: int | None = None
    max_cpus: int | None = None
    partitions: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""

    folder: Path = field(init=False)
    _ports: list[int] = field(init=False, default_factory=list)
    _held: ExitStack = field(init=False, default_factory=ExitStack)

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands have to find in the environment."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    @property
    def node_names(self) -> list[str]:
        return [f"sn{number + 1}" for number in range(self.nodes)]

    @property
    def job_log(self) -> str:
        """A line for each job that ended (accounting filetxt)."""
        return (self.folder / "log" / "jobs.txt").read_text()

    # ---------------------------------------------------------------------------------------------- begin and end

    def __enter__(self) -> Self:
        if reason := why_not(accounting=self.accounting, proctrack=self.proctrack):
            raise RuntimeError(f"no Slurm for the tests: {reason}")
        parent = tempfile.gettempdir()  # jobs' scripts are run in it: /dev/shm may be mounted noexec
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-", dir=parent if len(parent) < 40 else "/tmp"))
        self.folder.chmod(0o755)  # munged wants its socket to be reachable
        self._ports = _free_ports(self.nodes + 2)
        try:
            self._write()
            self._held.enter_context(_watched(self.folder))
            self._start("munged", *self._munged())
            if self.accounting == "slurmdbd":
                self._start_slurmdbd()
            self.start_controller()
            for name in self.node_names:
                self._start("slurmd", "-N", name)
            self.wait_for(lambda: self.idle() == set(self.node_names), "the nodes are not ready")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._held.close()
        if self.accounting == "slurmdbd":
            self.mariadb.sql(f"DROP DATABASE IF EXISTS {self._database}")

    def clear(self) -> None:
        """As at the beginning, but for job numbers: no job, controller and nodes up and idle."""
        self.start_controller()
        for name in self.node_names:
            self.start_node(name)
        self.run("scancel", "--user", USER)
        names = set(self.node_names)
        for name in names - self.idle():
            self.resume(name)
        self.wait_for(lambda: self.idle() == names and not self.run("squeue", "-h").stdout, "jobs do not end")

    def idle(self) -> set[str]:
        """Names of the nodes that wait for work."""
        said = self.run("sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N %t", check=False).stdout
        return {line.split()[0] for line in said.splitlines() if line.endswith(" idle")}  # not idle*: does not answer

    # --------------------------------------------------------------------------------------------- what may happen

    def kill_node(self, name: str, *, with_jobs: bool = True) -> None:
        """kill -9 of the slurmd, and of all that it runs, as if the power failed. Slurm notices in slurmd_timeout_s."""
        for process in self._of_node(name, with_jobs=with_jobs):
            _kill(process)

    def fail_node(self, name: str) -> None:
        """As kill_node, and Slurm is told at once: the jobs are NODE_FAIL, or go back in the queue where they may."""
        self.kill_node(name)
        self.run("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=test")

    def start_node(self, name: str) -> None:
        """The slurmd again, where it does not run. Jobs may go there some seconds later."""
        if not _alive(self.folder / "run" / f"slurmd-{name}.pid", "slurmd"):
            self._start("slurmd", "-N", name)

    def drain(self, name: str) -> None:
        """No new job goes there."""
        self.run("scontrol", "update", f"NodeName={name}", "State=DRAIN", "Reason=test")

    def resume(self, name: str) -> None:
        self.run("scontrol", "update", f"NodeName={name}", "State=RESUME", check=False)

    def stop_controller(self, *, how: int = signal.SIGTERM) -> None:
        """squeue and sbatch fail from now on; jobs that run go on.

        how : SIGTERM, or SIGKILL, by which it forgets jobs of the last seconds: they run on, unknown to squeue.
        """
        process = _alive(self.folder / "run" / "slurmctld.pid", "slurmctld")
        if process:
            process.send_signal(how)
            self.wait_for(lambda: not _runs(process), "slurmctld does not end")

    def start_controller(self) -> None:
        """Where it does not run. Returns when it answers."""
        if not _alive(self.folder / "run" / "slurmctld.pid", "slurmctld"):
            self._start("slurmctld")
        self.wait_for(lambda: "is UP" in self.run("scontrol", "ping", check=False).stdout, "slurmctld does not answer")

    def time_out(self, job: object) -> None:
        """A job that runs is over its time from now on. Slurm looks every 30 s: TIMEOUT comes 1 to 32 s later."""
        self.run("scontrol", "update", f"JobId={job}", "EndTime=now+1")

    def set_min_job_age(self, seconds: int) -> None:
        self.min_job_age_s = seconds
        self._write()
        self.run("scontrol", "reconfigure")

    # ------------------------------------------------------------------------------------------------------ within

    @property
    def _database(self) -> str:
        return f"slurm_{self.folder.name.removeprefix('slurm-')}".lower()

    def _write(self) -> None:
        for name in ("munge", "state", "run", "log", *(f"spool/{node}" for node in self.node_names)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "munge" / "key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(os.urandom(1024))
        host, address = _named()
        values = {
            "folder": self.folder, "host": host, "address": address, "user": USER, "port": self._ports[0],
            "dbd_port": self._ports[1], "database": self._database, "proctrack": self.proctrack,
            "task": "cgroup" if self.proctrack == "cgroup" else "none",
            "gather": "cgroup" if self.proctrack == "cgroup" else "linux",
            "max_array_size": self.max_array_size, "max_job_count": self.max_job_count,
            "min_job_age_s": self.min_job_age_s, "slurmd_timeout_s": self.slurmd_timeout_s,
            "accounting": "\n".join(self._accounting()), "extra": self.extra,
        }  # fmt: skip
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr={address} Port={port} CPUs={self.cpus}"
            f" RealMemory={self.memory_mb} State=UNKNOWN"
            for name, port in zip(self.node_names, self._ports[2:], strict=True)
        ]
        partitions = {"main": "Default=YES MaxTime=7-0 DefaultTime=60", "short": "MaxTime=10 DefaultTime=1"}
        partitions |= self.partitions
        lines = [f"PartitionName={name} Nodes=ALL State=UP {said}" for name, said in partitions.items()]
        (self.folder / "slurm.conf").write_text(SLURM_CONF.format(**values) + "\n".join([*nodes, *lines, ""]))
        (self.folder / "cgroup.conf").write_text(CGROUP_CONF)
        if self.accounting == "slurmdbd":
            file = self.folder / "slurmdbd.conf"
            file.touch(mode=0o600)
            file.write_text(SLURMDBD_CONF.format(**values, database_port=self.mariadb.port))

    def _accounting(self) -> list[str]:
        if self.accounting == "slurmdbd":
            enforced = ["AccountingStorageEnforce=associations,limits,qos"] if self._has_limits else []
            return [
                "AccountingStorageType=accounting_storage/slurmdbd",
                f"AccountingStorageHost={_named()[1]}",
                f"AccountingStoragePort={self._ports[1]}",
                f"AccountingStoragePass={self.folder}/munge/socket",  # sacct does not look into AuthInfo
                "AccountingStoreFlags=job_comment",
                *enforced,
            ]
        completed = ["JobCompType=jobcomp/filetxt", f"JobCompLoc={self.folder}/log/jobs.txt"]
        return ["AccountingStorageType=accounting_storage/none", *(completed if self.accounting == "filetxt" else ())]

    @property
    def _has_limits(self) -> bool:
        return self.max_submit_jobs is not None or self.max_cpus is not None

    def _munged(self) -> list[str]:
        folder = self.folder / "munge"
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        return [f"--{option}={folder / name}" for option, name in files.items()] + ["--num-threads=2"]

    def _start_slurmdbd(self) -> None:
        self.mariadb.sql(f"CREATE DATABASE {self._database}")
        self._start("slurmdbd")
        self.wait_for(lambda: not self.run("sacctmgr", "-n", "show", "cluster", check=False).returncode, "no slurmdbd")
        manage = "sacctmgr", "-i"
        self.run(*manage, "add", "cluster", "brainstack")
        self.run(*manage, "add", "account", "lab", "Cluster=brainstack")
        self.run(*manage, "add", "user", USER, "Account=lab", "Cluster=brainstack", "DefaultAccount=lab", check=False)
        limits = []
        limits += [f"MaxSubmitJobsPerUser={self.max_submit_jobs}"] if self.max_submit_jobs is not None else []
        limits += [f"MaxTRESPerUser=cpu={self.max_cpus}"] if self.max_cpus is not None else []
        if limits:
            self.run(*manage, "modify", "qos", "normal", "set", *limits)

    def _start(self, program: str, *words: str) -> None:
        """A daemon. It goes on without this process."""
        command = [*_in_a_namespace(), str(_program(program)), *words]
        log = self.folder / "log" / f"{program}.start"
        with log.open("ab") as file:  # not a pipe: what the daemon leaves open would be waited for
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env=os.environ | self.environment, cwd=self.folder, timeout=CALL_S, start_new_session=True,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} does not start: {log.read_text()}")

    def _of_node(self, name: str, *, with_jobs: bool) -> Iterator[psutil.Process]:
        log = str(self.folder / "log" / f"slurmd-{name}.log")
        for process in _processes_of(self.folder):
            if log in _open_files(process) and (with_jobs or process.name() == "slurmd"):
                yield process

    def last_of_the_log(self) -> str:
        log = self.folder / "log" / "slurmctld.log"
        return log.read_text(errors="replace")[-2000:] if log.exists() else "none"


# ------------------------------------------------------------------------------------------------- this machine's name


def _named() -> tuple[str, str]:
    """What the daemons take this machine's name to be, and its address. They listen on what that name stands for."""
    address = _own_address()
    return (socket.gethostname().partition(".")[0], address) if address else ("localhost", "127.0.0.1")


def _own_address() -> str | None:
    """The address that this machine's name stands for, where it is on the loopback: often 127.0.0.1 or 127.0.1.1."""
    with suppress(OSError):
        found = {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        if found and all(address.startswith("127.") for address in found):
            return min(found)
    return None


def _in_a_namespace() -> tuple[str, ...]:
    """Words before a daemon's: it sees `localhost` as this machine's name, where the real one is not of the loopback.

    salloc and srun started outside do not work then; sbatch, and srun within a job, do.
    """
    return () if _own_address() else ("unshare", "--uts", "sh", "-c", 'hostname localhost && exec "$0" "$@"')


def _can_be_named() -> bool:
    words = [*_in_a_namespace(), "true"]
    return bool(shutil.which(words[0])) and subprocess.run(words, capture_output=True).returncode == 0


# ------------------------------------------------------------------------------------------------ processes and ports


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=SBIN)


def _free_ports(count: int) -> list[int]:
    """None that the system gives to outgoing connections: it must be free again when a daemon restarts."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(10_000, 32_000), 2_000):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no free ports on 127.0.0.1")


def _alive(pid_file: Path, program: str) -> psutil.Process | None:
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(pid_file.read_text()))
        if process.name() == program and _runs(process):
            return process
    return None


def _runs(process: psutil.Process) -> bool:
    """Whether it runs. One that ended may be a zombie for long, where the machine's first process is a simple one."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != "zombie"
    return False


def _processes_of(folder: Path) -> Iterator[psutil.Process]:
    """Slurm's own processes of one cluster, and what a job of it left behind.

    A slurmstepd has no pid file and does not stay its slurmd's child, but holds the slurmd's log open.
    """
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith(("slurm", "munged")):
                if any(one.startswith(f"{folder}/") for one in _open_files(process)):
                    yield process
            else:
                environment = process.environ()
                if environment.get("SLURM_CONF") == f"{folder}/slurm.conf" and "SLURM_JOB_ID" in environment:
                    yield process


def _open_files(process: psutil.Process) -> list[str]:
    found = []
    with suppress(OSError):
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(OSError):
                found.append(os.readlink(link))  # noqa: PTH115
    return found


def _kill(process: psutil.Process) -> None:
    """kill -9 of it and of all that it started."""
    with suppress(psutil.Error):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error):
                one.kill()


# ------------------------------------------------------------------------------------------------------- the watcher


class _watched:  # noqa: N801
    """A lock on the folder, and a process that ends all in it when the lock is free. Leaving waits for that."""

    def __init__(self, folder: Path) -> None:
        self.lock: IO[str] = (folder / "users").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.watcher = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.lock.close()
        self.watcher.wait()


def watch(folder: Path) -> None:
    """Wait until nobody holds the folder's lock any more, end all that runs in it, and remove it."""
    with (folder / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        end(folder)


def end(folder: Path) -> None:
    for _ in range(3):  # a slurmd may just be starting a slurmstepd
        found = list(_processes_of(folder))
        for process in found:
            _kill(process)
        until = time.monotonic() + 5
        while any(map(_runs, found)) and time.monotonic() < until:
            time.sleep(0.01)
    nodes = [path.name for path in (folder / "spool").iterdir()]
    for group in (path for node in nodes for path in CGROUPS.glob(f"*/slurm_{node}")):
        for below in sorted(group.rglob("*"), reverse=True):
            if below.is_dir():
                with suppress(OSError):
                    below.rmdir()
        with suppress(OSError):
            group.rmdir()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
