"""Strategies replayed over ticks: one simulation a security, many at a time.

`run_parallel_backtest` runs a strategy over a workbook, a CSV or Parquet file or a folder of tick files;
`MarketMakingBacktest` does so one security after the other, or on a table that is there already. A strategy has a name
(`strategies()`), or is a class derived from `Strategy`. `paper_trading` lets the same strategy trade on a stream.
`sweep` runs one with many parameter sets, and says what the best of them is worth.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sabot._native import Fill, Moment, Order, Orders
    from sabot.backtest.config import ParameterInfo, StrategyInfo, load_strategy_config, strategies, venue_parameters
    from sabot.backtest.paper import PaperTrading, paper_trading
    from sabot.backtest.result import BacktestResult
    from sabot.backtest.running import MarketMakingBacktest, Progress, run_parallel_backtest
    from sabot.backtest.strategy import Strategy
    from sabot.backtest.sweep_result import MultipleTestingWarning, SweepResult, SweptSet
    from sabot.backtest.sweeping import SweepProgress, sweep
    from sabot.backtest.ticks import convert_ticks

__all__ = [
    "BacktestResult",
    "Fill",
    "MarketMakingBacktest",
    "Moment",
    "MultipleTestingWarning",
    "Order",
    "Orders",
    "PaperTrading",
    "ParameterInfo",
    "Progress",
    "Strategy",
    "StrategyInfo",
    "SweepProgress",
    "SweepResult",
    "SweptSet",
    "convert_ticks",
    "load_strategy_config",
    "paper_trading",
    "run_parallel_backtest",
    "strategies",
    "sweep",
    "venue_parameters",
]

# Name -> the module it is in; loaded when it is used, so that the command line need not wait for what it does not need.
_MODULES = {
    **dict.fromkeys(("Fill", "Moment", "Order", "Orders"), "sabot._native"),
    **dict.fromkeys(
        ("ParameterInfo", "StrategyInfo", "load_strategy_config", "strategies", "venue_parameters"),
        "sabot.backtest.config",
    ),
    **dict.fromkeys(("PaperTrading", "paper_trading"), "sabot.backtest.paper"),
    **dict.fromkeys(("MarketMakingBacktest", "Progress", "run_parallel_backtest"), "sabot.backtest.running"),
    "BacktestResult": "sabot.backtest.result",
    "convert_ticks": "sabot.backtest.ticks",
    "Strategy": "sabot.backtest.strategy",
    **dict.fromkeys(("MultipleTestingWarning", "SweepResult", "SweptSet"), "sabot.backtest.sweep_result"),
    **dict.fromkeys(("SweepProgress", "sweep"), "sabot.backtest.sweeping"),
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'sabot.backtest' has no attribute '{name}'")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
