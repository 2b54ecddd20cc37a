// Time across a chart. Between sessions (nights, weekends) stands a narrow gap, so that the width is spent on trading.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
];

class TimeAxis {
  constructor(sessions, left, width) {
    const spans = sessions.length > 0 ? sessions : [[0, 1]];
    const gap = spans.length > 1 ? Math.min(12, (0.12 * width) / (spans.length - 1)) : 0;
    const shortest = spans.reduce((sum, [a, b]) => sum + b - a, 0) / (50 * spans.length) || 1;
    const lengths = spans.map(([a, b]) => Math.max(b - a, shortest));
    const scale = (width - gap * (spans.length - 1)) / lengths.reduce((sum, length) => sum + length, 0);
    this.gap = gap;
    this.spans = [];
    let x = left;
    spans.forEach(([start, end], index) => {
      this.spans.push({ start, end, x, width: lengths[index] * scale });
      x += lengths[index] * scale + gap;
    });
  }

  x(time) {
    let low = 0;
    let high = this.spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.spans[middle].start <= time) low = middle;
      else high = middle - 1;
    }
    const { start, end, x, width } = this.spans[low];
    if (end === start) return time === start || this.spans.length === 1 ? x + width / 2 : time < start ? x : x + width;
    if (time <= end) return x + (Math.max(0, time - start) / (end - start)) * width;
    const next = this.spans[low + 1];
    return next ? x + width + ((time - end) / (next.start - end)) * this.gap : x + width;
  }

  // Where sessions end, in the middle of the gap behind each.
  breaks() {
    return this.gap < 4 ? [] : this.spans.slice(0, -1).map((span) => span.x + span.width + this.gap / 2);
  }

  // { x, label, below, start }: `below` says what a label leaves out, where that changes; `start`: it begins at x.
  ticks() {
    const mean = this.spans.reduce((sum, span) => sum + span.width, 0) / this.spans.length;
    return mean >= 130 ? this.#clockTicks() : this.#dateTicks();
  }

  #clockTicks() {
    const total = this.spans.reduce((sum, span) => sum + span.width, 0);
    const perPixel = this.spans.reduce((sum, span) => sum + span.end - span.start, 0) / total || 1;
    const step = STEPS.find((candidate) => candidate >= 84 * perPixel) ?? STEPS.at(-1);
    const found = [];
    for (const span of this.spans) {
      for (let time = Math.ceil(span.start / step) * step; time <= span.end; time += step) {
        found.push([this.x(time), time]);
      }
    }
    if (found.length === 0) found.push([this.x(this.spans[0].start), this.spans[0].start]);
    return step >= DAY ? spaced(found, dayAndMonth, year, 56) : spaced(found, clock, date, 50);
  }

  #dateTicks() {
    const seen = new Set();
    const found = [];
    for (const span of this.spans) {
      if (!seen.has(date(span.start))) found.push([span.x, span.start]);
      seen.add(date(span.start));
    }
    return spaced(found, dayAndMonth, year, 60).map((tick) => ({ ...tick, start: true }));
  }
}

function year(time) {
  return String(new Date(time).getUTCFullYear());
}

function spaced(found, label, below, distance) {
  const ticks = [];
  let last = null;
  for (const [x, time] of found) {
    if (ticks.length > 0 && x - ticks.at(-1).x < distance) continue;
    const context = below(time);
    ticks.push({ x, label: label(time), below: context === last ? "" : context });
    last = context;
  }
  return ticks;
}

// About so many round values that span the range.
function valueTicks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= raw * 0.999);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) ticks.push(index * step);
  return { step, ticks };
}
