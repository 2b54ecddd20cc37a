// Series as charts read them, and the numbers of a drawing.

// Thinned series come with distances between times.
function decoded(data, negate) {
  let time = 0;
  const t = [];
  const v = [];
  (data?.t ?? []).forEach((distance, index) => {
    time += distance;
    t.push(time);
    v.push(negate ? -data.v[index] || 0 : data.v[index]);
  });
  return { t, v };
}

// The index of the last time at or before this one, or -1.
function at(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Narrow pages have lower charts.
function heightAt(width, height) {
  return Math.round(Math.min(height, Math.max(130, 0.62 * width)));
}

function quantity(value) {
  return fixed(value, Number.isInteger(value) ? 0 : Math.min(6, decimalsOfPrices([value])));
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function crisp(value) {
  return Math.round(value) + 0.5;
}
