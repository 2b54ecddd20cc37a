// The part of the page that tells of one backtest: the whole, the table of securities, and the one that is picked.

class Backtest {
  constructor(data) {
    this.data = data;
    this.money = formatOf("net_pnl", [data.totals.net_pnl, data.totals.equity, data.totals.max_drawdown]);
    this.column = new Map(data.columns.map((column) => [column.name, column.values]));
    this.names = this.column.get("security");
    this.failed = new Set(data.errors.map(([security]) => security));
    this.detail = html("section", { id: "security", "aria-label": "Security" });
    this.unknown = html("p", { class: "unknown", role: "status", hidden: true });
    this.pick = this.pick.bind(this);
    this.table = this.#table();
  }

  sections() {
    const whole = [headline(this), failures(this), notes(this), overview(this), this.#securities()];
    return [this.unknown, ...whole, this.detail].filter(Boolean);
  }

  subtitle() {
    return range(this.data.totals.first, this.data.totals.last);
  }

  #table() {
    const { data } = this;
    const shown = data.columns.filter((column) => column.name !== "error");  // These stand above, in full.
    const columns = shown
      .sort((a, b) => placeOf(a.name) - placeOf(b.name))
      .map(({ name, number, values }) => columnOf(name, number, values));
    const drawn = {
      name: "equity line",
      label: "Equity",
      className: "spark",
      cell: (row) => (this.failed.has(this.names[row]) ? "failed" : sparkline(data.charts[this.names[row]]?.equity)),
    };
    columns.splice(1, 0, drawn);
    return new SortedTable({
      caption: "Securities",
      columns,
      rows: this.names.map((_, row) => row),
      sort: ["net_pnl", true],
      first: 400,
      pickable: "security",
      rowClass: (row) => (this.failed.has(this.names[row]) ? "failed" : null),
      onpick: (row) => this.pick(row, true),
    });
  }

  #securities() {
    const heading = html("div", { class: "heading" }, html("h2", { id: "securities" }, "Securities"));
    if (this.names.length > 12) {
      const search = html("input", {
        type: "search",
        placeholder: "Find a security",
        "aria-label": "Find a security",
        oninput: () => {
          const wanted = search.value.trim().toLowerCase();
          this.table.show(
            this.names.map((_, row) => row).filter((row) => this.names[row].toLowerCase().includes(wanted)),
          );
        },
      });
      heading.append(search);
    }
    return html("section", { class: "securities" }, heading, html("div", { class: "panel flush" }, this.table.element));
  }

  // The first of the table, or the one that the address names, now and whenever that changes.
  start() {
    window.addEventListener("hashchange", () => this.#follow());
    const order = this.table.sorted();
    if (order.length > 0) this.pick(order.find((each) => this.data.charts[this.names[each]]) ?? order[0], false);
    this.#follow();
  }

  #follow() {
    const named = location.hash.slice(1);
    const row = this.names.findIndex((name) => encodeURIComponent(name) === named || name === fromAddress(named));
    this.unknown.hidden = row >= 0 || named === "" || document.getElementById(named) !== null;
    this.unknown.textContent = `There is no security '${fromAddress(named)}' in this run, which the address names.`;
    if (row >= 0) this.pick(row, true);
  }

  pick(row, asked) {
    this.table.pick(row);
    this.detail.replaceChildren(...securitySection(this, row));
    if (!asked) return;
    this.unknown.hidden = true;
    history.replaceState(null, "", `#${encodeURIComponent(this.names[row])}`);
    this.detail.scrollIntoView({ block: "nearest" });
  }

  step(row, distance) {
    const order = this.table.sorted();
    const place = order.indexOf(row);
    this.pick(order[(Math.max(0, place) + distance + order.length) % order.length], false);
    history.replaceState(null, "", `#${encodeURIComponent(this.names[this.table.picked])}`);
    this.detail.querySelector(distance < 0 ? ".previous" : ".next").focus();
  }
}

// What an address names; as it stands, where it is no encoded text.
function fromAddress(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
