// What a strategy had to work with, and what became of its orders.

const ACTIVITY = {
  ticks: "Ticks",
  outside_session: "outside the session",
  book_missing: "without a best bid or ask",
  book_crossed: "with a crossed book",
  market_trades: "trades of the market",
  orders: "Orders sent",
  orders_cut: "cut by limits",
  refused_size: "refused: size",
  refused_price: "refused: price",
  refused_lot_size: "refused: lot size",
  refused_tick_size: "refused: tick size",
  refused_orders_max: "refused: too many open",
  refused_limits: "refused: limits",
  refused_nothing_to_reduce: "refused: no position to reduce",
  refused_post_only: "refused: post-only would cross",
  refused_self_trade: "refused: own order in the way",
  refused_nothing_to_take: "refused: too little shown",
};

// How often equity was sampled: "each minute"; nothing where the folder does not tell.
function samplingOf(activity) {
  if (!activity?.interval) return "";
  const names = { 1: "each second", 60: "each minute" };
  return `, sampled ${names[activity.interval] ?? `every ${activity.interval} s`}`;
}

// activity: { session, interval, why, counts }, null where the folder does not tell; counts of zero are left out.
function activityOf(activity) {
  if (!activity) return [];
  const counts = Object.entries(activity.counts).map(([name, value]) =>
    html("span", {}, `${ACTIVITY[name] ?? name.replaceAll("_", " ")} `, html("b", {}, fixed(value, 0))),
  );
  if (activity.session) counts.unshift(html("span", {}, "Session ", html("b", {}, activity.session)));
  return [
    activity.why ? html("p", { class: "nothing" }, `No trades: ${activity.why}.`) : null,
    html("p", { class: "facts activity" }, counts),
  ].filter(Boolean);
}
