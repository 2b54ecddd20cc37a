// The figures of a summary: what they are called, what they mean, and how they are written.

// Column of the summary -> its heading and what it means.
const HEADINGS = {
  security: ["Security", "As the tick file names it"],
  net_pnl: ["Net PnL", "Realised PnL after fees"],
  realized_pnl: ["Realised", "PnL of what was closed, before fees"],
  fees: ["Fees", "Paid; below 0: rebates received"],
  trades: ["Trades", "Fills of any kind"],
  volume: ["Volume", "Quantity filled"],
  final_position: ["Position", "Position at the end"],
  max_drawdown: ["Max DD", "Largest fall of realised PnL after fees from its maximum"],
  sharpe: ["Sharpe", "Of daily PnL over the market's dates, a year having 252; none for fewer than two dates"],
  deflated_sharpe: [
    "Deflated Sharpe",
    "Probability that the Sharpe ratio is better than what luck shows in so many sets",
  ],
  win_rate: ["Win rate", "Of the fills that reduced a position, the share that realised a profit"],
  market_dates: ["Dates", "Dates with a trade in the market"],
  strategy_dates: ["Traded", "Dates with a fill"],
  rows: ["Ticks", "Valid ticks read"],
  rejected: ["Rejected", "Rows of the source that could not be read"],
  error: ["Error", "Why the security has no result"],
};
const ORDER = Object.keys(HEADINGS);
// Left out where a page is printed, which has less room.
const MINOR = new Set(["market_dates", "strategy_dates", "rows", "rejected", "error"]);
const SIGNED = new Set(["net_pnl", "realized_pnl", "final_position"]);

function formatOf(name, values) {
  if (name === "win_rate") return percent;
  const decimals = name === "sharpe" ? 2 : decimalsOf(values);
  return (value) => fixed(value, decimals);
}

function headingOf(name) {
  return HEADINGS[name]?.[0] ?? name.replaceAll("_", " ");
}

// A column of a table.
function columnOf(name, number, values) {
  return {
    name,
    label: headingOf(name),
    hint: HEADINGS[name]?.[1] ?? name,
    number,
    values,
    signed: SIGNED.has(name),
    className: MINOR.has(name) ? "minor" : "",
    format: number ? formatOf(name, values) : null,
  };
}

// The place of a figure in tables: those that are known come first.
function placeOf(name) {
  return ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length;
}
