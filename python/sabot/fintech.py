"""The kernels: for each row of the engine's registry a function and a class.

A function computes from fresh state: `ewma(ticks, alpha=0.06)`. An object keeps its state from call to call:
`k = EWMAKernel(alpha=0.06); k(batch)`. `chain` and `Chain` run several kernels in one fused pass. `kernels()` lists
them; `help(ewma)` documents one. `optimal_ac_schedule` makes a table of its options alone.
"""

from sabot.fintech_operator import FintechKernelOperator, create_fintech_operator
from sabot.kernel_info import KernelInfo
from sabot.kernels import Chain, Kernel, chain, make_class, make_function
from sabot.registry import KERNELS
from sabot.schedules import optimal_ac_schedule

__all__ = [
    "Chain",
    "FintechKernelOperator",
    "Kernel",
    "chain",
    "create_fintech_operator",
    "kernels",
    "optimal_ac_schedule",
]


def kernels() -> list[KernelInfo]:
    """Every kernel: its name, inputs, outputs, options and documentation."""
    return list(KERNELS.values())


for _info in KERNELS.values():
    for _name, _made in ((_info.name, make_function(_info)), (_info.class_name, make_class(_info))):
        assert _name not in globals(), f"the name of kernel {_name} is taken"
        globals()[_name] = _made
        __all__ += [_name]
del _info, _name, _made
__all__.sort()
