// What holds for a whole backtest: headline figures, what failed, and the equity of all securities together.

function headline({ data, money }) {
  const { totals } = data;
  const figure = (label, value, { hint, tone, note } = {}) =>
    html(
      "div",
      { class: "figure", title: hint },
      html("dt", {}, label),
      html("dd", { class: tone }, value),
      note ? html("dd", { class: "note" }, note) : null,
    );
  const whole = (value) => fixed(value, Math.abs(value) >= 1e5 ? 0 : decimalsOf([value]));
  const open = totals.equity !== null && totals.net_pnl !== null ? totals.equity - totals.net_pnl : 0;
  return html(
    "dl",
    { class: "headline" },
    figure("Net PnL", money(totals.net_pnl), {
      hint: "Realised PnL after fees, of all securities",
      tone: sign(totals.net_pnl),
    }),
    figure("Equity at the end", money(totals.equity), {
      hint: "Net PnL, and what positions left open were worth at the mid",
      tone: sign(totals.equity),
      note:
        totals.equity === null
          ? null
          : Math.abs(open) > 1e-6 * (1 + Math.abs(totals.equity))
            ? `${money(open)} open`
            : "nothing left open",
    }),
    figure("Max drawdown", money(totals.max_drawdown), {
      hint: "Largest fall of the equity of all securities from its maximum",
    }),
    figure("Fees", whole(totals.fees), {
      note: totals.realized_pnl === null ? null : `realised ${money(totals.realized_pnl)}`,
    }),
    figure("Trades", whole(totals.trades), {
      note: totals.volume === null ? null : `volume ${whole(totals.volume)}`,
    }),
    figure("Securities", whole(totals.securities + totals.failed), {
      note: totals.failed ? `${fixed(totals.failed, 0)} failed` : "none failed",
      tone: totals.failed ? "negative" : "",
    }),
    figure("Market dates", whole(totals.market_dates), { hint: "The most that a security has" }),
    totals.rows === null
      ? null
      : figure("Ticks", whole(totals.rows), {
          note: totals.rejected ? `${whole(totals.rejected)} rejected` : "none rejected",
        }),
  );
}

function failures({ data }) {
  const { errors } = data;
  if (errors.length === 0) return null;
  const lines = errors.map(([security, error]) =>
    html("li", {}, html("b", {}, security), html("span", { class: "error" }, error)),
  );
  const all = count(data.securitiesInFile, "security", "securities");
  const text = `${fixed(data.totals.failed, 0)} of ${all} failed; the others are whole`;
  return html("section", { class: "failures" }, html("h2", {}, text), folded(lines, 5));
}

function notes({ data, names }) {
  const { notes, securitiesInFile } = data;
  const lines = notes.map(({ security, note }) => html("li", {}, html("b", {}, security), html("span", {}, note)));
  if (securitiesInFile > names.length) {
    const shown = `The table has ${fixed(names.length, 0)} of ${fixed(securitiesInFile, 0)} securities`;
    lines.unshift(html("li", {}, `${shown}: those that failed and those of the most trades. Totals are of all.`));
  }
  return lines.length > 0
    ? html("section", { class: "notes" }, html("h2", {}, "Not everything is here"), folded(lines, 4))
    : null;
}

function overview(backtest) {
  const { data, money, names, failed } = backtest;
  if (data.totals.securities === 0) return html("p", { class: "nothing" }, "No security has a result.");
  const group = new ChartGroup(data.sessions);
  const beside = 23 * Math.min(14, names.length) + (data.periods.v.length > 1 ? 210 : 0);
  const height = Math.max(220, Math.min(380, beside - 170));
  const equity = new Chart({
    title: "Equity",
    hint: "all securities, after fees, open positions at the mid",
    group,
    height,
    zero: true,
    format: money,
    series: [{ label: "Equity", name: "equity", kind: "line", data: data.equity }],
  });
  const drawdown = new Chart({
    title: "Drawdown",
    group,
    height: 150,
    zero: true,
    format: money,
    series: [{ label: "Below the maximum", name: "drawdown", kind: "area", data: data.drawdown, negate: true }],
  });
  const side = [contributions(backtest)];
  if (data.periods.v.length > 1) {
    side.push(
      new BarChart({
        title: data.periods.unit === "month" ? "PnL by month" : "PnL by date",
        periods: data.periods,
        format: money,
        height: 170,
      }).element,
    );
  }
  const several = names.length - failed.size > 1 || data.periods.v.length > 1;
  return html(
    "section",
    { class: beside < 200 ? "overview few" : "overview", "aria-label": "All securities" },
    html("div", { class: "panel stack" }, equity.element, drawdown.element),
    several ? html("div", { class: "panel stack" }, side) : null,
  );
}

// The securities that made and lost the most, as bars from a common zero.
function contributions({ column, names, pick }) {
  const pnl = column.get("net_pnl");
  const rows = names
    .map((_, row) => row)
    .filter((row) => pnl[row] !== null)
    .sort((a, b) => pnl[b] - pnl[a] || a - b);
  const shown = rows.length <= 14 ? rows : [...rows.slice(0, 7), ...rows.slice(-7)];
  const [low, high] = extent([...shown.map((row) => pnl[row]), 0]);
  const scale = (value) => (100 * value) / (high - low || 1);
  const format = formatOf("net_pnl", pnl);
  const lines = shown.map((row) => {
    const bar = html("i", { class: `bar ${sign(pnl[row])}` });
    bar.style.left = `${scale(Math.min(pnl[row], 0) - low)}%`;
    bar.style.width = `${Math.max(0.4, scale(Math.abs(pnl[row])))}%`;
    return html(
      "li",
      {},
      html(
        "button",
        { type: "button", onclick: () => pick(row, true) },
        html("span", { class: "name" }, names[row]),
        html("span", { class: "track" }, bar),
        html("span", { class: `amount ${sign(pnl[row])}` }, format(pnl[row])),
      ),
    );
  });
  const title = html(
    "span",
    { class: "title" },
    "Net PnL by security",
    rows.length > shown.length
      ? html("span", { class: "hint" }, `the 7 highest and the 7 lowest of ${fixed(rows.length, 0)}`)
      : null,
  );
  return html("figure", { class: "contributions" }, html("figcaption", {}, title), html("ol", {}, lines));
}

// A list whose first lines are open.
function folded(lines, open) {
  const rest = lines.slice(open);
  return html(
    "div",
    {},
    html("ul", {}, lines.slice(0, open)),
    rest.length > 0
      ? html("details", {}, html("summary", {}, `and ${fixed(rest.length, 0)} more`), html("ul", {}, rest))
      : null,
  );
}
