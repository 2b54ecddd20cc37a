// The part of the page that tells of a sweep: a heat map over two parameters, and the table of all sets.

const LABELS_MAX = 60;

class Sweep {
  constructor(data) {
    this.data = data;
    this.ordered = [...data.metrics].sort((a, b) => placeOf(a) - placeOf(b));
    this.views = data.views.map((view) => ({
      ...view,
      columns: new Map(data.metrics.map((name, index) => [name, spread(view.metrics[index], data.sets.length)])),
    }));
    this.axes = data.parameters.map((parameter) => axisOf(parameter));
    this.offered = this.axes.filter((axis) => axis.labels.length > 1 && axis.labels.length <= LABELS_MAX);
    this.chosen = {
      view: 0,
      metric: data.metrics.includes("net_pnl") ? "net_pnl" : data.metrics[0],
      combined: "mean",
      x: this.offered[0]?.name,
      y: this.offered[1]?.name ?? "",
    };
    this.filter = null;
    this.map = html("div", { class: "map" });
    this.filtered = html("p", { class: "filtered", "aria-live": "polite" });
    this.host = html("div", { class: "panel flush" });
  }

  sections() {
    const section = html(
      "section",
      { id: "sweep", class: "sweep" },
      html("div", { class: "heading" }, html("h2", {}, "Sweep"), html("p", { class: "hint" }, this.#size())),
      this.#warnings(),
      this.#failures(),
      this.#best(),
      html("div", { class: "panel" }, this.#controls(), this.map),
      this.filtered,
      this.host,
    );
    this.#draw();
    return [section];
  }

  #size() {
    const { sets, setsInFile, securities, parameters } = this.data;
    const shown =
      sets.length < setsInFile
        ? `the ${fixed(sets.length, 0)} of the highest net PnL among ${fixed(setsInFile, 0)} sets`
        : count(sets.length, "set of parameters", "sets of parameters");
    const varied = count(parameters.length, "parameter", "parameters");
    return `${shown} · ${varied} · ${count(securities.length, "security", "securities")}`;
  }

  #warnings() {
    const { sets, setsInFile, securities, bySecurity, incomplete } = this.data;
    const lines = [];
    if (sets.length < setsInFile) {
      lines.push("Only the sets of the highest net PnL are here, so means and medians flatter.");
    }
    if (!bySecurity && securities.length > 1) {
      lines.push("Too many results to show them by security: figures are over all securities.");
    }
    if (incomplete > 0) {
      lines.push(
        `${count(incomplete, "set has", "sets have")} no figures over all securities: not all of these are there.`,
      );
    }
    const items = lines.map((line) => html("li", {}, line));
    return items.length > 0 ? html("div", { class: "notes" }, html("ul", {}, items)) : null;
  }

  #failures() {
    const { errors, errorsInFile } = this.data;
    if (errorsInFile === 0) return null;
    const lines = errors.map(([set, security, error]) =>
      html("li", {}, html("b", {}, `${set} · ${security}`), html("span", { class: "error" }, error)),
    );
    const listed = errors.length < errorsInFile ? `, of which ${errors.length} are listed` : "";
    const text = `${count(errorsInFile, "run", "runs")} failed${listed}`;
    return html("div", { class: "failures" }, html("h3", {}, text), folded(lines, 4));
  }

