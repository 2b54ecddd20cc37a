// Numbers and times as a desk writes them. Times are milliseconds of the venue's clock: UTC tells them as they are.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NONE = "–";
const formats = new Map();

// With so many decimals and thousands apart; a proper minus.
function fixed(value, decimals) {
  if (value === null || value === undefined) return NONE;
  if (!formats.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    formats.set(decimals, new Intl.NumberFormat("en-US", digits));
  }
  const text = formats.get(decimals).format(value);
  return /[1-9]/.test(text) ? text.replace("-", "−") : text.replace("-", "");
}

// How many decimals the values of a column get, so that they stand under one another.
function decimalsOf(values) {
  let largest = 0;
  let whole = true;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    largest = Math.max(largest, Math.abs(value));
    whole &&= Number.isInteger(value);
  }
  if (whole || largest >= 1e6) return 0;
  if (largest >= 1) return 2;
  return Math.min(8, 3 - Math.floor(Math.log10(largest)));
}

// As many decimals as the prices themselves have.
function decimalsOfPrices(values) {
  let most = 0;
  for (const value of values.slice(0, 500)) {
    if (value === null) continue;
    const text = String(Number(value.toPrecision(9)));
    const point = text.indexOf(".");
    if (!text.includes("e") && point >= 0) most = Math.max(most, text.length - point - 1);
  }
  return Math.min(most, 6);
}

function percent(value) {
  return value === null || value === undefined ? NONE : `${fixed(100 * value, 1)} %`;
}

// For an axis: 1.2M, 350k.
function compact(value, step) {
  const size = Math.abs(value);
  const [unit, letter] =
    step >= 1e8 || size >= 1e10 ? [1e9, "B"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return value === 0 ? "0" : fixed(value / unit, decimalsOfStep(step / unit)) + letter;
}

// As many as multiples of it need.
function decimalsOfStep(step) {
  let decimals = 0;
  while (decimals < 8 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
  return decimals;
}

function date(time) {
  const day = new Date(time);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
}

function dayAndMonth(time) {
  const day = new Date(time);
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
}

function month(time) {
  const day = new Date(time);
  return `${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
}

// 10:05, 10:05:30 or 10:05:30.250: as much as is not zero.
function clock(time) {
  const text = new Date(time).toISOString().slice(11, 23);
  if (!text.endsWith(".000")) return text;
  return text.endsWith(":00.000") ? text.slice(0, 5) : text.slice(0, 8);
}

function moment(time) {
  return `${date(time)} ${clock(time)}`;
}

// The range with what both ends share said once.
function range(first, last) {
  if (first === null) return "no samples";
  const minute = (time) => new Date(time).toISOString().slice(11, 16);
  const end = date(first) === date(last) ? "" : `${date(last)} `;
  return `${date(first)}${end ? "" : ","} ${minute(first)} – ${end}${minute(last)}`;
}

function count(number, one, many) {
  return `${fixed(number, 0)} ${number === 1 ? one : many}`;
}
