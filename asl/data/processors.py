"""How much of the machine this process may use."""

import os


def threads() -> int:
    """Threads that are worth having: one a processor, or as many as OMP_NUM_THREADS allows, which
    schedulers of clusters (Ray, Slurm) set where several processes share a machine.
    """
    there = os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(told)) if told.isdecimal() and int(told) else there
