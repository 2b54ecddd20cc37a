// A heat map: a metric of the sets of a sweep, by one or two of their parameters.

const RANGES = 10;
const VALUES_MAX = 24;
const COMBINED = {
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  median: (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  },
  highest: (values) => extent(values)[1],
  lowest: (values) => extent(values)[0],
};

// options: across and down: axes; values: of each set; name: of the metric; combined: how, where several sets meet;
//          note: what the values are of; onpick(x, y, where)
function heatMap({ across, down, values, name, combined, note, onpick }) {
  const cells = down.labels.map(() => across.labels.map(() => []));
  values.forEach((value, index) => {
    const [x, y] = [across.codes[index], down.codes[index]];
    if (value !== null && x >= 0 && y >= 0) cells[y][x].push(value);
  });
  const figures = cells.map((row) => row.map((found) => (found.length > 0 ? COMBINED[combined](found) : null)));
  const present = figures.flat().filter((value) => value !== null);
  const [low, high] = present.length > 0 ? extent(present) : [0, 0];
  const format = Math.max(-low, high) >= 1e4 ? (value) => fixed(value, 0) : formatOf(name, present);
  const [colour, ramp] = colouring(low, high);
  const cell = (value, x, y) => {
    if (value === null) return html("td", { class: "empty" }, "·");
    const where = `${across.name} ${across.labels[x]}${down.name ? `, ${down.name} ${down.labels[y]}` : ""}`;
    const title = `${where}: ${format(value)} (${count(cells[y][x].length, "set", "sets")}). Choose to list.`;
    const button = html("button", { type: "button", title, onclick: () => onpick(x, y, where) }, format(value));
    const found = html("td", { class: value === high ? "highest" : null }, button);
    found.style.backgroundColor = colour(value);
    return found;
  };
  const lines = figures.map((row, y) =>
    html(
      "tr",
      {},
      html("th", { scope: "row" }, down.labels[y]),
      row.map((value, x) => cell(value, x, y)),
    ),
  );
  const labels = across.labels.map((label) => html("th", { scope: "col" }, label));
  const head = html("tr", {}, html("td", { class: "corner" }, down.name), labels);
  const about = `${headingOf(name)} (${combined} where several sets meet) by `;
  const caption = html("caption", {}, about, html("b", {}, across.name), " →");
  const legend = html(
    "p",
    { class: "legend" },
    html("span", {}, format(low)),
    html("i", { class: `ramp ${ramp}` }),
    html("span", {}, format(high)),
    html("span", { class: "hint" }, note),
  );
  const label = `${headingOf(name)} by ${across.name}${down.name ? ` and ${down.name}` : ""}`;
  const table = html("table", { class: "heat" }, caption, html("thead", {}, head), html("tbody", {}, lines));
  return [html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table), legend];
}

// The labels of a parameter along a side of the map, and which of them each set has: ranges where values are many.
function axisOf({ name, number, values, codes }) {
  if (!number || values.length <= VALUES_MAX) {
    return { name, labels: values.map((value) => shownValue(value, number)), codes };
  }
  const present = values.filter((value) => value !== null);
  const edges = isLogarithmic(present) ? edgesOfPowers(present) : evenEdges(present);
  const labels = edges.slice(1).map((edge, index) => `${edges[index].text} – ${edge.text}`);
  const bin = (value) => edges.findLastIndex((edge) => value >= edge.least);
  return { name, labels, codes: codes.map((code) => (values[code] === null ? -1 : bin(values[code]))) };
}

// Whether values from small to large, all above 0, lie more evenly by their logarithms than as they are.
function isLogarithmic(values) {
  const [low, high] = extent(values);
  if (low <= 0 || high < 8 * low) return false;
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1];
  const share = (value) => (value - low) / (high - low);
  const shareOfLogarithm = (value) => Math.log(value / low) / Math.log(high / low);
  return Math.abs(shareOfLogarithm(middle) - 0.5) < Math.abs(share(middle) - 0.5);
}

// Where ranges begin, the end of the last one included; `least` is below the edge by what rounding may leave.
function evenEdges(values) {
  const [low, high] = extent(values);
  const { step } = valueTicks(low, high, RANGES);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.floor(high / step + 1e-9) + 1];
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    least: (first + index - 1e-9) * step,
    text: fixed((first + index) * step, decimalsOfStep(step)),
  }));
}

// 1, 2, 5, 10, 20 and so on: about equal parts of a logarithm, more or fewer of them by how far the values reach.
function edgesOfPowers(values) {
  const [low, high] = extent(values);
  const decades = Math.log10(high / low);
  const steps = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]].find((each) => each.length * decades < 12.5) ?? [1];
  const every = Math.ceil(decades / 24);
  const edges = [];
  for (let power = Math.floor(Math.log10(low)) - every; power <= Math.log10(high) + every + 1; power += every) {
    for (const step of steps) {
      const edge = Number(`${step}e${power}`);
      edges.push({ least: edge * (1 - 1e-9), text: plain(edge) });
    }
  }
  const first = edges.findLastIndex((edge) => edge.least <= low);
  const last = edges.findIndex((edge) => edge.least > high);
  return edges.slice(first, last + 1);
}

// The colour of a value, and the name of the ramp that explains it. Each side of 0 has its own, up to its own end.
function colouring(low, high) {
  const share = (part, whole) => 0.08 + 0.92 * (whole > 0 ? part / whole : 0.5);
  if (low < 0 && high > 0) {
    return [
      (value) => (value < 0 ? mixed("--heat-low", value / low) : mixed("--heat-high", value / high)),
      "diverging",
    ];
  }
  if (low < 0) return [(value) => mixed("--heat-low", share(high - value, high - low)), "negative"];
  return [(value) => mixed("--heat-high", share(value - low, high - low)), ""];
}

function mixed(colour, share) {
  return `color-mix(in srgb, var(${colour}) ${round(75 * share)}%, transparent)`;
}
