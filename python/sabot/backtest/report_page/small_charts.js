// Charts that need no axis of time: a line in a cell, and bars of periods.

// A line without axes, for a cell of a table.
function sparkline(data) {
  const { v } = decoded(data, false);
  if (v.length < 2) return html("span");
  const stride = Math.max(1, Math.ceil(v.length / 90));
  const shown = v.filter((_, index) => index % stride === 0 || index === v.length - 1);
  const [low, high] = extent([...shown, 0]);
  const [width, height] = [88, 20];
  const y = (value) => round(height - 2 - ((value - low) / (high - low || 1)) * (height - 4));
  const path = shown
    .map((value, index) => `${index ? "L" : "M"}${round((index / (shown.length - 1)) * width)} ${y(value)}`)
    .join("");
  return svg(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    svg("line", { class: "zero", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    svg("path", { class: `line ${sign(v.at(-1)) || "equity"}`, d: path }),
  );
}

// One bar a period, up or down from 0.
class BarChart {
  constructor({ title, periods, format, height }) {
    Object.assign(this, { periods, format, height, width: 0 });
    this.label = periods.unit === "month" ? month : date;
    this.readout = html("span", { class: "readout" });
    const [low, high] = extent(periods.v);
    const number = count(periods.v.length, periods.unit, `${periods.unit}s`);
    this.svg = svg("svg", {
      class: "plot",
      tabindex: "0",
      role: "group",
      "aria-roledescription": "chart",
      "aria-label": `${title}. ${number}, lowest ${format(low)}, highest ${format(high)}. Arrow keys read values.`,
      onpointermove: (event) => this.#choose(Math.floor(((event.offsetX - 1) / (this.edge - 1)) * periods.v.length)),
      onpointerleave: () => this.#choose(null),
      onblur: () => this.#choose(null),
      onkeydown: (event) => this.#key(event),
    });
    this.element = html(
      "figure",
      { class: "chart" },
      html("figcaption", {}, html("span", { class: "title" }, title), this.readout),
      this.svg,
    );
    this.#choose(null);
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  #key(event) {
    const last = this.periods.v.length - 1;
    const from = this.chosen ?? last + 1;
    const target = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.#choose(Math.max(0, Math.min(last, target)));
  }

  #choose(index) {
    const { t, v } = this.periods;
    this.chosen = index === null || index < 0 || index >= v.length ? null : index;
    (this.bars ?? []).forEach((bar, place) => bar.classList.toggle("chosen", place === this.chosen));
    if (this.chosen === null) {
      const won = v.filter((value) => value > 0).length;
      this.readout.replaceChildren(
        html(
          "span",
          { class: "value" },
          `${won} of ${count(v.length, this.periods.unit, `${this.periods.unit}s`)} above 0`,
        ),
      );
    } else {
      this.readout.replaceChildren(
        html("span", { class: "when" }, this.label(t[this.chosen])),
        html("span", { class: "value" }, html("b", { class: sign(v[this.chosen]) }, this.format(v[this.chosen]))),
      );
    }
  }

  #draw() {
    const width = Math.floor(this.element.clientWidth);
    if (width === this.width || width < 40) return;
    this.width = width;
    const height = heightAt(width, this.height);
    const { t, v } = this.periods;
    let [low, high] = extent([...v, 0]);
    if (low === high) [low, high] = [-1, 1];
    const { step, ticks } = valueTicks(low, high, Math.max(2, Math.round(height / 50)));
    const labels = ticks.map((tick) => compact(tick, step));
    const right = Math.max(RIGHT_MIN, 12 + 6.7 * Math.max(...labels.map((label) => label.length)));
    const bottom = height - 32;
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - 6);
    this.edge = width - right;
    const slot = (this.edge - 1) / v.length;
    const bar = Math.max(1, Math.min(28, slot * 0.72));
    this.bars = v.map((value, index) =>
      svg("rect", {
        class: `bar ${sign(value)}`,
        x: round(1 + slot * (index + 0.5) - bar / 2),
        width: round(bar),
        y: round(Math.min(y(value), y(0))),
        height: Math.max(0.5, round(Math.abs(y(value) - y(0)))),
      }),
    );
    const found = t.map((time, index) => [1 + slot * (index + 0.5), time]);
    const times = spaced(
      found,
      this.periods.unit === "month" ? (time) => MONTHS[new Date(time).getUTCMonth()] : dayAndMonth,
      year,
      56,
    );
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
            x2: this.edge,
            y1: crisp(y(tick)),
            y2: crisp(y(tick)),
          }),
          svg("text", { x: this.edge + 8, y: y(tick), dy: "0.32em" }, labels[index]),
        ]),
      ),
      svg("g", {}, this.bars),
      svg(
        "g",
        { class: "times" },
        times
          .map(({ x, label, below }) => [
            svg("text", { x: Math.max(x, label.length * 3.4), y: bottom + 15, "text-anchor": "middle" }, label),
            below
              ? svg(
                  "text",
                  { class: "below", x: Math.max(x, label.length * 3.4), y: bottom + 28, "text-anchor": "middle" },
                  below,
                )
              : null,
          ])
          .flat(),
      ),
    );
  }
}
