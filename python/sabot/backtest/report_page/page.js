// Puts the page together from the data that stand in it.

const REMARKS =
  "Totals add the figures of securities as they are: they are in one currency where all securities trade in it. " +
  "Times are those of the venue. Curves are thinned without losing a spike; figures are those of the files.";

const data = JSON.parse(document.getElementById("data").textContent);
const backtest = data.backtest ? new Backtest(data.backtest) : null;
const sweep = data.sweep ? new Sweep(data.sweep) : null;
const kinds = [backtest ? "Backtest" : null, sweep ? "Sweep" : null]
  .filter(Boolean)
  .join(" and ")
  .replace("and Sweep", "and sweep");
const links = [];
if (backtest) links.push(["#securities", "Securities"]);
if (sweep && backtest) links.push(["#sweep", "Sweep"]);
const jump = (id) => (event) => {
  event.preventDefault();
  document.querySelector(id).scrollIntoView();
};

document.body.append(
  html(
    "header",
    {},
    html("p", { class: "kind" }, kinds),
    html("h1", {}, data.name),
    backtest ? html("p", { class: "when" }, backtest.subtitle()) : null,
    links.length > 1
      ? html(
          "nav",
          {},
          links.map(([id, text]) => html("a", { href: id, onclick: jump(id) }, text)),
        )
      : null,
  ),
  html("main", {}, ...(backtest?.sections() ?? []), ...(sweep?.sections() ?? [])),
  html("footer", {}, html("p", {}, REMARKS)),
);
backtest?.start();
