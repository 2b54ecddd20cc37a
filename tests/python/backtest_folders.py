"""What a backtest and a sweep leave in a folder, small enough to know every figure."""

from pathlib import Path

ERROR = 'sheet "ADCB": no header <script>window.hacked = 1</script> in row 3'
SUMMARY = (
    "security,trades,realized_pnl,market_dates,strategy_dates,final_position,volume,fees,max_drawdown,sharpe,"
    "win_rate,rows,rejected,error\n"
    "ADNOCGAS,4,700,2,2,0,140,50,200,3.5,1,1000,2,\n"
    "EMAAR,2,-100,2,1,30,130,10,110,,0,500,0,\n"
    'ADCB,,,,,,,,,,,,,"' + ERROR.replace('"', '""') + '"\n'
)
TRADES = "timestamp,side,fill_price,fill_qty,realized_pnl,position,pnl,kind\n"
EQUITY = "timestamp,position,mid,pnl,equity\n"


def at(day: int, clock: str) -> str:
    return f"2024-08-{day:02}T{clock}.000000000"


def write_backtest(folder: Path) -> Path:
    """Two securities over two dates, and one that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "backtest_summary.csv").write_text(SUMMARY)
    (folder / "adnocgas_trades_timeseries.csv").write_text(
        TRADES + f"{at(5, '10:05:00')},buy,3.2,50,0,50,-10,fill\n"
        f"{at(5, '10:20:00')},sell,3.21,50,500,0,480,fill\n"
        f"{at(6, '10:05:00')},sell,3.3,20,0,-20,470,fill\n"
        f"{at(6, '14:55:00')},buy,3.29,20,200,0,650,flatten\n"
    )
    (folder / "adnocgas_equity.csv").write_text(
        EQUITY + f"{at(5, '10:00:00')},0,,0,0\n"
        f"{at(5, '10:10:00')},50,3.205,-10,240\n"
        f"{at(5, '10:30:00')},0,3.21,480,480\n"
        f"{at(6, '10:10:00')},-20,3.35,470,-20\n"
        f"{at(6, '14:56:00')},0,3.29,650,650\n"
    )
    (folder / "emaar_trades_timeseries.csv").write_text(
        TRADES + f"{at(5, '10:06:00')},buy,8.1,80,0,80,-5,fill\n{at(5, '10:07:00')},sell,8.05,50,-100,30,-110,stop\n"
    )
    (folder / "emaar_equity.csv").write_text(
        EQUITY
        + f"{at(5, '10:00:00')},0,8.1,0,0\n{at(5, '10:10:00')},30,8.1,-110,-110\n{at(6, '14:56:00')},30,8.2,-110,-90\n"
    )
    return folder


def write_sweep(folder: Path) -> Path:
    """Six sets of two parameters, over two securities; net PnL of set 4 is the highest."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["set,security,quote_size,queue,trades,realized_pnl,fees,sharpe,error"]
    for number, (size, queue) in enumerate((s, q) for s in (10, 20, 30) for q in ("fifo", "risk_averse")):
        pnl = {0: 10, 1: 20, 2: 30, 3: -40, 4: 90.5, 5: 60}[number]
        lines += [
            f"{number},ADNOCGAS,{size},{queue},{number + 1},{pnl},1,0.5,",
            f"{number},EMAAR,{size},{queue},2,5,0.5,1.5,",
        ]
    (folder / "sweep_results.csv").write_text("\n".join(lines) + "\n")
    return folder
