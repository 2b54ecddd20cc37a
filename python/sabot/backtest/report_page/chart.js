// A chart of series over time in SVG, with a cursor that all charts of a group share and that the keyboard moves too.

const RIGHT_MIN = 56;

// Series of a group share their times' axis and their cursor.
class ChartGroup {
  constructor(sessions) {
    this.sessions = sessions;
    this.charts = [];
  }

  point(time, source) {
    for (const chart of this.charts) chart.showAt(time, chart === source);
  }

  leave() {
    for (const chart of this.charts) chart.hideCursor();
  }
}

// options: title, hint, group, height, format, zero (the range holds 0), fills,
//          series: [{ label, name (a class), kind: "line" | "step" | "area", data: { t, v }, negate }]
class Chart {
  constructor(options) {
    this.options = options;
    this.series = options.series.map((each) => ({ ...each, ...decoded(each.data, each.negate) }));
    this.fills = (options.fills ?? []).map(([time, side, kind, fills, quantity, low, high]) => {
      return { time, side, kind, fills, quantity, low, high };
    });
    this.times = [...new Set(this.series.flatMap((each) => each.t))].sort((a, b) => a - b);
    this.chosen = -1;
    this.when = html("span", { class: "when" });
    this.values = html("span", { class: "values" });
    this.svg = svg("svg", {
      class: "plot",
      tabindex: "0",
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${options.title}. ${this.#summary()} Arrow keys read values.`,
      onpointermove: (event) => this.#pointAt(event),
      onpointerdown: (event) => this.#pointAt(event),
      onpointerleave: () => options.group.leave(),
      onkeydown: (event) => this.#key(event),
      onblur: () => options.group.leave(),
    });
    const title = html("span", { class: "title" }, options.title);
    if (options.hint) title.append(html("span", { class: "hint" }, options.hint));
    this.caption = html("figcaption", {}, title, html("span", { class: "readout" }, this.when, this.values));
    this.element = html("figure", { class: "chart" }, this.caption, this.svg);
    options.group.charts.push(this);
    this.#readAt(null);
    this.width = 0;
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  showAt(time, isSource) {
    if (this.times.length === 0 || this.axis === undefined) return;
    const x = this.axis.x(time);
    this.cursor.replaceChildren(svg("line", { class: "crosshair", x1: x, x2: x, y1: this.top, y2: this.bottom }));
    for (const each of this.series) {
      const index = at(each.t, time);
      if (index < 0) continue;
      this.cursor.append(svg("circle", { class: `dot ${each.name}`, cx: x, cy: this.y(each.v[index]), r: 3 }));
    }
    this.#readAt(time);
    this.values.setAttribute("aria-live", isSource && document.activeElement === this.svg ? "polite" : "off");
  }

  hideCursor() {
    this.chosen = -1;
    if (this.cursor) this.cursor.replaceChildren();
    this.#readAt(null);
  }

  #summary() {
    return this.series
      .filter((each) => each.v.length > 0)
      .map((each) => {
        const [low, high] = extent(each.v);
        const format = this.options.format;
        return `${each.label}: last ${format(each.v.at(-1))}, lowest ${format(low)}, highest ${format(high)}.`;
      })
      .join(" ");
  }

  // Values at a time, or the last ones.
  #readAt(time) {
    this.when.textContent = time === null ? "" : moment(time);
    const entries = this.series.map((each) => {
      const index = time === null ? each.v.length - 1 : at(each.t, time);
      const value = index < 0 ? NONE : this.options.format(each.v[index]);
      return html(
        "span",
        { class: "value" },
        html("i", { class: `swatch ${each.name}` }),
        `${each.label} `,
        html("b", {}, value),
      );
    });
    for (const group of time === null ? [] : this.#fillsNear(time)) {
      const { format } = this.options;
      const price = group.low === group.high ? format(group.low) : `${format(group.low)} to ${format(group.high)}`;
      const kind = group.kind === "fill" ? "" : `${group.kind} `;
      const what = `${kind}${group.side} ${group.fills > 1 ? `${fixed(group.fills, 0)} × ` : ""}`;
      entries.push(
        html(
          "span",
          { class: "value" },
          html("i", { class: `swatch mark ${group.side}` }),
          what,
          html("b", {}, `${quantity(group.quantity)} @ ${price}`),
        ),
      );
    }
    this.values.replaceChildren(...entries);
  }

