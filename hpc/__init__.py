"""Batch jobs on a cluster, for any Luigi tasks: the standard library and Luigi only.

cluster.py      what each stage asks for: config/cluster.toml
bundles.py      tasks -> elements of an array
arrays.py       an array on disk: what shall run, who began it, how it ended; this is all that is remembered
run.py          on a node: one element
backend.py      what a queue has to offer; slurm.py is the only file that knows Slurm, salloc.py the only one that knows
                sciluigi
verdicts.py     what became of an element, and what to do about it
fleet.py        the arrays of one animal: submitting, watching, trying again
report.py       what was asked for beside what was used
__main__.py     python -m hpc plan | status | logs | attach | cancel | report
"""
