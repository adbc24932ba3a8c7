// How far does a map of weights spread? Widths per axis, levels for contours. As eyeshot/analyse/spread.py; both read
// tests/vectors/spread.json.

/** @typedef {import("./density.js").Mass} Mass */

/** Shares less apart than this are one: sums of floats differ in their last bits. */
export const NEARLY = 1e-9;

/** The map summed over all axes but one. @param {Mass} mass @param {number} axis @returns {Float64Array} */
export function profile(mass, axis) {
  const inner = mass.size.slice(axis + 1).reduce((a, b) => a * b, 1);
  const n = mass.size[axis];
  const result = new Float64Array(n);
  mass.data.forEach((value, i) => (result[Math.floor(i / inner) % n] += value));
  return result;
}

/** Length of the shortest interval that holds a share of a profile, each pixel's weight lying evenly in it.
 *  @param {Float64Array} values @param {number} share @returns {number} */
export function width(values, share) {
  return Math.min(fromBorders(values, share), fromBorders(values.toReversed(), share));
}

/**
 * Length of the shortest of the intervals that begin at a border between pixels.
 * @param {Float64Array} values @param {number} share @returns {number}
 */
function fromBorders(values, share) {
  const total = values.reduce((a, b) => a + b, 0);
  const held = new Float64Array(values.length + 1);
  values.forEach((value, i) => (held[i + 1] = held[i] + value / total));
  let best = values.length;
  for (let low = 0, high = 1; low < values.length && held[low] + share <= 1 + NEARLY; low++) {
    const goal = held[low] + share;
    while (high < values.length && held[high] < goal - NEARLY) high++;
    best = Math.min(best, high - low - Math.max(held[high] - goal, 0) / (held[high] - held[high - 1]));
  }
  return best;
}

/** Standard deviation of the pixels' centres. @param {Float64Array} values @returns {number} */
export function sigma(values) {
  let total = 0;
  let first = 0;
  let second = 0;
  values.forEach((value, i) => {
    total += value;
    first += value * i;
    second += value * i * i;
  });
  return Math.sqrt(Math.max(second / total - (first / total) ** 2, 0));
}

/**
 * The weight above which pixels together hold a share of the map.
 * @param {ArrayLike<number>} values @param {number} share @returns {number}
 */
export function levelOf(values, share) {
  const sorted = Float64Array.from(values).sort();
  const total = sorted.reduce((a, b) => a + b, 0);
  let held = 0;
  for (let i = sorted.length - 1; i >= 0; i--) {
    held += sorted[i];
    if (held >= share * total - 1e-12) return sorted[i];
  }
  return 0;
}

/** A map of more than two axes summed to its last two. @param {Mass} mass @returns {Mass} */
export function flat(mass) {
  if (mass.size.length <= 2) return mass;
  const [h, w] = mass.size.slice(-2);
  const data = new Float64Array(h * w);
  mass.data.forEach((value, i) => (data[i % (h * w)] += value));
  return { low: mass.low.slice(-2), size: [h, w], data, power: 0 };
}

/** A map without the fine grain that strides leave, for contours: a running mean over a thirtieth of each side, twice.
 *  @param {Float64Array} data @param {number} w @param {number} h @returns {Float64Array} */
export function smoothed(data, w, h) {
  let result = data;
  for (let pass = 0; pass < 2; pass++) {
    result = averaged(result, w, h, 1, w, Math.round(w / 30));
    result = averaged(result, h, w, w, 1, Math.round(h / 30));
  }
  return result;
}

/**
 * A running mean along lines of n cells.
 * @param {Float64Array} data @param {number} n @param {number} lines @param {number} step between the cells of a line
 * @param {number} next between lines @param {number} radius
 * @returns {Float64Array}
 */
function averaged(data, n, lines, step, next, radius) {
  if (!radius) return data;
  const result = new Float64Array(data.length);
  for (let line = 0; line < lines; line++) {
    let held = 0;
    for (let i = -radius; i < n; i++) {
      if (i + radius < n) held += data[line * next + (i + radius) * step];
      if (i - radius - 1 >= 0) held -= data[line * next + (i - radius - 1) * step];
      if (i >= 0) result[line * next + i * step] = Math.max(held, 0) / (2 * radius + 1);
    }
  }
  return result;
}