  #fillsNear(time) {
    if (this.axis === undefined || this.fills.length === 0) return [];
    const x = this.axis.x(time);
    return this.fills.filter((group) => Math.abs(this.axis.x(group.time) - x) <= 2.5).slice(0, 2);
  }

  #pointAt(event) {
    if (this.times.length === 0) return;
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    let nearest = 0;
    let low = 0;
    let high = this.xs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.xs[middle] < x) low = middle + 1;
      else high = middle;
    }
    nearest = low > 0 && x - this.xs[low - 1] < this.xs[low] - x ? low - 1 : low;
    this.chosen = nearest;
    this.options.group.point(this.times[nearest], this);
  }

  #key(event) {
    const last = this.times.length - 1;
    if (last < 0) return;
    const from = this.chosen < 0 ? last : this.chosen;
    const stride = event.shiftKey ? Math.max(10, Math.round(last / 20)) : 1;
    const target = { ArrowLeft: from - stride, ArrowRight: from + stride, Home: 0, End: last }[event.key];
    if (event.key === "Escape") this.options.group.leave();
    if (target === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(last, this.chosen < 0 && event.key.startsWith("Arrow") ? last : target));
    this.options.group.point(this.times[next], this);
    this.chosen = next;
  }

  #draw() {
    const width = Math.floor(this.element.clientWidth);
    if (width === this.width || width < 40) return;
    this.width = width;
    const { group } = this.options;
    const height = heightAt(width, this.options.height);
    const [low, high] = this.#valueRange();
    const { step, ticks } = valueTicks(low, high, Math.max(2, Math.round(height / 46)));
    const labels = ticks.map((tick) => (this.options.axis ?? compact)(tick, step));
    const right = Math.max(RIGHT_MIN, 12 + 6.7 * Math.max(...labels.map((label) => label.length)));
    this.top = 6;
    this.bottom = height - 32;
    this.axis = new TimeAxis(group.sessions, 1, width - right - 1);
    this.y = (value) => this.bottom - ((value - low) / (high - low)) * (this.bottom - this.top);
    this.xs = this.times.map((time) => this.axis.x(time));
    const edge = width - right;
    this.cursor = svg("g", { class: "cursor" });
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(
      svg(
        "g",
        { class: "grid" },
        ticks.map((tick, index) => [
          svg("line", {
            class: tick === 0 ? "zero" : "rule",
            x1: 0,
            x2: edge,
            y1: crisp(this.y(tick)),
            y2: crisp(this.y(tick)),
          }),
          svg("text", { x: edge + 8, y: this.y(tick), dy: "0.32em" }, labels[index]),
        ]),
      ),
      svg(
        "g",
        { class: "breaks" },
        this.axis.breaks().map((x) => svg("line", { x1: crisp(x), x2: crisp(x), y1: this.top, y2: this.bottom })),
      ),
      this.#timeLabels(edge),
      svg(
        "g",
        {},
        this.series.filter((each) => each.v.length > 0).map((each) => this.#line(each)),
      ),
      this.#marks(),
      this.cursor,
    );
    if (this.times.length === 0) {
      this.svg.append(
        svg(
          "text",
          { class: "nothing", x: edge / 2, y: (this.top + this.bottom) / 2 },
          this.options.nothing ?? "no samples",
        ),
      );
    }
  }

  #valueRange() {
    const values = this.series.flatMap((each) => each.v).concat(this.fills.flatMap((group) => [group.low, group.high]));
    let [low, high] = values.length > 0 ? extent(values) : [0, 1];
    if (this.options.zero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
    if (low === high) [low, high] = low === 0 ? [-1, 1] : [low - Math.abs(low) * 0.01, high + Math.abs(high) * 0.01];
    const room = 0.05 * (high - low);
    return [this.options.zero && low === 0 ? low : low - room, this.options.zero && high === 0 ? high : high + room];
  }

  #timeLabels(edge) {
    const labels = this.axis.ticks().map(({ x, label, below, start }) => {
      const half = Math.max(label.length, below.length) * 3.2;
      const anchor = x > edge - half * (start ? 2 : 1) ? "end" : start || x < half ? "start" : "middle";
      const place = anchor === "start" ? Math.max(0, start ? x - 1 : 0) : anchor === "end" ? edge : x;
      return [
        svg("line", { class: "tick", x1: crisp(x), x2: crisp(x), y1: this.bottom, y2: this.bottom + 4 }),
        svg("text", { x: place, y: this.bottom + 15, "text-anchor": anchor }, label),
        below ? svg("text", { class: "below", x: place, y: this.bottom + 28, "text-anchor": anchor }, below) : null,
      ];
    });
    return svg("g", { class: "times" }, labels.flat());
  }

  #line(each) {
    const parts = [];
    each.t.forEach((time, index) => {
      const x = round(this.axis.x(time));
      const y = round(this.y(each.v[index]));
      parts.push(index === 0 ? `M${x} ${y}` : each.kind === "step" ? `H${x}V${y}` : `L${x} ${y}`);
    });
    const path = parts.join("");
    if (each.kind !== "area") return svg("path", { class: `line ${each.name}`, d: path });
    const base = round(this.y(0));
    const [first, last] = [round(this.axis.x(each.t[0])), round(this.axis.x(each.t.at(-1)))];
    return svg(
      "g",
      {},
      svg("path", { class: `area ${each.name}`, d: `${path}L${last} ${base}L${first} ${base}Z` }),
      svg("path", { class: `line ${each.name}`, d: path }),
    );
  }

  // Triangles: up for what was bought, down for what was sold; hollow for what closed a position by rule.
  #marks() {
    return svg(
      "g",
      { class: "marks" },
      this.fills.map((group) => {
        const x = round(this.axis.x(group.time));
        const buy = group.side === "buy";
        const tip = round(this.y(buy ? group.low : group.high));
        const size = (buy ? 1 : -1) * (this.fills.length > 150 ? 4 : 5);
        const spread = group.low === group.high ? "" : `M${x} ${round(this.y(group.low))}V${round(this.y(group.high))}`;
        const name = `mark ${buy ? "buy" : "sell"}${group.kind === "fill" ? "" : " forced"}`;
        return svg("path", { class: name, d: `M${x} ${tip}l${size * 0.8} ${size * 1.4}h${-size * 1.6}Z${spread}` });
      }),
    );
  }
}
