// One security of a backtest: its figures, and its charts, which share a cursor.

function securitySection(backtest, row) {
  const { data, names, failed, column } = backtest;
  const name = names[row];
  const move = (distance, className, label, text) =>
    html(
      "button",
      {
        type: "button",
        class: className,
        "aria-label": label,
        title: label,
        onclick: () => backtest.step(row, distance),
      },
      text,
    );
  const heading = html(
    "div",
    { class: "heading" },
    html("h2", {}, name),
    names.length > 1
      ? html(
          "div",
          { class: "moves" },
          move(-1, "previous", "Previous security of the table", "‹"),
          move(1, "next", "Next security of the table", "›"),
        )
      : null,
  );
  if (failed.has(name)) {
    return [heading, html("div", { class: "failures" }, html("p", { class: "error" }, column.get("error")[row]))];
  }
  const charts = data.charts[name];
  const activity = activityOf(data.activity[name]);
  const notes = data.notes
    .filter((note) => note.security === name)
    .map((note) => html("p", { class: "nothing" }, note.note));
  if (!charts) {
    return [
      heading,
      html(
        "p",
        { class: "nothing" },
        "Only the securities with the largest profits and losses have charts; this one is not among them.",
      ),
      ...activity,
    ];
  }
  const sampling = samplingOf(data.activity[name]);
  return [heading, facts(column, row, charts), ...activity, ...notes, chartsOf(data, charts, sampling)];
}

function facts(column, row, charts) {
  const tell = (name) => {
    const values = column.get(name);
    if (!values) return null;
    const [label, hint] = HEADINGS[name];
    return html(
      "span",
      { title: hint },
      `${label} `,
      html("b", { class: SIGNED.has(name) ? sign(values[row]) : "" }, formatOf(name, values)(values[row])),
    );
  };
  const sides = (charts.counts ?? []).map(([side, kind, fills, filled]) =>
    html(
      "span",
      {},
      `${kind === "fill" ? "" : `${kind} `}${side} `,
      html("b", {}, fixed(fills, 0)),
      ` for ${quantity(filled)}`,
    ),
  );
  return html(
    "p",
    { class: "facts" },
    ["net_pnl", "realized_pnl", "fees", "final_position", "max_drawdown", "sharpe", "win_rate"].map(tell),
    sides,
  );
}

function chartsOf(data, charts, sampling) {
  const group = new ChartGroup(data.sessions);
  const prices = [...(charts.mid?.v ?? []), ...(charts.fills ?? []).flatMap((fill) => [fill[5], fill[6]])];
  const priced = decimalsOfPrices(prices);
  const money = formatOf("net_pnl", [...charts.equity.v, ...(charts.pnl?.v ?? [])]);
  const grouped = (charts.fills ?? []).some((fill) => fill[3] > 1);
  const mid = charts.mid ? [{ label: "Mid", name: "mid", kind: "line", data: charts.mid }] : [];
  const position = charts.position ? held(charts.position, charts.equity) : null;
  const drawn = [
    new Chart({
      title: "Price and fills",
      hint: grouped ? "a mark may stand for several fills" : "",
      group,
      height: 280,
      format: (value) => fixed(value, priced),
      axis: (value, step) => fixed(value, decimalsOfStep(step)),
      series: mid,
      fills: charts.fills,
      nothing: "no fills",
    }),
    new Chart({
      title: "PnL",
      hint: "after fees",
      group,
      height: 280,
      zero: true,
      format: money,
      series: [
        { label: "Realised", name: "realized", kind: "step", data: charts.pnl },
        { label: "Equity", name: "equity", kind: "line", data: charts.equity },
      ],
    }),
    new Chart({
      title: "Inventory",
      group,
      height: 180,
      zero: true,
      format: quantity,
      series: [{ label: "Position", name: "position", kind: "step", data: position }],
      nothing: "no fills",
    }),
    new Chart({
      title: "Drawdown",
      hint: `of equity${sampling}`,
      group,
      height: 180,
      zero: true,
      format: money,
      series: [{ label: "Below the maximum", name: "drawdown", kind: "area", data: charts.drawdown, negate: true }],
    }),
  ];
  return html(
    "div",
    { class: "charts" },
    drawn.map((chart) => html("div", { class: "panel" }, chart.element)),
  );
}

// Positions change with fills: flat before the first, and held from the last on for as long as there are samples.
function held(position, equity) {
  const { t, v } = decoded(position, false);
  const times = decoded(equity, false).t;
  if (t.length === 0) return { t: times.slice(0, 1), v: times.slice(0, 1).map(() => 0) };
  const first = times[0] < t[0] ? [times[0]] : [];
  const last = times.at(-1) > t.at(-1) ? [times.at(-1)] : [];
  const all = [...first, ...t, ...last];
  return {
    t: all.map((time, index) => (index ? time - all[index - 1] : time)),
    v: [...first.map(() => 0), ...v, ...last.map(() => v.at(-1))],
  };
}