  // The indices of sets with a value over all securities, from the highest on.
  #ranked(metric) {
    const values = this.views[0].columns.get(metric) ?? [];
    return values
      .map((_, index) => index)
      .filter((index) => values[index] !== null)
      .sort((a, b) => values[b] - values[a] || a - b);
  }

  #told(index) {
    const settings = this.data.parameters.map((parameter) => `${parameter.name} ${valueOf(parameter, index)}`);
    return `set ${this.data.sets[index]} (${settings.join(", ")})`;
  }

  #best() {
    const values = this.views[0].columns.get("net_pnl");
    const order = this.#ranked("net_pnl");
    if (order.length === 0) return null;
    const [best] = order;
    const format = formatOf("net_pnl", values);
    const median = format(COMBINED.median(order.map((index) => values[index])));
    const luck = `The best of ${fixed(this.data.setsInFile, 0)} looks good by chance alone`;
    return html(
      "p",
      { class: "best" },
      "Highest net PnL: ",
      html("b", { class: sign(values[best]) }, format(values[best])),
      ` by ${this.#told(best)}; median ${median}. `,
      this.#sharpest(),
      order.length > 1 ? html("span", { class: "hint" }, `${luck}: try it on dates that it has not seen.`) : null,
    );
  }

  // The highest Sharpe ratio, and how likely it is more than luck, where the sweep tells that.
  #sharpest() {
    const [best] = this.#ranked("sharpe");
    const deflated = this.views[0].columns.get("deflated_sharpe")?.[best] ?? null;
    if (deflated === null) return null;
    const verdict = deflated < 0.95 ? "it may well be luck" : "more than luck explains";
    const sharpe = fixed(this.views[0].columns.get("sharpe")[best], 2);
    return `Highest Sharpe ratio: ${sharpe} by ${this.#told(best)}; deflated ${fixed(deflated, 3)}: ${verdict}. `;
  }

  #controls() {
    const { chosen, offered, views } = this;
    const set = (name) => (value) => {
      chosen[name] = name === "view" ? Number(value) : value;
      this.filter = null;
      this.#draw();
    };
    const names = offered.map((axis) => [axis.name, axis.name]);
    const present = new Set(views.flatMap((view) => this.#metricsOf(view)));
    const metrics = this.ordered.filter((name) => present.has(name)).map((name) => [name, headingOf(name)]);
    const securities = views.map((view, index) => [String(index), view.security ?? "all securities"]);
    const ways = Object.keys(COMBINED).map((name) => [name, name]);
    const controls = [
      choice("Colour by", metrics, chosen.metric, set("metric")),
      views.length > 1 ? choice("of", securities, "0", set("view")) : null,
      names.length > 0 ? choice("across", names, chosen.x, set("x")) : null,
      names.length > 1 ? choice("down", [["", "nothing"], ...names], chosen.y, set("y")) : null,
      names.length > 0 ? choice("where several sets meet", ways, chosen.combined, set("combined")) : null,
    ];
    return html("div", { class: "controls" }, controls);
  }

  #draw() {
    this.map.replaceChildren(...this.#heatMap());
    this.#drawTable();
  }

  #heatMap() {
    const { chosen } = this;
    const across = this.offered.find((axis) => axis.name === chosen.x);
    if (!across) {
      return [html("p", { class: "nothing" }, "No parameter takes more than one value, so there is nothing to map.")];
    }
    const nothing = { name: "", labels: [""], codes: across.codes.map(() => 0) };
    const down = this.offered.find((axis) => axis.name === chosen.y && axis !== across) ?? nothing;
    const onpick = (x, y, where) => {
      this.filter = { across, down, x, y, where };
      this.#drawTable();
    };
    const values = this.views[chosen.view].columns.get(chosen.metric);
    const { metric: name, combined } = chosen;
    if (values.every((value) => value === null)) {
      return [html("p", { class: "nothing" }, `No set has a value of ${headingOf(name)} here.`)];
    }
    return heatMap({ across, down, values, name, combined, note: this.#combined(), onpick });
  }

  #combined() {
    const view = this.views[this.chosen.view];
    if (!view.computed || this.data.securities.length < 2) return "";
    const { metric } = this.chosen;
    const how =
      { max_drawdown: "the largest", market_dates: "the largest", strategy_dates: "the largest" }[metric] ??
      (ORDER.includes(metric) && !["sharpe", "win_rate"].includes(metric) ? "the sum" : "the mean");
    return `of a set: ${how} over its securities`;
  }

  #drawTable() {
    const { data, filter } = this;
    const all = data.sets.map((_, index) => index);
    const rows = filter
      ? all.filter((index) => filter.across.codes[index] === filter.x && filter.down.codes[index] === filter.y)
      : all;
    const view = this.views[this.chosen.view];
    this.filtered.replaceChildren(
      html("b", {}, `Results ${view.security ? `of ${view.security}` : "over all securities"}`),
      ...(filter
        ? [
            ` of ${filter.where} `,
            html("button", { type: "button", class: "clear", onclick: () => this.#clear() }, "show all sets"),
          ]
        : []),
    );
    const numbers = data.sets.every((name) => name.trim() !== "" && Number.isFinite(Number(name)));
    const set = { name: "set", label: "Set", number: numbers, values: numbers ? data.sets.map(Number) : data.sets };
    const columns = [
      { ...set, format: numbers ? String : null },
      ...data.parameters.map((parameter) => this.#parameterColumn(parameter)),
      ...this.#metricsOf(view).map((name) => columnOf(name, true, view.columns.get(name))),
    ];
    const wanted = [this.table?.sort ?? ["net_pnl", true], ["net_pnl", true], ["set", false]];
    const sort = wanted.find(([name]) => columns.some((column) => column.name === name));
    this.table = new SortedTable({ caption: "Results by set of parameters", columns, rows, sort, first: 50 });
    this.host.replaceChildren(this.table.element);
  }

  // Those that the view knows.
  #metricsOf(view) {
    return this.ordered.filter((name) => view.columns.get(name).some((value) => value !== null));
  }

  #parameterColumn({ name, number, values, codes }) {
    return {
      name: `parameter ${name}`,
      label: name,
      hint: `Parameter ${name}`,
      className: "parameter",
      number,
      values: codes.map((code) => values[code] ?? null),
      format: number ? plain : null,
    };
  }

  #clear() {
    this.filter = null;
    this.#drawTable();
  }
}

function spread(column, length) {
  return Array.isArray(column) ? column : new Array(length).fill(column);
}

function plain(value) {
  return value === null || value === undefined ? NONE : String(value).replace("-", "−");
}

function shownValue(value, number) {
  return value === null ? "none" : number ? plain(value) : value;
}

function valueOf({ values, codes, number }, index) {
  return shownValue(values[codes[index]], number);
}
